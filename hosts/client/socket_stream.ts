// Socket stream: a client's way to a store behind a WebSocket.
// Holds   the socket, and bytes that came while nobody wanted them.
// Never   sends anything but the bytes of the protocol, in binary messages divided anywhere.
// Source  our own; the WebSockets standard.

import { XENSTORE_PAYLOAD_MAX } from "../../assembly/xs_wire.ts";
import type { ByteStream, StreamSink } from "../shared/byte_stream.ts";
import { ConnectError, ConnectionLostError, ProtocolError } from "./errors.ts";
import { bytesOf, OPEN, type SocketLike, untilLower } from "./socket_like.ts";
import type { Transport } from "./transport.ts";

export type { SocketLike } from "./socket_like.ts";

/** The subprotocol that is asked for. */
export const SUBPROTOCOL = "xenstore";
/** Bytes that may wait in the socket before `write` asks for a pause. */
const WAITING_MAX = 1_048_576;
/** Bytes that may come while they are not wanted: a WebSocket can't be told to wait. */
const HELD_MAX = 33_554_432;

/**
 * A transport over WebSockets, whose messages hold the bytes of the XenStore protocol.
 * @param target  an address such as `wss://host/store`, or a function that makes a WebSocket: then
 *                a lost connection is made again; or one WebSocket, open or about to be, that
 *                nobody else listens to
 * @throws        (when it is opened) ConnectError: the place can't be reached, or this runtime has
 *                no WebSocket (Node below 22): give it a function then
 */
export function webSocketTransport(
  target: string | URL | SocketLike | (() => SocketLike),
): Transport {
  if (typeof target === "function")
    return { ...transportOf("websocket", target), reconnects: true };
  if (typeof target === "string" || target instanceof URL) {
    const url = String(target);
    return { ...transportOf(url, () => makeSocket(url)), reconnects: true };
  }
  let used = false;
  return transportOf(target.url || "websocket", () => {
    if (used) throw new ConnectError("ENXIO", "the WebSocket was used before; give its address");
    used = true;
    return target;
  });
}

function transportOf(name: string, make: () => SocketLike): Transport {
  return { name, reconnects: false, open: async (signal) => opened(make(), name, signal) };
}

function makeSocket(url: string): SocketLike {
  const { WebSocket } = globalThis as { WebSocket?: typeof globalThis.WebSocket };
  if (!WebSocket) {
    const why =
      "this runtime has no WebSocket; give a function that makes one, such as with the package ws";
    throw new ConnectError("ENOSYS", `${url}: ${why}`);
  }
  try {
    return new WebSocket(url, SUBPROTOCOL) as unknown as SocketLike;
  } catch (error) {
    throw new ConnectError("EINVAL", `${url}: ${(error as Error).message}`, { cause: error });
  }
}

/** Waits until the socket is open. */
function opened(socket: SocketLike, name: string, signal: AbortSignal): Promise<ByteStream> {
  return new Promise((resolve, reject) => {
    const stream = new SocketStream(socket);
    const abort = () => {
      stream.close();
      reject(signal.reason);
    };
    signal.addEventListener("abort", abort);
    stream.whenOpen((error) => {
      signal.removeEventListener("abort", abort);
      if (!error) return resolve(stream);
      const why = `${name}: ${error.reason}; is the address right, and does somebody serve it?`;
      reject(new ConnectError("ECONNREFUSED", why, { op: "connect", cause: error }));
    });
    if (signal.aborted) abort();
  });
}

class SocketStream implements ByteStream {
  readonly payloadMax = XENSTORE_PAYLOAD_MAX;
  readonly passesDepth = true;
  #socket: SocketLike;
  #sink: StreamSink | null = null;
  #paused = true;
  #held: Uint8Array[] = [];
  #heldLen = 0;
  #open = false;
  #settled: (error: ConnectionLostError | null) => void = () => {};
  /** How it ended. */
  #end: ConnectionLostError | null = null;
  #closed = false;
  #stopWaiting: (() => void) | null = null;

