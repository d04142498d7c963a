// Inline node: what `import "xenstore/inline"` gives on Node, Bun and Deno: no file is read for it.
// Holds   the runtime's own parts, bound.
// Never   does anything by being imported.
// Source  our own.

import { connector } from "./connect.ts";
import { node } from "./node_places.ts";
import { storeMaker } from "./stores.ts";
import { compileAt } from "./wasm_file.ts";
import { coreModule } from "./wasm_inline.ts";

export { fileStorage } from "../node/file_storage.ts";
export * from "./names.ts";
export { openShared, opfsStorage } from "./no_browser.ts";

/** See the entry for Node. */
export const connect = /* @__PURE__ */ connector(node);

/** See the entry for Node. */
export const createStore = /* @__PURE__ */ storeMaker({ compileAt, coreModule });
