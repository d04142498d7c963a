// Bundle: the daemon with the trap, made from its sources before the tests use it.
// Holds   where it lies, once it is made.
// Never   builds the core, and never lets anybody run half of it.
// Source  our own.

import fs from "node:fs";
import path from "node:path";
import { build } from "esbuild";

const FOLDER = path.resolve("build/crash");

let made: Promise<string> | null = null;

/** Makes it, once for each test file; returns the file. The core is found beside its folder. */
export function bundleDaemon(): Promise<string> {
  made ??= make();
  return made;
}

async function make(): Promise<string> {
  fs.mkdirSync(FOLDER, { recursive: true });
  const folder = fs.mkdtempSync(path.join(FOLDER, "new-"));
  const outfile = path.join(folder, "daemon.mjs");
  await build({
    entryPoints: ["test/crash/daemon.ts"],
    bundle: true,
    outfile,
    platform: "node",
    format: "esm",
    external: ["koffi"],
    logLevel: "warning",
  });
  // Other test files do the same at the same time.
  const file = path.join(FOLDER, "test.mjs");
  fs.renameSync(outfile, file);
  fs.rmdirSync(folder);
  return file;
}
