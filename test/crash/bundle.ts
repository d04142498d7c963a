// Bundle: the daemon with the trap, made from its sources before the tests use it.
// Holds   where it lies.
// Never   builds the core.
// Source  our own.

import path from "node:path";
import { build } from "esbuild";

/** Makes it; returns the file. The core is found beside its folder. */
export async function bundleDaemon(): Promise<string> {
  const outfile = path.resolve("build/crash/test.mjs");
  await build({
    entryPoints: ["test/crash/daemon.ts"],
    bundle: true,
    outfile,
    platform: "node",
    format: "esm",
    external: ["koffi"],
    logLevel: "warning",
  });
  return outfile;
}
