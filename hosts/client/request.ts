// Request: one request from its call until its promise is settled.
// Holds   what the reply needs, where its bytes lie until they have left, and its signal.
// Never   touches the stream, nor a queue.
// Source  our own.

import type { Decode } from "./connection.ts";
import type { Group } from "./heeded.ts";

/** Waits in the queue. */
export const WAITING = 0;
/** Its bytes are in the batch that leaves with the next flush, or have left. */
export const UNDER_WAY = 1;
/** Its promise is settled; if it was under way, its id is still taken until the reply comes. */
export const SETTLED = 2;

// What an executor was given last; taken at once, so that no closure is made for each promise.
let lastResolve: (value: unknown) => void;
let lastReject: (error: unknown) => void;
const keep = (resolve: (value: unknown) => void, reject: (error: unknown) => void) => {
  lastResolve = resolve;
  lastReject = reject;
};

/** All fields exist from the start: the code that handles requests sees one shape only. */
export class Request {
  readonly type: number;
  /** As in the payload; for errors, too. */
  readonly path: string | null;
  readonly decode: Decode<unknown>;
  readonly promise: Promise<unknown>;
  readonly #resolve: (value: unknown) => void;
  readonly #reject: (error: unknown) => void;
  state = WAITING;
  /** Goes before those that are not. */
  first = false;
  /** The only link it may go over; 0: any. */
  link = 0;
  /** Of the message while it is under way. */
  reqId = 0;
  /** Number of the batch that it left with. */
  batch = 0;
  /** Where the message lies: in `bytes` while it waits, else in the batch. */
  bytes: Uint8Array | null = null;
  at = 0;
  len = 0;
  /** When it was sent; only where somebody counts the time. */
  sentMs = 0;
  /** The signal that may take it back, with all that wait with it. */
  heeded: Group | null = null;

  constructor(type: number, path: string | null, decode: Decode<unknown>) {
    this.type = type;
    this.path = path;
    this.decode = decode;
    this.promise = new Promise(keep);
    this.#resolve = lastResolve;
    this.#reject = lastReject;
  }

  resolve(value: unknown): void {
    this.state = SETTLED;
    if (this.heeded !== null) this.#unheed();
    this.#resolve(value);
  }

  reject(error: unknown): void {
    this.state = SETTLED;
    if (this.heeded !== null) this.#unheed();
    this.#reject(error);
  }

  #unheed(): void {
    this.heeded?.remove(this);
    this.heeded = null;
  }
}
