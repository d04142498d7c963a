// Guest: a domain's end of a ring, field by field, so that it can do wrong what can be done wrong.
// Holds   the page's words; nothing of what is in them.
// Never   uses the hosts' own guest end: the tests must be able to find its mistakes, too.
// Source  the XenStore protocol, ring.

import type { LocalDomain } from "../../hosts/shared/machine_local.ts";
import { ERROR, encode, type Message, Splitter, typeNumber, WATCH_EVENT } from "../message.ts";
import { shown, type World } from "./world.ts";

const QUEUE = 1024;
const FIELDS = 2048;

export class Guest {
  readonly domid: number;
  /** The page. */
  readonly bytes: Uint8Array;
  /** Events that the store raised. */
  notified = 0;
  /** Keeps `all`. */
  keeps = false;
  /** Notifies after it took replies; firmware does not. */
  polite = true;
  /** Replies that were taken and not asked for yet; and events, as "path|token|". */
  readonly replies: Message[] = [];
  readonly events: string[] = [];
  /** All that came, in order. */
  readonly all: Message[] = [];
  #words: Uint32Array;
  #world: World;
  #domain: LocalDomain;
  #splitter = new Splitter();
  /** The rest of a request that `stuff` could not put as a whole. */
  #rest: Uint8Array = new Uint8Array(0);

  constructor(world: World, domid: number) {
    this.#world = world;
    this.domid = domid;
    this.#domain = world.machine.domain(domid);
    this.bytes = new Uint8Array(this.#domain.buffer);
    this.#words = new Uint32Array(this.#domain.buffer, FIELDS, 8);
    this.#domain.onEvent = () => {
      this.notified += 1;
    };
  }

  get reqCons() {
    return this.#words[0];
  }
  set reqCons(value: number) {
    this.#words[0] = value;
  }
  get reqProd() {
    return this.#words[1];
  }
  set reqProd(value: number) {
    this.#words[1] = value;
  }
  get rspCons() {
    return this.#words[2];
  }
  set rspCons(value: number) {
    this.#words[2] = value;
  }
  get rspProd() {
    return this.#words[3];
  }
  set rspProd(value: number) {
    this.#words[3] = value;
  }
  get features() {
    return this.#words[4];
  }
  get connection() {
    return this.#words[5];
  }
  set connection(value: number) {
    this.#words[5] = value;
  }
  get error() {
    return this.#words[6];
  }
  set error(value: number) {
    this.#words[6] = value;
  }

  /** All four indexes: of requests taken and put, of replies taken and put. */
  get indexes(): number[] {
    return [...this.#words.subarray(0, 4)];
  }
  set indexes(values: readonly number[]) {
    this.#words.set(values);
  }

  /** Raises the store's event; nothing else happens yet. */
  notify(port?: number): void {
    this.#domain.notify(port);
  }

  /** Raises the store's event and lets everything happen. */
  kick(): void {
    this.notify();
    this.#world.settle();
  }

  /** Puts as much as there is room for, and tells nobody. Returns how many bytes. */
  put(bytes: Uint8Array): number {
    const room = QUEUE - ((this.reqProd - this.reqCons) >>> 0);
    const len = Math.min(room, bytes.length);
    const from = this.reqProd;
    for (let i = 0; i < len; i++) this.bytes[(from + i) % QUEUE] = bytes[i];
    this.reqProd = from + len;
    return len;
  }

  /** Fills the queue with request after request, and tells nobody. Returns how many bytes. */
  stuff(next: () => Uint8Array): number {
    for (let sum = 0; ; ) {
      if (this.#rest.length === 0) this.#rest = next();
      const put = this.put(this.#rest);
      if (put === 0) return sum;
      this.#rest = this.#rest.subarray(put);
      sum += put;
    }
  }

  /** Takes what is there, and tells nobody. Returns how many bytes. */
  take(): number {
    const len = (this.rspProd - this.rspCons) >>> 0;
    if (len > QUEUE) throw new Error(`${len} bytes in a queue of ${QUEUE}`);
    const from = this.rspCons;
    const taken = Buffer.alloc(len);
    for (let i = 0; i < len; i++) taken[i] = this.bytes[QUEUE + ((from + i) % QUEUE)];
    this.rspCons = from + len;
    for (const message of this.#splitter.push(taken)) {
      if (this.keeps) this.all.push(message);
      if (message.type === WATCH_EVENT) this.events.push(shown(message.payload));
      else this.replies.push(message);
    }
    return len;
  }

  /** Sends all bytes, and takes replies, as a guest that behaves does. */
  send(bytes: Uint8Array): void {
    let rest = bytes;
    for (let idle = 0; rest.length > 0 && idle < 3; ) {
      const put = this.put(rest);
      rest = rest.subarray(put);
      this.kick();
      idle = put + this.drain() > 0 ? 0 : idle + 1;
    }
    if (rest.length > 0) throw new Error(`the store does not take ${rest.length} bytes`);
  }

  /** Takes replies until no more come. Returns how many bytes. */
  drain(): number {
    let sum = 0;
    for (let len = this.take(); len > 0; len = this.take()) {
      sum += len;
      if (this.polite) this.kick();
    }
    return sum;
  }

  /** Sends a request and returns what came: a payload or "ERROR name|". */
  ask(type: string, payload: string, txId = 0): string {
    this.send(encode({ type: typeNumber(type), reqId: 1, txId, payload }));
    this.drain();
    const reply = this.replies.shift();
    if (!reply) throw new Error(`no reply to ${type} ${shown(payload)}`);
    return `${reply.type === ERROR ? "ERROR " : ""}${shown(reply.payload)}`;
  }

  /** As `ask`, for requests that are to succeed. */
  ok(type: string, payload: string, txId = 0): void {
    const reply = this.ask(type, payload, txId);
    if (reply !== "OK|") throw new Error(`${type} ${shown(payload)}: ${reply}`);
  }

  /** Takes the events that came. */
  heard(): string[] {
    this.drain();
    return this.events.splice(0);
  }

  /** Asks for a new connection and forgets what came. */
  reconnect(): void {
    this.connection = 1;
    this.kick();
    this.#splitter = new Splitter();
    this.replies.length = 0;
    this.events.length = 0;
  }

  /** Begins to read at the beginning of a message. */
  forget(): void {
    this.#splitter = new Splitter();
  }
}

/** The bytes of one request. */
export function request(type: string, payload: string, reqId = 1): Uint8Array {
  return encode({ type: typeNumber(type), reqId, txId: 0, payload });
}
