// Browser: what `import "xenstore"` gives in a page or worker, by way of a bundler or as it is.
// Holds   the runtime's own parts, bound: private files, the core's address.
// Never   imports what only another runtime has.
// Source  our own.

import { connector } from "./connect.ts";
import { page } from "./no_files.ts";
import { startWorker } from "./page_worker.ts";
import { sharedOpener } from "./shared.ts";
import { storeMaker } from "./stores.ts";
import * as core from "./wasm_url.ts";

export { opfsStorage } from "../browser/opfs_storage.ts";
export * from "./names.ts";
export { fileStorage } from "./no_files.ts";

/** See the entry for Node. */
export const connect = /* @__PURE__ */ connector(page);

/** See the entry for Node. */
export const createStore = /* @__PURE__ */ storeMaker(core);

/** See the entry for Node. */
export const openShared = /* @__PURE__ */ sharedOpener({
  compileAt: core.compileAt,
  coreModule: null,
  worker: startWorker,
});
