// Programs: what a new version must be, the command that starts it, and its trial.
// Holds   nothing.
// Never   replaces a daemon.
// Source  the XenStore protocol, live-update; control, live-update.

import fs from "node:fs";
import path from "node:path";
import process from "node:process";
import { afterAll, describe, expect, test } from "vitest";
import { packed, unpacked } from "../../hosts/node/handover.ts";
import { commandOf, faultOf, namesOthers, nextArguments } from "../../hosts/node/program.ts";
import { tryOut } from "../../hosts/node/trial.ts";
import { release, temporaryFolder } from "../host/rig.ts";
import { program } from "./control.ts";

const LIMIT_MS = 60_000;

afterAll(release);

describe("a file", () => {
  test("that is missing or no program is refused in the C daemon's words", () => {
    const plain = path.join(temporaryFolder(), "plain");
    fs.writeFileSync(plain, "x", { mode: 0o644 });
    expect(faultOf(`${plain}/none`)).toBe("File not accessible.");
    expect(faultOf(path.join(plain, "..", "none"))).toBe("File not accessible.");
    expect(faultOf(plain)).toBe("File not executable.");
    expect(faultOf(path.dirname(plain))).toBe("File not executable.");
    expect(faultOf(program(""))).toBe("");
  });

  test("for Node is run by this Node, any other as it is", () => {
    const script = program("#!/usr/bin/env node\n1;\n");
    const module = program("1;\n", "a.mjs");
    const shell = program("#!/bin/sh\n# node\n");
    const node = [process.execPath, ...process.execArgv];
    expect(commandOf(script, ["-U"])).toEqual([...node, script, "-U"]);
    expect(commandOf(module, [])).toEqual([...node, module]);
    expect(commandOf(shell, ["-U"])).toEqual([shell, "-U"]);
    const relative = path.relative(process.cwd(), shell);
    expect(commandOf(relative, [])).toEqual([shell]);
  });
});

test("a command line replaces the present one, and -U is added if it is missing", () => {
  const present = ["--no-fork", "--pid-file", "/run/a b"];
  expect(nextArguments("", present)).toEqual([...present, "-U"]);
  expect(nextArguments(" \t", present)).toEqual([...present, "-U"]);
  expect(nextArguments("-N  -E\t5 ", present)).toEqual(["-N", "-E", "5", "-U"]);
  for (const there of [["-U"], ["--live-update", "-N"]]) {
    expect(nextArguments("", there)).toEqual(there);
    expect(nextArguments(there.join(" "), present)).toEqual(there);
  }
});

test("a command line names other options unless it says the same again", () => {
  const present = ["--no-fork", "-E", "5"];
  for (const same of ["", " ", "--no-fork -E 5", "--no-fork  -E 5 -U"]) {
    expect(namesOthers(same, present)).toBe(false);
    expect(namesOthers(same, [...present, "-U"])).toBe(false);
  }
  for (const other of ["--no-fork", "--no-fork -E5", "--no-fork -E 6 -U", "-E 5 --no-fork"]) {
    expect(namesOthers(other, present)).toBe(true);
  }
});

test("descriptors are told as ranges", () => {
  for (const [fds, text] of [
    [[], ""],
    [[3], "3"],
    [[5, 3, 4], "3-5"],
    [[3, 17, 18, 200], "3,17-18,200"],
  ] as const) {
    expect(packed(fds)).toBe(text);
    expect(unpacked(text)).toEqual([...fds].sort((a, b) => a - b));
  }
});

describe("a trial", () => {
  const sh = (text: string) => program(`#!/bin/sh\n${text}\n`);
  const none = path.join(temporaryFolder(), "state");

  test.each([
    ["that ends with a code", "exit 7", /^it ended with code 7$/],
    ["that says why", "echo 'xenstored: no, because' >&2; exit 1", /code 1: no, because$/],
    ["that is killed", "kill -9 $$", /^it was ended by SIGKILL$/],
    ["of something else", "exit 0", /^it is no xenstored that can take over/],
    ["that says something else", "echo ready >&3", /^it is no xenstored that can take over/],
    ["that answers and fails", "echo this xenstored can take over >&3; exit 1", /code 1$/],
  ])("%s fails with the reason", async (_, text, reason) => {
    expect(await tryOut([sh(text)], none, LIMIT_MS)).toMatch(reason);
  });

  test("that throws shows the error, not the lines around it", async () => {
    const file = program("throw new TypeError('no good');\n", "a.mjs");
    const reason = await tryOut(commandOf(file, []), none, LIMIT_MS);
    expect(reason).toBe("it ended with code 1: TypeError: no good");
  });

  test("that can't be started names the reason", async () => {
    expect(await tryOut([none], none, LIMIT_MS)).toBe("it can't be started: ENOENT");
  });

  test("that never ends is ended", async () => {
    const pidFile = path.join(temporaryFolder(), "pid");
    const file = sh(`echo $$ > ${pidFile}; exec sleep 1000`);
    expect(await tryOut([file], none, 500)).toBe("it did not get ready within 0.5 s");
    const pid = Number(fs.readFileSync(pidFile, "utf8"));
    expect(() => process.kill(pid, 0)).toThrow("ESRCH");
  });

  test("that passes says so and is told which state to load", async () => {
    const file = sh(
      'test "$XENSTORED_TRIAL" = /some/state && echo this xenstored can take over >&3',
    );
    expect(await tryOut([file], "/some/state", LIMIT_MS)).toBe("");
  });
});
