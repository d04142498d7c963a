// Killing storage: a storage that ends the process at a call of choice, or does its work badly.
// Holds   how many calls there were.
// Never   changes what is stored unless it was asked to.
// Source  our own.

import process from "node:process";
import {
  type Appender,
  type Storage,
  StorageError,
  type Stored,
} from "../../hosts/shared/storage.ts";

/**
 * What happens at a call: the process ends `before` it, in the `half` of it, or `after` it; or it
 * and some that follow `fail`, each after half of its work. Or it goes wrong without a word: an
 * append is left out (`drop`), or every append is made at the next one only (`late`).
 */
export type Where = "before" | "half" | "after" | "fail" | "drop" | "late";

export interface Trap {
  where: Where;
  /** Of the call, from 1 on; for `drop` of the append. */
  at: number;
  /** Calls count only once the daemon is ready. */
  ready: boolean;
}

/** Calls in a row that fail. */
const FAILURES = 3;

/** Reads "half:17", or "half:17:ready". Throws an Error for anything else. */
export function parseTrap(text: string): Trap {
  const form = /^(before|half|after|fail|drop|late):(\d+)(:ready)?$/;
  const [, where, at, ready] = form.exec(text) ?? [];
  if (!where) throw new Error(`"${text}" is no trap; "half:17" is one`);
  return { where: where as Where, at: Number(at), ready: ready !== undefined };
}

/** What the process says on its standard output when the first call has failed. */
export const SPRUNG = "a call has failed";

/** Counts calls, and springs the trap. */
class Counter {
  readonly trap: Trap;
  #counts: boolean;
  #calls = 0;
  #appends = 0;

  constructor(trap: Trap) {
    this.trap = trap;
    this.#counts = !trap.ready;
  }

  /** The daemon is ready. */
  ready(): void {
    this.#counts = true;
  }

  /**
   * @param half  does a part of the work; without it nothing is between before and after, and the
   *              call never fails
   */
  call<T>(whole: () => T, half?: () => void): T {
    const due = this.#due();
    if (due === "before") die();
    if (due === "fail" && half) {
      half();
      throw new StorageError("EIO", "the trap");
    }
    if (due === "half") {
      half?.();
      die();
    }
    const result = whole();
    if (due === "after") die();
    return result;
  }

  async later(whole: () => Promise<void>): Promise<void> {
    const due = this.#due();
    if (due === "before") die();
    if (due === "fail") throw new StorageError("EIO", "the trap");
    const done = whole();
    if (due === "half") die();
    await done;
    if (due === "after") die();
  }

  #due(): Where | "" {
    if (!this.#counts) return "";
    const { at, where } = this.trap;
    const past = ++this.#calls - at;
    if (past === 0 && where === "fail") process.stdout.write(`${SPRUNG}\n`);
    return past === 0 || (where === "fail" && past > 0 && past < FAILURES) ? where : "";
  }

  /** Whether this append is to be left out. */
  drops(): boolean {
    this.#appends += 1;
    return this.trap.where === "drop" && this.#appends === this.trap.at;
  }
}

function die(): never {
  process.kill(process.pid, "SIGKILL");
  throw new Error("a process that was killed goes on");
}

/** Puts the trap between a storage and whoever uses it; `ready` says that the daemon is. */
export function trapped(below: Storage, trap: Trap): { storage: Storage; ready(): void } {
  const counter = new Counter(trap);
  return { storage: new KillingStorage(below, counter), ready: () => counter.ready() };
}

class KillingStorage implements Storage {
  readonly place: string;
  #below: Storage;
  #counter: Counter;

  constructor(below: Storage, counter: Counter) {
    this.#below = below;
    this.#counter = counter;
    this.place = below.place;
  }

  // What only looks is no call that counts: a kill there is one before the next change.
  prepare(): void {
    this.#below.prepare();
  }

  list(): Stored[] {
    return this.#below.list();
  }

  read(name: string, at: number, bytes: Uint8Array): number {
    return this.#below.read(name, at, bytes);
  }

  create(name: string): Appender {
    return this.#counter.call(() => new KillingAppender(this.#below.create(name), this.#counter));
  }

  open(name: string, size: number): Appender {
    const open = () => new KillingAppender(this.#below.open(name, size), this.#counter);
    return this.#counter.call(open);
  }

  rename(from: string, to: string): void {
    this.#counter.call(() => this.#below.rename(from, to));
  }

  remove(name: string): void {
    this.#counter.call(() => this.#below.remove(name));
  }

  removeLater(name: string): Promise<void> {
    return this.#counter.later(() => this.#below.removeLater(name));
  }

  keepAside(name: string): string {
    return this.#counter.call(() => this.#below.keepAside(name));
  }

  syncNames(): void {
    this.#counter.call(() => this.#below.syncNames());
  }

  syncNamesLater(): Promise<void> {
    return this.#counter.later(() => this.#below.syncNamesLater());
  }

  close(): void {
    this.#counter.call(() => this.#below.close());
  }
}

class KillingAppender implements Appender {
  readonly name: string;
  #below: Appender;
  #counter: Counter;
  /** Bytes that are to be appended later, or never; they count as appended. */
  #owed = new Uint8Array(0);
  #missing = 0;

  constructor(below: Appender, counter: Counter) {
    this.#below = below;
    this.#counter = counter;
    this.name = below.name;
  }

  get size(): number {
    return this.#below.size + this.#owed.length + this.#missing;
  }

  append(bytes: Uint8Array): void {
    const half = () => this.#below.append(bytes.subarray(0, bytes.length >> 1));
    this.#counter.call(() => this.#append(bytes), half);
  }

  #append(bytes: Uint8Array): void {
    if (this.#counter.trap.where === "late") {
      if (this.#owed.length > 0) this.#below.append(this.#owed);
      this.#owed = bytes.slice();
    } else if (this.#counter.drops()) {
      this.#missing += bytes.length;
    } else this.#below.append(bytes);
  }

  extend(length: number): void {
    const { size } = this.#below;
    const half = () => this.#below.extend(size + ((length - size) >> 1));
    this.#counter.call(() => this.#below.extend(length), half);
  }

  named(): boolean {
    return this.#below.named();
  }

  cut(size: number): void {
    this.#counter.call(() => this.#below.cut(size));
  }

  sync(): void {
    this.#counter.call(
      () => this.#below.sync(),
      () => {},
    );
  }

  syncLater(): Promise<void> {
    return this.#counter.later(() => this.#below.syncLater());
  }

  close(): void {
    this.#counter.call(() => this.#below.close());
  }
}
