// Model: a storage in memory that knows which bytes would outlive the process, and which the power.
// Holds   the files as the system shows them, and what was written since they were last synced.
// Never   reorders or loses anything by itself: it lists what a medium may do, the tests choose.
// Source  write(2), fsync(2), rename(2): what POSIX promises, and what it does not.

import {
  type Appender,
  type Storage,
  StorageError,
  type Stored,
} from "../../hosts/shared/storage.ts";

/** Bytes that a medium writes in one piece, or not at all. */
export const SECTOR = 512;

/** One call of the interface. */
export interface Call {
  /** From 1 on. */
  readonly number: number;
  readonly what: string;
  readonly name: string;
  /** Bytes that it writes. */
  readonly length: number;
}

/**
 * What becomes of a call: the process ends before it, within it, or after it; or it fails with a
 * code after `done` bytes.
 */
export type Fate =
  | "goes well"
  | { readonly dies: "before" | "within" | "after" }
  | { readonly fails: string; readonly done?: number };

/** Thrown by every call once the process has ended. */
export class Died extends Error {
  override name = "Died";
}

/** A change of a file's bytes that is not durable yet. */
type Pending =
  | { readonly at: number; readonly bytes: Uint8Array }
  /** The file was cut to this length. */
  | { readonly cutTo: number };

/** A file, whatever it is called. */
class Inode {
  bytes: Uint8Array = new Uint8Array(0);
  durable: Uint8Array = new Uint8Array(0);
  pending: Pending[] = [];

  write(at: number, bytes: Uint8Array): void {
    const copy = bytes.slice();
    this.bytes = written(this.bytes, at, copy);
    this.pending.push({ at, bytes: copy });
  }

  cut(cutTo: number): void {
    this.bytes = this.bytes.slice(0, cutTo);
    this.pending.push({ cutTo });
  }

  sync(): void {
    this.durable = this.bytes;
    this.pending = [];
  }
}

/** Files by name, as somebody finds them after the process or the power was gone. */
export type Files = ReadonlyMap<string, Uint8Array>;

export class ModelStorage implements Storage {
  readonly place = "tdb";
  /** Decides about each call. */
  fate: (call: Call) => Fate = () => "goes well";
  /** All calls there were. */
  readonly calls: Call[] = [];
  /** Those that failed. */
  readonly failures: Call[] = [];
  dead = false;
  #names = new Map<string, Inode>();
  /** Names as they were at the last `syncNames`, and what was done to them since. */
  #durableNames = new Map<string, Inode>();
  #pendingNames: ((names: Map<string, Inode>) => void)[] = [];

  /** @param files  what is there, all of it durable */
  constructor(files: Files = new Map()) {
    for (const [name, bytes] of files) {
      const inode = new Inode();
      inode.bytes = bytes.slice();
      inode.sync();
      this.#names.set(name, inode);
    }
    this.#durableNames = new Map(this.#names);
  }

