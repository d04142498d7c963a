// System calls: what the load generator needs of Linux, made directly through koffi.
// Holds   the bindings, memory with a fixed address, clocks and processors of a process.
// Never   allocates in a call that a measured loop makes.
// Source  Linux manual pages, sections 2 and 3.

import fs from "node:fs";
import process from "node:process";

const AF_UNIX = 1;
const SOCK_STREAM = 1;
const SOCK_CLOEXEC = 0o2000000;
const SOL_SOCKET = 1;
const SO_PEERCRED = 17;
const SO_RCVTIMEO = 20;
const SO_SNDTIMEO = 21;
const MSG_NOSIGNAL = 0x4000;
export const MSG_DONTWAIT = 0x40;
const EINTR = 4;
const EAGAIN = 11;
const EPOLLIN = 1;
const EPOLL_CTL_ADD = 1;
const EPOLL_CTL_DEL = 2;
const RLIMIT_NOFILE = 7;
/** struct epoll_event is packed on x64 only. */
const EPOLL_EVENT_SIZE = process.arch === "x64" ? 12 : 16;
const EPOLL_DATA_AT = EPOLL_EVENT_SIZE - 8;
const EPOLL_BATCH = 256;
const ADDRESS_SIZE = 110;
/** Seconds a blocking call waits before a stuck daemon counts as an error. */
const STUCK_S = 120;

/** Bytes whose address never changes, so that system calls take it as a plain number. */
export interface Memory {
  readonly bytes: Buffer;
  readonly view: DataView;
  readonly address: number;
}

/** The system calls of this process. Every call throws an Error that names it when it fails. */
export interface System {
  memory(size: number): Memory;
  /** A blocking stream socket connected to a Unix socket. */
  connect(path: string): number;
  close(fd: number): void;
  /** Sends all of `len` bytes from `address`. */
  send(fd: number, address: number, len: number): void;
  /** Bytes received; 0 at the end of the stream, -1 when `flags` forbid to wait. */
  recv(fd: number, address: number, size: number, flags: number): number;
  /** Process id of the daemon at the other end. */
  peerPid(fd: number): number;
  poller(): Poller;
  listener(path: string): number;
  accept(fd: number): number;
  /** Processor seconds that all threads of a process took so far. */
  cpuSeconds(pid: number): number;
  /** Binds all threads of a process to one processor; 0 is this process. */
  pin(pid: number, cpu: number): void;
  /** Lets this process and those it starts open as many files as the system allows. */
  raiseFileLimit(): void;
}

/** Waits for several sockets at once. */
export interface Poller {
  add(fd: number): void;
  remove(fd: number): void;
  /** Number of readable sockets, at most 256; waits at most `timeoutMs`, -1 for ever. */
  wait(timeoutMs: number): number;
  /** The `index`th readable socket of the last `wait`. */
  ready(index: number): number;
  close(): void;
}

type Call = (...args: number[]) => number;
type Koffi = typeof import("koffi");
type Bindings = ReturnType<typeof bindings>;

/**
 * Binds the system calls.
 * @returns the reason, as a string, when this machine can't make them
 */
export async function loadSystem(): Promise<System | string> {
  if (process.platform !== "linux")
    return `the load generator needs Linux, not ${process.platform}`;
  let koffi: Koffi;
  try {
    koffi = (await import("koffi")).default as unknown as Koffi;
  } catch (error) {
    return `the optional package koffi is not installed (${(error as Error).message.split("\n")[0]})`;
  }
  try {
    return system(koffi, bindings(koffi));
  } catch (error) {
    return `koffi can't bind the C library here: ${(error as Error).message}`;
  }
}

function bindings(koffi: Koffi) {
  const libc = koffi.load("libc.so.6");
  // Addresses are passed as numbers: cheaper than handing over a buffer for each call.
  const bind = (name: string, ...args: string[]) => libc.func(name, "long", args) as Call;
  const bindInt = (name: string, ...args: string[]) => libc.func(name, "int", args) as Call;
  return {
    socket: bindInt("socket", "int", "int", "int"),
    connect: bindInt("connect", "int", "size_t", "int"),
    bind: bindInt("bind", "int", "size_t", "int"),
    listen: bindInt("listen", "int", "int"),
    accept: bindInt("accept4", "int", "size_t", "size_t", "int"),
    close: bindInt("close", "int"),
    send: bind("send", "int", "size_t", "size_t", "int"),
    recv: bind("recv", "int", "size_t", "size_t", "int"),
    setsockopt: bindInt("setsockopt", "int", "int", "int", "size_t", "int"),
    getsockopt: bindInt("getsockopt", "int", "int", "int", "size_t", "size_t"),
    epollCreate: bindInt("epoll_create1", "int"),
    epollCtl: bindInt("epoll_ctl", "int", "int", "int", "size_t"),
    epollWait: bindInt("epoll_wait", "int", "size_t", "int", "int"),
    clockGettime: bindInt("clock_gettime", "int", "size_t"),
    getcpuclockid: bindInt("clock_getcpuclockid", "int", "size_t"),
    setaffinity: bindInt("sched_setaffinity", "int", "size_t", "size_t"),
    getrlimit: bindInt("getrlimit", "int", "size_t"),
    setrlimit: bindInt("setrlimit", "int", "size_t"),
  };
}

