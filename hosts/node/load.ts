// Load: the wasm module, from where the build put it.
// Holds   nothing.
// Never   builds it.
// Source  our own.

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { reason } from "./log.ts";

/** Compiles build/xenstore.wasm. Throws an Error that names the file and what helps. */
export function loadModule(): WebAssembly.Module {
  // The bundle lies in build/hosts, this source file in hosts/node.
  const bundled = import.meta.url.endsWith(".mjs");
  const url = new URL(bundled ? "../xenstore.wasm" : "../../build/xenstore.wasm", import.meta.url);
  const file = fileURLToPath(url);
  try {
    return new WebAssembly.Module(readFileSync(file));
  } catch (error) {
    const what = error instanceof WebAssembly.CompileError ? "is no whole module" : reason(error);
    throw new Error(`${file}: ${what}; "npm run build" makes it`);
  }
}
