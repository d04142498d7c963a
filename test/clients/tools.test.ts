// Debian's xenstore-utils against our daemon: every tool does what its manual says.
// Holds   what each prints and how it ends; the texts are those of 4.17.
// Never   tests our own tools: test/tools does.
// Source  "Command line" of the specification.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, beforeEach, describe, expect } from "vitest";
import { type Peer, startOurs, unavailable } from "../peers/peer.ts";
import { testUnless } from "../peers/unless.ts";
import { missing, run } from "./program.ts";

const why = unavailable("ours") ?? missing("xenstore-read", "xenstore-utils");
const dir = mkdtempSync(join(tmpdir(), "xenstore-clients-"));
let ours: Peer;

beforeAll(async () => {
  if (why === null) ours = await startOurs(dir);
});
afterAll(async () => {
  await ours?.stop();
  rmSync(dir, { recursive: true, force: true });
});

const tool = (name: string, ...args: string[]) => run(ours.socket, `xenstore-${name}`, ...args);
const done = (out: string) => ({ code: 0, signal: null, out, err: "" });

describe("Debian's xenstore-utils", () => {
  beforeEach(async () => {
    if (why !== null) return;
    await tool("rm", "/u");
    await tool("write", "/u/a", "1", "/u/b/c", "two words", "/u/empty", "");
  });

  testUnless(why, "xenstore-read prints values", async () => {
    expect(await tool("read", "/u/a", "/u/b/c")).toEqual(done("1\ntwo words\n"));
    expect(await tool("read", "-p", "/u/a")).toEqual(done("/u/a: 1\n"));
  });

  testUnless(why, "xenstore-read says what it could not read", async () => {
    const { code, out, err } = await tool("read", "/u/nope");
    expect([code, out, err]).toEqual([1, "", "xenstore-read: couldn't read path /u/nope\n"]);
  });

  testUnless(why, "xenstore-write writes bytes that xenstore-read escapes", async () => {
    expect((await tool("write", "/u/x", "a\\n\\x01\\\\")).code).toBe(0);
    expect(await tool("read", "/u/x")).toEqual(done("a\\n\\001\\\\\n"));
    expect(await tool("read", "-R", "/u/x")).toEqual(done("a\n\x01\\"));
  });

  testUnless(why, "xenstore-exists tells by its exit code", async () => {
    expect((await tool("exists", "/u/a")).code).toBe(0);
    expect((await tool("exists", "/u/nope")).code).toBe(1);
  });

  testUnless(why, "xenstore-list prints children in order of creation", async () => {
    expect(await tool("list", "/u")).toEqual(done("a\nb\nempty\n"));
    expect(await tool("list", "-p", "/u/b")).toEqual(done("/u/b/c\n"));
  });

  testUnless(why, "xenstore-ls prints a tree with permissions", async () => {
    expect(await tool("ls", "-fp", "/u")).toEqual(
      done(
        '/u/a = "1"   (n0)\n/u/b = ""   (n0)\n/u/b/c = "two words"   (n0)\n/u/empty = ""   (n0)\n',
      ),
    );
    expect(await tool("ls", "/u")).toEqual(done('a = "1"\nb = ""\n c = "two words"\nempty = ""\n'));
  });

  testUnless(why, "xenstore-ls prints a directory that needs many replies", async () => {
    const names = Array.from({ length: 600 }, (_, n) => `child-${String(n).padStart(4, "0")}`);
    for (let at = 0; at < names.length; at += 100) {
      const pairs = names.slice(at, at + 100).flatMap((name) => [`/u/wide/${name}`, "v"]);
      expect((await tool("write", ...pairs)).code).toBe(0);
    }
    expect(await tool("list", "/u/wide")).toEqual(done(names.map((name) => `${name}\n`).join("")));
  });

  testUnless(why, "xenstore-rm removes a subtree, and -t its empty parents", async () => {
    expect((await tool("rm", "/u/b")).code).toBe(0);
    expect(await tool("list", "/u")).toEqual(done("a\nempty\n"));
    expect((await tool("write", "/u/d/e/f", "x")).code).toBe(0);
    expect((await tool("rm", "-t", "/u/d/e/f")).code).toBe(0);
    expect(await tool("list", "/u")).toEqual(done("a\nempty\n"));
    const { code, err } = await tool("rm", "/u/nope/x");
    expect([code, err]).toEqual([1, "xenstore-rm: could not remove path /u/nope/x\n"]);
  });

  testUnless(why, "xenstore-chmod sets permissions, downwards and upwards too", async () => {
    expect((await tool("chmod", "-r", "/u/b", "r0", "b3")).code).toBe(0);
    expect(await tool("ls", "-fp", "/u/b")).toEqual(done('/u/b/c = "two words"   (r0,b3)\n'));
    expect((await tool("chmod", "-u", "/u/b/c", "n0", "w7")).code).toBe(0);
    const { out } = await tool("ls", "-fp", "/u");
    expect(out).toContain('/u/b = ""   (n0,w7)\n/u/b/c = "two words"   (n0,w7)\n');
  });

  testUnless(why, "xenstore-watch prints each change", async () => {
    const env = { ...process.env, XENSTORED_PATH: ours.socket };
    const child = spawn("xenstore-watch", ["-n", "4", "/u/w", "@releaseDomain"], { env });
    const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
    const next = async () => (await lines.next()).value;
    expect([await next(), await next()]).toEqual(["/u/w", "@releaseDomain"]);
    await tool("write", "/u/w/x", "1");
    expect(await next()).toBe("/u/w/x");
    const closed = once(child, "close");
    await tool("rm", "/u/w");
    expect(await next()).toBe("/u/w");
    expect((await closed)[0]).toBe(0);
  });

  testUnless(why, "xenstore walks through its sub-commands", async () => {
    expect((await run(ours.socket, "xenstore", "write", "/u/s", "v")).code).toBe(0);
    expect(await run(ours.socket, "xenstore", "read", "/u/s")).toEqual(done("v\n"));
  });
});

describe("test-xenstore of xen-utils-4.17", () => {
  const program = `${process.env.XEN_LIB ?? "/usr/lib/xen-4.17"}/bin/test-xenstore`;
  const reason = unavailable("ours") ?? missing(program, "xen-utils-4.17");

  testUnless(reason, "each of its tests passes 100 times", async () => {
    const { code, out, err } = await run(ours.socket, program, "-i", "100");
    expect([code, err]).toEqual([0, ""]);
    expect(out).not.toMatch(/fail|error/i);
  });

  testUnless(reason, "its random test finds nothing in 10 seconds", async () => {
    const { code, out, err } = await run(ours.socket, program, "-r", "10");
    expect([code, err]).toEqual([0, ""]);
    expect(out).not.toMatch(/fail|error/i);
  });
});
