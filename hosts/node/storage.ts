// Storage: the database's files in a folder.
// Holds   the folder, and the file that was read last.
// Never   opens a file that is no plain file, and never lets others read what it makes.
// Source  write(2), fdatasync(2), rename(2).

import fs from "node:fs";
import path from "node:path";
import { type Appender, type Storage, StorageError, type Stored } from "../shared/storage.ts";
import { makeFolder } from "./folder.ts";
import type { Libc } from "./libc.ts";

const FILE_MODE = 0o600;
const FOLDER_MODE = 0o700;
/** Zeros that are written at once. */
const ZEROS = new Uint8Array(65_536);

export class FolderStorage implements Storage {
  readonly place: string;
  #name = "";
  #fd = -1;
  #libc: Libc | null;

  /**
   * @param folder  that is there
   * @param libc    with what to append; null: with what Node brings, which takes longer
   */
  constructor(folder: string, libc: Libc | null = null) {
    this.place = folder;
    this.#libc = libc;
  }

  prepare(): void {
    attempt(this.place, () => makeFolder(this.place, FOLDER_MODE));
  }

  list(): Stored[] {
    return attempt(this.place, () => {
      const entries = fs.readdirSync(this.place, { withFileTypes: true });
      const names = entries.filter((entry) => entry.isFile()).map(({ name }) => name);
      return names.map((name) => ({ name, size: fs.statSync(this.#path(name)).size }));
    });
  }

  read(name: string, at: number, bytes: Uint8Array): number {
    const file = this.#path(name);
    return attempt(file, () => {
      if (name !== this.#name) this.#openForReading(name, file);
      let done = 0;
      while (done < bytes.length) {
        const len = fs.readSync(this.#fd, bytes, done, bytes.length - done, at + done);
        if (len === 0) break;
        done += len;
      }
      return done;
    });
  }

  create(name: string): Appender {
    const file = this.#path(name);
    const flags = fs.constants.O_CREAT | fs.constants.O_TRUNC | fs.constants.O_WRONLY;
    return attempt(file, () => {
      const fd = fs.openSync(file, flags | fs.constants.O_NOFOLLOW, FILE_MODE);
      return new FileAppender(name, file, fd, 0, this.#libc);
    });
  }

  open(name: string, size: number): Appender {
    const file = this.#path(name);
    const flags = fs.constants.O_WRONLY | fs.constants.O_NOFOLLOW;
    return attempt(file, () => {
      return new FileAppender(name, file, fs.openSync(file, flags), size, this.#libc);
    });
  }

  rename(from: string, to: string): void {
    this.#closeReading();
    attempt(this.#path(to), () => fs.renameSync(this.#path(from), this.#path(to)));
  }

  remove(name: string): void {
    this.#closeReading();
    attempt(this.#path(name), () => fs.unlinkSync(this.#path(name)));
  }

  removeLater(name: string): Promise<void> {
    const file = this.#path(name);
    this.#closeReading();
    return new Promise((resolve, reject) => {
      fs.unlink(file, (error) => (error ? reject(failed(error, file)) : resolve()));
    });
  }

  keepAside(name: string): string {
    const file = this.#path(name);
    return attempt(file, () => {
      for (let n = 1; ; n++) {
        const other = `${name}.damaged-${n}`;
        const there = fs.lstatSync(this.#path(other), { throwIfNoEntry: false });
        if (there && there.ino !== fs.statSync(file).ino) continue;
        if (!there) linkOrCopy(file, this.#path(other));
        return other;
      }
    });
  }

  syncNames(): void {
    attempt(this.place, () => {
      const fd = fs.openSync(this.place, "r");
      try {
        fs.fsyncSync(fd);
      } finally {
        fs.closeSync(fd);
      }
    });
  }

  async syncNamesLater(): Promise<void> {
    const fd = attempt(this.place, () => fs.openSync(this.place, "r"));
    try {
      await synced(fd, this.place);
    } finally {
      fs.closeSync(fd);
    }
  }

  close(): void {
    this.#closeReading();
  }

  #openForReading(name: string, file: string): void {
    this.#closeReading();
    this.#fd = fs.openSync(file, fs.constants.O_RDONLY | fs.constants.O_NOFOLLOW);
    this.#name = name;
  }

  #closeReading(): void {
    if (this.#fd >= 0) fs.closeSync(this.#fd);
    this.#fd = -1;
    this.#name = "";
  }

  #path(name: string): string {
    return path.join(this.place, name);
  }
}

class FileAppender implements Appender {
  readonly name: string;
  #file: string;
  #fd: number;
  #size: number;
  #libc: Libc | null;

  constructor(name: string, file: string, fd: number, size: number, libc: Libc | null) {
    this.#libc = libc;
    this.name = name;
    this.#file = file;
    this.#fd = fd;
    this.#size = size;
  }

  get size(): number {
    return this.#size;
  }

  append(bytes: Uint8Array): void {
    try {
      const { length } = bytes;
      const libc = this.#libc;
      const len = libc ? libc.pwrite(this.#fd, libc.address(bytes), length, this.#size) : 0;
      // What failed does so again, with a reason.
      if (len < length) this.#rest(bytes, Math.max(len, 0), this.#size);
      this.#size += length;
    } catch (error) {
      throw failed(error, this.#file);
    }
  }

  extend(length: number): void {
    attempt(this.#file, () => {
      const before = fs.fstatSync(this.#fd).size;
      try {
        for (let at = before; at < length; ) {
          const zeros = ZEROS.subarray(0, Math.min(ZEROS.length, length - at));
          this.#rest(zeros, 0, at);
          at += zeros.length;
        }
      } catch (error) {
        // Whoever reads it must not take it for a file that was cut short.
        fs.ftruncateSync(this.#fd, before);
        throw error;
      }
    });
  }

  cut(size: number): void {
    attempt(this.#file, () => fs.ftruncateSync(this.#fd, size));
    this.#size = size;
  }

  sync(): void {
    attempt(this.#file, () => fs.fdatasyncSync(this.#fd));
  }

  syncLater(): Promise<void> {
    return synced(this.#fd, this.#file);
  }

  named(): boolean {
    try {
      const [there, here] = [fs.statSync(this.#file), fs.fstatSync(this.#fd)];
      return there.ino === here.ino && there.dev === here.dev;
    } catch {
      return false;
    }
  }

  close(): void {
    if (this.#fd >= 0) fs.closeSync(this.#fd);
    this.#fd = -1;
  }

  /** Writes bytes from `from` on, so that the first of them all is at `at`. */
  #rest(bytes: Uint8Array, from: number, at: number): void {
    for (let done = from; done < bytes.length; ) {
      const len = fs.writeSync(this.#fd, bytes, done, bytes.length - done, at + done);
      // The system gives a reason where there is one.
      if (len === 0) throw new StorageError("EIO", this.#file);
      done += len;
    }
  }
}

/** Two names for one file, where the medium can do that. */
function linkOrCopy(file: string, other: string): void {
  try {
    fs.linkSync(file, other);
  } catch {
    fs.copyFileSync(file, other, fs.constants.COPYFILE_EXCL);
  }
}

function synced(fd: number, file: string): Promise<void> {
  return new Promise((resolve, reject) => {
    fs.fsync(fd, (error) => (error ? reject(failed(error, file)) : resolve()));
  });
}

/** Does something with a file; a failure is a StorageError. */
function attempt<T>(file: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    throw failed(error, file);
  }
}

function failed(error: unknown, file: string): unknown {
  const { code } = error as NodeJS.ErrnoException;
  if (error instanceof StorageError || !code || code.startsWith("ERR_")) return error;
  return new StorageError(code, file, error);
}
