// Wasm inline: the core, from a text within the module.
// Holds   what the build puts in: the core, deflated, as base64.
// Never   reads a file or an address for itself.
// Source  our own.

import { compileBytes, once } from "./wasm.ts";

/** The build puts the text here. */
declare const CORE_DEFLATED: string;

/** The core of this package. */
export const coreModule = /* @__PURE__ */ once(async () => {
  const packed = Uint8Array.from(atob(CORE_DEFLATED), (letter) => letter.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  return await compileBytes(await new Response(stream).arrayBuffer(), "the core within the module");
});
