// Epoll transport: Unix sockets with the system's own calls; Linux with koffi.
// Holds   one epoll descriptor with all sockets, and the link of each connection's descriptor.
// Never   keeps Node's event loop, with its timers and signals, waiting for more than 15 ms.
// Source  our own; epoll(7).

import fs from "node:fs";
import os from "node:os";
import process from "node:process";
import { INPUT_SIZE } from "../../assembly/abi.ts";
import { type Link, SEND_FAILED } from "../shared/runtime.ts";
import type { Server } from "../shared/server.ts";
import {
  AF_UNIX,
  EPOLL_CTL_ADD,
  EPOLL_CTL_DEL,
  EPOLL_CTL_MOD,
  EPOLLERR,
  EPOLLHUP,
  EPOLLIN,
  EPOLLOUT,
  EVENT_FD,
  EVENT_WORDS,
  errnoName,
  type Libc,
  MSG_NOSIGNAL,
  SOCK_CLOEXEC,
  SOCK_NONBLOCK,
  SOCK_STREAM,
  unixAddress,
} from "./libc.ts";
import {
  BACKLOG,
  type Descriptors,
  type Notice,
  SOCKET_UMASK,
  type Transport,
  type Watch,
} from "./transport.ts";

const { EAGAIN, EINTR, ECONNABORTED } = os.constants.errno;

/** Events taken at once. */
const EVENTS = 256;
/** How long one call from the event loop may go on serving. */
const TURN_MS = 5;
/**
 * How long to wait for the next input before the event loop has its turn: going back and forth
 * costs as much as serving a request. A shorter wait would cost the kernel a timer of its own.
 */
const LINGER_MS = 10;
/** How often to look for more before a sync. */
const GATHER = 8;
/** How long to leave new connections waiting when there is no descriptor for them. */
const RETRY_MS = 1000;
/** How often that is worth a notice. */
const SAY_AGAIN_MS = 60_000;

/** Whoever waits for a descriptor. */
interface Readable {
  ready(events: number): void;
}

interface Listener {
  readonly fd: number;
  readonly path: string;
  readonly kind: number;
}

export class EpollTransport implements Transport {
  readonly name = "epoll";
  #libc: Libc;
  #server: Server;
  #notice: Notice;
  #epoll: number;
  #events = new Int32Array(EVENTS * EVENT_WORDS);
  #event = new Int32Array(EVENT_WORDS);
  #links: (Readable | undefined)[] = [];
  #listeners: Listener[] = [];
  #ready: Listener[] = [];
  #full = false;
  #sayMs = 0;
  #watching: { close(): void };
  #work: (() => boolean) | null = null;
  /** A turn is to come. */
  #due = false;
  #closed = false;

  constructor(libc: Libc, server: Server, notice: Notice) {
    this.#libc = libc;
    this.#server = server;
    this.#notice = notice;
    this.#epoll = libc.epollCreate(SOCK_CLOEXEC);
    if (this.#epoll < 0) throw new Error(`no epoll descriptor: ${errnoName(libc.errno())}`);
    this.#watching = libc.watch(this.#epoll, () => this.#turn());
  }

  async listen(path: string, kind: number): Promise<void> {
    const libc = this.#libc;
    const address = unixAddress(path);
    const before = process.umask(SOCKET_UMASK);
    const fd = libc.socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    const failed =
      fd < 0 || libc.bind(fd, address, address.length) < 0 || libc.listen(fd, BACKLOG) < 0;
    const reason = failed ? errnoName(libc.errno()) : "";
    process.umask(before);
    if (failed) throw new Error(`${path}: cannot listen there: ${reason}`);
    await this.adoptListener(fd, path, kind);
  }

  async adoptListener(fd: number, path: string, kind: number): Promise<void> {
    this.#listeners.push({ fd, path, kind });
    this.control(EPOLL_CTL_ADD, fd, EPOLLIN);
  }

  adopt(fd: number, conn: number): void {
    const link = this.#link(fd);
    link.conn = conn;
    this.#server.adopt(link, conn);
  }

  handOver(): Descriptors {
    const connections = this.#links.flatMap((link, fd) => {
      return link instanceof EpollLink && link.conn ? [{ fd, conn: link.conn }] : [];
    });
    return { listeners: this.#listeners, connections };
  }

  close(): void {
    this.#closed = true;
    this.#watching.close();
    for (const { fd, path } of this.#listeners) {
      this.#libc.close(fd);
      fs.rmSync(path, { force: true });
    }
    this.#listeners = [];
    this.#libc.close(this.#epoll);
  }

  readonly watch: Watch = (fd, readable) => {
    this.#links[fd] = { ready: readable };
    this.control(EPOLL_CTL_ADD, fd, EPOLLIN);
    return {
      close: () => {
        this.#links[fd] = undefined;
        this.control(EPOLL_CTL_DEL, fd, 0);
      },
    };
  };

  soon(work: () => boolean): void {
    this.#work = work;
    this.#turnSoon();
  }

  /** One turn is to come, however often that is asked for: each takes its time of the event loop. */
  #turnSoon(): void {
    if (this.#due) return;
    this.#due = true;
    setImmediate(() => {
      this.#due = false;
      this.#turn();
    });
  }

  /** Adds, changes or removes what is waited for on a descriptor. */
  control(what: number, fd: number, events: number): void {
    this.#event[0] = events;
    this.#event[EVENT_FD] = fd;
    this.#libc.epollCtl(this.#epoll, what, fd, this.#event);
  }

