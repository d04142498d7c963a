// Events: watch events that have come and nobody has taken yet.
// Holds   a bounded queue, and those who wait for the next event.
// Never   merges or reorders.
// Source  the XenStore protocol, Watches; Clients, Behaviour.

import { XenstoreError } from "./errors.ts";

/** A change below a watched node. */
export interface WatchEvent {
  /** What changed, in the form the watch was set: absolute or relative. */
  path: string;
  /** The token the watch was set with. */
  token: string;
}

/** Events from which on the stream is asked to hold back. */
const FULL_AT = 4096;
/** Events at which the connection is given up: they came while a reply was awaited. */
const LOST_AT = 65_536;

interface Waiter {
  resolve(event: WatchEvent): void;
  reject(error: XenstoreError): void;
}

/** First in, first out; says when it is full and when it has room again. */
export class EventQueue {
  readonly #onFull: (full: boolean) => void;
  #events: WatchEvent[] = [];
  #taken = 0;
  #waiters: Waiter[] = [];
  #end: XenstoreError | null = null;

  constructor(onFull: (full: boolean) => void) {
    this.#onFull = onFull;
  }

  /** Events that wait. */
  get size(): number {
    return this.#events.length - this.#taken;
  }

  get full(): boolean {
    return this.size >= FULL_AT;
  }

  /** Adds an event. Throws ENOBUFS when far too many wait. */
  push(event: WatchEvent): void {
    const waiter = this.#waiters.shift();
    if (waiter !== undefined) {
      waiter.resolve(event);
      return;
    }
    if (this.size >= LOST_AT) throw new XenstoreError("ENOBUFS");
    this.#events.push(event);
    if (this.size === FULL_AT) this.#onFull(true);
  }

  /** The oldest event, or the next to come. Rejects once the queue has ended and is empty. */
  next(): Promise<WatchEvent> {
    if (this.size > 0) return Promise.resolve(this.#shift());
    if (this.#end !== null) return Promise.reject(this.#end);
    return new Promise((resolve, reject) => this.#waiters.push({ resolve, reject }));
  }

  /** No further events will come. */
  end(error: XenstoreError): void {
    this.#end = error;
    for (const waiter of this.#waiters.splice(0)) waiter.reject(error);
  }

  /** Takes the oldest; the array is shortened only now and then, so that this stays cheap. */
  #shift(): WatchEvent {
    const wasFull = this.full;
    const event = this.#events[this.#taken++];
    if (this.#taken * 2 > this.#events.length) {
      this.#events = this.#events.slice(this.#taken);
      this.#taken = 0;
    }
    if (wasFull && !this.full) this.#onFull(false);
    return event;
  }
}
