// Connection: one client of a daemon, as cheap as a client in this language can be.
// Holds   a blocking socket, its buffers, the message last taken, a hash of the first replies.
// Never   allocates while requests and replies go by, and never guesses: a wrong reply throws.
// Source  the XenStore protocol, Header and Order of output.

import {
  XENSTORE_PAYLOAD_MAX,
  XS_ERROR,
  XS_HEADER_SIZE,
  XS_TRANSACTION_START,
  XS_WATCH_EVENT,
} from "../../assembly/xs_wire.ts";
import type { Memory, System } from "./system.ts";

const BUFFER_SIZE = 65536;
/** Replies of each connection whose bytes are hashed; the later ones are only checked. */
export const HASHED_REPLIES = 200;

/** A whole request: header and payload. Its req_id is filled in when it is queued. */
export type Request = Buffer;

/**
 * Encodes a whole request.
 * @param strings  the payload's parts, each followed by a NUL
 * @param value    bytes behind the last NUL
 */
export function request(type: number, strings: string[], value = ""): Request {
  const text = strings.map((part) => `${part}\0`).join("") + value;
  const len = Buffer.byteLength(text, "latin1");
  if (len > XENSTORE_PAYLOAD_MAX) throw new Error(`a payload of ${len} bytes is too long`);
  const bytes = Buffer.alloc(XS_HEADER_SIZE + len);
  bytes.writeUInt32LE(type, 0);
  bytes.writeUInt32LE(len, 12);
  bytes.write(text, XS_HEADER_SIZE, "latin1");
  return bytes;
}

/** Buffers of connections that were closed, for those to come. */
const spare: Memory[] = [];

export class Connection {
  readonly fd: number;
  /** Header and place of the message last taken; valid until the next `fill`. */
  type = 0;
  reqId = 0;
  len = 0;
  at = 0;
  /** Watch events that were taken so far. */
  events = 0;
  /** Hash and count of the first replies: equal for daemons that answer alike. */
  hash = 0x811c9dc5;
  hashed = 0;
  #system: System;
  #in: Memory | null = null;
  #out: Memory | null = null;
  #start = 0;
  #end = 0;
  #queued = 0;
  #lastId = 0;

  constructor(system: System, path: string) {
    this.#system = system;
    this.fd = system.connect(path);
  }

  close(): void {
    this.#system.close(this.fd);
    if (this.#in) spare.push(this.#in);
    if (this.#out) spare.push(this.#out);
    this.#in = null;
    this.#out = null;
  }

  /** Queues a request; nothing leaves before `flush`. */
  queue(message: Request, txId = 0): void {
    if (this.#queued + message.length > BUFFER_SIZE) this.flush();
    this.#out ??= this.#buffer();
    const { bytes, view } = this.#out;
    bytes.set(message, this.#queued);
    view.setUint32(this.#queued + 4, ++this.#lastId, true);
    view.setUint32(this.#queued + 8, txId, true);
    this.#queued += message.length;
  }

  /** Sends what is queued. */
  flush(): void {
    if (!this.#queued || !this.#out) return;
    this.#system.send(this.fd, this.#out.address, this.#queued);
    this.#queued = 0;
  }

  /** Receives once. @returns false when `flags` forbid to wait and nothing was there */
  fill(flags = 0): boolean {
    this.#in ??= this.#buffer();
    const { bytes, address } = this.#in;
    if (this.#start) {
      bytes.copyWithin(0, this.#start, this.#end);
      this.#end -= this.#start;
      this.#start = 0;
    }
    const n = this.#system.recv(this.fd, address + this.#end, BUFFER_SIZE - this.#end, flags);
    if (n === 0) throw new Error("the daemon closed the connection");
    if (n < 0) return false;
    this.#end += n;
    return true;
  }

  /** Takes the next whole message that has been received. */
  take(): boolean {
    const have = this.#end - this.#start;
    if (have < XS_HEADER_SIZE || !this.#in) return false;
    const { view } = this.#in;
    const len = view.getUint32(this.#start + 12, true);
    if (len > XENSTORE_PAYLOAD_MAX) throw new Error(`a payload of ${len} bytes came in`);
    if (have < XS_HEADER_SIZE + len) return false;
    this.type = view.getUint32(this.#start, true);
    this.reqId = view.getUint32(this.#start + 4, true);
    this.len = len;
    this.at = this.#start + XS_HEADER_SIZE;
    this.#start = this.at + len;
    if (this.type === XS_WATCH_EVENT) this.events++;
    else if (this.hashed < HASHED_REPLIES) this.#addToHash();
    return true;
  }

  /** Waits for the next reply; events on the way are counted. */
  reply(): void {
    do {
      while (!this.take()) this.fill();
    } while (this.type === XS_WATCH_EVENT);
  }

  /** Waits for the next message, a reply or an event. */
  message(): void {
    while (!this.take()) this.fill();
  }

  /** Sends one request and waits for its reply, which must not be an error. */
  call(message: Request, txId = 0): void {
    this.tryCall(message, txId);
    if (this.type === XS_ERROR) this.refuse(message);
  }

  /** Like `call`, but an error is a reply like others: see `type` and `text`. */
  tryCall(message: Request, txId = 0): void {
    this.queue(message, txId);
    this.flush();
    this.reply();
  }

  /** Payload of the message last taken, without the NUL at its end. */
  text(): string {
    const end = this.at + this.len;
    return this.#in?.bytes.toString("latin1", this.at, end).replace(/\0$/, "") ?? "";
  }

  /** Throws for a reply that is not what `message` asks for. */
  refuse(message: Request): never {
    const asked = message.toString("latin1", XS_HEADER_SIZE).replaceAll("\0", "|");
    throw new Error(`type ${message.readUInt32LE(0)} of ${asked} was answered with ${this.text()}`);
  }

  #buffer(): Memory {
    return spare.pop() ?? this.#system.memory(BUFFER_SIZE);
  }

  /** FNV-1a over type, length and payload. An id of a transaction is any daemon's own affair. */
  #addToHash(): void {
    this.hashed++;
    let hash = Math.imul(this.hash ^ this.type, 0x01000193);
    if (this.type !== XS_TRANSACTION_START && this.#in) {
      hash = Math.imul(hash ^ this.len, 0x01000193);
      const { bytes } = this.#in;
      for (let i = this.at; i < this.at + this.len; i++) {
        hash = Math.imul(hash ^ bytes[i], 0x01000193);
      }
    }
    this.hash = hash >>> 0;
  }
}
