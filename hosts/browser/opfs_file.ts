// OPFS file: one pooled file: its open handle, and the headers that say which file it is.
// Holds   the handle, the header that counts, and where the next one goes.
// Never   knows the other files; every failure of the browser ends in a StorageError.
// Source  our own; the File System standard, FileSystemSyncAccessHandle.

import { StorageError } from "../shared/storage.ts";
import {
  DATA_AT,
  decodeHeader,
  encodeHeader,
  HEADER_SIZE,
  type Header,
  SLOTS,
} from "./opfs_header.ts";

/** What is used of a FileSystemSyncAccessHandle. */
export interface SyncHandle {
  read(bytes: Uint8Array, options: { at: number }): number;
  write(bytes: Uint8Array, options: { at: number }): number;
  truncate(size: number): void;
  getSize(): number;
  flush(): void;
  close(): void;
}

/** What the browser calls its errors, and what the system calls them. */
const CODES: Readonly<Record<string, string>> = {
  QuotaExceededError: "ENOSPC",
  NoModificationAllowedError: "EBUSY",
  NotAllowedError: "EACCES",
  SecurityError: "EACCES",
  InvalidStateError: "EBADF",
  NotFoundError: "ENOENT",
};
/** Zeros that are written at once. */
const ZEROS = new Uint8Array(65_536);
/** Bytes that are copied at once. */
const PIECE = 1_048_576;
const FREE: Header = { name: "", sequence: 0, serial: 0, copyOf: 0 };

export class OpfsFile {
  /** What the browser knows it by. */
  readonly label: string;
  #handle: SyncHandle;
  #place: string;
  #header: Header = FREE;
  /** Index in SLOTS of the header that counts. */
  #slot = 1;
  /** Neither slot holds a whole header. */
  readonly torn: boolean = false;
  /** The header that counts may not survive the loss of power. */
  dirty = false;

  /** @param place  of the folder, for people */
  constructor(handle: SyncHandle, label: string, place: string) {
    this.#handle = handle;
    this.#place = place;
    this.label = label;
    const found = this.attempt(() => SLOTS.map((at) => this.#readHeader(at)));
    const [first, second] = found;
    if (!first && !second) {
      this.torn = true;
      return;
    }
    this.#slot = (first?.sequence ?? -1) > (second?.sequence ?? -1) ? 0 : 1;
    this.#header = found[this.#slot] as Header;
  }

  get header(): Header {
    return this.#header;
  }

  /** Bytes of the file's own. */
  get size(): number {
    return this.attempt(() => Math.max(0, this.#handle.getSize() - DATA_AT));
  }

  /** Becomes what the header says, in one step; durable after `flush`. */
  become(header: Header): void {
    this.attempt(() => {
      const next = 1 - this.#slot;
      this.#put(encodeHeader(header), SLOTS[next]);
      this.#slot = next;
      this.#header = header;
      this.dirty = true;
    });
  }

  /** Reads from an offset on; returns how many bytes there were. */
  read(at: number, bytes: Uint8Array): number {
    return this.attempt(() => {
      let done = 0;
      while (done < bytes.length) {
        const len = this.#handle.read(bytes.subarray(done), { at: DATA_AT + at + done });
        if (len === 0) break;
        done += len;
      }
      return done;
    });
  }

  write(bytes: Uint8Array, at: number): void {
    this.attempt(() => this.#put(bytes, DATA_AT + at));
  }

  /** Makes the file at least so long, with zeros that take up room; or leaves it as it was. */
  extend(length: number): void {
    this.attempt(() => {
      const before = this.#handle.getSize();
      try {
        for (let at = before; at < DATA_AT + length; ) {
          const zeros = ZEROS.subarray(0, Math.min(ZEROS.length, DATA_AT + length - at));
          this.#put(zeros, at);
          at += zeros.length;
        }
      } catch (error) {
        // Whoever reads it must not take it for a file that was cut short.
        this.#handle.truncate(before);
        throw error;
      }
    });
  }

  cut(size: number): void {
    this.attempt(() => this.#handle.truncate(DATA_AT + size));
  }

  flush(): void {
    this.attempt(() => this.#handle.flush());
    this.dirty = false;
  }

  /** Takes all bytes of another file. */
  copy(from: OpfsFile): void {
    const bytes = new Uint8Array(Math.min(PIECE, from.size));
    for (let at = 0; ; ) {
      const len = from.read(at, bytes);
      if (len === 0) return;
      this.write(bytes.subarray(0, len), at);
      at += len;
    }
  }

  /** Lets go of the handle. Never throws. */
  close(): void {
    try {
      this.#handle.close();
    } catch {
      // The browser has let go of it.
    }
  }

  /** Does something with the file; a failure is a StorageError that names it. */
  attempt<T>(action: () => T): T {
    try {
      return action();
    } catch (error) {
      throw opfsError(error, `${this.#place}/${this.#header.name || this.label}`);
    }
  }

  #put(bytes: Uint8Array, at: number): void {
    for (let done = 0; done < bytes.length; ) {
      const rest = done ? bytes.subarray(done) : bytes;
      const len = this.#handle.write(rest, { at: at + done });
      // A medium that has a reason throws; one that takes nothing is full.
      if (len === 0) throw new StorageError("ENOSPC", `${this.#place}/${this.#header.name}`);
      done += len;
    }
  }

  #readHeader(at: number): Header | null {
    const bytes = new Uint8Array(HEADER_SIZE);
    const len = this.#handle.read(bytes, { at });
    return decodeHeader(bytes.subarray(0, len));
  }
}

/** The error to throw for one of the browser's; what is none of a file goes on its way. */
export function opfsError(error: unknown, file: string): unknown {
  if (error instanceof StorageError || !(error instanceof Error || isDomException(error))) {
    return error;
  }
  const { name } = error as Error;
  const code = CODES[name];
  if (code) return new StorageError(code, file, error);
  return isDomException(error) ? new StorageError("EIO", file, error) : error;
}

function isDomException(error: unknown): boolean {
  return Object.prototype.toString.call(error) === "[object DOMException]";
}