  /** The files as the next process finds them, when this one has ended and the power is there. */
  files(): Files {
    return new Map([...this.#names].map(([name, { bytes }]) => [name, bytes]));
  }

  /** Is this file found by this name? */
  holds(name: string, inode: Inode): boolean {
    return this.#names.get(name) === inode;
  }

  prepare(): void {}

  /** Somebody else removes all files. */
  clear(): void {
    this.#names.clear();
    this.#durableNames.clear();
  }

  list(): Stored[] {
    this.#look("list", "");
    return [...this.#names].map(([name, { bytes }]) => ({ name, size: bytes.length }));
  }

  read(name: string, at: number, bytes: Uint8Array): number {
    this.#look("read", name);
    const there = this.#inode(name).bytes.subarray(at, at + bytes.length);
    bytes.set(there);
    return there.length;
  }

  create(name: string): Appender {
    const inode = new Inode();
    this.#rename("create", name, (names) => names.set(name, inode));
    return new ModelAppender(this, name, inode, 0);
  }

  open(name: string, size: number): Appender {
    this.#look("open", name);
    return new ModelAppender(this, name, this.#inode(name), size);
  }

  rename(from: string, to: string): void {
    const inode = this.#inode(from);
    this.#rename("rename", to, (names) => {
      names.delete(from);
      names.set(to, inode);
    });
  }

  remove(name: string): void {
    this.#inode(name);
    this.#rename("remove", name, (names) => names.delete(name));
  }

  async removeLater(name: string): Promise<void> {
    this.remove(name);
  }

  keepAside(name: string): string {
    const inode = this.#inode(name);
    for (let n = 1; ; n++) {
      const other = `${name}.damaged-${n}`;
      const there = this.#names.get(other);
      if (there === inode) return other;
      if (there) continue;
      this.#rename("keepAside", other, (names) => names.set(other, inode));
      return other;
    }
  }

  syncNames(): void {
    this.effect("syncNames", "", 0, () => this.#namesSynced());
  }

  async syncNamesLater(): Promise<void> {
    this.effect("syncNames", "", 0, () => this.#namesSynced());
  }

  close(): void {}

  /** What may be left when the power goes now; see `losses`. */
  pending(): Loss {
    const states = this.#pendingNames.map((_, index) => this.#namesAfter(index + 1));
    return { names: [this.#namesAfter(0), ...states] };
  }

  #namesAfter(count: number): Map<string, Inode> {
    const names = new Map(this.#durableNames);
    for (const change of this.#pendingNames.slice(0, count)) change(names);
    return names;
  }

  #rename(what: string, name: string, change: (names: Map<string, Inode>) => void): void {
    this.effect(what, name, 0, () => {
      change(this.#names);
      this.#pendingNames.push(change);
    });
  }

  #namesSynced(): void {
    this.#durableNames = new Map(this.#names);
    this.#pendingNames = [];
  }

  /** Decides about a call, and does it as far as that goes: `part` writes the first bytes only. */
  effect(what: string, name: string, length: number, part: (done: number) => void): void {
    const fate = this.#call(what, name, length);
    if (fate === "goes well") {
      part(length);
      return;
    }
    if ("fails" in fate) {
      this.failures.push(this.calls.at(-1) as Call);
      if (fate.done) part(Math.min(fate.done, length));
      throw new StorageError(fate.fails, `${this.place}/${name}`);
    }
    // A call that writes nothing is done in one step.
    if (fate.dies === "after") part(length);
    else if (fate.dies === "within" && length) part(length >> 1);
    this.dead = true;
    throw new Died();
  }

  /** A call that changes nothing. */
  #look(what: string, name: string): void {
    this.effect(what, name, 0, () => {});
  }

  #call(what: string, name: string, length: number): Fate {
    if (this.dead) throw new Died();
    const call = { number: this.calls.length + 1, what, name, length };
    this.calls.push(call);
    return this.fate(call);
  }

  #inode(name: string): Inode {
    const inode = this.#names.get(name);
    if (!inode) throw new StorageError("ENOENT", `${this.place}/${name}`);
    return inode;
  }
}

class ModelAppender implements Appender {
  readonly name: string;
  #storage: ModelStorage;
  #inode: Inode;
  #size: number;

  constructor(storage: ModelStorage, name: string, inode: Inode, size: number) {
    this.#storage = storage;
    this.name = name;
    this.#inode = inode;
    this.#size = size;
  }

  get size(): number {
    return this.#size;
  }

  append(bytes: Uint8Array): void {
    this.#storage.effect("append", this.name, bytes.length, (done) => {
      this.#inode.write(this.#size, bytes.subarray(0, done));
    });
    this.#size += bytes.length;
  }

  extend(length: number): void {
    const before = this.#inode.bytes.length;
    const more = Math.max(0, length - before);
    try {
      this.#storage.effect("extend", this.name, more, (done) => {
        if (done) this.#inode.write(before, new Uint8Array(done));
      });
    } catch (error) {
      if (error instanceof StorageError && this.#inode.bytes.length > before) {
        this.#inode.cut(before);
      }
      throw error;
    }
  }

  cut(size: number): void {
    this.#storage.effect("cut", this.name, 0, () => this.#inode.cut(size));
    this.#size = size;
  }

  sync(): void {
    this.#storage.effect("sync", this.name, 0, () => this.#inode.sync());
  }

  async syncLater(): Promise<void> {
    this.#storage.effect("sync", this.name, 0, () => this.#inode.sync());
  }

  named(): boolean {
    return this.#storage.holds(this.name, this.#inode);
  }

  close(): void {}
}

