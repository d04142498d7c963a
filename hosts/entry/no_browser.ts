// No browser: what only a browser has, by name, where there is none.
// Holds   what to use instead.
// Never   does anything else than to say so.
// Source  our own.

import type { OpfsFolder } from "../browser/opfs_pool.ts";
import type { SharedStore } from "../browser/tabs.ts";
import type { Storage } from "../shared/storage.ts";
import type { SharedOptions } from "./shared.ts";

/**
 * Opens a folder of the browser's private file system (OPFS) as a database for `createStore`. To
 * be called in a dedicated worker: nowhere else does a browser write synchronously. Only one worker
 * of all tabs has a folder open; closing the store lets go of it.
 * @param folder  names below the root, with slashes between them (`xenstore`); or a
 *                FileSystemDirectoryHandle
 * @throws        Error of one line: there is no OPFS, or it can't be used here, or not now
 */
export async function opfsStorage(folder?: string | OpfsFolder): Promise<Storage> {
  void folder;
  throw new Error("opfsStorage: only a browser has private files; use fileStorage here");
}

/**
 * Opens the store that all tabs of a site share, or joins it. To be called in a page. One tab has
 * the store, in a worker; when it goes, another one takes over, and all clients go on.
 * @throws Error of one line: the browser lacks something, or the store can't be opened. A client
 *         that was opened hears of a later failure by `closed`.
 */
export async function openShared(_options?: SharedOptions): Promise<SharedStore> {
  throw new Error("openShared: only a browser has tabs; use createStore here");
}
