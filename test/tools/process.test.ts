// Process: the built tools as processes: devices, closed outputs, names.
// Holds   what only a process of its own can show.
// Never   needs a daemon or Debian's tools.
// Source  the XenStore command line; Clients, Device files.

import { execFileSync, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, symlinkSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import type net from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openDevice } from "../../hosts/node/stream.ts";
import { Client } from "../../hosts/shared/client.ts";
import { ScriptedStore, serve } from "./scripted.ts";
import { bundleMissing, type Call, runBuilt } from "./tools.ts";

const missing =
  process.platform === "win32" ? "no Unix sockets and FIFOs on Windows" : bundleMissing();
const why = missing === null ? "" : ` (left out: ${missing})`;

describe.skipIf(missing !== null)(`the built tools${why}`, () => {
  let dir = "";
  let server: net.Server;
  let env: Record<string, string>;
  const many = `${Array.from({ length: 400 }, (_, i) => `node-${i}`).join("|")}|`;
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), "xs-process-"));
    env = { XENSTORED_PATH: join(dir, "socket") };
    const rules = { "DIRECTORY /many|": many, READ: "v".repeat(1000) };
    server = await serve(join(dir, "socket"), () => new ScriptedStore(rules));
  });
  afterAll(async () => {
    await new Promise((closed) => server?.close(closed));
    await rm(dir, { recursive: true, force: true });
  });
  const run = (call: Call) => runBuilt({ env, ...call }, join(dir, "bin"));
  /** A line for a shell, with our tools first in its path. */
  const shell = async (line: string) => {
    await run({ argv: ["xenstore-ls"] });
    const own = { ...process.env, ...env, PATH: `${join(dir, "bin")}:${process.env.PATH}` };
    const child = spawn("bash", ["-c", line], { env: own, stdio: ["ignore", "pipe", "pipe"] });
    let text = "";
    child.stdout.on("data", (bytes) => {
      text += bytes;
    });
    child.stderr.on("data", (bytes) => {
      text += bytes;
    });
    return new Promise<string>((done) => child.once("close", () => done(text)));
  };

  it("nothing of a long output is lost", async () => {
    const { out, exit } = await run({ argv: ["xenstore-ls", "-f", "/many"] });
    expect(out.split("\n").length).toBe(401);
    expect(exit).toBe(0);
  });
  it("whoever stops listening ends the tool, as a signal does", async () => {
    const line = `xenstore-ls -f /many | head -c 10; s=\${PIPESTATUS[0]}; echo; echo $s`;
    expect(await shell(line)).toBe("/many/node\n141\n");
  });
  const noFull = existsSync("/dev/full") ? "" : " (left out: no /dev/full)";
  it.skipIf(noFull !== "")(`output that can't be written is told${noFull}`, async () => {
    expect(await shell("xenstore-ls /many > /dev/full; echo $?")).toBe(
      "xenstore-ls: write error: ENOSPC\n1\n",
    );
  });
  it("the file itself is called xenstore", () => {
    const file = resolve(import.meta.dirname, "../../build/hosts/xenstore.mjs");
    const { stderr, status } = spawnSync(process.execPath, [file], { encoding: "utf8" });
    expect(stderr).toBe("xenstore: Usage: xenstore <mode> [-h] [...]\n");
    expect(status).toBe(1);
    mkdirSync(join(dir, "npm"), { recursive: true });
    symlinkSync(file, join(dir, "npm/xenstore-list"));
    const linked = spawnSync(join(dir, "npm/xenstore-list"), { encoding: "utf8" });
    expect(linked.stderr).toBe("xenstore-list: Usage: xenstore-list [-h] [-p] [-s] key [...]\n");
  });

  // A FIFO opened for both sides gives back what was written: each request is its own reply.
  const noFifo =
    spawnSync("mkfifo", ["--version"]).error === undefined ? "" : " (left out: no mkfifo)";
  describe.skipIf(noFifo !== "")(`a device file${noFifo}`, () => {
    let device = "";
    beforeAll(() => {
      device = join(dir, "device");
      execFileSync("mkfifo", [device]);
    });
    it("is spoken to like a socket", async () => {
      const call: Call = { argv: ["xenstore-read", "-R", "/a"], env: { XENSTORED_PATH: device } };
      expect(await run(call)).toEqual({ out: "/a\0", err: "", exit: 0 });
    });
    it("takes one message of 4096 bytes with header at a time", async () => {
      const client = new Client(openDevice(device));
      const echoes = await Promise.all([client.read("/a"), client.read("/b")]);
      expect(echoes.map((bytes) => Buffer.from(bytes).toString())).toEqual(["/a\0", "/b\0"]);
      await expect(client.write("/a", "x".repeat(4078))).rejects.toMatchObject({ code: "E2BIG" });
      await expect(client.watch("/a", "t", 1)).rejects.toMatchObject({ code: "EOPNOTSUPP" });
      client.close();
    });
  });
});
