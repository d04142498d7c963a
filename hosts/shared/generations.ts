// Generations: which snapshots and journals there are, when a new one is due, what may go.
// Holds   numbers and sizes of the two newest snapshots, and what was written since.
// Never   removes anything that the snapshot before the newest one needs.
// Source  our own; "The database" in ARCHITECTURE.md.

import { numberOf, snapshotName, survey, UNFINISHED } from "./database.ts";
import type { Storage } from "./storage.ts";

/** A journal shorter than this is not worth a snapshot. */
const COMPACT_MIN = 16_777_216;
/** So many journals are: each start begins one. */
const JOURNALS_MAX = 16;
/** So many are there where the process never lived long enough to write a snapshot. */
const JOURNALS_MANY = 32;

export class Generations {
  /** The highest number in use. */
  last = 0;
  #storage: Storage;
  #least: number;
  /** The newest snapshot, and the one before it; 0: none. */
  #newest = 0;
  #before = 0;
  #newestBytes = 0;
  /** Bytes of the journals since the newest snapshot that are not written to any more. */
  #journalBytes = 0;
  #journals = 0;

  /**
   * Looks at what there is.
   * @param least  bytes of journals below which no snapshot is due
   */
  constructor(storage: Storage, least = COMPACT_MIN) {
    this.#storage = storage;
    this.#least = least;
    const { snapshots, journals, last } = survey(storage);
    const newest = snapshots.at(-1);
    const before = snapshots.at(-2);
    this.last = last;
    if (newest) this.#newest = numberOf(newest);
    if (before) this.#before = numberOf(before);
    this.#newestBytes = newest?.size ?? 0;
    for (const file of journals) if (numberOf(file) >= this.#newest) this.closed(file.size);
  }

  /** A journal of so many bytes is not written to any more. */
  closed(bytes: number): void {
    this.#journals++;
    this.#journalBytes += bytes;
  }

  /**
   * Is it time for a snapshot? Reading the journals at the start should not take longer than
   * reading the snapshot does, so they may grow as large as that.
   * @param open  bytes in the journal that is being written
   */
  due(open: number): boolean {
    if (this.#journals >= JOURNALS_MAX) return true;
    return this.#journalBytes + open > Math.max(this.#least, this.#newestBytes);
  }

  /** Are there so many journals that a snapshot must not wait? */
  get crowded(): boolean {
    return this.#journals >= JOURNALS_MANY;
  }

  /** The snapshot of this number is written: it gets its name. Throws StorageError. */
  publish(number: number): void {
    const name = snapshotName(number);
    this.#storage.rename(name + UNFINISHED, name);
  }

  /** The snapshot is there for good, with so many bytes. Returns what nobody needs any more. */
  published(number: number, bytes: number): string[] {
    this.#before = this.#newest;
    this.#newest = number;
    this.#newestBytes = bytes;
    this.#journals = 0;
    this.#journalBytes = 0;
    const { snapshots, journals } = survey(this.#storage);
    const old = [...snapshots, ...journals].filter((file) => numberOf(file) < this.#before);
    return old.map(({ name }) => name);
  }
}
