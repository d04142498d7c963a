// Database: finds, makes and locks the folder of the database, for one daemon at a time.
// Holds   the folder's lock, as long as it is used.
// Never   deletes what it finds in the way, and never waits for another daemon.
// Source  command line, Environment and places.

import fs from "node:fs";
import type net from "node:net";
import path from "node:path";
import type { Core } from "../shared/core.ts";
import { journalName } from "../shared/database.ts";
import { Persistence, type PersistenceOptions } from "../shared/persistence.ts";
import { type Storage, StorageError } from "../shared/storage.ts";
import { makeFolder } from "./folder.ts";
import { lockFolder } from "./folder_lock.ts";
import type { Libc } from "./libc.ts";
import { reason } from "./log.ts";
import { FolderStorage } from "./storage.ts";

const FOLDER_MODE = 0o700;
/** What to do when somebody else has it. */
const IN_USE = "XENSTORED_ROOTDIR names another";

/** What opening needs, besides the folder. */
export interface DatabaseOptions extends Omit<PersistenceOptions, "storage"> {
  /** Put around the storage, if given. */
  readonly wrap?: ((storage: Storage) => Storage) | undefined;
  /** See FolderStorage. */
  readonly libc?: Libc | null;
}

export class Database {
  readonly persistence: Persistence;
  #folder: string;
  #lock: net.Server | null;

  /**
   * Takes the folder for this process; what lies there is not read yet.
   * @throws Error of one line that says what to do
   */
  static async take(folder: string, options: DatabaseOptions): Promise<Database> {
    attempt(folder, () => {
      makeRoom(folder, options.notice);
      makeFolder(path.dirname(folder), 0o755);
      makeFolder(folder, FOLDER_MODE);
    });
    const lock = await lockFolder(folder, IN_USE);
    const files = new FolderStorage(folder, options.libc);
    const storage = options.wrap ? options.wrap(files) : files;
    return new Database(folder, lock, new Persistence({ ...options, storage }));
  }

  private constructor(folder: string, lock: net.Server | null, persistence: Persistence) {
    this.#folder = folder;
    this.#lock = lock;
    this.persistence = persistence;
  }

  /** Reads what is there. Returns the instance to serve with; throws an Error of one line. */
  start(): Core {
    return attempt(this.#folder, () => this.persistence.start());
  }

  /** Goes on with an instance that a predecessor handed over; see Persistence.adopt. */
  adopt(core: Core, same: boolean): void {
    attempt(this.#folder, () => this.persistence.adopt(core, same));
  }

  /** Lets go of the files and of the folder; all changes are stored. */
  release(): void {
    this.persistence.release();
    this.#lock?.close();
    this.#lock = null;
  }

  /** The core has failed: somebody else may open the folder, and nothing more is stored. */
  abandon(): void {
    this.#lock?.close();
    this.#lock = null;
  }

  /** The daemon ends: as `release`; and what it made and never used goes. */
  end(): void {
    const { unused } = this.persistence;
    this.release();
    if (!unused) return;
    try {
      fs.rmSync(path.join(this.#folder, journalName(1)));
      fs.rmdirSync(this.#folder);
    } catch {
      // Something else lies there.
    }
  }

  /** Goes on after `release`, since nobody took over. */
  retake(core: Core): void {
    this.adopt(core, true);
    // Nobody else can have come meanwhile who would stay: they see the daemon's socket.
    void lockFolder(this.#folder, IN_USE).then(
      (lock) => {
        this.#lock = lock;
      },
      () => {},
    );
  }
}

/** Moves aside what is no folder: the file of another kind of daemon. */
function makeRoom(folder: string, notice: (line: string) => void): void {
  const stat = fs.lstatSync(folder, { throwIfNoEntry: false });
  if (!stat || stat.isDirectory()) return;
  if (stat.isSymbolicLink() && fs.statSync(folder).isDirectory()) return;
  for (let n = 1; ; n++) {
    const other = `${folder}.foreign-${n}`;
    if (fs.lstatSync(other, { throwIfNoEntry: false })) continue;
    fs.renameSync(folder, other);
    notice(`${folder}: is no folder but the file of another daemon; it is kept as ${other}`);
    return;
  }
}

/** Does something with the database; a failure is one line that says what to do. */
function attempt<T>(folder: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    const code = error instanceof StorageError ? error.code : reason(error);
    const file = error instanceof StorageError ? error.file : folder;
    if (!/^E[A-Z0-9]+$/.test(code)) throw error;
    throw new Error(
      `${file}: ${explained(code)}; XENSTORED_ROOTDIR names another folder for ` +
        `${path.basename(folder)}, --internal-db stores nothing`,
    );
  }
}

function explained(code: string): string {
  if (code === "EACCES" || code === "EPERM") return `not allowed to write there (${code})`;
  if (code === "EROFS") return "the disk is read only (EROFS)";
  return code === "ENOSPC" ? "the disk is full (ENOSPC)" : code;
}
