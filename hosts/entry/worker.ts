// Worker: the script of the dedicated worker in which `openShared` has a store.
// Holds   nothing.
// Never   is imported: a page makes a worker of it.
// Source  our own.

import { ownStore } from "../browser/tab_owner.ts";
import { coreModule } from "./wasm_url.ts";

ownStore(coreModule);
