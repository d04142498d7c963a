// Recovery: the database is read at the start: the newest snapshot that is whole, then the journals.
// Holds   what was found wrong, until it is told.
// Never   drops bytes that nobody has been told of, and never writes to a file it could not read.
// Source  our own; "The database" in ARCHITECTURE.md.

import {
  LOAD_JOURNAL,
  LOAD_SALVAGE,
  LOAD_SNAPSHOT,
  LOADED,
  LOADED_FOREIGN,
  LOADED_NEWER,
  LOADED_NO_MEMORY,
  LOADED_TORN,
} from "../../assembly/abi.ts";
import type { Core } from "./core.ts";
import {
  endWhereNextBegins,
  JOURNAL_STEP,
  journalName,
  type Loaded,
  load,
  numberOf,
  type Survey,
  snapshotName,
  survey,
} from "./database.ts";
import type { Storage, Stored } from "./storage.ts";

/** What keeps the daemon from starting: one line for people. */
export class RecoveryError extends Error {
  override name = "RecoveryError";
}

/** A file that could not be used as it is. */
export interface Fault {
  readonly file: Stored;
  /** Such as "damaged at byte 17". */
  readonly what: string;
  /** What was saved, what was not. */
  readonly saved: string;
  /** False: there is no such file. */
  readonly there: boolean;
}

/** What the database held. */
export interface Recovered {
  readonly core: Core;
  /** Faults; with any, the database has to be written anew before anything is changed. */
  readonly faults: Fault[];
  /** A last journal that ends within a change: that change is not used, and nothing is behind it. */
  readonly torn: Fault | null;
  /** The highest number in use; 0: there is no database yet. */
  readonly last: number;
  /** The last journal holds no changes: its number may be used again. */
  readonly unused: boolean;
  /** Whether the last change was made before the machine was started the last time. */
  readonly otherBoot: boolean;
}

/**
 * Reads a database.
 * @param makeCore  makes an instance that was told its settings; a failed attempt needs another
 * @throws          RecoveryError where going on would lose what is there; StorageError
 */
export function recover(storage: Storage, makeCore: () => Core): Recovered {
  const files = survey(storage);
  for (const { name } of files.unfinished) storage.remove(name);
  return new Recovery(storage, makeCore, files).run();
}

class Recovery {
  #storage: Storage;
  #makeCore: () => Core;
  #files: Survey;
  #faults: Fault[] = [];
  #core: Core;
  #snapshot: Stored | null = null;
  #sameBoot = true;
  #torn: Recovered["torn"] = null;
  #unused = false;

  constructor(storage: Storage, makeCore: () => Core, files: Survey) {
    this.#storage = storage;
    this.#makeCore = makeCore;
    this.#files = files;
    this.#core = makeCore();
  }

  run(): Recovered {
    const from = this.#base();
    this.#replay(from);
    return {
      core: this.#core,
      faults: this.#faults,
      torn: this.#torn,
      last: this.#files.last,
      unused: this.#unused,
      otherBoot: !this.#sameBoot,
    };
  }

  /** Loads what the journals begin with; returns the number of the first of them. */
  #base(): number {
    const newestFirst = [...this.#files.snapshots].reverse();
    const bad: [Stored, Loaded][] = [];
    for (const file of newestFirst) {
      const loaded = this.#load(file, LOAD_SNAPSHOT);
      if (loaded.result === LOADED) {
        this.#use(file, loaded);
        return this.#blame(bad, `${file.name} and the journals since were read instead`);
      }
      bad.push([file, loaded]);
      this.#core = this.#makeCore();
    }
    // The first journal of all begins with the tree of a new store.
    const [first] = this.#files.journals;
    if (!bad.length && !first) return 1;
    if (first && numberOf(first) === 1) {
      return this.#blame(bad, "all journals since the first start were read instead");
    }
    return this.#salvage(bad);
  }