  /** Closes a connection's descriptor. */
  drop(fd: number): void {
    this.#links[fd] = undefined;
    // As long as another process has the socket, too (a predecessor that is ending, a child that
    // has not executed its program yet), closing it here does not end what is waited for: its end
    // would be told of whoever gets the number next.
    this.control(EPOLL_CTL_DEL, fd, 0);
    this.#libc.close(fd);
    if (this.#full) this.#accepting(true);
  }

  /** Serves what is ready, as long as more keeps coming, but not too long. */
  #turn(): void {
    if (this.#closed) return;
    const endMs = performance.now() + TURN_MS;
    do {
      const lingerMs = this.#work ? 0 : LINGER_MS;
      const count = this.#libc.epollWait(this.#epoll, this.#events, EVENTS, lingerMs);
      const work = this.#work;
      if (count <= 0 && !work) return;
      this.#server.begin();
      if (count > 0) this.#round(count);
      if (work && !work()) this.#work = null;
      if (this.#server.gathers) this.#gather();
      this.#server.settle();
    } while (performance.now() < endMs);
    if (this.#work) this.#turnSoon();
  }

  /** Before changes are synced: others get the processor, and what they send goes along. */
  #gather(): void {
    for (let turn = 0; turn < GATHER; turn++) {
      this.#libc.schedYield();
      const count = this.#libc.epollWait(this.#epoll, this.#events, EVENTS, 0);
      if (count <= 0) return;
      this.#round(count);
    }
  }

  #round(count: number): void {
    for (let at = 0; at < count * EVENT_WORDS; at += EVENT_WORDS) {
      const fd = this.#events[at + EVENT_FD] as number;
      const link = this.#links[fd];
      if (link) link.ready(this.#events[at] as number);
      else this.#ready.push(...this.#listeners.filter((listener) => listener.fd === fd));
    }
    // Last, since a new connection may get the number of one that has just been closed.
    for (let next = this.#ready.pop(); next; next = this.#ready.pop()) this.#accept(next);
  }

  #accept({ fd: listener, kind }: Listener): void {
    const fd = this.#libc.accept4(listener, null, null, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
      this.#notAccepted(this.#libc.errno());
      return;
    }
    const link = this.#link(fd);
    link.conn = this.#server.connect(link, kind);
    if (link.conn) return;
    this.#notice("no memory for another connection");
    link.close();
  }

  #link(fd: number): EpollLink {
    const link = new EpollLink(this, this.#libc, this.#server, fd);
    this.#links[fd] = link;
    this.control(EPOLL_CTL_ADD, fd, EPOLLIN);
    return link;
  }

  #notAccepted(errno: number): void {
    if (errno === EAGAIN || errno === EINTR || errno === ECONNABORTED || this.#full) return;
    this.#accepting(false);
    const nowMs = performance.now();
    if (nowMs >= this.#sayMs) {
      this.#notice(`no new connection can be accepted: ${errnoName(errno)}; they wait`);
      this.#sayMs = nowMs + SAY_AGAIN_MS;
    }
    setTimeout(() => this.#accepting(true), RETRY_MS).unref();
  }

  /** Whether new connections are looked for: without a descriptor they must wait. */
  #accepting(on: boolean): void {
    this.#full = !on;
    for (const { fd } of this.#listeners) this.control(EPOLL_CTL_MOD, fd, on ? EPOLLIN : 0);
  }
}

class EpollLink implements Link {
  conn = 0;
  #transport: EpollTransport;
  #libc: Libc;
  #server: Server;
  #fd: number;
  #waits = EPOLLIN;
  #ended = false;

  constructor(transport: EpollTransport, libc: Libc, server: Server, fd: number) {
    this.#transport = transport;
    this.#libc = libc;
    this.#server = server;
    this.#fd = fd;
  }

  /** Something happened on the socket. */
  ready(events: number): void {
    if (events & EPOLLOUT) {
      this.#wait(this.#waits & ~EPOLLOUT);
      this.#server.writable(this.conn);
    }
    if (!this.conn) return;
    if (events & EPOLLIN && this.#waits & EPOLLIN) this.#receive();
    else if (events & (EPOLLHUP | EPOLLERR)) this.#gone();
  }

  send(bytes: Uint8Array): number {
    const at = this.#libc.address(bytes);
    const len = this.#libc.send(this.#fd, at, bytes.length, MSG_NOSIGNAL);
    if (len === bytes.length) return len;
    if (len < 0 && this.#libc.errno() !== EAGAIN) return SEND_FAILED;
    this.#wait(this.#waits | EPOLLOUT);
    return Math.max(len, 0);
  }

  pause(paused: boolean): void {
    if (paused) this.#wait(this.#waits & ~EPOLLIN);
    else if (!this.#ended) this.#wait(this.#waits | EPOLLIN);
  }

  close(): void {
    this.conn = 0;
    this.#transport.drop(this.#fd);
  }

  #receive(): void {
    const at = this.#libc.address(this.#server.core.input(INPUT_SIZE));
    const len = this.#libc.recv(this.#fd, at, INPUT_SIZE, 0);
    if (len > 0) {
      this.#server.received(this.conn, len);
      return;
    }
    const errno = len < 0 ? this.#libc.errno() : 0;
    if (errno === EAGAIN || errno === EINTR) return;
    if (errno) {
      this.#gone();
      return;
    }
    this.#ended = true;
    this.#server.ended(this.conn);
    if (this.conn) this.#wait(this.#waits & ~EPOLLIN);
  }

  #gone(): void {
    this.#server.closed(this.conn);
    this.close();
  }

  #wait(events: number): void {
    if (events === this.#waits) return;
    this.#waits = events;
    this.#transport.control(EPOLL_CTL_MOD, this.#fd, events);
  }
}
