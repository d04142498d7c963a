// Memory storage: the database's files in memory: they outlive a store, not the process.
// Holds   the bytes of each file, by name.
// Never   takes more room than it was given.
// Source  our own.

import { type Appender, type Storage, StorageError, type Stored } from "../shared/storage.ts";

/** A file, whatever it is called. */
class File {
  /** The first `length` of them count. */
  bytes: Uint8Array = new Uint8Array(0);
  length = 0;

  /** Makes it so long, with zeros where there was nothing. */
  resize(length: number): void {
    if (length > this.bytes.length) {
      const grown = new Uint8Array(Math.max(length, this.bytes.length * 2));
      grown.set(this.bytes.subarray(0, this.length));
      this.bytes = grown;
    } else if (length < this.length) this.bytes.fill(0, length, this.length);
    this.length = length;
  }
}

/**
 * A storage that successive stores of one process share:
 *
 *     const storage = new MemoryStorage();
 *     await (await createStore({ storage })).close();
 *     const again = await createStore({ storage }); // has what was acknowledged
 */
export class MemoryStorage implements Storage {
  readonly place: string;
  /** Bytes that all files together may take; what needs more fails with ENOSPC. */
  limit = Number.POSITIVE_INFINITY;
  #files = new Map<string, File>();

  /**
   * @param files  what is there, by name, as `files` returns it; the bytes are copied
   * @param place  its name in messages
   */
  constructor(files: Iterable<readonly [string, Uint8Array]> = [], place = "memory") {
    this.place = place;
    for (const [name, bytes] of files) {
      const file = new File();
      file.resize(bytes.length);
      file.bytes.set(bytes);
      this.#files.set(name, file);
    }
  }

  /** Copies of all files, by name. */
  files(): Map<string, Uint8Array> {
    const all = [...this.#files];
    return new Map(all.map(([name, { bytes, length }]) => [name, bytes.slice(0, length)]));
  }

  /** Bytes that all files take. */
  get used(): number {
    let sum = 0;
    for (const { length } of this.#files.values()) sum += length;
    return sum;
  }

  /** For appenders: is this file found by this name? */
  holds(name: string, file: File): boolean {
    return this.#files.get(name) === file;
  }

  prepare(): void {}

  list(): Stored[] {
    return [...this.#files].map(([name, { length }]) => ({ name, size: length }));
  }

  read(name: string, at: number, bytes: Uint8Array): number {
    const file = this.#file(name);
    const end = Math.min(file.length, at + bytes.length);
    if (at >= end) return 0;
    bytes.set(file.bytes.subarray(at, end));
    return end - at;
  }

  create(name: string): Appender {
    const file = new File();
    this.#files.set(name, file);
    return new MemoryAppender(this, name, file, 0);
  }

  open(name: string, size: number): Appender {
    return new MemoryAppender(this, name, this.#file(name), size);
  }

  rename(from: string, to: string): void {
    const file = this.#file(from);
    this.#files.delete(from);
    this.#files.set(to, file);
  }

  remove(name: string): void {
    this.#file(name);
    this.#files.delete(name);
  }

  async removeLater(name: string): Promise<void> {
    this.remove(name);
  }

  keepAside(name: string): string {
    const { bytes, length } = this.#file(name);
    let n = 1;
    while (this.#files.has(`${name}.damaged-${n}`)) n += 1;
    const copy = new File();
    copy.resize(length);
    copy.bytes.set(bytes.subarray(0, length));
    this.#files.set(`${name}.damaged-${n}`, copy);
    return `${name}.damaged-${n}`;
  }

  syncNames(): void {}

  async syncNamesLater(): Promise<void> {}

  close(): void {}

  #file(name: string): File {
    const file = this.#files.get(name);
    if (!file) throw new StorageError("ENOENT", `${this.place}/${name}`);
    return file;
  }
}

class MemoryAppender implements Appender {
  readonly name: string;
  #storage: MemoryStorage;
  #file: File;
  #size: number;

  constructor(storage: MemoryStorage, name: string, file: File, size: number) {
    this.#storage = storage;
    this.name = name;
    this.#file = file;
    this.#size = size;
  }

  get size(): number {
    return this.#size;
  }

  append(bytes: Uint8Array): void {
    this.extend(this.#size + bytes.length);
    this.#file.bytes.set(bytes, this.#size);
    this.#size += bytes.length;
  }

  extend(length: number): void {
    const more = length - this.#file.length;
    if (more <= 0) return;
    if (this.#storage.used + more > this.#storage.limit) {
      throw new StorageError("ENOSPC", `${this.#storage.place}/${this.name}`);
    }
    this.#file.resize(length);
  }

  cut(size: number): void {
    this.#file.resize(size);
    this.#size = size;
  }

  sync(): void {}

  async syncLater(): Promise<void> {}

  named(): boolean {
    return this.#storage.holds(this.name, this.#file);
  }

  close(): void {}
}
