// Runtimes: the installed package on each of them: stores in process, a daemon, its tools.
// Holds   the installed package of this file.
// Never   uses the network, and never compiles or bundles anything.
// Source  our own.

import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Program, release } from "../host/rig.ts";
import {
  argsOf,
  DENO,
  type Installed,
  installed,
  must,
  RUNTIMES,
  run,
  runtimes,
} from "./installed.ts";

const found = new Map((await runtimes()).map((one) => [one.name, one.found]));
let at: Installed;

beforeAll(async () => {
  at = await installed();
});
afterAll(release);

function bin(name: string): string {
  return path.join(at.project, "node_modules/.bin", name);
}

/** A daemon of the installed package. */
async function daemon(): Promise<{ socket: string; program: Program; folder: string }> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "xenstore-packed-"));
  const env = { XENSTORED_RUNDIR: folder, XENSTORED_ROOTDIR: folder };
  const program = new Program(bin("xenstored"), ["--no-fork", "--output-pid"], env);
  await program.says(/\d+\n/);
  return { socket: path.join(folder, "socket"), program, folder };
}

describe.each(RUNTIMES)("on %s", (name) => {
  it("every entry works, with the same results as everywhere", async (ctx) => {
    const runtime = found.get(name);
    if (!runtime || runtime.path === null) return ctx.skip(runtime?.missing ?? "");
    const { stdout } = await must(runtime.path, argsOf(name, "store.mjs"), at.project);
    const results = JSON.parse(stdout);
    const store = {
      seen: [
        ["data", true],
        ["data", false],
        ["data", false],
      ].slice(0, 2),
      value: "höst",
      counted: 1,
      refused: ["XenstoreError", "EACCES", "READ"],
      list: ["data", "count"],
      hash: results.plain.hash,
    };
    expect(results).toMatchObject({
      plain: store,
      inline: store,
      testing: { runs: 2 },
      kept: [true, "1"],
      port: ["b", "EROFS"],
      elsewhere: "opfsStorage: only a browser has private files; use fileStorage here",
      wire: ["READ", 3],
      tools: [0, "höst €", 0, "xenstore: couldn't read path /x\n", 1],
      same: true,
      alike: true,
    });
    expect(results.plain.hash).toMatch(/^[0-9a-f]{16,}$/);
    expect(results.names).toContain("connect");
  });

  it("the client speaks with the installed daemon", async (ctx) => {
    const runtime = found.get(name);
    if (!runtime || runtime.path === null) return ctx.skip(runtime?.missing ?? "");
    const { socket, program, folder } = await daemon();
    for (const target of [`unix:${socket}`, socket]) {
      const args = [...argsOf(name, "client.mjs"), target];
      const { stdout } = await must(runtime.path, args, at.project);
      expect(JSON.parse(stdout)).toEqual({
        values: ["1", "2"],
        many: 1000,
        missing: ["XenstoreError", "ENOENT"],
        state: "connected",
      });
    }
    program.signal("SIGTERM");
    await program.ended;
    fs.rmSync(folder, { recursive: true });
  });
});

it("the installed tools speak with the installed daemon", async () => {
  const { socket, program, folder } = await daemon();
  const env = { XENSTORED_PATH: socket };
  const use = async (name: string, ...args: string[]) => {
    const { code, stdout, stderr } = await run(bin(name), args, at.project, env);
    expect({ code, stderr }, `${name} ${args}`).toEqual({ code: 0, stderr: "" });
    return stdout;
  };
  await use("xenstore-write", "/tool/a", "1", "/tool/b", "2");
  expect(await use("xenstore-read", "/tool/a")).toBe("1\n");
  expect(await use("xenstore", "read", "/tool/b")).toBe("2\n");
  expect(await use("xenstore-list", "/tool")).toBe("xenstored\na\nb\n");
  expect(await use("xenstore-ls", "/tool")).toContain('a = "1"');
  await use("xenstore-exists", "/tool/a");
  await use("xenstore-chmod", "/tool/a", "n0", "r3");
  const copy = path.join(folder, "copy");
  await use("xenstore-dump", copy);
  await use("xenstore-rm", "/tool/a");
  await use("xenstore-restore", copy);
  expect(await use("xenstore-read", "/tool/a")).toBe("1\n");
  expect(await use("xenstore-control", "help")).not.toBe("");
  program.signal("SIGTERM");
  expect((await program.ended).code).toBe(0);
  fs.rmSync(folder, { recursive: true });
});

