// Exchange: requests out, replies and watch events in, over one stream of bytes.
// Holds   requests that wait for their reply, by reqId; requests that wait for room; events.
// Never   knows what a request means, and never reconnects.
// Source  the XenStore protocol, Header; Clients, Behaviour.

import { XS_ERROR, XS_WATCH_EVENT } from "../../assembly/xs_wire.ts";
import type { ByteStream } from "./byte_stream.ts";
import { nameOnTheWire, XenstoreError } from "./errors.ts";
import { EventQueue, type WatchEvent } from "./events.ts";
import {
  concat,
  encodeMessage,
  type Message,
  MessageReader,
  splitStrings,
  toText,
} from "./wire.ts";

interface Pending {
  type: number;
  resolve(payload: Uint8Array): void;
  reject(error: XenstoreError): void;
}

/** Requests that may be under way at once; more wait inside. */
const IN_FLIGHT_MAX = 256;

/** Sends requests and settles each with its reply; many may be under way. */
export class Exchange {
  readonly #stream: ByteStream;
  readonly #reader = new MessageReader();
  readonly #pending = new Map<number, Pending>();
  readonly #events: EventQueue;
  readonly #waiting: (() => void)[] = [];
  #batch: Uint8Array[] = [];
  #lastId = 0;
  #full = false;
  #paused = false;
  #failure: XenstoreError | null = null;

  constructor(stream: ByteStream) {
    this.#stream = stream;
    this.#events = new EventQueue((full) => {
      if (!full) this.#setPaused(false);
      else if (this.#pending.size === 0) this.#setPaused(true);
    });
    stream.start({
      data: (bytes) => this.#receive(bytes),
      drain: () => this.#drained(),
      end: (error) => this.#fail(error ?? new XenstoreError("EBADF")),
    });
  }

  /**
   * Sends one request and returns the payload of its reply.
   * Errors: the store's answer; E2BIG above what the stream takes, nothing is sent then; EBADF
   * when the connection is lost or the reply is none to this request.
   */
  request(type: number, payload: Uint8Array, txId = 0): Promise<Uint8Array> {
    if (payload.length > this.#stream.payloadMax) return Promise.reject(new XenstoreError("E2BIG"));
    return new Promise((resolve, reject) => {
      const go = () => {
        if (this.#failure !== null) return reject(this.#failure);
        const reqId = this.#freeId();
        this.#pending.set(reqId, { type, resolve, reject });
        this.#setPaused(false);
        this.#send(encodeMessage({ type, reqId, txId, payload }));
      };
      if (this.#mayGo() && this.#waiting.length === 0) go();
      else this.#waiting.push(go);
    });
  }

  /** Whether a depth given with a watch arrives at the store. */
  get passesDepth(): boolean {
    return this.#stream.passesDepth;
  }

  /** The next watch event, oldest first. Rejects when the connection is lost and none is left. */
  nextEvent(): Promise<WatchEvent> {
    return this.#events.next();
  }

  /** Hangs up. What still waits is rejected with EBADF. */
  close(): void {
    this.#stream.close();
    this.#fail(new XenstoreError("EBADF"));
  }

  /** Requests made in one go leave with one write. */
  #send(bytes: Uint8Array): void {
    this.#batch.push(bytes);
    if (this.#batch.length === 1) queueMicrotask(() => this.#flush());
  }

  #flush(): void {
    const messages = this.#batch;
    this.#batch = [];
    if (this.#failure === null) this.#full = !this.#stream.write(concat(messages));
  }

  #drained(): void {
    this.#full = false;
    this.#admit();
  }

  /** Lets as many waiting requests go as there is room for, in order. */
  #admit(): void {
    while (this.#mayGo()) {
      const go = this.#waiting.shift();
      if (go === undefined) return;
      go();
    }
  }

  #mayGo(): boolean {
    return this.#failure !== null || (!this.#full && this.#pending.size < IN_FLIGHT_MAX);
  }

  #freeId(): number {
    do this.#lastId = (this.#lastId + 1) >>> 0 || 1;
    while (this.#pending.has(this.#lastId));
    return this.#lastId;
  }

  #receive(bytes: Uint8Array): void {
    try {
      // Payloads are handed out; the stream uses its memory again.
      for (const message of this.#reader.push(bytes.slice())) this.#take(message);
    } catch (error) {
      this.#stream.close();
      this.#fail(error instanceof XenstoreError ? error : new XenstoreError("EBADF"));
    }
    this.#admit();
  }

  #take(message: Message): void {
    if (message.type === XS_WATCH_EVENT) {
      const [path, token] = splitStrings(message.payload);
      if (token !== undefined) this.#events.push({ path, token });
      return;
    }
    const pending = this.#pending.get(message.reqId);
    if (pending === undefined) throw new XenstoreError("EBADF");
    this.#pending.delete(message.reqId);
    if (this.#events.full && this.#pending.size === 0) this.#setPaused(true);
    if (message.type === XS_ERROR) {
      pending.reject(new XenstoreError(errorName(message.payload)));
    } else if (message.type === pending.type) {
      pending.resolve(message.payload);
    } else {
      pending.reject(new XenstoreError("EBADF"));
      throw new XenstoreError("EBADF");
    }
  }

  #setPaused(paused: boolean): void {
    if (paused === this.#paused || this.#failure !== null) return;
    this.#paused = paused;
    this.#stream.pause(paused);
  }

  #fail(error: XenstoreError): void {
    if (this.#failure !== null) return;
    this.#failure = error;
    for (const pending of this.#pending.values()) pending.reject(error);
    this.#pending.clear();
    this.#admit();
    this.#events.end(error);
  }
}

/** The name in an ERROR payload. The NUL at its end may be missing. */
function errorName(payload: Uint8Array): string {
  return nameOnTheWire(splitStrings(payload)[0] ?? toText(payload));
}
