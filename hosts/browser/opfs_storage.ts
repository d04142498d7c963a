// OPFS storage: the database's files in a browser's private file system.
// Holds   a pool of files that were opened ahead, and which of them is which file of the database.
// Never   waits while the store does: what the browser only does later was done before.
// Source  our own; the File System standard. The form of a pooled file is in opfs_header.ts.

import { type Appender, type Storage, StorageError, type Stored } from "../shared/storage.ts";
import { OpfsFile } from "./opfs_file.ts";
import { isName } from "./opfs_header.ts";
import { folderOf, type OpfsFolder, openPool } from "./opfs_pool.ts";

/** Free files below which more are made. */
const SPARE_MIN = 6;
/** Free files that are made ahead, at least. */
const SPARE = 12;

/**
 * Opens the database's folder in the browser's private file system (OPFS). To be called in a
 * dedicated worker: nowhere else does a browser write synchronously. Only one worker of all tabs
 * can have a folder open.
 * @param folder  names below the root, with slashes between them; or a FileSystemDirectoryHandle
 * @returns       a storage for `createStore`; `close` lets go of the folder
 * @throws        Error of one line: there is no OPFS, or it can't be used here, or not now
 */
export async function opfsStorage(folder: string | OpfsFolder = "xenstore"): Promise<Storage> {
  const place = `opfs:/${typeof folder === "string" ? folder : folder.name}`;
  const directory = typeof folder === "string" ? await folderOf(folder, place) : folder;
  const files = await openPool(directory, place);
  const storage = new OpfsStorage(directory, place, files);
  await storage.refill();
  return storage;
}

class OpfsStorage implements Storage {
  readonly place: string;
  #folder: OpfsFolder;
  #names = new Map<string, OpfsFile>();
  #free: OpfsFile[] = [];
  #labels = 0;
  /** Free files that are made ahead. */
  #spare = SPARE;
  #sequence = 0;
  #serial = 0;
  #refilling: Promise<void> | null = null;
  #closed = false;

  constructor(folder: OpfsFolder, place: string, files: readonly OpfsFile[]) {
    this.#folder = folder;
    this.place = place;
    for (const file of files) this.#count(file);
    for (const file of files) this.#sort(file);
    // A start may keep each of the files aside before anything else can be done.
    this.#spare += this.#names.size;
  }

  prepare(): void {}

