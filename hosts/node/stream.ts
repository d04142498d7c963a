// Stream: a client's bytes on Node, over a Unix socket or a device file.
// Holds   sockets, descriptors, and how their events become those of a ByteStream.
// Never   looks into the bytes.
// Source  our own; the XenStore protocol, Clients, Device files.

import fs from "node:fs";
import net from "node:net";
import { XENSTORE_PAYLOAD_MAX, XS_HEADER_SIZE } from "../../assembly/xs_wire.ts";
import { XenstoreError } from "../shared/errors.ts";
import type { ByteStream, StreamSink } from "../shared/exchange.ts";

/** A socket's path and its NUL must fit into struct sockaddr_un. */
const SOCKET_PATH_MAX = 107;
/** Waits between two looks at a device without news: from the first on twice as long each. */
const LOOK_MS = 1;
const LOOK_MAX_MS = 32;

/** Connects to a Unix socket. Rejects with the system's error, or EINVAL for a long path. */
export async function openSocket(path: string): Promise<ByteStream> {
  if (Buffer.byteLength(path) > SOCKET_PATH_MAX) throw new XenstoreError("EINVAL", { path });
  const socket = net.connect(path);
  await new Promise<void>((resolve, reject) => {
    socket.once("connect", resolve);
    socket.once("error", reject);
  });
  return new SocketStream(socket);
}

class SocketStream implements ByteStream {
  readonly payloadMax = XENSTORE_PAYLOAD_MAX;
  readonly passesDepth = true;
  readonly #socket: net.Socket;

  constructor(socket: net.Socket) {
    this.#socket = socket;
  }

  start(sink: StreamSink): void {
    this.#socket.removeAllListeners("error");
    this.#socket.on("data", (bytes) => sink.data(bytes));
    this.#socket.on("drain", () => sink.drain());
    this.#socket.on("end", () => sink.end());
    this.#socket.on("error", (error: NodeJS.ErrnoException) => {
      sink.end(new XenstoreError("EBADF", { cause: error }));
    });
  }

  write(messages: readonly Uint8Array[]): boolean {
    return this.#socket.write(messages.length === 1 ? messages[0] : Buffer.concat(messages));
  }

  pause(paused: boolean): void {
    if (paused) this.#socket.pause();
    else this.#socket.resume();
  }

  close(): void {
    this.#socket.removeAllListeners("end");
    this.#socket.destroy();
  }
}

/** Opens a device file, such as /dev/xen/xenbus. Throws the system's error. */
export function openDevice(path: string): ByteStream {
  // Not blocking: a read that waits for ever could not be given up, not even to exit.
  return new DeviceStream(fs.openSync(path, fs.constants.O_RDWR | fs.constants.O_NONBLOCK));
}

class DeviceStream implements ByteStream {
  /** The kernel's buffer holds the header too. */
  readonly payloadMax = XENSTORE_PAYLOAD_MAX - XS_HEADER_SIZE;
  readonly passesDepth = false;
  readonly #fd: number;
  readonly #buffer = new Uint8Array(2 * (XENSTORE_PAYLOAD_MAX + XS_HEADER_SIZE));
  #sink: StreamSink | null = null;
  #timer: NodeJS.Timeout | null = null;
  #paused = false;

  constructor(fd: number) {
    this.#fd = fd;
  }

  start(sink: StreamSink): void {
    this.#sink = sink;
    this.#lookAfter(LOOK_MS);
  }

  /** The kernel takes one message with a write, and waits until there is room for it. */
  write(messages: readonly Uint8Array[]): boolean {
    try {
      for (const message of messages) fs.writeSync(this.#fd, message);
      this.#lookAfter(0);
    } catch (error) {
      this.#fail(error);
    }
    return true;
  }

  pause(paused: boolean): void {
    this.#paused = paused;
    this.#lookAfter(LOOK_MS);
  }

  close(): void {
    if (this.#sink === null) return;
    this.#sink = null;
    this.#lookAfter(0);
    fs.closeSync(this.#fd);
  }

  #lookAfter(ms: number): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    if (this.#sink === null || this.#paused) return;
    this.#timer = setTimeout(() => this.#look(ms), ms);
  }

  #look(waitedMs: number): void {
    try {
      const size = fs.readSync(this.#fd, this.#buffer);
      if (size > 0) {
        this.#sink?.data(this.#buffer.slice(0, size));
        this.#lookAfter(0);
      } else {
        this.#fail(null);
      }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "EAGAIN") {
        this.#lookAfter(Math.min(waitedMs * 2 || LOOK_MS, LOOK_MAX_MS));
      } else {
        this.#fail(error);
      }
    }
  }

  #fail(error: unknown): void {
    const sink = this.#sink;
    this.close();
    sink?.end(new XenstoreError("EBADF", { cause: error }));
  }
}
