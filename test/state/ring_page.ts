// Ring page: the page that a guest and the store share, and what each end does with it.
// Holds   the page, and what the guest has not found room for.
// Never   loses or adds a byte by itself; whether indexes make sense is the reader's to judge.
// Source  the XenStore protocol, ring.

import { XENSTORE_RING_PAGE } from "../../assembly/xs_wire.ts";

const QUEUE = 1024;
const REQ_CONS = 2048;
const REQ_PROD = 2052;
const RSP_CONS = 2056;
const RSP_PROD = 2060;
const FEATURES = 2064;
const CONNECTION = 2068;
const ERROR = 2072;

export class RingPage {
  readonly bytes: Buffer;
  /** Bytes that the guest wants to send and has found no room for. */
  unsent: Buffer;

  constructor(bytes = Buffer.alloc(XENSTORE_RING_PAGE), unsent: Buffer = Buffer.alloc(0)) {
    this.bytes = bytes;
    this.unsent = unsent;
  }

  /** The same at this moment, to go on with later. */
  copy(): RingPage {
    return new RingPage(Buffer.from(this.bytes), this.unsent);
  }

  /** The guest sends bytes, as far as there is room; the rest follows with the next call. */
  put(bytes: Uint8Array): void {
    const all = Buffer.concat([this.unsent, bytes]);
    const room = QUEUE - this.#distance(REQ_PROD, REQ_CONS);
    const len = Math.min(Math.max(room, 0), all.length);
    const from = this.word(REQ_PROD);
    for (let i = 0; i < len; i += 1) this.bytes[(from + i) % QUEUE] = all[i];
    this.#setWord(REQ_PROD, from + len);
    this.unsent = all.subarray(len);
  }

  /** The guest takes at most `max` bytes of what it was sent. */
  take(max = Number.POSITIVE_INFINITY): Buffer {
    const there = this.#distance(RSP_PROD, RSP_CONS);
    if (there > QUEUE) throw new Error(`${there} bytes in a queue of ${QUEUE}`);
    const len = Math.min(there, max);
    const from = this.word(RSP_CONS);
    const taken = Buffer.alloc(len);
    for (let i = 0; i < len; i += 1) taken[i] = this.bytes[QUEUE + ((from + i) % QUEUE)];
    this.#setWord(RSP_CONS, from + len);
    return taken;
  }

  /** Bytes that the guest may take. */
  get waiting(): number {
    return this.#distance(RSP_PROD, RSP_CONS);
  }

  /** Bytes of requests that the store has not taken. */
  get asked(): number {
    return this.#distance(REQ_PROD, REQ_CONS);
  }

  get error(): number {
    return this.word(ERROR);
  }

  /** The guest asks for a new connection, and forgets what it wanted to send. */
  reconnect(): void {
    this.#setWord(CONNECTION, 1);
    this.unsent = Buffer.alloc(0);
  }

  /** The guest lies about what it has sent. */
  spoil(): void {
    this.#setWord(REQ_PROD, this.word(REQ_CONS) + QUEUE + 1);
  }

  /** The host copies the guest's fields into the store's copy. */
  copyIn(page: Uint8Array): void {
    page.set(this.bytes.subarray(0, QUEUE), 0);
    for (const at of [REQ_PROD, RSP_CONS, CONNECTION]) {
      page.set(this.bytes.subarray(at, at + 4), at);
    }
  }

  /** The host copies all of it into the store's copy: the store has just begun. */
  copyAllIn(page: Uint8Array): void {
    page.set(this.bytes);
  }

  /** The host copies out what the store has changed. */
  copyOut(page: Uint8Array, reset: boolean): void {
    this.bytes.set(page.subarray(QUEUE, 2 * QUEUE), QUEUE);
    const own = [REQ_CONS, RSP_PROD, FEATURES, ERROR];
    const words = reset ? [...own, REQ_PROD, RSP_CONS, CONNECTION] : own;
    for (const at of words) this.bytes.set(page.subarray(at, at + 4), at);
  }

  /** All fields, for comparison. */
  words(): number[] {
    return [REQ_CONS, REQ_PROD, RSP_CONS, RSP_PROD, FEATURES, CONNECTION, ERROR].map((at) =>
      this.word(at),
    );
  }

  word(at: number): number {
    return this.bytes.readUInt32LE(at);
  }

  #setWord(at: number, value: number): void {
    this.bytes.writeUInt32LE(value >>> 0, at);
  }

  #distance(to: number, from: number): number {
    return (this.word(to) - this.word(from)) >>> 0;
  }
}
