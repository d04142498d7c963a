// Options: limits of the command line, and limits set while the daemon ran, over updates and kills.
// Holds   a daemon for each test, in a folder of its own.
// Never   looks into the daemon: a client asks for the limits.
// Source  the XenStore protocol, live-update and quotas; docs/database.md.

import fs from "node:fs";
import path from "node:path";
import process from "node:process";
import { afterAll, describe, expect, test } from "vitest";
import { Caller, DAEMON, Daemon, release, temporaryFolder } from "../host/rig.ts";
import { daemonAfter, daemonWithoutKoffi, koffiMissing, liveUpdate } from "./control.ts";

afterAll(release);

const LIMITS = ["nodes", "watches", "transactions", "path-max", "node-size"];

async function start(...args: string[]): Promise<Daemon> {
  return new Daemon(temporaryFolder(), args).ready();
}

async function limits(caller: Caller): Promise<string> {
  const values: string[] = [];
  for (const name of LIMITS) {
    values.push((await caller.ask("GET_QUOTA", `${name}\0`)).replace(/\0$/, ""));
  }
  return values.join(" ");
}

async function set(caller: Caller, name: string, value: number): Promise<void> {
  expect(await caller.ask("CONTROL", `quota\0set\0${name}\0${value}\0`)).toBe("OK\0");
}

/** Ends a daemon at once and starts it again on the same database. */
async function killed(daemon: Daemon, ...args: string[]): Promise<Daemon> {
  daemon.signal("SIGKILL");
  await daemon.ended;
  return new Daemon(daemon.folder, args).ready();
}

describe.skipIf(koffiMissing !== "")(`limits${koffiMissing}`, () => {
  test("that were set live on over an update with the same command line", async () => {
    const daemon = await start("-E", "500", "-W", "50");
    const caller = await Caller.open(daemon.socket);
    await set(caller, "nodes", 600);
    await set(caller, "node-size", 4000);
    for (const line of ["", "--no-fork --output-pid -E 500 -W 50"]) {
      expect(await liveUpdate(daemon.socket, DAEMON, line)).toBe("OK");
      expect(await limits(caller)).toBe("600 50 10 2048 4000");
    }
    await daemon.stop();
  });

  test("that another command line names count; the others stay", async () => {
    const daemon = await start("-E", "500", "-W", "50");
    const caller = await Caller.open(daemon.socket);
    await set(caller, "nodes", 600);
    await set(caller, "node-size", 4000);
    const line = "-N --quota nodes=7 -t 3 -M 100";
    expect(await liveUpdate(daemon.socket, DAEMON, line)).toBe("OK");
    expect(await limits(caller)).toBe("7 50 3 100 4000");
    await set(caller, "nodes", 8);
    expect(await liveUpdate(daemon.socket)).toBe("OK");
    expect(await limits(caller)).toBe("8 50 3 100 4000");
    // Whether it was named so before makes no difference in another command line.
    expect(await liveUpdate(daemon.socket, DAEMON, `${line} --verbose`)).toBe("OK");
    expect(await limits(caller)).toBe("7 50 3 100 4000");
    await daemon.stop();
  });

  test("that were named do not give way to older ones after a kill", async () => {
    const first = await start();
    const caller = await Caller.open(first.socket);
    await set(caller, "nodes", 600);
    await set(caller, "node-size", 4000);
    expect(await liveUpdate(first.socket, DAEMON, "-N -E 7")).toBe("OK");
    expect(await limits(caller)).toBe("7 128 10 2048 4000");
    const second = await killed(first, "-E", "9");
    expect(await limits(await Caller.open(second.socket))).toBe("9 128 10 2048 4000");
    const third = await killed(second);
    expect(await limits(await Caller.open(third.socket))).toBe("1000 128 10 2048 4000");
    await third.stop();
  });

  test("stay as they are when the next version fails", async () => {
    const daemon = await start("-E", "500");
    const caller = await Caller.open(daemon.socket);
    await set(caller, "nodes", 600);
    const failing = daemonAfter(
      'if (process.env.XENSTORED_HANDOVER) process.argv.push("--no-such-option");',
    );
    expect(await liveUpdate(daemon.socket, failing, "-N -E 7")).toMatch(/no-such-option/);
    expect(await limits(caller)).toBe("600 128 10 2048 2048");
    expect(await liveUpdate(daemon.socket)).toBe("OK");
    expect(await limits(caller)).toBe("600 128 10 2048 2048");
    await daemon.stop();
  });

  test("and switches of the trace are told apart", async () => {
    const daemon = await start("--trace-control=-io");
    const caller = await Caller.open(daemon.socket);
    const switches = () => caller.ask("CONTROL", "log\0");
    const before = await switches();
    expect(await caller.ask("CONTROL", "log\0+acc\0")).toBe("OK\0");
    const changed = await switches();
    expect(changed).not.toBe(before);
    expect(await liveUpdate(daemon.socket, DAEMON, "-N -E 7")).toBe("OK");
    expect(await switches()).toBe(changed);
    expect(await liveUpdate(daemon.socket, DAEMON, "-N --trace-control=-io")).toBe("OK");
    expect(await switches()).toBe(before);
    await daemon.stop();
  });
});

test("limits that another command line names count where another process follows", async () => {
  const copy = daemonWithoutKoffi();
  const folder = temporaryFolder();
  const pidFile = path.join(folder, "pid");
  const first = await new Daemon(folder, ["-F", pidFile], {}, copy).ready();
  const caller = await Caller.open(first.socket);
  await set(caller, "nodes", 600);
  await set(caller, "node-size", 4000);
  try {
    expect(await liveUpdate(first.socket, copy, `-N -E 7 -F ${pidFile}`)).toBe("OK");
    expect(await limits(caller)).toBe("7 128 10 2048 4000");
  } finally {
    process.kill(Number(fs.readFileSync(pidFile, "utf8")), "SIGTERM");
    await caller.closed;
  }
});
