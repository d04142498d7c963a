// Libc: the system calls that Node does not offer, through the optional package koffi.
// Holds   function bindings and the numbers they need; Linux only.
// Never   keeps a descriptor: callers own what they open.
// Source  the Linux system call interface.

import os from "node:os";
import process from "node:process";
import { type AsyncPoll, pollWatch } from "./poll.ts";

/** Deno offers Node's interfaces, but neither its event loop nor descriptors of sockets. */
export const ON_DENO = "deno" in process.versions;

export const AF_UNIX = 1;
export const SOCK_STREAM = 1;
export const SOCK_DGRAM = 2;
export const SOCK_NONBLOCK = 0o4000;
export const SOCK_CLOEXEC = 0o2000000;
export const MSG_NOSIGNAL = 0x4000;
export const SEEK_END = 2;
export const EPOLLIN = 1;
export const EPOLLOUT = 4;
export const EPOLLERR = 8;
export const EPOLLHUP = 16;
export const EPOLL_CTL_ADD = 1;
export const EPOLL_CTL_DEL = 2;
export const EPOLL_CTL_MOD = 3;

/** Words of struct epoll_event (packed on x86), and which of them holds the descriptor. */
export const EVENT_WORDS = process.arch === "x64" || process.arch === "ia32" ? 3 : 4;
export const EVENT_FD = EVENT_WORDS - 2;

/** Bytes of sun_path, the closing NUL included. */
export const SUN_PATH_SIZE = 108;

type Memory = Uint8Array | Int32Array | null;

/** Results are as in C: -1 for a failure, with the reason in `errno`. */
export interface Libc {
  socket(domain: number, type: number, protocol: number): number;
  bind(fd: number, address: Memory, len: number): number;
  listen(fd: number, backlog: number): number;
  accept4(fd: number, address: Memory, len: Memory, flags: number): number;
  /** @param at  where in this process's memory, by `address` */
  recv(fd: number, at: number, len: number, flags: number): number;
  send(fd: number, at: number, len: number, flags: number): number;
  sendto(fd: number, bytes: Memory, len: number, flags: number, to: Memory, size: number): number;
  /** @param at  as for `recv`; the same for those below */
  read(fd: number, at: number, len: number): number;
  write(fd: number, at: number, len: number): number;
  pwrite(fd: number, at: number, len: number, offset: number): number;
  lseek(fd: number, offset: number, whence: number): number;
  close(fd: number): number;
  epollCreate(flags: number): number;
  epollCtl(epoll: number, what: number, fd: number, event: Memory): number;
  schedYield(): number;
  epollWait(epoll: number, events: Memory, most: number, timeoutMs: number): number;
  fcntl(fd: number, what: number, value: number): number;
  /** Puts another program in this process's place; returns only when that failed. */
  execve(file: string, args: readonly (string | null)[], env: readonly (string | null)[]): number;
  errno(): number;
  /** Where bytes lie. Good for as long as their buffer is: to pass it costs less than the bytes. */
  address(bytes: Uint8Array): number;
  /** Calls back from the event loop while `fd` is readable, as long as the result is kept. */
  watch(fd: number, readable: () => void): { close(): void };
}

/** The bindings, or null where koffi or Linux is missing. */
export async function loadLibc(): Promise<Libc | null> {
  if (process.platform !== "linux") return null;
  try {
    const { default: koffi } = await import("koffi");
    const libc = koffi.load(null);
    const poll = libc.func("int poll(void *, ulong, int)").async as AsyncPoll;
    return {
      socket: libc.func("int socket(int, int, int)"),
      bind: libc.func("int bind(int, void *, uint32_t)"),
      listen: libc.func("int listen(int, int)"),
      accept4: libc.func("int accept4(int, void *, void *, int)"),
      recv: libc.func("long recv(int, size_t, size_t, int)"),
      send: libc.func("long send(int, size_t, size_t, int)"),
      sendto: libc.func("long sendto(int, void *, size_t, int, void *, uint32_t)"),
      read: libc.func("long read(int, size_t, size_t)"),
      write: libc.func("long write(int, size_t, size_t)"),
      pwrite: libc.func("long pwrite(int, size_t, size_t, long)"),
      lseek: libc.func("long lseek(int, long, int)"),
      close: libc.func("int close(int)"),
      epollCreate: libc.func("int epoll_create1(int)"),
      epollCtl: libc.func("int epoll_ctl(int, int, int, void *)"),
      schedYield: libc.func("int sched_yield()"),
      epollWait: libc.func("int epoll_wait(int, void *, int, int)"),
      fcntl: libc.func("int fcntl(int, int, long)"),
      execve: libc.func("int execve(const char *, const char **, const char **)"),
      errno: () => koffi.errno(),
      address: addresses((buffer) => Number(koffi.address(new Uint8Array(buffer)))),
      watch: (fd, readable) => {
        const call = () => guarded(readable);
        return ON_DENO ? pollWatch(poll, fd, call) : koffi.node.poll(fd, { readable: true }, call);
      },
    };
  } catch {
    return null;
  }
}

/** Asks only once about the buffer that was asked about last: that is the core's memory. */
function addresses(addressOf: (buffer: ArrayBufferLike) => number): Libc["address"] {
  let known: ArrayBufferLike | null = null;
  let start = 0;
  return ({ buffer, byteOffset }) => {
    if (buffer !== known) {
      start = addressOf(buffer);
      known = buffer;
    }
    return start + byteOffset;
  };
}

/** Calls; what is thrown is thrown again later: not even Node may see it come out of koffi. */
function guarded(call: () => void): void {
  try {
    call();
  } catch (error) {
    setImmediate(() => {
      throw error;
    });
  }
}

/**
 * A struct sockaddr_un.
 * @param path  a file, or a name in the abstract space with "@" in front
 * @throws      Error when it is too long
 */
export function unixAddress(path: string): Uint8Array {
  const name = Buffer.from(path.startsWith("@") ? `\0${path.slice(1)}` : `${path}\0`);
  if (name.length > SUN_PATH_SIZE) throw new Error(`${path}: too long for a socket`);
  const address = Buffer.alloc(2 + name.length);
  if (os.endianness() === "LE") address.writeUInt16LE(AF_UNIX);
  else address.writeUInt16BE(AF_UNIX);
  address.set(name, 2);
  return address;
}

/** The name of an error number, such as "EMFILE". */
export function errnoName(number: number): string {
  const entry = Object.entries(os.constants.errno).find(([, value]) => value === number);
  return entry ? entry[0] : `error ${number}`;
}

/** Sends one datagram; returns false when nobody takes it, or nobody can have that name. */
export function sendDatagram(libc: Libc, path: string, text: string): boolean {
  if (Buffer.byteLength(path) >= SUN_PATH_SIZE) return false;
  const fd = libc.socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return false;
  const bytes = Buffer.from(text);
  const to = unixAddress(path);
  const sent = libc.sendto(fd, bytes, bytes.length, MSG_NOSIGNAL, to, to.length);
  libc.close(fd);
  return sent === bytes.length;
}
