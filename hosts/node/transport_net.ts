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
import { ON_DENO } from "./libc.ts";
import {
  BACKLOG,
  type Descriptors,
  type Notice,
  SOCKET_UMASK,
  type Transport,
} from "./transport.ts";

/** Bytes copied at once for a connection whose socket is full. */
const LATER_SIZE = 65536;
/** Descriptors kept for everything but connections. */
const RESERVED_FDS = 64;

const input = Buffer.alloc(INPUT_SIZE);

/** What Node holds a socket by: its descriptor, and how many bytes it still has to write. */
interface Handle {
  readonly fd: number;
  readonly writeQueueSize: number;
}

interface Listener {
  readonly server: net.Server;
  readonly path: string;
  readonly kind: number;
}

export class NetTransport implements Transport {
  readonly name = "net";
  readonly watch = null;
  #server: Server;
  #notice: Notice;
  #listeners: Listener[] = [];
  #links = new Set<NetLink>();
  #most = descriptorLimit() - RESERVED_FDS;
  #full = false;
  #gathering = false;

  constructor(server: Server, notice: Notice) {
    this.#server = server;
    this.#notice = notice;
  }

  listen(path: string, kind: number): Promise<void> {
    return this.#listen({ path, backlog: BACKLOG }, path, kind);
  }

  adoptListener(fd: number, path: string, kind: number): Promise<void> {
    return this.#listen({ fd, backlog: BACKLOG }, path, kind);
  }

  adopt(fd: number, conn: number): void {
    const link = new NetLink(this.#server, this, { fd, readable: true, writable: true });
    link.conn = conn;
    this.#links.add(link);
    this.#server.adopt(link, conn);
    link.start();
  }

  handOver(): Descriptors {
    if (ON_DENO) throw new Error("sockets of Deno can't be handed over; --transport epoll can");
    const listeners = this.#listeners.map(({ server, kind }) => ({
      fd: handleOf(server).fd,
      kind,
    }));
    const connections = [...this.#links].filter((link) => link.isOpen);
    for (const link of connections) link.count();
    return { listeners, connections };
  }

  close(): void {
    for (const { server, path } of this.#listeners) {
      server.close();
      // Node leaves the file of a socket that it has not made itself.
      fs.rmSync(path, { force: true });
    }
  }

  #listen(where: net.ListenOptions & { fd?: number }, path: string, kind: number): Promise<void> {
    const server = net.createServer({ pauseOnConnect: true, allowHalfOpen: true }, (socket) =>
      this.#accept(socket, kind),
    );
    this.#listeners.push({ server, path, kind });
    return new Promise((resolve, reject) => {
      server.once("error", (error: NodeJS.ErrnoException) =>
        reject(new Error(`${path}: cannot listen there: ${error.code ?? error.message}`)),
      );
      server.once("listening", resolve);
      const before = process.umask(SOCKET_UMASK);
      server.listen(where);
      process.umask(before);
    });
  }

  soon(work: () => boolean): void {
    setImmediate(() => {
      if (work()) this.soon(work);
    });
  }

  /** Input is about to come: where storing it is slow, what else has come is waited for. */
  gather(): void {
    if (this.#gathering || !this.#server.keeper?.slow) return;
    this.#gathering = true;
    this.#server.begin();
    // All sockets that are readable now are read before.
    setImmediate(() => {
      this.#gathering = false;
      this.#server.settle();
    });
  }

  /** A connection is closed. */
  closed(link: NetLink): void {
    this.#links.delete(link);
  }

  #accept(accepted: net.Socket, kind: number): void {
    if (this.#links.size >= this.#most) {
      if (!this.#full) this.#notice(`${this.#links.size} connections: no descriptor left for more`);
      this.#full = true;
      accepted.destroy();
      return;
    }
    this.#full = false;
    // Only a socket made anew from the handle can read into a buffer of ours.
    const link = new NetLink(this.#server, this, { handle: handleOf(accepted) });
    this.#links.add(link);
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
  readonly fd: number;
  #socket: net.Socket;
  #handle: Handle;
  /** Bytes that were given to Node and that the core still has. */
  #later = 0;

  constructor(server: Server, transport: NetTransport, from: object) {
    this.#server = server;
    const callback = (len: number) => {
      transport.gather();
      server.core.input(len).set(input.subarray(0, len));
      server.received(this.conn, len);
      return true;
    };
    const options = { ...from, allowHalfOpen: true, onread: { buffer: input, callback } };
    this.#socket = new net.Socket(options as net.SocketConstructorOpts);
    this.#handle = handleOf(this.#socket);
    this.fd = this.#handle.fd;
    this.#socket.on("error", () => {});
    this.#socket.on("end", () => server.ended(this.conn));
    this.#socket.on("close", () => {
      server.closed(this.conn);
      transport.closed(this);
    });
  }

  get isOpen(): boolean {
    return this.conn !== 0 && !this.#socket.destroyed;
  }

  start(): void {
    this.#socket.resume();
  }

  send(bytes: Uint8Array): number {
    let at = 0;
    if (ON_DENO) {
      this.#sendLater(bytes.slice(0, LATER_SIZE));
      return 0;
    }
    try {
      while (at < bytes.length) at += fs.writeSync(this.fd, bytes, at);
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
    this.#later = copy.length;
    this.#socket.write(copy, (error) => {
      const len = this.#later;
      this.#later = 0;
      if (!error) this.#server.flushed(this.conn, len);
    });
  }

  /** Tells the core what Node has written so far of that. */
  count(): void {
    const len = this.#later - this.#handle.writeQueueSize;
    if (len <= 0) return;
    this.#later -= len;
    this.#server.core.sent(this.conn, len);
  }
}

/** Node's own handle; public interfaces do not name it. */
function handleOf(of: net.Socket | net.Server): Handle {
  return (of as unknown as { _handle: Handle })._handle;
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
