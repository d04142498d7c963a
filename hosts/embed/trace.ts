// Trace: what goes over the connections of a store, message by message, with its time.
// Holds   TraceRecord, and the stream that is put between a client and its connection to see it.
// Never   changes a byte, and is not there at all where nobody wants a trace.
// Source  the XenStore protocol, Header.

import { XS_WATCH_EVENT } from "../../assembly/xs_wire.ts";
import type { ByteStream, StreamSink } from "../shared/byte_stream.ts";
import type { XenstoreError } from "../shared/errors.ts";
import { MessageReader } from "../shared/wire.ts";

/**
 * Names of connections: `S1`, `S2` ... are privileged clients, `R1` ... read-only ones, `D7` is
 * the ring of the guest 7, and `D7.1`, `D7.2` ... are further clients that speak as domain 7. `S0`
 * is what the store does for its caller, such as introducing a domain.
 */
export interface TraceMessage {
  readonly kind: "request" | "reply" | "event";
  /** Milliseconds of the store's clock. */
  readonly ms: number;
  readonly conn: string;
  /** XS_* */
  readonly type: number;
  readonly reqId: number;
  /** The transaction, 0 for none. */
  readonly txId: number;
  /** 0 to 4096 bytes; a copy that nobody else writes to. */
  readonly payload: Uint8Array;
}

/** A connection begins or ends, or something is done on purpose. */
export interface TraceNote {
  readonly kind: "open" | "close" | "note";
  readonly ms: number;
  readonly conn: string;
  /** For people; empty if there is nothing to say. */
  readonly note: string;
}

/** One thing that happened on a connection of a store, as its client saw it. */
export type TraceRecord = TraceMessage | TraceNote;

/** Takes records in the order in which things happened. Must not throw. */
export type TraceSink = (record: TraceRecord) => void;

export class TapStream implements ByteStream {
  readonly payloadMax: number;
  readonly passesDepth: boolean;
  readonly borrows: boolean;
  #inner: ByteStream;
  #conn: string;
  #trace: TraceSink;
  #nowMs: () => number;
  #sent = new MessageReader();
  #received = new MessageReader();
  #sink: StreamSink | null = null;
  #open = true;

  constructor(inner: ByteStream, conn: string, trace: TraceSink, nowMs: () => number) {
    this.payloadMax = inner.payloadMax;
    this.passesDepth = inner.passesDepth;
    this.borrows = inner.borrows ?? false;
    this.#inner = inner;
    this.#conn = conn;
    this.#trace = trace;
    this.#nowMs = nowMs;
    this.#note("open", "");
  }

  start(sink: StreamSink): void {
    this.#sink = sink;
    this.#inner.start({
      data: (bytes) => {
        this.#messages(this.#received, bytes, false);
        this.#sink?.data(bytes);
      },
      drain: () => this.#sink?.drain(),
      end: (error) => this.#ended(error),
    });
  }

  write(messages: Uint8Array): boolean {
    this.#messages(this.#sent, messages, true);
    return this.#inner.write(messages);
  }

  pause(paused: boolean): void {
    this.#inner.pause(paused);
  }

  close(): void {
    this.#sink = null;
    this.#inner.close();
    if (this.#open) this.#note("close", "by the client");
    this.#open = false;
  }

  #ended(error?: XenstoreError): void {
    if (this.#open) this.#note("close", error?.message ?? "by the store");
    this.#open = false;
    this.#sink?.end(error);
  }

  #note(kind: "open" | "close" | "note", note: string): void {
    this.#trace({ kind, ms: this.#nowMs(), conn: this.#conn, note });
  }

  #messages(reader: MessageReader, bytes: Uint8Array, sent: boolean): void {
    const ms = this.#nowMs();
    try {
      // A reader keeps what is not whole yet, and hands out views: both need bytes of their own.
      for (const { type, reqId, txId, payload } of reader.push(bytes.slice())) {
        const answer = type === XS_WATCH_EVENT ? "event" : "reply";
        const kind = sent ? "request" : answer;
        this.#trace({ kind, ms, conn: this.#conn, type, reqId, txId, payload });
      }
    } catch {
      this.#note("note", "bytes that are no message");
    }
  }
}
