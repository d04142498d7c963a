// File storage: a folder as the storage of a store in this process.
// Holds   the folder's lock, until the storage is closed.
// Never   reads or writes a file itself.
// Source  our own.

import type net from "node:net";
import path from "node:path";
import type { Storage } from "../shared/storage.ts";
import { makeFolder } from "./folder.ts";
import { lockFolder } from "./folder_lock.ts";
import { reason } from "./log.ts";
import { FolderStorage } from "./storage.ts";

const FOLDER_MODE = 0o700;

/**
 * Opens a folder as a database for `createStore({ storage })`; makes it if it is not there. The
 * files are the daemon's: a store opens what a daemon kept in its folder `tdb`, and the other way
 * round. One store at a time has the folder; closing it lets go.
 * @throws Error of one line that names the folder, the reason and what to do
 */
export async function fileStorage(folder: string): Promise<Storage> {
  const whole = path.resolve(folder);
  try {
    makeFolder(whole, FOLDER_MODE);
  } catch (error) {
    throw new Error(`${whole}: ${reason(error)}; name a folder that can be made and written to`);
  }
  const lock = await lockFolder(whole, "close that one, or use another folder");
  return new LockedStorage(whole, lock);
}

class LockedStorage extends FolderStorage {
  #lock: net.Server | null;

  constructor(folder: string, lock: net.Server | null) {
    super(folder);
    this.#lock = lock;
  }

  override close(): void {
    super.close();
    this.#lock?.close();
    this.#lock = null;
  }
}
