// Journal file: one journal that is being written, with room made ahead of what comes.
// Holds   the open file, and how far it is extended.
// Never   knows what a frame says, and never decides what a failure means.
// Source  our own; "The database" in ARCHITECTURE.md.

import { JOURNAL_STEP, journalName, UNFINISHED } from "./database.ts";
import { type Appender, type Storage, storageError } from "./storage.ts";

/** Room that there is for the requests of a round, most of the time. */
const ROOM = 32_768;
/** Zeros that stand behind the last frame, or a reader takes the file for cut off. */
const TAIL = 32;
/** The most that a file is extended by at once. */
const STEP_MAX = 1_048_576;

export class JournalFile {
  readonly number: number;
  #file: Appender;
  /** How far the file is extended: a multiple of JOURNAL_STEP. */
  #length = JOURNAL_STEP;
  /** Bytes of its head. */
  #head: number;
  #disk: boolean;
  /** Size before an append that failed; -1: there was none. */
  #before = -1;

  /**
   * Writes the beginning of a journal, under a name that does not count yet.
   * @param head  what it begins with
   * @param disk  whether what is appended must survive the loss of power
   * @throws      StorageError; nothing is left of it then, if that could be managed
   */
  static prepare(storage: Storage, number: number, head: Uint8Array, disk: boolean): void {
    const unfinished = journalName(number) + UNFINISHED;
    const file = storage.create(unfinished);
    try {
      file.append(head);
      file.extend(JOURNAL_STEP);
      if (disk) file.sync();
    } catch (error) {
      file.close();
      discard(storage, unfinished);
      throw error;
    }
    file.close();
  }

  /**
   * Gives the journal that was prepared its name. From here on no other journal may be appended
   * to, even if this throws a StorageError: nobody knows whether the name is there.
   * @param size  of its head
   */
  static enter(storage: Storage, number: number, size: number, disk: boolean): JournalFile {
    const name = journalName(number);
    storage.rename(name + UNFINISHED, name);
    if (disk) storage.syncNames();
    return new JournalFile(number, storage.open(name, size), disk);
  }

  private constructor(number: number, file: Appender, disk: boolean) {
    this.number = number;
    this.#file = file;
    this.#head = file.size;
    this.#disk = disk;
  }

  /** Nothing was appended yet. */
  get empty(): boolean {
    return this.#file.size === this.#head;
  }

  /** Bytes in it. */
  get size(): number {
    return this.#file.size;
  }

  /** Stores a frame. Throws StorageError; `takeBack` must be called then. */
  append(frame: Uint8Array): void {
    if (this.#file.size + frame.length + TAIL > this.#length) this.#extend(frame.length + TAIL);
    this.#before = this.#file.size;
    this.#file.append(frame);
    if (this.#disk) this.#file.sync();
    this.#before = -1;
  }

  /**
   * Takes back what an append that failed has left.
   * @returns false: that failed as well, and nobody knows how the file ends
   */
  takeBack(): boolean {
    if (this.#before < 0) return true;
    try {
      this.#file.cut(this.#before);
      this.#before = -1;
      this.#length = 0;
      this.makeRoom();
      return true;
    } catch (error) {
      storageError(error);
      return this.#before < 0;
    }
  }

  /** Makes room for what comes next, unless there is enough. Throws StorageError. */
  makeRoom(): void {
    if (this.#length - this.#file.size < ROOM) this.#extend(ROOM);
  }

  /** What is in it survives the loss of power. Throws StorageError. */
  sync(): void {
    this.#file.sync();
  }

  /** Whether it is still where a start would look for it. */
  named(): boolean {
    return this.#file.named();
  }

  close(): void {
    this.#file.close();
  }

  #extend(room: number): void {
    const needed = Math.ceil((this.#file.size + room) / JOURNAL_STEP) * JOURNAL_STEP;
    const ample = this.#length + Math.min(STEP_MAX, this.#length);
    if (ample > needed && this.#extendTo(ample)) return;
    this.#file.extend(needed);
    this.#length = needed;
  }

  /** Returns false when there is no room for so much. */
  #extendTo(length: number): boolean {
    try {
      this.#file.extend(length);
      this.#length = length;
      return true;
    } catch (error) {
      storageError(error);
      return false;
    }
  }
}

/** Removes a file that is of no use; it may not even be there. */
export function discard(storage: Storage, name: string): void {
  try {
    storage.remove(name);
  } catch (error) {
    storageError(error);
  }
}
