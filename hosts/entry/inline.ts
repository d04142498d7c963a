// Inline: what `import "xenstore/inline"` gives in a page or worker: the core is in the module.
// Holds   the runtime's own parts, bound.
// Never   fetches anything.
// Source  our own.

import { connector } from "./connect.ts";
import { page } from "./no_files.ts";
import { sharedOpener } from "./shared.ts";
import { storeMaker } from "./stores.ts";
import { coreModule } from "./wasm_inline.ts";
import { compileAt } from "./wasm_url.ts";

export { opfsStorage } from "../browser/opfs_storage.ts";
export * from "./names.ts";
export { fileStorage } from "./no_files.ts";

/** See the entry for Node. */
export const connect = /* @__PURE__ */ connector(page);

/** See the entry for Node. */
export const createStore = /* @__PURE__ */ storeMaker({ compileAt, coreModule });

/** See the entry for Node. */
export const openShared = /* @__PURE__ */ sharedOpener({ compileAt, coreModule, worker: null });
