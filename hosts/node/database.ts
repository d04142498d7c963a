// Database: finds, makes and locks the folder of the database, for one daemon at a time.
// Holds   a name that only one process of the system can have, as long as it uses the folder.
// Never   deletes what it finds in the way, and never waits for another daemon.
// Source  command line, Environment and places; unix(7), abstract sockets.

import fs from "node:fs";
import net from "node:net";
import path from "node:path";
import process from "node:process";
import type { Core } from "../shared/core.ts";
import { journalName } from "../shared/database.ts";
import { Persistence, type PersistenceOptions } from "../shared/persistence.ts";
import { type Storage, StorageError } from "../shared/storage.ts";
import { makeFolder } from "./folder.ts";
import { socketHolder } from "./holder.ts";
import { SUN_PATH_SIZE } from "./libc.ts";
import { reason } from "./log.ts";
import { FolderStorage } from "./storage.ts";

const FOLDER_MODE = 0o700;

/** What opening needs, besides the folder. */
export interface DatabaseOptions extends Omit<PersistenceOptions, "storage"> {
  /** Put around the storage, if given. */
  readonly wrap?: ((storage: Storage) => Storage) | undefined;
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
    const lock = await lockOf(folder);
    const files = new FolderStorage(folder);
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
    void lockOf(this.#folder).then(
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

/** Claims the folder; the claim ends with the process. Throws an Error that names the holder. */
async function lockOf(folder: string): Promise<net.Server | null> {
  if (process.platform !== "linux") return null;
  const { dev, ino } = fs.statSync(folder);
  const name = `xenstored-database-${dev}-${ino}`;
  const server = net.createServer();
  return new Promise((resolve, reject) => {
    server.once("error", (error) => {
      // The system shows NULs as "@", and some versions of Node pad the name with them.
      const shown = `@${name}`;
      const pid = socketHolder(shown) || socketHolder(shown.padEnd(SUN_PATH_SIZE, "@"));
      const who = pid ? `process ${pid}` : reason(error);
      const what = `another daemon uses this database: ${who}; XENSTORED_ROOTDIR names another`;
      reject(new Error(`${folder}: ${what}`));
    });
    server.listen(`\0${name}`, () => resolve(server.unref()));
  });
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
