// Cut: a store whose connections break after a certain byte.
// Holds   a whole store in this process; what each link was given, and where the first one breaks.
// Never   loses or changes a byte before the cut.
// Source  our own.

import { readFileSync } from "node:fs";
import type { Transport } from "../../hosts/client/transport.ts";
import type { ByteStream, StreamSink } from "../../hosts/shared/byte_stream.ts";
import { Core } from "../../hosts/shared/core.ts";
import { LocalStream } from "../../hosts/shared/local_stream.ts";
import { Server } from "../../hosts/shared/server.ts";
import { type Message, MessageReader } from "../../hosts/shared/wire.ts";
import { WASM_PATH } from "../core.ts";

/** One store for all cuts of a file: to start one takes longer than a conversation. */
const server = startServer();

function startServer(): Server {
  const module = new WebAssembly.Module(readFileSync(WASM_PATH));
  const core = new Core(module, new Uint32Array(2));
  const clock = { nowMs: () => 0, after: () => {} };
  return new Server(core, clock, { records: () => {} });
}

/** Where a connection breaks: behind so many bytes that the client sent, or that it was sent. */
export interface Cut {
  readonly toStore?: number;
  readonly toClient?: number;
}

/** Streams to the store. */
export class CutStore {
  /** Requests that clients wrote, by link, whether or not they came through. */
  readonly written: Message[][] = [];
  /** Bytes that went each way over the first link. */
  toStore = 0;
  toClient = 0;
  readonly #cut: Cut;

  constructor(cut: Cut) {
    this.#cut = cut;
  }

  /** The next stream; only the first one breaks. */
  stream(): ByteStream {
    const cut = this.written.length === 0 ? this.#cut : {};
    const written: Message[] = [];
    this.written.push(written);
    return new CutStream(new LocalStream(server), cut, written, this);
  }

  transport(reconnects: boolean): Transport {
    return { name: "cut", reconnects, open: async () => this.stream() };
  }

  /** A stream that does not break and is not counted. */
  whole(): Transport {
    const open = async () => new LocalStream(server);
    return { name: "whole", reconnects: false, open };
  }
}

class CutStream implements ByteStream {
  readonly payloadMax: number;
  readonly passesDepth = true;
  readonly #inner: ByteStream;
  readonly #written: Message[];
  readonly #reader = new MessageReader();
  readonly #store: CutStore;
  #sink: StreamSink | null = null;
  #toStore: number;
  #toClient: number;

  constructor(inner: ByteStream, cut: Cut, written: Message[], store: CutStore) {
    this.#inner = inner;
    this.payloadMax = inner.payloadMax;
    this.#written = written;
    this.#store = store;
    this.#toStore = cut.toStore ?? Number.POSITIVE_INFINITY;
    this.#toClient = cut.toClient ?? Number.POSITIVE_INFINITY;
  }

  start(sink: StreamSink): void {
    this.#sink = sink;
    this.#inner.start({
      data: (bytes) => this.#came(bytes),
      drain: () => this.#sink?.drain(),
      end: (error) => this.#sink?.end(error),
    });
    if (this.#toStore === 0 || this.#toClient === 0) this.#break();
  }

  write(messages: Uint8Array): boolean {
    this.#written.push(...this.#reader.push(messages));
    const some = messages.subarray(0, Math.min(messages.length, this.#toStore));
    this.#toStore -= some.length;
    if (this.#store.written.length === 1) this.#store.toStore += some.length;
    this.#inner.write(some);
    if (this.#toStore === 0) this.#break();
    return true;
  }

  pause(): void {}

  close(): void {
    this.#sink = null;
    this.#inner.close();
  }

  #came(bytes: Uint8Array): void {
    const some = bytes.subarray(0, Math.min(bytes.length, this.#toClient));
    this.#toClient -= some.length;
    if (this.#store.written.length === 1) this.#store.toClient += some.length;
    if (some.length > 0) this.#sink?.data(some);
    if (this.#toClient === 0) this.#break();
  }

  /** Replies that are on their way still come, as from a socket's buffer. */
  #break(): void {
    queueMicrotask(() => {
      const sink = this.#sink;
      this.#sink = null;
      this.#inner.close();
      sink?.end();
    });
  }
}
