// Status: what becomes of a connection, told to everybody who asked.
// Holds   the last status, and for each listener what it has not taken yet.
// Never   keeps more than a bounded number for a listener that sleeps.
// Source  our own.

import type { Status } from "./api.ts";

/** Changes that are kept for a listener; the oldest go first. */
const KEPT = 1024;

export class StatusFeed {
  #last: Status = { state: "connecting", attempt: 1 };
  #listeners = new Set<StatusIterator>();

  get state(): Status["state"] {
    return this.#last.state;
  }

  /** Tells everybody; behind `closed` nothing follows. */
  tell(status: Status): void {
    this.#last = status;
    for (const listener of this.#listeners) listener.push(status);
    if (status.state === "closed") this.#listeners.clear();
  }

  /** Every change from now on. */
  listen(): AsyncIterableIterator<Status> {
    const listener = new StatusIterator((one) => this.#listeners.delete(one));
    if (this.state === "closed") listener.push(this.#last);
    else this.#listeners.add(listener);
    return listener;
  }
}

type Taker = (result: IteratorResult<Status>) => void;

class StatusIterator implements AsyncIterableIterator<Status> {
  readonly #left: (one: StatusIterator) => void;
  #kept: Status[] = [];
  #takers: Taker[] = [];
  #ended = false;

  constructor(left: (one: StatusIterator) => void) {
    this.#left = left;
  }

  push(status: Status): void {
    const taker = this.#takers.shift();
    if (taker !== undefined) taker({ done: false, value: status });
    else if (this.#kept.push(status) > KEPT) this.#kept.shift();
    if (status.state === "closed") this.#end();
  }

  next(): Promise<IteratorResult<Status>> {
    const value = this.#kept.shift();
    if (value !== undefined) return Promise.resolve({ done: false, value });
    if (this.#ended) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve) => this.#takers.push(resolve));
  }

  return(): Promise<IteratorResult<Status>> {
    this.#left(this);
    this.#kept = [];
    this.#end();
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #end(): void {
    this.#ended = true;
    for (const taker of this.#takers.splice(0)) taker({ done: true, value: undefined });
  }
}