  list(): Stored[] {
    return [...this.#names].map(([name, file]) => ({ name, size: file.size }));
  }

  read(name: string, at: number, bytes: Uint8Array): number {
    return this.#file(name).read(at, bytes);
  }

  create(name: string): Appender {
    const file = this.#take(name);
    this.#replace(name, file, ++this.#serial, 0);
    return new OpfsAppender(this, file, 0);
  }

  open(name: string, size: number): Appender {
    return new OpfsAppender(this, this.#file(name), size);
  }

  rename(from: string, to: string): void {
    if (from === to) return;
    this.#check(to);
    const file = this.#file(from);
    this.#replace(to, file, file.header.serial, file.header.copyOf);
  }

  remove(name: string): void {
    this.#let(this.#file(name));
  }

  async removeLater(name: string): Promise<void> {
    this.remove(name);
  }

  keepAside(name: string): string {
    const file = this.#file(name);
    for (let n = 1; ; n++) {
      const other = `${name}.damaged-${n}`;
      const there = this.#names.get(other);
      if (there?.header.copyOf === file.header.serial && there.size === file.size) return other;
      if (there) continue;
      this.#copy(file, other);
      return other;
    }
  }

  syncNames(): void {
    for (const file of [...this.#names.values(), ...this.#free]) if (file.dirty) file.flush();
  }

  async syncNamesLater(): Promise<void> {
    this.syncNames();
  }

  close(): void {
    this.#closed = true;
    for (const file of [...this.#names.values(), ...this.#free]) file.close();
  }

  /** Whether this is the file of that name. */
  holds(file: OpfsFile): boolean {
    return !this.#closed && this.#names.get(file.header.name) === file;
  }

  /** Makes free files ahead. Rejects with what keeps the first of them from being made. */
  refill(): Promise<void> {
    this.#refilling ??= this.#makeSpare().finally(() => {
      this.#refilling = null;
    });
    return this.#refilling;
  }

  async #makeSpare(): Promise<void> {
    while (this.#free.length < this.#spare && !this.#closed) {
      const label = String(++this.#labels).padStart(4, "0");
      const found = await this.#folder.getFileHandle(label, { create: true });
      const file = new OpfsFile(await found.createSyncAccessHandle(), label, this.place);
      if (this.#closed) return file.close();
      // From the first moment on one of its headers is whole.
      if (file.torn) this.#become(file, "", 0, 0);
      file.flush();
      this.#free.push(file);
    }
  }

  /** Numbers go on behind those that were given out. */
  #count({ header, label }: OpfsFile): void {
    this.#labels = Math.max(this.#labels, Number(label));
    this.#sequence = Math.max(this.#sequence, header.sequence);
    this.#serial = Math.max(this.#serial, header.serial);
  }

  /** Decides which file of the database one of the folder is. */
  #sort(file: OpfsFile): void {
    if (file.torn && file.size > 0) {
      // Nobody knows which file it was; nothing is thrown away that somebody may want.
      this.#become(file, `lost-${file.label}`, ++this.#serial, 0);
    }
    const { name, sequence } = file.header;
    if (name === "") {
      this.#free.push(file);
      return;
    }
    const other = this.#names.get(name);
    const older = other && other.header.sequence < sequence ? other : file;
    if (older === other || !other) this.#names.set(name, file);
    // The end came when a file had been put in place of another that was not free yet.
    if (other) this.#let(older);
  }

  #copy(file: OpfsFile, name: string): void {
    const copy = this.#take(name);
    try {
      // It is free as long as it is not whole.
      copy.copy(file);
      copy.flush();
    } catch (error) {
      this.#free.push(copy);
      throw error;
    }
    this.#replace(name, copy, ++this.#serial, file.header.serial);
  }

  /** A free file, empty and with nothing left of what it was. */
  #take(name: string): OpfsFile {
    this.#check(name);
    const file = this.#free.shift();
    // More are being made; whoever stores tries again.
    if (this.#free.length < SPARE_MIN) this.refill().catch(() => {});
    if (!file) throw new StorageError("ENFILE", `${this.place}/${name}`);
    try {
      // Free comes before empty also when the power goes.
      if (file.dirty) file.flush();
      file.cut(0);
    } catch (error) {
      this.#free.push(file);
      throw error;
    }
    return file;
  }

  /** Gives a file a name; one that had the name is free then, and not before. */
  #replace(name: string, file: OpfsFile, serial: number, copyOf: number): void {
    const old = this.#names.get(name);
    const before = file.header.name;
    try {
      this.#become(file, name, serial, copyOf);
    } catch (error) {
      if (before === "") this.#free.push(file);
      throw error;
    }
    this.#names.delete(before);
    this.#names.set(name, file);
    if (!old) return;
    file.flush();
    this.#let(old);
  }

  /** A file is free from here on. */
  #let(file: OpfsFile): void {
    const { name } = file.header;
    this.#become(file, "", 0, 0);
    if (this.#names.get(name) === file) this.#names.delete(name);
    this.#free.push(file);
    file.flush();
    file.cut(0);
  }

  #become(file: OpfsFile, name: string, serial: number, copyOf: number): void {
    file.become({ name, sequence: ++this.#sequence, serial, copyOf });
  }

  #check(name: string): void {
    if (!isName(name)) throw new StorageError("EINVAL", `${this.place}/${name}`);
    if (this.#closed) throw new StorageError("EBADF", `${this.place}/${name}`);
  }

  #file(name: string): OpfsFile {
    const file = this.#names.get(name);
    if (!file) throw new StorageError("ENOENT", `${this.place}/${name}`);
    return file;
  }
}

class OpfsAppender implements Appender {
  readonly name: string;
  #storage: OpfsStorage;
  #file: OpfsFile;
  #size: number;

  constructor(storage: OpfsStorage, file: OpfsFile, size: number) {
    this.#storage = storage;
    this.#file = file;
    this.name = file.header.name;
    this.#size = size;
  }

  get size(): number {
    return this.#size;
  }

  append(bytes: Uint8Array): void {
    this.#file.write(bytes, this.#size);
    this.#size += bytes.length;
  }

  extend(length: number): void {
    this.#file.extend(length);
  }

  cut(size: number): void {
    this.#file.cut(size);
    this.#size = size;
  }

  sync(): void {
    this.#file.flush();
  }

  async syncLater(): Promise<void> {
    this.#file.flush();
  }

  named(): boolean {
    return this.#storage.holds(this.#file);
  }

  close(): void {}
}