it("the installed tool replays a trace with the installed library, on Deno as well", async () => {
  const trace = path.join(at.project, "trace.txt");
  fs.copyFileSync("test/differential/traces/guest.txt", trace);
  const wanted = "61 requests, 61 replies and 17 events as recorded\n";
  expect((await must(bin("xenstore-replay"), [trace], at.project)).stdout).toBe(wanted);
  const deno = found.get("deno");
  if (!deno || deno.path === null) return console.log(deno?.missing);
  const program = path.join(at.root, "build/hosts/xenstore.mjs");
  const { stdout } = await must(
    deno.path,
    [...argsOf("deno", program), "replay", trace],
    at.project,
  );
  expect(stdout).toBe(wanted);
});

it("the hash of a store is the same on all runtimes", async (ctx) => {
  const hashes = new Map<string, string>();
  for (const [name, runtime] of found) {
    if (runtime.path === null) continue;
    const { stdout } = await must(runtime.path, argsOf(name, "store.mjs"), at.project);
    hashes.set(name, JSON.parse(stdout).plain.hash);
  }
  if (hashes.size < 2) return ctx.skip("there are not two runtimes to compare");
  expect(new Set(hashes.values()).size, JSON.stringify([...hashes])).toBe(1);
});

it("CommonJS takes it with require on every Node", async (ctx) => {
  fs.writeFileSync(
    path.join(at.project, "old.cjs"),
    'const { createStore } = require("xenstore");\n' +
      "createStore().then(async (s) => { console.log(s.stats().nodes > 0); await s.close(); });\n",
  );
  for (const name of ["node20", "node22", "node24"] as const) {
    const runtime = found.get(name);
    if (!runtime || runtime.path === null) return ctx.skip(runtime?.missing ?? "");
    expect((await must(runtime.path, ["old.cjs"], at.project)).stdout, name).toBe("true\n");
  }
});

describe("on Deno without rights", () => {
  const inline =
    'import { createStore } from "xenstore/inline"; const s = await createStore();' +
    'await s.client.write("/x", "y"); console.log(await s.client.read("/x")); await s.close();';

  it("an embedded store with the core inside works", async (ctx) => {
    const deno = found.get("deno");
    if (!deno || deno.path === null) return ctx.skip(deno?.missing ?? "");
    fs.writeFileSync(path.join(at.project, "inline.mjs"), inline);
    const { stdout } = await must(deno.path, ["run", ...DENO, "inline.mjs"], at.project);
    expect(stdout).toBe("y\n");
  });

  it("one that must read the core says which right it needs", async (ctx) => {
    const deno = found.get("deno");
    if (!deno || deno.path === null) return ctx.skip(deno?.missing ?? "");
    fs.writeFileSync(path.join(at.project, "file.mjs"), inline.replace("/inline", ""));
    const { code, stderr } = await run(deno.path, ["run", ...DENO, "file.mjs"], at.project);
    expect(code).toBe(1);
    expect(stderr).toMatch(/xenstore\.wasm: may not be read; run with --allow-read, or import/);
  });
});

describe("the debug twin of the core", () => {
  it("does what the core does, and says where it was written", async () => {
    fs.writeFileSync(
      path.join(at.project, "twin.mjs"),
      'import { readFileSync } from "node:fs"; import { createStore } from "xenstore";' +
        'const url = import.meta.resolve("xenstore/core.debug.wasm");' +
        "const hashes = [];" +
        "for (const wasm of [undefined, new URL(url), url, readFileSync(new URL(url)), " +
        "await WebAssembly.compile(readFileSync(new URL(url)))]) {" +
        'const s = await createStore({ wasm }); await s.client.write("/x", "y");' +
        "hashes.push(await s.hash()); await s.close(); }" +
        "console.log(new Set(hashes).size, hashes.length);",
    );
    const { stdout } = await must(process.execPath, ["twin.mjs"], at.project);
    expect(stdout).toBe("1 5\n");
    const twin = fs.readFileSync(path.join(at.root, "build/debug.wasm"));
    expect(twin.includes("./debug.wasm.map")).toBe(true);
    const map = JSON.parse(fs.readFileSync(path.join(at.root, "build/debug.wasm.map"), "utf8"));
    expect(map.sources).toContain("assembly/store/path.ts");
    expect(map.sourcesContent.length).toBe(map.sources.length);
  });

  it("bytes that are no module are refused with what helps", async () => {
    fs.writeFileSync(
      path.join(at.project, "broken.mjs"),
      'import { createStore } from "xenstore";' +
        'for (const wasm of [new Uint8Array(8), "no.wasm"])' +
        "await createStore({ wasm }).catch((error) => console.log(error.message));",
    );
    const { stdout } = await must(process.execPath, ["broken.mjs"], at.project);
    const [bytes, file] = stdout.split("\n");
    expect(bytes).toMatch(/^the bytes that were given: no whole wasm module; core\.wasm/);
    expect(file).toMatch(/\/no\.wasm: not found; .*xenstore\/inline/);
  });
});
