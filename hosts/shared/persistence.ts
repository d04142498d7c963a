// Persistence: an acknowledged change is in the journal before anybody is told of it.
// Holds   the journal that is written, and whether storing works.
// Never   lets a medium that fails end the service: changes are refused until it works again.
// Source  our own; "The database" in ARCHITECTURE.md.

import {
  OPT_JOURNAL,
  OPT_STORAGE,
  STORAGE_BROKEN,
  STORAGE_FULL,
  STORAGE_OK,
} from "../../assembly/abi.ts";
import { checkDatabase } from "./check.ts";
import type { Core } from "./core.ts";
import { Generations } from "./generations.ts";
import { JournalFile } from "./journal_file.ts";
import { type Fault, RecoveryError, recover } from "./recovery.ts";
import type { Clock, Keeper } from "./runtime.ts";
import { writeSnapshotNow } from "./snapshot_file.ts";
import { Snapshots } from "./snapshots.ts";
import { type Storage, type StorageError, storageError } from "./storage.ts";

/** How often storing is tried again while it fails. */
const RETRY_MS = 1000;
/** How often it is worth a line that a single change found no room. */
const SAY_AGAIN_MS = 60_000;

export interface PersistenceOptions {
  readonly storage: Storage;
  /** Makes an instance that was told its settings: recovery may need several. */
  readonly makeCore: () => Core;
  /** Whether changes must survive the loss of power, not only the end of the process. */
  readonly disk: boolean;
  readonly clock: Clock;
  /** Takes a line for whoever looks after the machine. */
  readonly notice: (line: string) => void;
  /**
   * Tells the core how storing a frame went, with `journalDone`, for whoever wants to see frames.
   * @returns what that returned
   */
  readonly done?: ((core: Core, frame: Uint8Array, status: number) => number) | undefined;
  /** Bytes of journals below which no snapshot is written; for tests. */
  readonly compactMin?: number;
}

/** What belongs to an open database. */
interface Open {
  readonly core: Core;
  readonly generations: Generations;
  readonly snapshots: Snapshots;
}

export class Persistence implements Keeper {
  readonly slow: boolean;
  /** What was read was last changed before the machine was started the last time. */
  otherBoot = false;
  /** Told the WANT_* bits of what is done between requests: `others` of the server. */
  onWants: (bits: number) => void = () => {};
  #options: PersistenceOptions;
  /** The database that is open; null: none is. */
  #db: Open | null = null;
  #journal: JournalFile | null = null;
  /** STORAGE_* that the core knows of. */
  #status = STORAGE_OK;
  #sayAtMs = Number.NEGATIVE_INFINITY;
  #lookAtMs = Number.NEGATIVE_INFINITY;
  /** The files were removed. */
  #gone = false;

  constructor(options: PersistenceOptions) {
    this.#options = options;
    this.slow = options.disk;
  }

  /**
   * Reads the database and begins a new journal; what was found wrong is told.
   * @returns the instance to serve with
   * @throws  RecoveryError, StorageError: the daemon must not start
   */
  start(): Core {
    const { storage, makeCore } = this.#options;
    const found = recover(storage, makeCore);
    this.otherBoot = found.otherBoot;
    const { snapshots, generations } = this.#open(found.core);
    if (found.torn) this.#tell(found.torn);
    if (found.faults.length || generations.crowded) this.#writeAnew(found.faults);
    // A journal without changes is begun again.
    else this.#begin(found.unused ? found.last : found.last + 1);
    if (found.torn) snapshots.soon();
    return found.core;
  }

  /**
   * Goes on with an instance that did not come from this database: it was handed over by a
   * predecessor, or it is the present one and `release` was called for nothing.
   * @param same  the database holds what the instance holds; else it is written anew
   * @throws      RecoveryError, StorageError
   */
  adopt(core: Core, same: boolean): void {
    const { generations, snapshots } = this.#open(core);
    if (!same) this.#writeAnew([]);
    else {
      this.#begin(generations.last + 1);
      snapshots.soon();
    }
  }

  /** Nothing was ever changed in this database. */
  get unused(): boolean {
    return this.#db?.generations.last === 1 && this.#journal?.empty === true;
  }

