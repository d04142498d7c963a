// Fake folder: a browser's private file system in memory, with ends and failures at any call.
// Holds   each file's bytes, what of them would survive the loss of power, and a count of calls.
// Never   is slower or kinder than a browser: a handle is exclusive, a quota is kept.
// Source  the File System standard, FileSystemSyncAccessHandle.

import type { SyncHandle } from "../../hosts/browser/opfs_file.ts";
import type { OpfsEntry, OpfsFolder } from "../../hosts/browser/opfs_pool.ts";

/** Thrown by every call from a chosen one on: the worker is gone. */
export class Gone extends Error {
  override name = "Gone";
}

class FakeFile {
  bytes = new Uint8Array(0);
  /** As of the last flush. */
  durable = new Uint8Array(0);
  open = false;
}

export class FakeFolder implements OpfsFolder {
  readonly name = "fake";
  /** Bytes that all files may have together. */
  quota = Number.POSITIVE_INFINITY;
  /** Calls of handles that changed something, so far. */
  calls = 0;
  /** The number of the call that is not made any more, nor any after it. */
  endsAt = Number.POSITIVE_INFINITY;
  /** Of the last call's bytes so many are written. */
  tornAfter = 0;
  #files = new Map<string, FakeFile>();

  async getFileHandle(name: string, options?: { create?: boolean }): Promise<OpfsEntry> {
    const there = this.#files.get(name);
    if (!there && !options?.create) throw new DOMException("not there", "NotFoundError");
    const file = there ?? new FakeFile();
    this.#files.set(name, file);
    return {
      createSyncAccessHandle: async () => {
        if (file.open) throw new DOMException("in use", "NoModificationAllowedError");
        file.open = true;
        return new FakeHandle(this, file);
      },
    };
  }

  async *values() {
    for (const name of this.#files.keys()) yield { kind: "file", name };
  }

  /** What the next worker finds; `power`: also after the loss of power. */
  after(power = false): FakeFolder {
    const next = new FakeFolder();
    for (const [name, file] of this.#files) {
      const copy = new FakeFile();
      copy.bytes = (power ? file.durable : file.bytes).slice();
      copy.durable = copy.bytes.slice();
      next.#files.set(name, copy);
    }
    return next;
  }

  /** The bytes of the pooled files, to be damaged. */
  get files(): Map<string, FakeFile> {
    return this.#files;
  }

  get used(): number {
    let sum = 0;
    for (const { bytes } of this.#files.values()) sum += bytes.length;
    return sum;
  }

  /** Counts a call that writes; returns how many of its bytes it writes, and then it may throw. */
  count(length: number): number {
    this.calls++;
    if (this.calls < this.endsAt) return length;
    return this.calls === this.endsAt ? Math.min(this.tornAfter, length) : 0;
  }

  get ended(): boolean {
    return this.calls >= this.endsAt;
  }
}

class FakeHandle implements SyncHandle {
  #folder: FakeFolder;
  #file: FakeFile;
  #closed = false;

  constructor(folder: FakeFolder, file: FakeFile) {
    this.#folder = folder;
    this.#file = file;
  }

  read(bytes: Uint8Array, { at }: { at: number }): number {
    this.#check();
    const there = this.#file.bytes.subarray(at, at + bytes.length);
    bytes.set(there);
    return there.length;
  }

  write(bytes: Uint8Array, { at }: { at: number }): number {
    this.#check();
    const more = Math.max(0, at + bytes.length - this.#file.bytes.length);
    if (this.#folder.used + more > this.#folder.quota) {
      throw new DOMException("no room", "QuotaExceededError");
    }
    const len = this.#folder.count(bytes.length);
    if (len > 0) {
      const old = this.#file.bytes;
      this.#file.bytes = new Uint8Array(Math.max(old.length, at + len));
      this.#file.bytes.set(old);
      this.#file.bytes.set(bytes.subarray(0, len), at);
    }
    if (this.#folder.ended) throw new Gone();
    return len;
  }

  truncate(size: number): void {
    this.#check();
    this.#folder.count(0);
    if (this.#folder.ended) throw new Gone();
    const old = this.#file.bytes;
    this.#file.bytes = new Uint8Array(size);
    this.#file.bytes.set(old.subarray(0, size));
  }

  getSize(): number {
    this.#check();
    return this.#file.bytes.length;
  }

  flush(): void {
    this.#check();
    this.#folder.count(0);
    if (this.#folder.ended) throw new Gone();
    this.#file.durable = this.#file.bytes.slice();
  }

  close(): void {
    if (!this.#closed) this.#file.open = false;
    this.#closed = true;
  }

  #check(): void {
    if (this.#closed) throw new DOMException("closed", "InvalidStateError");
    if (this.#folder.ended) throw new Gone();
  }
}
