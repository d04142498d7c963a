// Guest ring: a guest's end of a ring, as the stream of bytes that a client takes.
// Holds   what did not fit into the queue of requests yet.
// Never   keeps an index of its own, since the store may set all to 0, and never waits.
// Source  the XenStore protocol, ring (moving bytes, reconnection).

import {
  XENSTORE_PAYLOAD_MAX,
  XENSTORE_RING_CONNECTION,
  XENSTORE_RING_REQ_CONS,
  XENSTORE_RING_REQ_PROD,
  XENSTORE_RING_RSP,
  XENSTORE_RING_RSP_CONS,
  XENSTORE_RING_SIZE,
  XENSTORE_SERVER_FEATURE_RECONNECTION,
} from "../../assembly/xs_wire.ts";
import type { ByteStream, StreamSink } from "./byte_stream.ts";
import { XenstoreError } from "./errors.ts";
import type { Page } from "./machine.ts";
import {
  CONNECTION,
  ERROR,
  FEATURES,
  REQ_CONS,
  REQ_PROD,
  RSP_CONS,
  RSP_PROD,
  WORDS,
} from "./ring_words.ts";

const MASK = XENSTORE_RING_SIZE - 1;

export class GuestRing implements ByteStream {
  readonly payloadMax = XENSTORE_PAYLOAD_MAX;
  readonly passesDepth = true;
  #page: Page;
  #notify: () => void;
  #closed: () => void;
  #sink: StreamSink | null = null;
  #unsent: Uint8Array[] = [];
  #full = false;
  #paused = false;
  #words = new Uint32Array(WORDS);
  #word = new Uint32Array(1);
  /** Called once when the store has taken the connection up anew. */
  #connected: (() => void) | null = null;

  /**
   * @param notify  raises the store's event
   * @param closed  called once, when nobody uses the ring any more
   */
  constructor(page: Page, notify: () => void, closed: () => void = () => {}) {
    this.#page = page;
    this.#notify = notify;
    this.#closed = closed;
  }

  start(sink: StreamSink): void {
    this.#sink = sink;
    queueMicrotask(() => this.event());
  }

  /**
   * Begins anew: whatever an earlier user of the ring has left in it does not count. The store
   * must have introduced the domain. Call it before `start`.
   */
  async reconnect(): Promise<void> {
    const words = this.#look();
    if (!((words[FEATURES] as number) & XENSTORE_SERVER_FEATURE_RECONNECTION)) {
      // Old replies can be thrown away all the same.
      this.#store(XENSTORE_RING_RSP_CONS, words[RSP_PROD] as number);
      return;
    }
    this.#store(XENSTORE_RING_CONNECTION, 1);
    const connected = new Promise<void>((resolve) => {
      this.#connected = resolve;
    });
    this.#notify();
    await connected;
  }

  write(messages: Uint8Array): boolean {
    if (!this.#sink) return true;
    this.#unsent.push(messages);
    this.event();
    this.#full = this.#unsent.length > 0;
    return !this.#full;
  }

  pause(paused: boolean): void {
    this.#paused = paused;
    if (!paused) queueMicrotask(() => this.event());
  }

  close(): void {
    this.#sink = null;
    this.#unsent = [];
    this.#closed();
    this.#closed = () => {};
  }

  /** The store has raised our event: moves what can be moved. */
  event(): void {
    const words = this.#look();
    if (this.#connected) {
      if (words[CONNECTION] !== 0) return;
      this.#connected();
      this.#connected = null;
    }
    if (!this.#sink || words[CONNECTION] !== 0) return;
    if (words[ERROR] !== 0) {
      this.#fail(`the store does not serve this ring any more: error ${words[ERROR]}`);
      return;
    }
    const taken = this.#paused ? null : this.#receive(words);
    const put = this.#transmit(words);
    if (taken || put) this.#notify();
    if (taken) queueMicrotask(() => this.#sink?.data(taken));
    if (!this.#full || this.#unsent.length > 0) return;
    this.#full = false;
    queueMicrotask(() => this.#sink?.drain());
  }

  /** Puts as much as there is room for. Returns whether that was anything. */
  #transmit(words: Uint32Array): boolean {
    let prod = words[REQ_PROD] as number;
    let room = XENSTORE_RING_SIZE - ((prod - (words[REQ_CONS] as number)) >>> 0);
    if (room < 0) this.#fail("the indexes of the requests are broken");
    if (room <= 0 || this.#unsent.length === 0) return false;
    while (room > 0 && this.#unsent.length > 0) {
      const message = this.#unsent[0] as Uint8Array;
      const at = prod & MASK;
      const len = Math.min(room, message.length, XENSTORE_RING_SIZE - at);
      this.#page.write(at, message.subarray(0, len));
      prod = (prod + len) >>> 0;
      room -= len;
      if (len === message.length) this.#unsent.shift();
      else this.#unsent[0] = message.subarray(len);
    }
    this.#store(XENSTORE_RING_REQ_PROD, prod);
    return true;
  }

  /** Takes all that is there; null for nothing. */
  #receive(words: Uint32Array): Uint8Array | null {
    const cons = words[RSP_CONS] as number;
    const prod = words[RSP_PROD] as number;
    const len = (prod - cons) >>> 0;
    if (len > XENSTORE_RING_SIZE) this.#fail("the indexes of the replies are broken");
    if (len === 0 || len > XENSTORE_RING_SIZE) return null;
    const bytes = new Uint8Array(len);
    const at = cons & MASK;
    const head = Math.min(len, XENSTORE_RING_SIZE - at);
    this.#page.read(XENSTORE_RING_RSP + at, bytes.subarray(0, head));
    if (len > head) this.#page.read(XENSTORE_RING_RSP, bytes.subarray(head));
    this.#store(XENSTORE_RING_RSP_CONS, prod);
    return bytes;
  }

  #look(): Uint32Array {
    this.#page.load(XENSTORE_RING_REQ_CONS, this.#words);
    return this.#words;
  }

  #store(offset: number, value: number): void {
    this.#word[0] = value;
    this.#page.store(offset, this.#word);
  }

  #fail(reason: string): void {
    const sink = this.#sink;
    this.close();
    const cause = new Error(reason);
    queueMicrotask(() => sink?.end(new XenstoreError("EIO", { cause })));
  }
}