  /** Stores what waits, and lets go of the files: somebody else may open the database. */
  release(): void {
    if (!this.#db) return;
    this.onWants(this.keep());
    this.#db.snapshots.close();
    this.#db = null;
    try {
      this.#journal?.sync();
    } catch (error) {
      this.#options.notice(`the database could not be synced: ${storageError(error).message}`);
    }
    this.#journal?.close();
    this.#journal = null;
    this.#options.storage.close();
  }

  keep(): number {
    if (!this.#db) return 0;
    const { core } = this.#db;
    const frame = core.journalTake();
    if (frame.length === 0) return 0;
    this.#look();
    const status = this.#store(frame);
    const { done } = this.#options;
    const bits = done ? done(core, frame, status) : core.journalDone(status);
    if (this.#journal) this.#afterwards(this.#db, this.#journal);
    return bits;
  }

  /**
   * Reads all files again, beside the service, and compares checksums.
   * @returns what was found, for people
   */
  async verify(): Promise<string> {
    const { storage, makeCore } = this.#options;
    const snapshots = this.#db?.snapshots;
    try {
      const text = await snapshots?.alone(() => {
        this.#lookAtMs = Number.NEGATIVE_INFINITY;
        this.#look();
        this.onWants(this.keep());
        return checkDatabase(storage, makeCore, this.#journal, () => snapshots.pause());
      });
      return text ?? `${storage.place}: is not open`;
    } catch (error) {
      return `${storageError(error).message}: can't be read`;
    }
  }

  /** Somebody may have removed the files: what is written into them then is nowhere. */
  #look(): void {
    const nowMs = this.#options.clock.nowMs();
    const journal = this.#journal;
    if (!journal || !this.#db || nowMs < this.#lookAtMs) return;
    this.#lookAtMs = nowMs + RETRY_MS;
    if (journal.named()) return;
    this.#gone = true;
    this.#end(this.#db, journal);
    this.#journal = null;
    this.#refuse(STORAGE_BROKEN, "ENOENT", `${this.#options.storage.place}: was removed`);
  }

  #open(core: Core): Open {
    const { storage, compactMin, clock, notice } = this.#options;
    const generations = new Generations(storage, compactMin);
    const wants = (bits: number) => this.onWants(bits);
    const next = () => this.#nextJournal();
    const parts = { core, storage, generations, clock, notice, wants, next };
    this.#db = { core, generations, snapshots: new Snapshots(parts) };
    this.#status = STORAGE_OK;
    core.configure(OPT_STORAGE, STORAGE_OK);
    return this.#db;
  }

  /** Starts the journal of this number. A full medium is no reason not to serve. */
  #begin(number: number): void {
    const db = this.#db as Open;
    db.core.configure(OPT_JOURNAL, 1);
    try {
      this.#journal = this.#make(db, number);
    } catch (error) {
      const { code, file } = storageError(error);
      if (!isFull(code)) throw error;
      this.#refuse(STORAGE_FULL, code, file);
    }
  }

  #make(db: Open, number: number): JournalFile {
    return this.#enter(db, number, this.#prepare(db, number));
  }

  /** Returns the size of the journal's head. */
  #prepare({ core }: Open, number: number): number {
    const { storage, disk } = this.#options;
    const head = core.journalHead(number).slice();
    JournalFile.prepare(storage, number, head, disk);
    return head.length;
  }