function system(koffi: Koffi, libc: Bindings): System {
  const memory = (size: number): Memory => {
    const bytes = Buffer.from(new ArrayBuffer(size));
    const view = new DataView(bytes.buffer);
    return { bytes, view, address: Number(koffi.address(bytes)) };
  };
  const scratch = memory(256);
  const fail = (what: string): never => {
    const names = Object.entries(koffi.os.errno);
    const code = koffi.errno();
    throw new Error(`${what}: ${names.find(([, number]) => number === code)?.[0] ?? code}`);
  };
  const must = (result: number, what: string) => (result < 0 ? fail(what) : result);

  const unixSocket = (path: string, call: Call, what: string): number => {
    const length = Buffer.byteLength(path);
    if (length >= ADDRESS_SIZE - 2) throw new Error(`${path}: too long for a Unix socket`);
    const fd = must(libc.socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");
    scratch.bytes.fill(0, 0, ADDRESS_SIZE);
    scratch.view.setUint16(0, AF_UNIX, true);
    scratch.bytes.write(path, 2);
    if (call(fd, scratch.address, length + 3) >= 0) return fd;
    libc.close(fd);
    return fail(`${what} ${path}`);
  };

  const timeout = (fd: number, option: number) => {
    scratch.view.setBigInt64(0, BigInt(STUCK_S), true);
    scratch.view.setBigInt64(8, 0n, true);
    must(libc.setsockopt(fd, SOL_SOCKET, option, scratch.address, 16), "setsockopt");
  };

  return {
    memory,
    connect(path) {
      const fd = unixSocket(path, libc.connect, "connect to");
      timeout(fd, SO_RCVTIMEO);
      timeout(fd, SO_SNDTIMEO);
      return fd;
    },
    close: (fd) => void libc.close(fd),
    send(fd, address, len) {
      let sent = 0;
      while (sent < len) {
        const n = libc.send(fd, address + sent, len - sent, MSG_NOSIGNAL);
        if (n >= 0) sent += n;
        else if (koffi.errno() !== EINTR) fail("send");
      }
    },
    recv(fd, address, size, flags) {
      for (;;) {
        const n = libc.recv(fd, address, size, flags);
        if (n >= 0) return n;
        const code = koffi.errno();
        if (code === EAGAIN && flags & MSG_DONTWAIT) return -1;
        if (code === EAGAIN) throw new Error(`no reply for ${STUCK_S} s`);
        if (code !== EINTR) fail("recv");
      }
    },
    peerPid(fd) {
      scratch.view.setUint32(16, 12, true);
      const { address } = scratch;
      must(libc.getsockopt(fd, SOL_SOCKET, SO_PEERCRED, address, address + 16), "getsockopt");
      return scratch.view.getInt32(0, true);
    },
    poller: () => poller(libc, memory(EPOLL_EVENT_SIZE * (EPOLL_BATCH + 1)), must, koffi),
    listener(path) {
      const fd = unixSocket(path, libc.bind, "bind");
      must(libc.listen(fd, 511), "listen");
      return fd;
    },
    accept: (fd) => libc.accept(fd, 0, 0, SOCK_CLOEXEC),
    cpuSeconds(pid) {
      if (libc.getcpuclockid(pid, scratch.address)) throw new Error(`no process ${pid}`);
      const clock = scratch.view.getInt32(0, true);
      must(libc.clockGettime(clock, scratch.address), `processor time of ${pid}`);
      const seconds = Number(scratch.view.getBigInt64(0, true));
      return seconds + Number(scratch.view.getBigInt64(8, true)) / 1e9;
    },
    pin(pid, cpu) {
      const mask = scratch.bytes.fill(0, 0, 128);
      mask[cpu >> 3] = 1 << (cpu & 7);
      for (const thread of fs.readdirSync(`/proc/${pid || "self"}/task`)) {
        const done = libc.setaffinity(Number(thread), 128, scratch.address);
        // A thread may end between the listing and the call.
        if (done < 0 && fs.existsSync(`/proc/${thread}`)) fail(`bind to processor ${cpu}`);
      }
    },
    raiseFileLimit() {
      if (libc.getrlimit(RLIMIT_NOFILE, scratch.address) < 0) return;
      scratch.view.setBigUint64(0, scratch.view.getBigUint64(8, true), true);
      libc.setrlimit(RLIMIT_NOFILE, scratch.address);
    },
  };
}

function poller(
  libc: Bindings,
  events: Memory,
  must: (result: number, what: string) => number,
  koffi: Koffi,
): Poller {
  const epoll = must(libc.epollCreate(SOCK_CLOEXEC), "epoll_create1");
  const one = EPOLL_EVENT_SIZE * EPOLL_BATCH;
  const control = (op: number, fd: number) => {
    events.view.setUint32(one, EPOLLIN, true);
    events.view.setInt32(one + EPOLL_DATA_AT, fd, true);
    must(libc.epollCtl(epoll, op, fd, events.address + one), "epoll_ctl");
  };
  return {
    add: (fd) => control(EPOLL_CTL_ADD, fd),
    remove: (fd) => control(EPOLL_CTL_DEL, fd),
    wait(timeoutMs) {
      const count = libc.epollWait(epoll, events.address, EPOLL_BATCH, timeoutMs);
      if (count < 0 && koffi.errno() === EINTR) return 0;
      return must(count, "epoll_wait");
    },
    ready: (index) => events.view.getInt32(index * EPOLL_EVENT_SIZE + EPOLL_DATA_AT, true),
    close: () => void libc.close(epoll),
  };
}
