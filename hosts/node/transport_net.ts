// Net transport: Unix sockets with what Node brings; works wherever Node does.
// Holds   the listening servers.
// Never   allocates for a chunk that comes in: all connections read into one buffer.
// Source  our own.

import fs from "node:fs";
import net from "node:net";
import process from "node:process";
import { INPUT_SIZE } from "../../assembly/abi.ts";
import { type Link, SEND_FAILED } from "../shared/runtime.ts";
import type { Server } from "../shared/server.ts";
import { BACKLOG, type Notice, SOCKET_UMASK, type Transport } from "./transport.ts";

/** Bytes copied at once for a connection whose socket is full. */
const LATER_SIZE = 65536;
/** Descriptors kept for everything but connections. */
const RESERVED_FDS = 64;

const input = Buffer.alloc(INPUT_SIZE);

export class NetTransport implements Transport {
  readonly name = "net";
  readonly watch = null;
  #server: Server;
  #notice: Notice;
  #listeners: net.Server[] = [];
  #open = 0;
  #most = descriptorLimit() - RESERVED_FDS;
  #full = false;

  constructor(server: Server, notice: Notice) {
    this.#server = server;
    this.#notice = notice;
  }

  listen(path: string, kind: number): Promise<void> {
    const listener = net.createServer({ pauseOnConnect: true, allowHalfOpen: true }, (socket) =>
      this.#accept(socket, kind),
    );
    this.#listeners.push(listener);
    return new Promise((resolve, reject) => {
      listener.once("error", (error: NodeJS.ErrnoException) =>
        reject(new Error(`${path}: cannot listen there: ${error.code ?? error.message}`)),
      );
      listener.once("listening", resolve);
      const before = process.umask(SOCKET_UMASK);
      listener.listen({ path, backlog: BACKLOG });
      process.umask(before);
    });
  }

  close(): void {
    for (const listener of this.#listeners) listener.close();
  }

  soon(work: () => boolean): void {
    setImmediate(() => {
      if (work()) this.soon(work);
    });
  }

  #accept(accepted: net.Socket, kind: number): void {
    if (this.#open >= this.#most) {
      if (!this.#full) this.#notice(`${this.#open} connections: no descriptor left for more`);
      this.#full = true;
      accepted.destroy();
      return;
    }
    this.#full = false;
    this.#open++;
    const link = new NetLink(this.#server, accepted, () => {
      this.#open--;
    });
    link.conn = this.#server.connect(link, kind);
    if (link.conn) {
      link.start();
      return;
    }
    this.#notice("no memory for another connection");
    link.close();
  }
}

class NetLink implements Link {
  conn = 0;
  #server: Server;
  #socket: net.Socket;
  #fd: number;

  constructor(server: Server, accepted: net.Socket, closed: () => void) {
    this.#server = server;
    // Only a socket made anew from the handle can read into a buffer of ours.
    const { _handle: handle } = accepted as unknown as { _handle: { fd: number } };
    this.#fd = handle.fd;
    const callback = (len: number) => {
      server.core.input(len).set(input.subarray(0, len));
      server.received(this.conn, len);
      return true;
    };
    const options = { handle, allowHalfOpen: true, onread: { buffer: input, callback } };
    this.#socket = new net.Socket(options as net.SocketConstructorOpts);
    this.#socket.on("error", () => {});
    this.#socket.on("end", () => server.ended(this.conn));
    this.#socket.on("close", () => {
      server.closed(this.conn);
      closed();
    });
  }

  start(): void {
    this.#socket.resume();
  }

  send(bytes: Uint8Array): number {
    let at = 0;
    try {
      while (at < bytes.length) at += fs.writeSync(this.#fd, bytes, at);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN") return SEND_FAILED;
      this.#sendLater(bytes.slice(at, at + LATER_SIZE));
    }
    return at;
  }

  pause(paused: boolean): void {
    if (paused) this.#socket.pause();
    else this.#socket.resume();
  }

  close(): void {
    this.conn = 0;
    this.#socket.destroy();
  }

  /** Node has no "tell me when it takes more" but that of a write of its own. */
  #sendLater(copy: Uint8Array): void {
    this.#socket.write(copy, (error) => {
      if (!error) this.#server.flushed(this.conn, copy.length);
    });
  }
}

/** How many descriptors this process may have open. */
function descriptorLimit(): number {
  try {
    const limits = fs.readFileSync("/proc/self/limits", "utf8");
    return Number(/^Max open files\s+(\d+)/m.exec(limits)?.[1] ?? Number.POSITIVE_INFINITY);
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}