  #enter({ generations }: Open, number: number, size: number): JournalFile {
    const { storage, disk } = this.#options;
    const journal = JournalFile.enter(storage, number, size, disk);
    generations.last = number;
    return journal;
  }

  /** Stores what waits, and ends the journal. Returns the number of the next one, or 0. */
  #nextJournal(): number {
    // What waits belongs into the journal before.
    this.onWants(this.keep());
    const before = this.#journal;
    const db = this.#db;
    if (!before || !db) return 0;
    const number = before.number + 1;
    const size = this.#prepare(db, number);
    this.#end(db, before);
    this.#journal = null;
    try {
      this.#journal = this.#enter(db, number, size);
      return number;
    } catch (error) {
      const { code, file } = storageError(error);
      this.#refuse(STORAGE_BROKEN, code, file);
      return 0;
    }
  }

  #end({ generations }: Open, journal: JournalFile): void {
    journal.close();
    generations.closed(journal.size);
  }

  /** Writes the whole store with a new number before anything is served. */
  #writeAnew(faults: readonly Fault[]): void {
    const { storage } = this.#options;
    const db = this.#db as Open;
    const { core, generations } = db;
    for (const fault of faults) this.#tell(fault);
    storage.syncNames();
    core.configure(OPT_JOURNAL, 1);
    const number = generations.last + 1;
    const bytes = writeSnapshotNow(core, storage, number);
    if (bytes === 0) throw new RecoveryError(`${storage.place}: no memory to write it anew`);
    this.#journal = this.#make(db, number);
    generations.publish(number);
    storage.syncNames();
    for (const { file, there } of faults) if (there) storage.remove(file.name);
    for (const name of generations.published(number, bytes)) storage.remove(name);
  }

  /** One line for what was found wrong with a file, which is kept. */
  #tell({ file, what, saved, there }: Fault): void {
    const { storage, notice } = this.#options;
    const aside = there ? `; the file is kept as ${storage.keepAside(file.name)}` : "";
    notice(`${storage.place}/${file.name}: ${what}; ${saved}${aside}`);
  }

  /** Stores a frame; returns STORAGE_*. */
  #store(frame: Uint8Array): number {
    const journal = this.#journal;
    if (!journal) return this.#status || STORAGE_BROKEN;
    try {
      journal.append(frame);
      return STORAGE_OK;
    } catch (error) {
      return this.#failed(storageError(error), journal, frame);
    }
  }

  /** An append failed: takes it back, and tries once more in a new journal. */
  #failed(error: StorageError, journal: JournalFile, frame: Uint8Array): number {
    const clean = journal.takeBack();
    const full = isFull(error.code);
    if (full && clean) {
      this.#noRoom(error, frame.length);
      return STORAGE_FULL;
    }
    // What could not be taken back does not count once there is another journal.
    if (this.#goOn(error, journal, frame.slice())) return STORAGE_OK;
    return full ? STORAGE_FULL : STORAGE_BROKEN;
  }

  /**
   * Goes on in a new journal after an error, with a frame if there is one; false when that fails
   * as well: then changes are refused.
   */
  #goOn(error: StorageError, before: JournalFile, frame: Uint8Array | null): boolean {
    const db = this.#db as Open;
    const { code, file } = error;
    this.#end(db, before);
    this.#journal = null;
    try {
      this.#journal = this.#make(db, before.number + 1);
      if (frame) this.#journal.append(frame);
      this.#options.notice(`${file}: writing fails (${code}): going on in another file`);
      db.snapshots.soon();
      return true;
    } catch (second) {
      storageError(second);
    }
    if (this.#journal) {
      this.#journal.takeBack();
      this.#end(db, this.#journal);
      this.#journal = null;
    }
    this.#refuse(isFull(code) ? STORAGE_FULL : STORAGE_BROKEN, code, file);
    return false;
  }

  /** A single change found no room; whether smaller ones do turns out next. */
  #noRoom({ file, code }: StorageError, bytes: number): void {
    const nowMs = this.#options.clock.nowMs();
    if (nowMs < this.#sayAtMs) return;
    this.#sayAtMs = nowMs + SAY_AGAIN_MS;
    this.#options.notice(`${file}: no room for ${bytes} bytes (${code}): the change was refused`);
  }

  /** Makes room for what comes next, and begins a snapshot when one is due. */
  #afterwards({ generations, snapshots }: Open, journal: JournalFile): void {
    try {
      journal.makeRoom();
      if (!snapshots.busy && generations.due(journal.size)) snapshots.soon();
    } catch (error) {
      const reason = storageError(error);
      if (isFull(reason.code)) this.#refuse(STORAGE_FULL, reason.code, reason.file);
      else this.#goOn(reason, journal, null);
    }
  }

  /** From here on changes are refused, until storing works again. */
  #refuse(status: number, code: string, file: string): void {
    if (this.#status !== STORAGE_OK) return;
    this.#status = status;
    this.#db?.core.configure(OPT_STORAGE, status);
    const what = status === STORAGE_FULL ? "there is no room" : "writing fails";
    this.#options.notice(`${file}: ${what} (${code}): changes are refused until that is over`);
    this.#retryLater();
  }

  #retryLater(): void {
    const db = this.#db;
    this.#options.clock.after(RETRY_MS, () => {
      if (!db || db !== this.#db) return;
      if (this.#works(db)) this.#worksAgain(db);
      else this.#retryLater();
    });
  }

  /** Can changes be stored? What is left of a journal that failed does not count in a new one. */
  #works(db: Open): boolean {
    try {
      if (this.#gone) this.#afresh();
      else if (this.#journal) this.#journal.makeRoom();
      else this.#journal = this.#make(db, db.generations.last + 1);
      return true;
    } catch (error) {
      if (!(error instanceof RecoveryError)) storageError(error);
      return false;
    }
  }

  /** The files are gone: whatever the store holds is written again, where they were. */
  #afresh(): void {
    this.#options.storage.prepare();
    this.#writeAnew([]);
    this.#gone = false;
  }

  #worksAgain({ core, snapshots }: Open): void {
    const was = this.#status;
    this.#status = STORAGE_OK;
    core.configure(OPT_STORAGE, STORAGE_OK);
    this.#options.notice(`${this.#options.storage.place}: storing works again`);
    // Files that could not be written may be hard to read as well.
    if (was === STORAGE_BROKEN) snapshots.soon();
  }
}

function isFull(code: string): boolean {
  return code === "ENOSPC" || code === "EDQUOT";
}
