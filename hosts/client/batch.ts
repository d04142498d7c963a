// Batch: messages one behind the other, made where they will leave from.
// Holds   a buffer that grows, and how far it is filled.
// Never   sends, and never knows a request's state.
// Source  the XenStore protocol, Header.

import { XS_HEADER_SIZE } from "../../assembly/xs_wire.ts";
import { encodeText } from "./text.ts";

/** Room at the start; a buffer that had to grow far beyond is not kept. */
const SIZE = 16_384;
const SIZE_KEPT = 262_144;

export class Batch {
  bytes = new Uint8Array(SIZE);
  /** Bytes of whole messages. */
  len = 0;

  /**
   * Adds a message; its id is 0. The payload is the path with a NUL, if there is one, and the tail.
   * @returns the length of the payload
   */
  add(type: number, txId: number, path: string | null, tail: string | Uint8Array | null): number {
    const units = (path === null ? 0 : path.length) + (tail === null ? 0 : tail.length);
    // A UTF-16 unit takes at most 3 bytes.
    this.#room(XS_HEADER_SIZE + 3 * units + 1);
    const { bytes, len: start } = this;
    let at = start + XS_HEADER_SIZE;
    if (path !== null) {
      at = encodeText(path, bytes, at);
      bytes[at++] = 0;
    }
    if (typeof tail === "string") {
      at = encodeText(tail, bytes, at);
    } else if (tail !== null) {
      bytes.set(tail, at);
      at += tail.length;
    }
    const payloadLen = at - start - XS_HEADER_SIZE;
    putWord(bytes, start, type);
    putWord(bytes, start + 4, 0);
    putWord(bytes, start + 8, txId);
    putWord(bytes, start + 12, payloadLen);
    this.len = at;
    return payloadLen;
  }

  /** Adds a message that was made before. @returns where it begins */
  copy(bytes: Uint8Array, from: number, len: number): number {
    this.#room(len);
    const start = this.len;
    this.bytes.set(bytes.subarray(from, from + len), start);
    this.len = start + len;
    return start;
  }

  /** Fills in the id of the message at `at`. */
  name(at: number, reqId: number): void {
    putWord(this.bytes, at + 4, reqId);
  }

  /** Takes out what was added last. */
  cutTo(len: number): void {
    this.len = len;
  }

  /** Takes out the message at `at`; those behind it move forward. */
  remove(at: number, len: number): void {
    this.bytes.copyWithin(at, at + len, this.len);
    this.len -= len;
  }

  /** Everything as an array of its own; the batch is empty afterwards. */
  take(): Uint8Array {
    const taken = this.bytes.slice(0, this.len);
    this.clear();
    return taken;
  }

  /** Empties it. */
  clear(): void {
    this.len = 0;
    if (this.bytes.length > SIZE_KEPT) this.bytes = new Uint8Array(SIZE);
  }

  #room(size: number): void {
    const needed = this.len + size;
    if (needed <= this.bytes.length) return;
    const grown = new Uint8Array(2 ** Math.ceil(Math.log2(needed)));
    grown.set(this.bytes.subarray(0, this.len));
    this.bytes = grown;
  }
}

function putWord(bytes: Uint8Array, at: number, word: number): void {
  bytes[at] = word;
  bytes[at + 1] = word >>> 8;
  bytes[at + 2] = word >>> 16;
  bytes[at + 3] = word >>> 24;
}
