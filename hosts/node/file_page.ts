// File page: a page that is shared as a file; the other side may have it mapped.
// Holds   its descriptor, and where this process has it in its memory, if that can be.
// Never   touches mapped memory before it has asked whether the file is still long enough.
// Source  our own; on one machine a file's contents are the same for all who read or map it.

import fs from "node:fs";
import { XENSTORE_RING_PAGE } from "../../assembly/xs_wire.ts";
import { MemoryPage, type Page } from "../shared/machine.ts";

/** Maps one page of a file, the first or the one at `offset`. Throws an Error. */
export type MapFile = (fd: number, offset?: number) => MappedFile;

/** A page of a file in this process's memory. */
export interface MappedFile {
  readonly buffer: ArrayBuffer;
  /** Bytes of the file as it is now; negative: nobody knows. */
  size(): number;
  unmap(): void;
}

/** A page in a file, and how to let go of it. */
export interface OpenPage extends Page {
  close(): void;
}

/**
 * Opens a page; what is missing of it is filled with zeros.
 * @param make  whether to make the file where there is none
 * @param map   how to map it; null: it is read and written like any file
 * @returns     null when there is no such file
 * @throws      the system's error, or an Error if it is not an ordinary file
 */
export function openPage(path: string, make: boolean, map: MapFile | null): OpenPage | null {
  if (!make && !fs.existsSync(path)) return null;
  const { O_RDWR, O_CREAT, O_NONBLOCK } = fs.constants;
  const fd = fs.openSync(path, O_RDWR | O_NONBLOCK | (make ? O_CREAT : 0), 0o666);
  try {
    const stat = fs.fstatSync(fd);
    if (!stat.isFile()) throw new Error(`${path}: not an ordinary file`);
    if (stat.size < XENSTORE_RING_PAGE) fs.ftruncateSync(fd, XENSTORE_RING_PAGE);
    return map ? new MappedPage(fd, map) : new FilePage(fd);
  } catch (error) {
    fs.closeSync(fd);
    throw error;
  }
}

/** Mapped: no system call for each field, but memory behind a file's end must not be touched. */
class MappedPage extends MemoryPage implements OpenPage {
  #fd: number;
  #file: MappedFile;

  constructor(fd: number, map: MapFile) {
    const file = map(fd);
    super(file.buffer);
    this.#fd = fd;
    this.#file = file;
  }

  override whole(): boolean {
    return this.#file.size() >= XENSTORE_RING_PAGE;
  }

  close(): void {
    this.#file.unmap();
    fs.closeSync(this.#fd);
  }
}

class FilePage implements OpenPage {
  #fd: number;

  constructor(fd: number) {
    this.#fd = fd;
  }

  whole(): boolean {
    return true;
  }

  load(offset: number, words: Uint32Array): void {
    this.#read(offset, words);
  }

  store(offset: number, words: Uint32Array): void {
    fs.writeSync(this.#fd, words, 0, words.byteLength, offset);
  }

  read(offset: number, bytes: Uint8Array): void {
    this.#read(offset, bytes);
  }

  write(offset: number, bytes: Uint8Array): void {
    fs.writeSync(this.#fd, bytes, 0, bytes.length, offset);
  }

  close(): void {
    fs.closeSync(this.#fd);
  }

  #read(offset: number, into: Uint8Array | Uint32Array): void {
    const len = fs.readSync(this.#fd, into, 0, into.byteLength, offset);
    // Somebody has cut the file short: nothing is there.
    if (len < into.byteLength) into.fill(0);
  }
}
