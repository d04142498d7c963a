// Load: the wasm module, from where the build put it.
// Holds   nothing.
// Never   builds it.
// Source  our own.

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** Compiles build/xenstore.wasm. Throws when it is missing. */
export function loadModule(): WebAssembly.Module {
  // The bundle lies in build/hosts, this source file in hosts/node.
  const bundled = import.meta.url.endsWith(".mjs");
  const url = new URL(bundled ? "../xenstore.wasm" : "../../build/xenstore.wasm", import.meta.url);
  return new WebAssembly.Module(readFileSync(fileURLToPath(url)));
}