/** What a medium has to choose from when the power goes. */
interface Loss {
  /** The folder after none, one, ... and all of the changes since it was synced. */
  readonly names: Map<string, Inode>[];
}

/**
 * Lists what may be left when the power goes now: each state of the folder since it was synced,
 * and in each file any of the sectors that were written since that was synced, in any order.
 * Where there are too many such sets: none, all, each prefix, each without one, each alone, and
 * some by chance.
 * @param random  0 to 1
 */
export function* losses(storage: ModelStorage, random: () => number): Generator<Files> {
  for (const names of storage.pending().names) {
    const inodes = [...new Set(names.values())];
    const dirty = inodes.filter((inode) => inode.pending.length > 0);
    const choices = dirty.map((inode) => [...leftOf(inode, random)]);
    const most = Math.max(1, ...choices.map((all) => all.length));
    for (let turn = 0; turn < most; turn++) {
      const left = new Map<Inode, Uint8Array>();
      for (const [index, inode] of dirty.entries()) {
        // Files lose independently; walking them in step keeps the number small.
        const all = choices[index];
        left.set(inode, all[(turn + index * 7) % all.length]);
      }
      yield new Map([...names].map(([name, inode]) => [name, left.get(inode) ?? inode.durable]));
    }
  }
}

/** A write, cut up as the medium does. */
interface Piece {
  readonly at: number;
  readonly bytes: Uint8Array;
}

/** What may be left of a file. */
function* leftOf(inode: Inode, random: () => number): Generator<Uint8Array> {
  // A cut is metadata: it comes after what was before it, and before what is after it, or never.
  const steps = inode.pending.map((one) => ("cutTo" in one ? one : pieces(one)));
  const flat: (Piece | { cutTo: number })[] = steps.flat();
  for (const kept of subsets(flat.length, random)) {
    let bytes = inode.durable;
    for (const index of kept) {
      const one = flat[index];
      bytes = "cutTo" in one ? bytes.slice(0, one.cutTo) : written(bytes, one.at, one.bytes);
    }
    yield bytes;
  }
}

function pieces({ at, bytes }: Piece): Piece[] {
  const found: Piece[] = [];
  for (let done = 0; done < bytes.length; ) {
    const len = Math.min(bytes.length - done, SECTOR - ((at + done) % SECTOR));
    found.push({ at: at + done, bytes: bytes.subarray(done, done + len) });
    done += len;
  }
  return found;
}

/** Sets of the numbers below `count`, in order. */
function* subsets(count: number, random: () => number): Generator<number[]> {
  const all = Array.from({ length: count }, (_, index) => index);
  if (count <= 6) {
    for (let bits = 0; bits < 1 << count; bits++) yield all.filter((n) => (bits >> n) & 1);
    return;
  }
  // Long runs of zeros, as those that a file is extended by, are alike.
  const step = Math.max(1, Math.floor(count / 24));
  yield [];
  yield all;
  for (let n = 0; n < count; n += step) {
    yield all.slice(0, n);
    yield all.filter((one) => one !== n);
    yield [n];
  }
  for (let n = 1; n <= Math.min(count, 8); n++) {
    const late = count - n;
    yield all.filter((one) => one !== late);
    yield all.slice(0, late);
  }
  for (let turn = 0; turn < 8; turn++) yield all.filter(() => random() < 0.5);
}

/** A copy with some bytes replaced; zeros where there was nothing in between. */
function written(old: Uint8Array, at: number, bytes: Uint8Array): Uint8Array {
  const next = new Uint8Array(Math.max(old.length, at + bytes.length));
  next.set(old);
  next.set(bytes, at);
  return next;
}
