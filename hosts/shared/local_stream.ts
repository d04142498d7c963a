// Local stream: a client's connection to a server in the same process.
// Holds   the number of that connection, and what the server sent since the last microtask.
// Never   delivers within a call: the sink is called later, as for any other stream.
// Source  our own.

import { CONN_SOCKET, INPUT_SIZE } from "../../assembly/abi.ts";
import { XENSTORE_PAYLOAD_MAX } from "../../assembly/xs_wire.ts";
import type { ByteStream, StreamSink } from "./byte_stream.ts";
import { XenstoreError } from "./errors.ts";
import type { Server } from "./server.ts";

/** Room for what is sent between two microtasks; a buffer that had to grow is not kept. */
const OUT_SIZE = 65_536;
/** A microtask that costs less than queueMicrotask does on some runtimes. */
const SOON = Promise.resolve();

export class LocalStream implements ByteStream {
  readonly payloadMax = XENSTORE_PAYLOAD_MAX;
  readonly passesDepth = true;
  readonly borrows = true;
  #server: Server;
  #conn = 0;
  #sink: StreamSink | null = null;
  #out = new Uint8Array(OUT_SIZE);
  #outLen = 0;
  #spare: Uint8Array<ArrayBuffer> | null = null;
  #due = false;
  /** The sink wants nothing for now: the core keeps what it would send, up to its limits. */
  #paused = false;
  /** The core wants no requests before its replies are taken. */
  #full = false;
  readonly #deliver = () => this.#delivered();

  /**
   * Connects to the server; throws ENOMEM when the core has no room.
   * @param kind   CONN_* of abi.ts: by default as any program does that opens the socket
   * @param domid  whose connection it is (CONN_DOMAIN)
   */
  constructor(server: Server, kind: number = CONN_SOCKET, domid = 0) {
    this.#server = server;
    const link = {
      send: (bytes: Uint8Array) => this.#send(bytes),
      pause: (full: boolean) => this.#setFull(full),
      close: () => this.#hungUp(),
      fail: (error: XenstoreError) => this.#hungUp(error),
    };
    this.#conn = server.connect(link, kind, domid);
    if (!this.#conn) throw new XenstoreError("ENOMEM", { op: "connect" });
  }

  /** The server's number of the connection; 0 when it has ended. */
  get conn(): number {
    return this.#conn;
  }

  start(sink: StreamSink): void {
    this.#sink = sink;
  }

  write(messages: Uint8Array): boolean {
    const server = this.#server;
    server.begin();
    for (let at = 0; at < messages.length && this.#conn; at += INPUT_SIZE) {
      const len = Math.min(INPUT_SIZE, messages.length - at);
      server.core
        .input(len)
        .set(len === messages.length ? messages : messages.subarray(at, at + len));
      server.received(this.#conn, len);
    }
    server.settle();
    return !this.#full;
  }

  /** What the core had sent is delivered all the same: it lies in memory already. */
  pause(paused: boolean): void {
    if (paused === this.#paused) return;
    this.#paused = paused;
    if (!paused && this.#conn) this.#server.writable(this.#conn);
  }

  close(): void {
    const conn = this.#conn;
    this.#conn = 0;
    this.#sink = null;
    if (conn) this.#server.closed(conn);
  }

  /** The server ends the connection; what it had sent is delivered before. */
  #hungUp(error?: XenstoreError): void {
    this.#conn = 0;
    SOON.then(() => {
      const sink = this.#sink;
      this.#sink = null;
      sink?.end(error);
    });
  }

  #setFull(full: boolean): void {
    this.#full = full;
    if (!full) SOON.then(() => this.#sink?.drain());
  }

  #send(bytes: Uint8Array): number {
    if (this.#paused) return 0;
    const start = this.#outLen;
    const end = start + bytes.length;
    if (end > this.#out.length) this.#grow(end);
    this.#out.set(bytes, start);
    this.#outLen = end;
    if (!this.#due) {
      this.#due = true;
      SOON.then(this.#deliver);
    }
    return bytes.length;
  }

  #delivered(): void {
    this.#due = false;
    const out = this.#out;
    const len = this.#outLen;
    // What the sink causes to be sent goes into another buffer.
    this.#out = this.#spare ?? new Uint8Array(OUT_SIZE);
    this.#spare = null;
    this.#outLen = 0;
    this.#sink?.data(out.subarray(0, len));
    if (out.length === OUT_SIZE) this.#spare = out;
  }

  #grow(size: number): void {
    const grown = new Uint8Array(2 ** Math.ceil(Math.log2(size)));
    grown.set(this.#out.subarray(0, this.#outLen));
    this.#out = grown;
  }
}
