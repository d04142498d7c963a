// Fault stream: stands between a client and its connection and lets things go wrong.
// Holds   what is to become of each reply that is under way, and what is delivered later.
// Never   changes the order of what a client gets, and never calls the client within its call.
// Source  our own; the XenStore protocol, Header.
//
// A request that fails is replaced by one that the store refuses, so that its reply comes in its
// turn; a commit that fails is replaced by giving up the transaction.

import { XS_ERROR, XS_READ, XS_TRANSACTION_END, XS_WATCH_EVENT } from "../../assembly/xs_wire.ts";
import { operationName } from "../client/operations.ts";
import { StoreEndedError } from "../embed/errors.ts";
import type { ByteStream, StreamSink } from "../shared/byte_stream.ts";
import type { XenstoreError } from "../shared/errors.ts";
import type { Clock } from "../shared/runtime.ts";
import { concat, encodeMessage, type Message, MessageReader, strings } from "../shared/wire.ts";
import type { Fate, Faults, Victim } from "./faults.ts";

const COMMIT = strings("T");
const ABORT = strings("F");
/** No path: every store refuses it, and nothing else comes of it. */
const REFUSED = strings("");

/** A request whose reply is to be another. */
interface Planned {
  readonly request: Message;
  readonly fate: Fate;
}

export interface FaultStreamParts {
  readonly faults: Faults;
  readonly clock: Clock;
  /** Hears what was done to a connection. */
  readonly note: (conn: string, text: string) => void;
}

export class FaultStream implements ByteStream, Victim {
  readonly payloadMax: number;
  readonly passesDepth: boolean;
  readonly borrows = true;
  readonly conn: string;
  readonly domid: number;
  #inner: ByteStream;
  #parts: FaultStreamParts;
  #sent = new MessageReader();
  #received = new MessageReader();
  /** Requests sent and replies received so far. */
  #requests = 0;
  #replies = 0;
  #planned = new Map<number, Planned>();
  /** What waits for its time, in order. */
  #later: { readonly atMs: number; readonly call: () => void }[] = [];
  /** Nothing more is let through: a request was swallowed. */
  #silent = false;
  #sink: StreamSink | null = null;

  constructor(inner: ByteStream, conn: string, domid: number, parts: FaultStreamParts) {
    this.payloadMax = inner.payloadMax;
    this.passesDepth = inner.passesDepth;
    this.conn = conn;
    this.domid = domid;
    this.#inner = inner;
    this.#parts = parts;
    parts.faults.enter(this);
  }

  start(sink: StreamSink): void {
    this.#sink = sink;
    this.#inner.start({
      data: (bytes) => this.#receive(bytes),
      drain: () => this.#sink?.drain(),
      end: (error) => this.#end(error),
    });
  }

  write(messages: Uint8Array): boolean {
    if (this.#silent || !this.#sink) return true;
    const out: Uint8Array[] = [];
    for (const message of this.#sent.push(messages.slice())) {
      const request = this.#request(message);
      if (!request) break;
      out.push(encodeMessage(request));
    }
    return out.length === 0 || this.#inner.write(concat(out));
  }

  pause(paused: boolean): void {
    this.#inner.pause(paused);
  }

  close(): void {
    this.#sink = null;
    this.#parts.faults.leave(this);
    this.#inner.close();
  }

  /** Ends the connection, as its client sees it and as the store does. */
  cut(): void {
    if (!this.#sink) return;
    const reason = `the connection was ended on purpose (seed ${this.#parts.faults.seed})`;
    this.#note("the connection is ended");
    this.#inner.close();
    this.#end(new StoreEndedError("ECONNRESET", reason));
  }

  /** What is sent in place of a request; null: nothing, and nothing behind it. */
  #request(message: Message): Message | null {
    const fate = this.#parts.faults.fate(this, message);
    const number = this.#requests++;
    if (!fate) return message;
    const name = operationName(message.type);
    if (fate.kind === "silence") {
      this.#note(`${name} is never answered`);
      this.#silent = true;
      return null;
    }
    if (fate.kind === "cut" && fate.when === "before") {
      this.#note(`the connection ends before ${name} is applied`);
      this.#silent = true;
      queueMicrotask(() => this.cut());
      return null;
    }
    this.#planned.set(number, { request: message, fate });
    if (fate.kind !== "fail") return message;
    this.#note(`${name} is answered with ${fate.code}`);
    return harmless(message);
  }

  #receive(bytes: Uint8Array): void {
    const out: Uint8Array[] = [];
    for (const message of this.#received.push(bytes.slice())) {
      if (!this.#sink) return;
      const event = message.type === XS_WATCH_EVENT;
      const number = event ? -1 : this.#replies++;
      const planned = this.#planned.get(number);
      this.#planned.delete(number);
      if (!planned) {
        out.push(encodeMessage(message));
        continue;
      }
      this.#deliver(concat(out.splice(0)));
      this.#reply(message, planned);
    }
    if (this.#sink) this.#deliver(concat(out));
  }

  #reply(message: Message, { request, fate }: Planned): void {
    const { reqId, txId, type } = request;
    if (fate.kind === "fail") {
      const payload = strings(fate.code);
      this.#deliver(encodeMessage({ type: XS_ERROR, reqId, txId, payload }));
    } else if (fate.kind === "delay") {
      this.#deliver(encodeMessage(message), fate.ms);
    } else if (fate.kind === "cut") {
      const half = fate.when === "reply" ? fate.bytes : 0;
      this.#note(`the connection ends after ${half} bytes of the reply to ${operationName(type)}`);
      if (half) this.#deliver(encodeMessage(message).subarray(0, half));
      this.#when(0, () => this.cut());
    }
  }

  /** Hands bytes to the client, when those before are out and `delayMs` have passed. */
  #deliver(bytes: Uint8Array, delayMs = 0): void {
    if (bytes.length) this.#when(delayMs, () => this.#sink?.data(bytes));
  }

  /** Does something behind all that waits, at once if there is nothing to wait for. */
  #when(delayMs: number, call: () => void): void {
    const nowMs = this.#parts.clock.nowMs();
    const last = this.#later.at(-1)?.atMs ?? 0;
    const atMs = Math.max(nowMs + delayMs, last);
    if (atMs <= nowMs && this.#later.length === 0) {
      call();
      return;
    }
    this.#later.push({ atMs, call });
    if (this.#later.length === 1) this.#wait(atMs - nowMs);
  }

  #wait(ms: number): void {
    const { clock } = this.#parts;
    clock.after(ms, () => {
      const nowMs = clock.nowMs();
      // A timer may be a little early.
      while (this.#later[0] && this.#later[0].atMs <= nowMs + 0.5) this.#later.shift()?.call();
      if (this.#later[0]) this.#wait(Math.max(1, this.#later[0].atMs - nowMs));
    });
  }

  #end(error?: XenstoreError): void {
    const sink = this.#sink;
    this.#sink = null;
    this.#parts.faults.leave(this);
    if (sink) queueMicrotask(() => sink.end(error));
  }

  #note(text: string): void {
    this.#parts.note(this.conn, `fault: ${text}`);
  }
}

/** A request that changes nothing and gets one reply. */
function harmless({ type, reqId, txId, payload }: Message): Message {
  const commits = type === XS_TRANSACTION_END && payload[0] === COMMIT[0];
  if (commits) return { type, reqId, txId, payload: ABORT };
  return { type: XS_READ, reqId, txId: 0, payload: REFUSED };
}
