// Stream: a client's bytes on Node, over a Unix socket or a device file.
// Holds   sockets, descriptors, and how their events become those of a ByteStream.
// Never   looks into the bytes.
// Source  our own; the XenStore protocol, Clients, Device files.

import fs from "node:fs";
import net from "node:net";
import { XENSTORE_PAYLOAD_MAX, XS_HEADER_SIZE } from "../../assembly/xs_wire.ts";
import type { ByteStream, StreamSink } from "../shared/byte_stream.ts";
import { XenstoreError } from "../shared/errors.ts";

/** A socket's path and its NUL must fit into struct sockaddr_un. */
export const SOCKET_PATH_MAX = 107;
/** Waits between two looks at a device without news: from the first on twice as long each. */
const LOOK_MS = 1;
const LOOK_MAX_MS = 32;
/** So long after a request its reply is looked for all the time. */
const EAGER_MS = 2;

/** All sockets read into one buffer, since what came is taken before the next one reads. */
const input = new Uint8Array(65_536);

/**
 * Connects to a Unix socket. Rejects with the system's error, or EINVAL for a long path.
 * @param signal  gives up, and rejects with its reason
 */
export async function openSocket(path: string, signal?: AbortSignal): Promise<ByteStream> {
  if (Buffer.byteLength(path) > SOCKET_PATH_MAX) throw new XenstoreError("EINVAL", { path });
  const stream = new SocketStream(path);
  await stream.connected(signal);
  return stream;
}

class SocketStream implements ByteStream {
  readonly payloadMax = XENSTORE_PAYLOAD_MAX;
  readonly passesDepth = true;
  readonly #socket: net.Socket;
  #sink: StreamSink | null = null;

  constructor(path: string) {
    const callback = (len: number) => {
      this.#sink?.data(input.subarray(0, len));
      return true;
    };
    const onread = { buffer: input, callback };
    this.#socket = net.connect({ path, onread } as net.IpcNetConnectOpts);
    // Nothing is read before there is somebody who takes it.
    this.#socket.pause();
  }

  /** Resolves when it is connected. */
  async connected(signal?: AbortSignal): Promise<void> {
    const socket = this.#socket;
    const stop = () => socket.destroy();
    signal?.addEventListener("abort", stop);
    try {
      await new Promise<void>((resolve, reject) => {
        socket.once("connect", resolve);
        socket.on("error", reject);
        socket.once("close", () => reject(signal?.reason));
        if (signal?.aborted) stop();
      });
    } finally {
      signal?.removeEventListener("abort", stop);
    }
  }

  start(sink: StreamSink): void {
    this.#sink = sink;
    this.#socket.on("drain", () => this.#sink?.drain());
    this.#socket.on("end", () => this.#ended());
    this.#socket.on("close", () => this.#ended());
    this.#socket.on("error", (error: NodeJS.ErrnoException) => {
      this.#ended(new XenstoreError("EBADF", { cause: error }));
    });
    this.#socket.resume();
  }

  write(messages: Uint8Array): boolean {
    return this.#socket.write(messages);
  }

  pause(paused: boolean): void {
    if (paused) this.#socket.pause();
    else this.#socket.resume();
  }

  close(): void {
    this.#sink = null;
    this.#socket.destroy();
  }

  #ended(error?: XenstoreError): void {
    const sink = this.#sink;
    this.#sink = null;
    sink?.end(error);
  }
}

/** Opens a device file, such as /dev/xen/xenbus. Throws the system's error. */
export function openDevice(path: string): ByteStream {
  // Not blocking: a read that waits for ever could not be given up, not even to exit.
  return new DeviceStream(fs.openSync(path, fs.constants.O_RDWR | fs.constants.O_NONBLOCK));
}

/** The messages of a run, one by one, as their headers say. */
function* eachMessage(run: Uint8Array): Generator<Uint8Array> {
  const view = new DataView(run.buffer, run.byteOffset, run.length);
  for (let at = 0; at < run.length; ) {
    const end = at + XS_HEADER_SIZE + view.getUint32(at + 12, true);
    yield run.subarray(at, end);
    at = end;
  }
}

class DeviceStream implements ByteStream {
  /** The kernel's buffer holds the header too. */
  readonly payloadMax = XENSTORE_PAYLOAD_MAX - XS_HEADER_SIZE;
  readonly passesDepth = false;
  readonly borrows = true;
  readonly #buffer = new Uint8Array(2 * (XENSTORE_PAYLOAD_MAX + XS_HEADER_SIZE));
  #fd: number;
  #sink: StreamSink | null = null;
  #timer: NodeJS.Timeout | null = null;
  #soon: NodeJS.Immediate | null = null;
  #eagerUntilMs = 0;
  #paused = false;

  constructor(fd: number) {
    this.#fd = fd;
  }

  start(sink: StreamSink): void {
    this.#sink = sink;
    this.#lookAfter(LOOK_MS);
  }

  /** The kernel takes one message with a write, and waits until there is room for it. */
  write(messages: Uint8Array): boolean {
    try {
      for (const message of eachMessage(messages)) fs.writeSync(this.#fd, message);
      this.#eagerUntilMs = performance.now() + EAGER_MS;
      this.#lookAfter(0);
    } catch (error) {
      queueMicrotask(() => this.#fail(error));
    }
    return true;
  }

  pause(paused: boolean): void {
    this.#paused = paused;
    this.#lookAfter(LOOK_MS);
  }

  close(): void {
    if (this.#fd < 0) return;
    this.#sink = null;
    this.#lookAfter(0);
    fs.closeSync(this.#fd);
    this.#fd = -1;
  }

  /** Looks again after so long; at once while a reply is likely to come soon. */
  #lookAfter(ms: number): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    if (this.#soon !== null) clearImmediate(this.#soon);
    this.#timer = null;
    this.#soon = null;
    if (this.#sink === null || this.#paused) return;
    if (performance.now() < this.#eagerUntilMs) this.#soon = setImmediate(() => this.#look(0));
    else this.#timer = setTimeout(() => this.#look(ms), ms);
  }

  #look(waitedMs: number): void {
    let len = 0;
    try {
      len = fs.readSync(this.#fd, this.#buffer);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === "EAGAIN") this.#lookAfter(Math.min(waitedMs * 2 || LOOK_MS, LOOK_MAX_MS));
      else this.#fail(error);
      return;
    }
    if (len > 0) {
      this.#sink?.data(this.#buffer.subarray(0, len));
      this.#lookAfter(0);
    } else {
      this.#fail(null);
    }
  }

  #fail(error: unknown): void {
    const sink = this.#sink;
    this.close();
    sink?.end(new XenstoreError("EBADF", { cause: error }));
  }
}