  /** No snapshot is whole and there is no way round: takes what can be had of the newest. */
  #salvage(bad: [Stored, Loaded][]): number {
    for (const [file, whole] of bad) {
      const loaded = this.#load(file, LOAD_SALVAGE);
      if (!loaded.reason && loaded.nodes > 0 && loaded.result !== LOADED_FOREIGN) {
        const { nodes, lost } = loaded;
        this.#fault(file, faultOf(whole), `${nodes} nodes were saved, ${lost} pieces were lost`);
        for (const [other, fault] of bad.filter((one) => one[0] !== file)) {
          this.#fault(other, faultOf(fault), "it was not used");
        }
        this.#use(file, loaded);
        return numberOf(file);
      }
      this.#core = this.#makeCore();
    }
    for (const [file, fault] of bad) this.#fault(file, faultOf(fault), "nothing could be saved");
    if (bad[0]) return numberOf(bad[0][0]);
    // Journals alone, and the first of them are gone.
    const first = this.#files.journals[0] as Stored;
    const missing = { name: snapshotName(numberOf(first)), size: 0 };
    this.#fault(missing, "missing", "what it held is lost, the journals since are read", false);
    return numberOf(first);
  }

  /** Notes that snapshots were passed over; returns the number of the first journal to be read. */
  #blame(bad: [Stored, Loaded][], instead: string): number {
    for (const [file, loaded] of bad) this.#fault(file, faultOf(loaded), instead);
    return this.#snapshot ? numberOf(this.#snapshot) : 1;
  }

  #use(snapshot: Stored, loaded: Loaded): void {
    this.#snapshot = snapshot;
    this.#sameBoot = loaded.sameBoot;
  }

  /**
   * Reads the journals from number `from` on. What goes on from changes that are not there is not
   * applied: the core sees that by the numbers of the frames.
   */
  #replay(from: number): void {
    const journals = this.#files.journals.filter((file) => numberOf(file) >= from);
    // A snapshot's journal begins before the snapshot does.
    if (this.#snapshot && journals.length === 0) this.#missing(from, from);
    let expected = from;
    for (const [index, file] of journals.entries()) {
      const number = numberOf(file);
      if (number !== expected) this.#missing(expected, number - 1);
      this.#journal(file, journals[index + 1]);
      expected = number + 1;
    }
  }

  #journal(file: Stored, next: Stored | undefined): void {
    const loaded = this.#load(file, LOAD_JOURNAL, next);
    if (loaded.frames > 0) this.#sameBoot = loaded.sameBoot;
    if (loaded.result !== LOADED && loaded.result !== LOADED_TORN) {
      this.#broken(file, loaded);
      return;
    }
    // A journal is never seen without its head.
    const torn = loaded.result === LOADED_TORN || file.size === 0;
    // Where this one goes on from the one before, that was cut off where it had to be.
    this.#torn = torn ? tornEnd(file, loaded) : null;
    this.#unused = !torn && loaded.frames === 0 && !next;
  }

  #broken(file: Stored, loaded: Loaded): void {
    const { frames, lost, trapped } = loaded;
    if (frames === 0 && this.#torn) this.#faults.push(this.#torn);
    this.#torn = null;
    if (frames === 0 && this.#faults.length) {
      this.#fault(file, faultOf(loaded), "not used, since something before it is missing");
    } else {
      const behind = lost ? `, ${changes(lost)} behind it are lost` : "";
      this.#fault(file, faultOf(loaded), `${changes(frames)} in it were saved${behind}`);
    }
    // A core that failed can't be used any more.
    if (trapped) this.#again(numberOf(file));
  }

  /** Loads everything before the journal `end` into a fresh core; all of it was read before. */
  #again(end: number): void {
    this.#core = this.#makeCore();
    const base = this.#snapshot;
    if (base) this.#load(base, LOAD_SNAPSHOT);
    const first = base ? numberOf(base) : 1;
    for (const [index, file] of this.#files.journals.entries()) {
      const number = numberOf(file);
      if (number < first || number >= end) continue;
      this.#load(file, LOAD_JOURNAL, this.#files.journals[index + 1]);
    }
  }

  #missing(first: number, last: number): void {
    const file = { name: journalName(first), size: 0 };
    const what = last > first ? `missing, and all up to ${journalName(last)}` : "missing";
    this.#fault(file, what, "the changes in it are lost", false);
  }

  #fault(file: Stored, what: string, saved: string, there = true): void {
    this.#faults.push({ file, what, saved, there });
  }

  #load(file: Stored, what: number, next?: Stored): Loaded {
    if (next) endWhereNextBegins(this.#storage, next, this.#core);
    const loaded = load(this.#storage, file, this.#core, what);
    const name = `${this.#storage.place}/${file.name}`;
    if (loaded.result === LOADED_NEWER) {
      throw new RecoveryError(
        `${name}: was written by a newer version of this program; start that one, or move the ` +
          "folder away",
      );
    }
    if (loaded.result === LOADED_NO_MEMORY) {
      throw new RecoveryError(`${name}: there is not enough memory to load it`);
    }
    return loaded;
  }
}

function tornEnd(file: Stored, { offset, frames }: Loaded): Fault {
  const short = file.size % JOURNAL_STEP !== 0 || file.size === 0;
  const how = short ? `the file was cut short to ${file.size} bytes` : "it was not written in full";
  return {
    file,
    what: `the change at byte ${offset} is cut off: ${how}`,
    saved: `${changes(frames)} before it were saved`,
    there: true,
  };
}

function changes(count: number): string {
  return count === 1 ? "1 change" : `${count} changes`;
}

/** A fault in words. */
export function faultOf({ result, offset, reason }: Loaded): string {
  if (reason) return reason;
  if (result === LOADED_FOREIGN) return "damaged from byte 0 on: it is no file of this program";
  return result === LOADED_TORN ? `cut off at byte ${offset}` : `damaged at byte ${offset}`;
}
