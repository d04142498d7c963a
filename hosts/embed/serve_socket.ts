// Serve socket: a connection to a store, carried over a WebSocket.
// Holds   the connection, and requests that came while the store took none.
// Never   lets either side make the other one's memory grow without bound.
// Source  our own; the WebSockets standard.

import { bytesOf, OPEN, type SocketLike, untilLower } from "../client/socket_like.ts";
import type { ByteStream, StreamSink } from "../shared/byte_stream.ts";
import { XenstoreError } from "../shared/errors.ts";

/** Bytes that may wait in the socket before the store is asked for no more. */
const WAITING_MAX = 262_144;
/** Bytes of requests that may wait while the store takes none. */
const HELD_MAX = 4_194_304;
/** Codes to close with: the end is normal; no text is taken; not so much; something failed. */
const NORMAL = 1000;
const NOT_TEXT = 1003;
const TOO_MUCH = 1009;
const FAILED = 1011;
/** A reason may have 123 bytes. */
const REASON_MAX = 123;

/**
 * Serves who is at the other end, once the socket is open.
 * @param open  opens a connection to the store; what it throws is told to the other end
 * @returns     hangs up
 */
export function serveSocket(socket: SocketLike, open: () => ByteStream): () => void {
  const served = new ServedSocket(socket, open);
  return () => served.hangUp(NORMAL, "");
}

class ServedSocket implements StreamSink {
  #socket: SocketLike;
  #stream: ByteStream | null = null;
  #held: Uint8Array[] = [];
  #heldLen = 0;
  /** The store takes no requests. */
  #full = false;
  #over = false;
  #stopWaiting: (() => void) | null = null;

  constructor(socket: SocketLike, open: () => ByteStream) {
    this.#socket = socket;
    socket.binaryType = "arraybuffer";
    socket.addEventListener("message", (event) => this.#message((event as MessageEvent).data));
    socket.addEventListener("close", () => this.#ended());
    // Every error is followed by `close`.
    socket.addEventListener("error", () => {});
    if (socket.readyState === OPEN) this.#begin(open);
    else socket.addEventListener("open", () => this.#begin(open));
  }

  hangUp(code: number, reason: string): void {
    this.#ended();
    try {
      this.#socket.close(code, shortened(reason));
    } catch {
      // It is not open any more.
    }
  }

  data(bytes: Uint8Array): void {
    if (this.#over) return;
    // The socket may send it later, and the bytes are good until this returns.
    this.#socket.send(bytes.slice());
    if (this.#stopWaiting || this.#socket.bufferedAmount <= WAITING_MAX) return;
    this.#stream?.pause(true);
    this.#stopWaiting = untilLower(this.#socket, WAITING_MAX / 2, () => {
      this.#stopWaiting = null;
      this.#stream?.pause(false);
    });
  }

  drain(): void {
    this.#full = false;
    while (!this.#full && !this.#over) {
      const next = this.#held.shift();
      if (!next) {
        this.#socket.resume?.();
        return;
      }
      this.#heldLen -= next.length;
      this.#write(next);
    }
  }

  end(error?: XenstoreError): void {
    this.hangUp(error ? FAILED : NORMAL, error?.message ?? "");
  }

  #begin(open: () => ByteStream): void {
    if (this.#over) return;
    try {
      this.#stream = open();
      this.#stream.start(this);
    } catch (error) {
      if (!(error instanceof XenstoreError)) throw error;
      this.hangUp(FAILED, error.message);
    }
  }

  #message(data: unknown): void {
    if (this.#over) return;
    const bytes = bytesOf(data);
    if (!bytes) this.hangUp(NOT_TEXT, "binary messages only");
    else if (!this.#full && this.#stream) this.#write(bytes);
    else this.#hold(bytes);
  }

  #hold(bytes: Uint8Array): void {
    this.#held.push(bytes);
    this.#heldLen += bytes.length;
    if (this.#heldLen > HELD_MAX) this.hangUp(TOO_MUCH, "requests come, but replies are not read");
  }

  #write(bytes: Uint8Array): void {
    const stream = this.#stream as ByteStream;
    const own = stream.borrows || bytes.length === bytes.buffer.byteLength;
    if (stream.write(own ? bytes : bytes.slice())) return;
    this.#full = true;
    this.#socket.pause?.();
  }

  #ended(): void {
    if (this.#over) return;
    this.#over = true;
    this.#held = [];
    this.#stopWaiting?.();
    this.#stream?.close();
  }
}

/** As much of a text as a WebSocket takes for a reason. */
function shortened(text: string): string {
  const bytes = new TextEncoder().encode(text);
  return new TextDecoder().decode(bytes.subarray(0, REASON_MAX)).replace(/\uFFFD$/, "");
}
