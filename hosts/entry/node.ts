// Node: what `import "xenstore"` gives on Node and Bun; its types are those of every runtime.
// Holds   the runtime's own parts, bound: sockets, devices, folders, the core's file.
// Never   does anything by being imported.
// Source  our own.

/**
 * The client of a XenStore, and a whole store in this process. The same names on Node, Bun, Deno
 * and in a browser; `xenstore/inline` gives them with the core within the module, for bundlers.
 * @module xenstore
 */

import type { Client, ClientOptions } from "../client/api.ts";
import type { Store } from "../embed/api.ts";
import { fileStorage as openFolder } from "../node/file_storage.ts";
import type { Storage } from "../shared/storage.ts";
import { connector, type Target } from "./connect.ts";
import { node } from "./node_places.ts";
import { type StoreOptions, storeMaker } from "./stores.ts";
import * as core from "./wasm_file.ts";

export * from "./names.ts";
export { openShared, opfsStorage } from "./no_browser.ts";

const lead = /* @__PURE__ */ connector(node);
const make = /* @__PURE__ */ storeMaker(core);

/**
 * Connects to a store.
 *
 *     const xs = await connect();
 *     console.log(await xs.read("/local/domain/0/name"));
 *     await xs.close();
 *
 * @param target   where it is; see Target. Without one the store of this machine: what
 *                 XENSTORED_PATH names; else the socket in XENSTORED_RUNDIR or
 *                 `/var/run/xenstored`; else the kernel's device, such as `/dev/xen/xenbus`. A
 *                 page has none, and must name one.
 * @param options  limits, and what happens when the connection is lost
 * @throws ConnectError that names the place and what to do; ETIMEDOUT after `connectTimeout`;
 *         InvalidRequestError for a target that leads nowhere; the signal's reason
 */
export function connect(target?: Target, options?: ClientOptions): Promise<Client> {
  return lead(target, options);
}

/**
 * Makes a whole store in this process.
 *
 *     const store = await createStore();
 *     const guest = await store.asDomain(7);
 *     await guest.write("data/ready", 1);
 *     console.log(await store.client.read("/local/domain/7/data/ready"));
 *     await store.close();
 *
 * @throws Error of one line: the storage can't be used, an option is not allowed, or the core can't
 *         be read, fetched or compiled
 */
export function createStore(options?: StoreOptions): Promise<Store> {
  return make(options);
}

/**
 * Opens a folder as a database for `createStore({ storage })`; makes it if it is not there. Node,
 * Bun and Deno. The files are the daemon's: a store opens what a daemon kept in its folder `tdb`,
 * and the other way round. One store at a time has the folder, and lets go of it when it is closed.
 * @throws Error of one line that names the folder, the reason and what to do; in a page always
 */
export function fileStorage(folder: string): Promise<Storage> {
  return openFolder(folder);
}
