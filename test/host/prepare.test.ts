// Prepare: the build is made once, and nothing is done again.
// Holds   nothing.
// Never   changes a source.
// Source  our own.

import fs from "node:fs";
import { afterAll, expect, test } from "vitest";
import { DAEMON, release, run } from "./rig.ts";

afterAll(release);

test("what is up to date is left alone, without a word", async () => {
  await run(["hosts/prepare.mjs"]);
  const before = fs.statSync(DAEMON).mtimeMs;
  expect(await run(["hosts/prepare.mjs"])).toEqual({ code: 0, out: "", err: "" });
  expect(fs.statSync(DAEMON).mtimeMs).toBe(before);
});

test("the core imports nothing", () => {
  for (const name of ["build/xenstore.wasm", "build/debug.wasm"]) {
    const module = new WebAssembly.Module(fs.readFileSync(name));
    expect(WebAssembly.Module.imports(module)).toEqual([]);
  }
});

test("both programs can be executed as they are", () => {
  for (const name of [DAEMON, DAEMON.replace("xenstored", "xenstore")]) {
    expect(fs.statSync(name).mode & 0o111).toBe(0o111);
    expect(fs.readFileSync(name, "utf8")).toMatch(/^#!\/usr\/bin\/env node\n/);
  }
});
