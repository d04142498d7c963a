// Socket like: what is used of a WebSocket, at both of its ends, on every runtime.
// Holds   nothing.
// Never   knows which end it is.
// Source  the WebSockets standard; the packages ws and undici, and Deno, keep to it.

/** A WebSocket: of a browser, Node 22, Deno (`Deno.upgradeWebSocket`) or the package ws. */
export interface SocketLike {
  readonly readyState: number;
  /** Bytes that were given to `send` and have not left. */
  readonly bufferedAmount: number;
  readonly url?: string;
  binaryType: string;
  send(bytes: Uint8Array<ArrayBuffer>): void;
  close(code?: number, reason?: string): void;
  addEventListener(type: string, listener: (event: Event) => void): void;
  /** As the package ws has it: stops and goes on reading. */
  pause?(): void;
  resume?(): void;
}

/** Its `readyState` when it is open; above that it is closed, or about to be. */
export const OPEN = 1;
/** Waits between two looks at a socket that is full: from the first on twice as long each. */
const LOOK_MS = 1;
const LOOK_MAX_MS = 32;

/** The bytes of a message; null for text and whatever else is not binary. */
export function bytesOf(data: unknown): Uint8Array | null {
  if (ArrayBuffer.isView(data))
    return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  const isBuffer = Object.prototype.toString.call(data) === "[object ArrayBuffer]";
  return isBuffer ? new Uint8Array(data as ArrayBuffer) : null;
}

/**
 * Calls back once when no more than `most` bytes wait in the socket: it has no event for that.
 * @returns stops that
 */
export function untilLower(socket: SocketLike, most: number, call: () => void): () => void {
  let timer: ReturnType<typeof setTimeout>;
  const look = (ms: number) => {
    timer = setTimeout(() => {
      if (socket.readyState > OPEN) return;
      if (socket.bufferedAmount <= most) call();
      else look(Math.min(2 * ms, LOOK_MAX_MS));
    }, ms);
  };
  look(LOOK_MS);
  return () => clearTimeout(timer);
}
