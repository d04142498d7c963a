// Snapshot file: the whole store is written beside the service, a piece at a time.
// Holds   nothing.
// Never   keeps a request waiting for more than one piece, and never for a sync of the medium.
// Source  our own; "The database" in ARCHITECTURE.md.

import { DUMP_SNAPSHOT } from "../../assembly/abi.ts";
import type { Core } from "./core.ts";
import { snapshotName, UNFINISHED } from "./database.ts";
import { discard } from "./journal_file.ts";
import type { Storage } from "./storage.ts";

/** Bytes after which what was written is synced: a large sync slows everybody's disk down. */
const SYNC_EVERY = 2_097_152;

/** Between two pieces; false: it is of no use any more. */
export type Pause = () => Promise<boolean>;

/**
 * Writes the state that the core has now as `snapshot.<number>.new`, synced. The core's dump has
 * been begun by the caller, who ends it, too.
 * @returns its size in bytes; 0 when it was given up
 * @throws  StorageError; nothing is left of the file then, if that could be managed
 */
export async function writeSnapshot(
  core: Core,
  storage: Storage,
  number: number,
  pause: Pause,
): Promise<number> {
  const name = snapshotName(number) + UNFINISHED;
  const file = storage.create(name);
  let whole = false;
  let synced = 0;
  try {
    for (let piece = core.dumpNext(); piece.length; piece = core.dumpNext()) {
      file.append(piece);
      if (file.size - synced >= SYNC_EVERY) {
        synced = file.size;
        await file.syncLater();
      }
      if (!(await pause())) return 0;
    }
    if (core.dumpLost()) return 0;
    await file.syncLater();
    whole = await pause();
    return whole ? file.size : 0;
  } finally {
    file.close();
    if (!whole) discard(storage, name);
  }
}

/** The same at once, before anything is served. Returns its size; 0: there is no memory for it. */
export function writeSnapshotNow(core: Core, storage: Storage, number: number): number {
  const name = snapshotName(number) + UNFINISHED;
  if (!core.dumpBegin(DUMP_SNAPSHOT, number)) return 0;
  const file = storage.create(name);
  try {
    for (let piece = core.dumpNext(); piece.length; piece = core.dumpNext()) file.append(piece);
    if (core.dumpLost()) return 0;
    file.sync();
    return file.size;
  } finally {
    file.close();
    core.dumpEnd();
  }
}
