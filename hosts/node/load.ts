// Load: the wasm module, from where the build put it.
// Holds   nothing.
// Never   builds it.
// Source  our own.

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import v8 from "node:v8";
import { isXenHost } from "./dom0.ts";
import { reason } from "./log.ts";

/**
 * One compiler, in the thread that runs the code, instead of a quick one and then a good one in
 * other threads. Those put new jumps in the place of others while they are run. A processor reads
 * such a jump as a whole, but an emulated one (QEMU's, in which Xen hosts are tried) at times half
 * of it: the process ends, or the module traps. Costs 0.1 s at the start.
 */
const ONE_COMPILER = "--no-liftoff";

/** Compiles build/xenstore.wasm. Throws an Error that names the file and what helps. */
export function loadModule(): WebAssembly.Module {
  // The bundle lies in build/hosts, this source file in hosts/node.
  const bundled = import.meta.url.endsWith(".mjs");
  const url = new URL(bundled ? "../xenstore.wasm" : "../../build/xenstore.wasm", import.meta.url);
  const file = fileURLToPath(url);
  if (isXenHost()) v8.setFlagsFromString(ONE_COMPILER);
  try {
    return new WebAssembly.Module(readFileSync(file));
  } catch (error) {
    const what = error instanceof WebAssembly.CompileError ? "is no whole module" : reason(error);
    throw new Error(`${file}: ${what}; "npm run build" makes it`);
  }
}