  constructor(socket: SocketLike) {
    this.#socket = socket;
    socket.binaryType = "arraybuffer";
    socket.addEventListener("open", () => this.#opened());
    socket.addEventListener("message", (event) => this.#message((event as MessageEvent).data));
    socket.addEventListener("close", (event) => this.#lost(event as CloseEvent));
    // Every error is followed by `close`, which says as much as a program may know.
    socket.addEventListener("error", () => {});
  }

  /** Calls back once: it is open, or it can't be opened. */
  whenOpen(settled: (error: ConnectionLostError | null) => void): void {
    this.#settled = settled;
    const { readyState } = this.#socket;
    if (readyState === OPEN) queueMicrotask(() => this.#opened());
    else if (readyState > OPEN) this.#finish(new ConnectionLostError("is closed", false));
  }

  start(sink: StreamSink): void {
    this.#sink = sink;
    this.pause(false);
  }

  write(messages: Uint8Array): boolean {
    if (this.#closed || this.#end) return true;
    this.#socket.send(messages as Uint8Array<ArrayBuffer>);
    if (this.#socket.bufferedAmount <= WAITING_MAX) return true;
    this.#stopWaiting ??= untilLower(this.#socket, WAITING_MAX / 2, () => {
      this.#stopWaiting = null;
      this.#sink?.drain();
    });
    return false;
  }

  pause(paused: boolean): void {
    this.#paused = paused;
    if (!paused) queueMicrotask(() => this.#release());
  }

  close(): void {
    this.#closed = true;
    this.#sink = null;
    this.#held = [];
    this.#hangUp(1000, "");
  }

  #opened(): void {
    if (this.#open || this.#end || this.#closed) return;
    this.#open = true;
    this.#settled(null);
  }

  #message(data: unknown): void {
    if (this.#closed || this.#end) return;
    const bytes = bytesOf(data);
    if (!bytes) {
      const what = typeof data === "string" ? `the text ${JSON.stringify(data.slice(0, 40))}` : "";
      this.#refuse(new ProtocolError(`the store sent ${what || "a message that is not binary"}`));
      return;
    }
    this.#held.push(bytes);
    this.#heldLen += bytes.length;
    if (!this.#paused) this.#release();
    else if (this.#heldLen > HELD_MAX) {
      const why = `${this.#heldLen} bytes that nobody read`;
      this.#refuse(new ConnectionLostError(why, true, {}, "ENOBUFS"));
    }
  }

  /** Hands out what came, and how it ended behind that. */
  #release(): void {
    while (!this.#paused && this.#sink && this.#held.length > 0) {
      const held = this.#held;
      this.#held = [];
      this.#heldLen = 0;
      for (const bytes of held) this.#sink?.data(bytes);
    }
    if (!this.#end || this.#paused) return;
    const sink = this.#sink;
    this.#sink = null;
    sink?.end(this.#end);
  }

  #refuse(error: ConnectionLostError): void {
    this.#held = [];
    this.#hangUp(1002, error.reason);
    this.#finish(error);
  }

  #lost({ code, reason }: CloseEvent): void {
    const why = reason || (code === 1006 ? "it broke off" : `code ${code}`);
    this.#finish(new ConnectionLostError(`the WebSocket was closed: ${why}`, false));
  }

  #finish(error: ConnectionLostError): void {
    if (this.#end || this.#closed) return;
    this.#end = error;
    this.#stopWaiting?.();
    if (!this.#open) this.#settled(error);
    else queueMicrotask(() => this.#release());
  }

  #hangUp(code: number, reason: string): void {
    this.#stopWaiting?.();
    try {
      // A reason may have 123 bytes.
      this.#socket.close(code === 1002 ? 3002 : code, reason.slice(0, 40));
    } catch {
      // It was not open yet, or is closed by now.
    }
  }
}
