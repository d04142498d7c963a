// Xen device: what Xen's device files need besides reading and writing: ioctl and shared pages.
// Holds   the bindings, and the error for a call that failed.
// Never   keeps a descriptor or a mapping: callers own what they open.
// Source  the Linux system call interface; the user interface of Linux's Xen drivers.

import fs from "node:fs";
import type koffiModule from "koffi";
import { XENSTORE_RING_PAGE } from "../../assembly/xs_wire.ts";
import { errnoName } from "./libc.ts";

const PROT_READ_WRITE = 3;
const MAP_SHARED = 1;
const MAP_FAILED = -1n;

type Koffi = typeof koffiModule;

/** A page of another owner in this process's memory. */
export interface Mapping {
  readonly buffer: ArrayBuffer;
  /** Where it is, for drivers that must be told. */
  readonly address: bigint;
  /** Takes it away; a single access to `buffer` afterwards ends the process. */
  unmap(): void;
}

/** A driver that refused; `message` says which call and the system's name of the reason. */
export class XenError extends Error {
  override name = "XenError";
}

export class XenDevice {
  readonly koffi: Koffi;
  #ioctl: (fd: number, request: number, argument: ArrayBufferView | null) => number;
  #mmap: (...args: [null, number, number, number, number, number]) => bigint;
  #munmap: (address: bigint, size: number) => number;

  constructor(koffi: Koffi) {
    const libc = koffi.load(null);
    this.koffi = koffi;
    this.#ioctl = libc.func("int ioctl(int, unsigned long, void *)");
    this.#mmap = libc.func("void *mmap(void *, size_t, int, int, int, int64_t)");
    this.#munmap = libc.func("int munmap(void *, size_t)");
  }

  /** Opens a device file for reading and writing. Throws an error that names it and the reason. */
  open(file: string, flags = 0): number {
    try {
      return fs.openSync(file, fs.constants.O_RDWR | flags);
    } catch (error) {
      throw new XenError(`${file}: ${(error as NodeJS.ErrnoException).code}`);
    }
  }

  /** A request to a driver. Throws XenError, which names `what`. @returns its result, not negative */
  ioctl(what: string, fd: number, request: number, argument: ArrayBufferView | null): number {
    const result = this.tryIoctl(fd, request, argument);
    if (result < 0) throw this.failure(what);
    return result;
  }

  /** A request to a driver that may fail. @returns its result, -1 for a failure */
  tryIoctl(fd: number, request: number, argument: ArrayBufferView | null): number {
    return this.#ioctl(fd, request, argument);
  }

  /**
   * Maps one page of a device file.
   * @param offset  in bytes, as the driver counts
   */
  map(what: string, fd: number, offset = 0): Mapping {
    const size = XENSTORE_RING_PAGE;
    const address = this.#mmap(null, size, PROT_READ_WRITE, MAP_SHARED, fd, offset);
    if (BigInt.asIntN(64, address) === MAP_FAILED) throw this.failure(what);
    const unmap = () => void this.#munmap(address, size);
    return { buffer: this.koffi.view(address, size), address, unmap };
  }

  /**
   * The error for the call that has just failed.
   * @param errno  the reason, unless it is the system's
   */
  failure(what: string, errno = this.koffi.errno()): XenError {
    return new XenError(`${what}: ${errnoName(errno)}`);
  }
}

/**
 * The number of an ioctl without direction, as Xen's drivers use.
 * @param group  a letter
 * @param size   of the argument, in bytes
 */
export function ioctlNumber(group: string, number: number, size: number): number {
  return (size << 16) | (group.charCodeAt(0) << 8) | number;
}
