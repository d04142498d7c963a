// Wasm url: the core, fetched from where the page's modules lie.
// Holds   its address in the words that bundlers know.
// Never   asks for a certain MIME type.
// Source  our own; the WebAssembly Web API.

import { type CompileAt, compileBytes, once } from "./wasm.ts";

/** Fetches and compiles. Errors: Error that names the address and what helps. */
export const compileAt: CompileAt = async (address) => {
  const response = await ask(address);
  const type = (response.headers.get("content-type") ?? "").trim().toLowerCase();
  // Compiling while it comes is refused for any other type.
  if (type === "application/wasm") return await WebAssembly.compileStreaming(response);
  const place = type === "" ? `${address}` : `${address} (${type})`;
  return await compileBytes(await response.arrayBuffer(), place);
};

/** The core of this package. */
export const coreModule = /* @__PURE__ */ once(() =>
  compileAt(new URL("../xenstore.wasm", import.meta.url)),
);

async function ask(address: URL | string): Promise<Response> {
  const instead = 'serve core.wasm there, pass its address as `wasm`, or import "xenstore/inline"';
  let response: Response;
  try {
    response = await fetch(address);
  } catch (error) {
    throw new Error(`${address}: could not be fetched; ${instead}`, { cause: error });
  }
  if (response.ok) return response;
  throw new Error(`${address}: ${response.status} ${response.statusText}; ${instead}`);
}
