// Tab worker: the script of a tab's worker for the tests, with the core where they have it.
// Holds   nothing.
// Never   differs from hosts/entry/worker.ts in anything else.
// Source  our own.

import { ownStore } from "../../hosts/browser/tab_owner.ts";
import { compileAt } from "../../hosts/entry/wasm_url.ts";

ownStore(() => compileAt("/xenstore.wasm"));
