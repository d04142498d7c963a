// Fifo: named pipes as event channels: whole records in, whole records out, nobody waits.
// Holds   one descriptor for each end that is open here.
// Never   blocks, and never keeps the process alive once it is closed.
// Source  fifo(7).

import { spawnSync } from "node:child_process";
import fs from "node:fs";
import net from "node:net";
import { type Libc, ON_DENO } from "./libc.ts";
import type { Watch } from "./transport.ts";

/** Opened for both directions there is no end of file when the other side goes. */
const FLAGS = fs.constants.O_RDWR | fs.constants.O_NONBLOCK;
/** As much as a pipe holds. */
const BUFFER_SIZE = 65536;

/** Makes a named pipe unless there is one. Throws an Error that names the file. */
export function makeFifo(path: string): void {
  if (isFifo(path)) return;
  // Node has no call for it.
  const done = spawnSync("mkfifo", [path], { encoding: "utf8" });
  if (isFifo(path)) return;
  const reason = done.error?.message ?? done.stderr.trim();
  throw new Error(`${path}: no pipe can be made there: ${reason}`);
}

function isFifo(path: string): boolean {
  return fs.statSync(path, { throwIfNoEntry: false })?.isFIFO() ?? false;
}

/** The reading end of a pipe. */
export class FifoReader {
  readonly fd: number;
  #buffer = new Uint8Array(BUFFER_SIZE);
  #libc: Libc | null;
  #at: number;
  #watching: { close(): void };

  /**
   * Opens a pipe; `came` is called from the event loop with what came, a view that is good
   * until it returns.
   * @param watch  how to wait for a descriptor; null: with what Node brings
   * @param libc   with what to read then; null: with what Node brings, in twice the time
   * @throws       the system's error
   */
  constructor(
    path: string,
    watch: Watch | null,
    came: (bytes: Uint8Array) => void,
    libc: Libc | null = null,
  ) {
    this.#libc = libc;
    this.#at = libc?.address(this.#buffer) ?? 0;
    const waits = !watch && ON_DENO;
    this.fd = fs.openSync(path, waits ? fs.constants.O_RDWR : FLAGS);
    if (watch) this.#watching = watch(this.fd, () => this.#read(came));
    else if (waits) this.#watching = waitOn(this.fd, this.#buffer, came);
    else this.#watching = socketOn(this.fd, this.#buffer, came);
  }

  close(): void {
    this.#watching.close();
  }

  #read(came: (bytes: Uint8Array) => void): void {
    const len = this.#libc?.read(this.fd, this.#at, BUFFER_SIZE) ?? -1;
    try {
      // What failed does so again, with a reason.
      came(this.#buffer.subarray(0, len < 0 ? fs.readSync(this.fd, this.#buffer) : len));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN") throw error;
    }
  }
}

/** Node reads a pipe as it reads any socket. */
function socketOn(fd: number, buffer: Uint8Array, came: (bytes: Uint8Array) => void) {
  const callback = (len: number) => {
    came(buffer.subarray(0, len));
    return true;
  };
  const options = { fd, readable: true, writable: false, onread: { buffer, callback } };
  const socket = new net.Socket(options as net.SocketConstructorOpts);
  socket.on("error", () => {});
  socket.resume();
  return { close: () => void socket.destroy() };
}

/** Deno does not read a pipe as a socket: a thread of its own waits in each read. */
function waitOn(fd: number, buffer: Uint8Array, came: (bytes: Uint8Array) => void) {
  let open = true;
  const next = () => {
    fs.read(fd, buffer, 0, buffer.length, null, (error, len) => {
      if (!open || error) return;
      came(buffer.subarray(0, len));
      next();
    });
  };
  next();
  return {
    close: () => {
      open = false;
    },
  };
}

/** The writing end of a pipe. */
export class FifoWriter {
  #fd: number;
  #libc: Libc | null;
  /** The record that was written last, and where it lies: it is the same most of the time. */
  #record: Uint8Array | null = null;
  #at = 0;

  private constructor(fd: number, libc: Libc | null) {
    this.#fd = fd;
    this.#libc = libc;
  }

  /**
   * Opens a pipe; null when there is none, or something else in its place.
   * @param libc  as for a reader
   */
  static open(path: string, libc: Libc | null = null): FifoWriter | null {
    if (!isFifo(path)) return null;
    try {
      return new FifoWriter(fs.openSync(path, FLAGS), libc);
    } catch {
      return null;
    }
  }

  /** Writes a record. A full pipe drops it: the reader has enough to wake up for. */
  write(record: Uint8Array): void {
    if (this.#libc) {
      if (record !== this.#record) this.#at = this.#libc.address(record);
      this.#record = record;
      this.#libc.write(this.#fd, this.#at, record.length);
      return;
    }
    try {
      fs.writeSync(this.#fd, record);
    } catch {
      // The other side's loss alone.
    }
  }

  close(): void {
    fs.closeSync(this.#fd);
  }
}
