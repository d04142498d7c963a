// Wasm file: the core, from the file beside the package's modules.
// Holds   where that is, in the package and among the sources.
// Never   runs in a browser.
// Source  our own.

import { readFile } from "node:fs/promises";
import { fileURLToPath, pathToFileURL } from "node:url";
import { type CompileAt, compileBytes, once } from "./wasm.ts";

/** Where the build puts it, seen from this source file. */
const IN_SOURCES = "../../build/xenstore.wasm";

/** Reads and compiles a file, or fetches what is none. Errors: Error that names it and what helps. */
export const compileAt: CompileAt = async (address) => {
  const url = urlOf(address);
  if (url.protocol !== "file:") return await compileBytes(await load(url), url.href);
  const file = fileURLToPath(url);
  let bytes: Uint8Array;
  try {
    bytes = await readFile(file);
  } catch (error) {
    throw new Error(`${file}: ${whyNot(error)}`, { cause: error });
  }
  return await compileBytes(bytes, file);
};

/** The core of this package. */
export const coreModule = /* @__PURE__ */ once(() =>
  compileAt(
    import.meta.url.endsWith(".ts")
      ? new URL(IN_SOURCES, import.meta.url)
      : new URL("../xenstore.wasm", import.meta.url),
  ),
);

function urlOf(address: URL | string): URL {
  if (address instanceof URL) return address;
  return /^[a-z][a-z0-9+.-]+:/i.test(address) ? new URL(address) : pathToFileURL(address);
}

async function load(url: URL): Promise<ArrayBuffer> {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url}: ${response.status} ${response.statusText}`);
  return await response.arrayBuffer();
}

/** What happened and what to do about it. */
function whyNot(error: unknown): string {
  const { code, name, message } = error as NodeJS.ErrnoException;
  const instead = 'or import "xenstore/inline", which needs no file';
  if (code === "ENOENT") {
    return `not found; a bundler may have left it out: copy it there, ${instead}`;
  }
  // Deno has names for what its user did not allow.
  const deno = name === "NotCapable" || name === "PermissionDenied";
  if (deno) return `may not be read; run with --allow-read, ${instead}`;
  return `${message}; let it be read, ${instead}`;
}
