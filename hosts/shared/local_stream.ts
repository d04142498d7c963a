// Local stream: a client's connection to a server in the same process.
// Holds   the number of that connection.
// Never   delivers within a call: the sink is called later, as for any other stream.
// Source  our own.

import { CONN_SOCKET } from "../../assembly/abi.ts";
import { XENSTORE_PAYLOAD_MAX } from "../../assembly/xs_wire.ts";
import { XenstoreError } from "./errors.ts";
import type { ByteStream, StreamSink } from "./exchange.ts";
import type { Link } from "./runtime.ts";
import type { Server } from "./server.ts";

export class LocalStream implements ByteStream, Link {
  readonly payloadMax = XENSTORE_PAYLOAD_MAX;
  readonly passesDepth = true;
  #server: Server;
  #conn = 0;
  #sink: StreamSink | null = null;

  /** Connects as any program does that opens the socket; throws when the core has no room. */
  constructor(server: Server, kind: number = CONN_SOCKET) {
    this.#server = server;
    this.#conn = server.connect(this, kind);
    if (!this.#conn) throw new XenstoreError("ENOMEM", { op: "connect" });
  }

  start(sink: StreamSink): void {
    this.#sink = sink;
  }

  write(messages: readonly Uint8Array[]): boolean {
    this.#server.begin();
    for (const message of messages) {
      if (!this.#conn) break;
      this.#server.core.input(message.length).set(message);
      this.#server.received(this.#conn, message.length);
    }
    this.#server.settle();
    return true;
  }

  send(bytes: Uint8Array): number {
    const copy = bytes.slice();
    queueMicrotask(() => this.#sink?.data(copy));
    return copy.length;
  }

  /** A client's wish to read less is not needed here, nor the server's. */
  pause(): void {}

  /** Either end hangs up. */
  close(): void {
    const conn = this.#conn;
    this.#conn = 0;
    this.#server.closed(conn);
    queueMicrotask(() => this.#sink?.end());
    this.#sink = null;
  }
}
