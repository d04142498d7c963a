// Watch: one watch as an async iterator.
// Holds   its events that were not taken, who waits for one, and how it ended.
// Never   sends a request itself: the registry of the connection does.
// Source  the XenStore protocol, Watches; our own.

import { XenstoreError } from "../shared/errors.ts";
import type { Watch, WatchEvent, WatchOptions } from "./api.ts";
import { asyncDispose } from "./dispose.ts";
import { ConnectionLostError, WatchOverflowError } from "./errors.ts";
import { EventBuffer } from "./event_buffer.ts";

const BUFFER = 1024;

/** Who sets and removes watches. */
export interface Registry {
  /** Sets the watch; what becomes of it is told to the watch. */
  set(watch: StoreWatch): void;
  /** Removes it; resolves when that is confirmed, or no longer needed. */
  remove(watch: StoreWatch): Promise<void>;
}

interface Taker {
  resolve(result: IteratorResult<WatchEvent>): void;
  reject(error: unknown): void;
}

const DONE: IteratorResult<WatchEvent> = { done: true, value: undefined };

export class StoreWatch implements Watch {
  readonly path: string;
  readonly token: string;
  readonly options: WatchOptions;
  /** The link that the watch was asked for on; 0 as long as it was not. */
  link = 0;
  readonly #registry: Registry;
  readonly #limit: number;
  readonly #buffer: EventBuffer;
  readonly #takers: Taker[] = [];
  #ready: Promise<void> | null = null;
  #confirm: () => void = () => {};
  #deny: (error: unknown) => void = () => {};
  /** No more events come; with what the iterator throws once those that wait were taken. */
  #over: { error?: unknown } | null = null;
  /** The store has confirmed it once. */
  #known = false;
  /** The next event is the one that registration brings. */
  #awaited = false;
  #replaying = false;

  constructor(registry: Registry, path: string, token: string, options: WatchOptions) {
    this.#registry = registry;
    this.path = path;
    this.token = token;
    this.options = options;
    this.#limit = options.buffer ?? BUFFER;
    this.#buffer = new EventBuffer(this.#limit, options.overflow === "coalesce");
  }

  get waiting(): number {
    return this.#buffer.size;
  }

  /** Levels that count; undefined: all. */
  get depth(): number | undefined {
    return this.options.depth;
  }

  get over(): boolean {
    return this.#over !== null;
  }

  get ready(): Promise<void> {
    return this.#start();
  }

  next(): Promise<IteratorResult<WatchEvent>> {
    this.#start();
    const event = this.#buffer.shift();
    if (event !== undefined) return Promise.resolve({ done: false, value: event });
    if (this.#over !== null) return this.#ending(this.#over);
    return new Promise((resolve, reject) => this.#takers.push({ resolve, reject }));
  }

  async return(): Promise<IteratorResult<WatchEvent>> {
    this.finish();
    await this.#registry.remove(this);
    return DONE;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [asyncDispose](): Promise<void> {
    await this.return();
  }

  /** An event with its token has come. */
  heard(path: string): void {
    if (this.#over !== null) return;
    const initial = this.#awaited;
    this.#awaited = false;
    const event = { path, token: this.token, initial, replayed: initial && this.#replaying };
    const taker = this.#takers.shift();
    if (taker !== undefined) taker.resolve({ done: false, value: event });
    else if (!this.#buffer.push(event)) this.fail(new WatchOverflowError(this.path, this.#limit));
  }

  /** The watch is being asked for: the first event to come is that of its registration. */
  asked(link: number): void {
    this.link = link;
    this.#awaited = true;
    this.#replaying = this.#known;
  }

  /** The store has set it. */
  confirmed(): void {
    this.#known = true;
    this.#confirm();
  }

  /** It was not set, and will not be. */
  denied(error: unknown): void {
    this.#deny(error);
    if (this.#over === null) this.#end({ error });
  }

  /** It ends with an error; events that wait can still be taken. */
  fail(error: unknown): void {
    if (this.#over !== null) return;
    this.#end({ error });
    void this.#registry.remove(this);
  }

  /** It ends without one; events that wait are dropped. */
  finish(): void {
    this.#buffer.clear();
    if (this.#over === null) this.#end({});
    // Whoever still comes for the error has given it up.
    else delete this.#over.error;
    this.#deny(new XenstoreError("ECANCELED", { op: "WATCH", path: this.path }));
  }

  #start(): Promise<void> {
    if (this.#ready !== null) return this.#ready;
    this.#ready = new Promise((resolve, reject) => {
      this.#confirm = resolve;
      this.#deny = reject;
    });
    // Nobody may be waiting for it.
    this.#ready.catch(() => {});
    if (this.#over !== null) this.finish();
    else if (this.options.signal?.aborted) this.#aborted();
    else {
      this.options.signal?.addEventListener("abort", this.#aborted);
      this.#registry.set(this);
    }
    return this.#ready;
  }

  #aborted = (): void => {
    const reason = this.options.signal?.reason;
    this.#deny(reason);
    this.#buffer.clear();
    this.fail(reason);
  };

  #end(how: { error?: unknown }): void {
    this.#over = how;
    this.options.signal?.removeEventListener("abort", this.#aborted);
    for (const taker of this.#takers.splice(0)) {
      this.#ending(how).then(taker.resolve, taker.reject);
    }
  }

  /** The error comes once, then the iterator is at its end. */
  #ending(how: { error?: unknown }): Promise<IteratorResult<WatchEvent>> {
    if (!("error" in how)) return Promise.resolve(DONE);
    const { error } = how;
    delete how.error;
    return Promise.reject(error);
  }
}

/** True for the loss of one link, after which there may be another. */
export function isLost(error: unknown): error is ConnectionLostError {
  return error instanceof ConnectionLostError;
}
