// Raw: a store's end of a connection that does what a test says, byte by byte.
// Holds   what a client has sent; the same for a stream in memory and for a Unix socket.
// Never   answers by itself.
// Source  our own; the XenStore protocol, Header.

import fs from "node:fs";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { XENSTORE_PAYLOAD_MAX, XS_WATCH_EVENT } from "../../assembly/xs_wire.ts";
import type { Transport } from "../../hosts/client/transport.ts";
import { socketTransport } from "../../hosts/node/client_transport.ts";
import type { ByteStream, StreamSink } from "../../hosts/shared/byte_stream.ts";
import { encodeMessage, type Message, MessageReader } from "../../hosts/shared/wire.ts";

/** The store's end of one connection. */
export class Peer {
  /** Requests in the order they came. */
  readonly requests: Message[] = [];
  /** How many writes they came in; of a socket, chunks. */
  chunks = 0;
  closed = false;
  readonly #reader = new MessageReader();
  readonly #out: (bytes: Uint8Array) => void;
  readonly #end: () => void;
  #heard: (() => void)[] = [];

  constructor(out: (bytes: Uint8Array) => void, end: () => void) {
    this.#out = out;
    this.#end = end;
  }

  /** Resolves with all requests when there are so many. */
  async requested(count: number): Promise<Message[]> {
    while (this.requests.length < count) await this.#news();
    return this.requests;
  }

  /** Resolves when the client has hung up. */
  async hungUp(): Promise<void> {
    while (!this.closed) await this.#news();
  }

  send(bytes: Uint8Array): void {
    this.#out(bytes);
  }

  /** Answers a request, with text where | stands for a NUL. */
  reply(request: Message, text: string, more: Partial<Message> = {}): void {
    this.send(encodeMessage({ ...request, payload: payload(text), ...more }));
  }

  event(text: string): void {
    const message = { type: XS_WATCH_EVENT, reqId: 0, txId: 0, payload: payload(text) };
    this.send(encodeMessage(message));
  }

  hangUp(): void {
    this.#end();
  }

  received(bytes: Uint8Array): void {
    this.chunks++;
    this.requests.push(...this.#reader.push(bytes.slice()));
    this.#tell();
  }

  wasClosed(): void {
    this.closed = true;
    this.#tell();
  }

  #news(): Promise<void> {
    return new Promise((resolve) => this.#heard.push(resolve));
  }

  #tell(): void {
    for (const heard of this.#heard.splice(0)) heard();
  }
}

/** Bytes of text with one character for each; | stands for a NUL. */
export function payload(text: string): Uint8Array {
  return Uint8Array.from(text.replaceAll("|", "\0"), (char) => char.charCodeAt(0));
}

/** The text of a payload, as `payload` takes it. */
export const textOf = (bytes: Uint8Array) =>
  [...bytes].map((byte) => (byte === 0 ? "|" : String.fromCharCode(byte))).join("");

/** A store to connect to. */
export interface Front {
  readonly transport: Transport;
  /** The store's end of the next connection. */
  accept(): Promise<Peer>;
  /** Connections are refused from now on, or taken again. */
  refuse(refused: boolean): Promise<void>;
  close(): Promise<void>;
}

/** Hands out peers in the order they came, to those who wait for one. */
class Arrivals {
  #came: Peer[] = [];
  #waiting: ((peer: Peer) => void)[] = [];

  add(peer: Peer): void {
    const waiter = this.#waiting.shift();
    if (waiter) waiter(peer);
    else this.#came.push(peer);
  }

  next(): Promise<Peer> {
    const peer = this.#came.shift();
    if (peer) return Promise.resolve(peer);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }
}

/** A stream in memory, whose other end is a Peer. */
export class RawStream implements ByteStream {
  payloadMax: number = XENSTORE_PAYLOAD_MAX;
  passesDepth = true;
  /** Whether what is written had to wait. */
  full = false;
  readonly peer: Peer;
  #sink: StreamSink | null = null;

  constructor() {
    this.peer = new Peer(
      (bytes) => this.#later((sink) => sink.data(bytes)),
      () => this.#later((sink) => sink.end()),
    );
  }

  start(sink: StreamSink): void {
    this.#sink = sink;
  }

  write(messages: Uint8Array): boolean {
    this.peer.received(messages);
    return !this.full;
  }

  drain(): void {
    this.full = false;
    this.#later((sink) => sink.drain());
  }

  pause(): void {}

  close(): void {
    this.#sink = null;
    this.peer.wasClosed();
  }

  #later(tell: (sink: StreamSink) => void): void {
    queueMicrotask(() => this.#sink && tell(this.#sink));
  }
}

/** A store behind streams in memory. */
export function memoryFront(prepare: (stream: RawStream) => void = () => {}): Front {
  const arrivals = new Arrivals();
  let refused = false;
  const transport: Transport = {
    name: "memory",
    reconnects: false,
    async open() {
      if (refused) throw new Error("nobody is there");
      const stream = new RawStream();
      prepare(stream);
      arrivals.add(stream.peer);
      return stream;
    },
  };
  return {
    transport,
    accept: () => arrivals.next(),
    refuse: async (value) => {
      refused = value;
    },
    close: async () => {},
  };
}

/** A store behind a Unix socket in a folder of its own. */
export async function socketFront(): Promise<Front> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "xenstore-client-"));
  const place = path.join(folder, "socket");
  const arrivals = new Arrivals();
  const sockets = new Set<net.Socket>();
  const server = net.createServer((socket) => {
    const peer = new Peer(
      (bytes) => socket.write(bytes),
      () => socket.end(),
    );
    sockets.add(socket);
    socket.on("data", (bytes) => peer.received(bytes));
    socket.on("error", () => {});
    socket.on("close", () => {
      sockets.delete(socket);
      peer.wasClosed();
    });
    arrivals.add(peer);
  });
  const listen = () => new Promise<void>((ready) => server.listen(place, ready));
  const stop = () => new Promise<void>((done) => server.close(() => done()));
  await listen();
  return {
    transport: socketTransport(place),
    accept: () => arrivals.next(),
    // Node removes the socket's file with the listener.
    refuse: async (refused) => {
      if (!refused) return listen();
      const stopped = stop();
      for (const socket of sockets) socket.destroy();
      return stopped;
    },
    close: async () => {
      const stopped = server.listening ? stop() : null;
      for (const socket of sockets) socket.destroy();
      await stopped;
      fs.rmSync(folder, { recursive: true, force: true });
    },
  };
}
