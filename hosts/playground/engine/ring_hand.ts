// Ring hand: a guest's end of a ring that is moved by hand, byte by byte.
// Holds   what was composed and is not in the queue, what was taken, and what was done.
// Never   writes a word of the store's but when told to; never overruns a queue.
// Source  the XenStore protocol, ring (Moving bytes).

import type { Guest, RingWords } from "../../entry/browser.ts";
import {
  firstString,
  type Message,
  operationName,
  XENSTORE_PAYLOAD_MAX,
  XENSTORE_RING_SIZE,
  XS_ERROR,
  XS_HEADER_SIZE,
} from "../../entry/wire.ts";
import { ringErrorWords } from "./domain_entry.ts";
import { shown } from "./operation.ts";

export type Count = number | "header" | "message";

const WAITING_MAX = 65_536;
const TAKEN_MAX = 16_384;
const LOG_MAX = 200;
const LEN_AT = 12;

/** Who hears of what is done by hand. */
export interface HandSink {
  changed(): void;
  /** A message is in the queue of requests, or was taken from that of replies, as a whole. */
  message(sent: boolean, message: Message): void;
}

export class RingHand {
  /** Counts what was done and seen. */
  version = 0;
  readonly #guest: Guest;
  readonly #sink: HandSink;
  readonly #log: string[] = [];
  /** Messages that are not in the queue, or not as a whole; of the first so much is. */
  #messages: Uint8Array[] = [];
  #put = 0;
  #taken = new Uint8Array(0);
  /** The reply that is being taken, as far as it was. */
  #reply: Uint8Array = new Uint8Array(0);
  /** The words as they were last looked at. */
  #seen: RingWords;
  #reqId = 0;

  constructor(guest: Guest, sink: HandSink) {
    this.#guest = guest;
    this.#sink = sink;
    this.#seen = guest.words();
  }

  get log(): readonly string[] {
    return [...this.#log];
  }

  get taken(): Uint8Array {
    return this.#taken;
  }

  get waiting(): Uint8Array {
    const [first, ...rest] = this.#messages;
    return first ? joined([first.subarray(this.#put), ...rest]) : new Uint8Array(0);
  }

  /** The next id for a request. */
  nextId(): number {
    this.#reqId += 1;
    return this.#reqId;
  }

  /** A message waits to be put into the queue. */
  add(message: Uint8Array, what: string): void {
    const size = this.#messages.reduce((sum, { length }) => sum + length, message.length);
    if (size > WAITING_MAX) {
      throw new Error("Too many bytes wait already: put some of them into the queue first.");
    }
    this.#messages.push(message);
    this.say(`Composed ${what}: ${bytes(message.length)} wait.`);
  }

  /** Puts bytes of what waits into the queue of requests. */
  put(count: Count): void {
    const message = this.#messages[0];
    if (!message) throw new Error("Nothing waits: compose a message first.");
    const wanted = this.#wanted(count, message);
    const { reqProd, room } = this.#room();
    if (room === 0) {
      throw new Error("The queue of requests is full: the store has to take some bytes first.");
    }
    const piece = this.waiting.subarray(0, Math.min(wanted, room));
    this.#write(reqProd, piece);
    this.#advance(piece.length);
    const cut = piece.length < wanted ? `, of ${wanted}: there is room for no more` : "";
    this.say(`Put ${bytes(piece.length)}${cut}. req_prod is ${reqProd + piece.length}.`);
  }

  /** Puts bytes into the queue that were not composed. */
  putRaw(raw: Uint8Array, what: string): void {
    if (this.#put > 0) {
      throw new Error("A message is only partly in the queue: put the rest of it first.");
    }
    const { reqProd, room } = this.#room();
    if (room < raw.length) {
      throw new Error("There is no room in the queue of requests: the store has to read first.");
    }
    this.#write(reqProd, raw);
    this.#sent(raw);
    this.say(`Put ${what}: ${bytes(raw.length)}. req_prod is ${reqProd + raw.length}.`);
  }

  /** Takes bytes of replies and events. */
  take(count: Count): void {
    const { rspCons, rspProd } = this.#guest.words();
    const there = (rspProd - rspCons) >>> 0;
    if (there > XENSTORE_RING_SIZE) throw new Error(broken("replies"));
    if (there === 0) throw new Error("The queue of replies is empty: there is nothing to take.");
    const queued = this.#guest.queue("replies");
    const wanted = this.#wantedReply(count, queued);
    const piece = queued.slice(0, Math.min(wanted, there));
    this.#guest.poke("rspCons", (rspCons + piece.length) >>> 0);
    const all = joined([this.#taken, piece]);
    this.#taken = all.slice(Math.max(0, all.length - TAKEN_MAX));
    this.say(`Took ${bytes(piece.length)}. rsp_cons is ${(rspCons + piece.length) >>> 0}.`);
    this.#heard(piece);
  }

  poke(word: keyof RingWords, value: number): void {
    this.#guest.poke(word, value);
    this.#seen = this.#guest.words();
    this.say(`Wrote ${value} into ${wordName(word)}. The store looks when its event is raised.`);
  }

  /** Raises the store's event, and waits until it has looked. */
  async notify(): Promise<void> {
    this.#seen = this.#guest.words();
    this.#guest.notify();
    await new Promise((resolve) => setTimeout(resolve, 0));
    this.observe();
  }

  /** What the store has done since the last look is put down in words. */
  observe(): void {
    const before = this.#seen;
    const now = this.#guest.words();
    this.#seen = now;
    const read = (now.reqCons - before.reqCons) >>> 0;
    if (read > 0 && read <= XENSTORE_RING_SIZE) {
      this.say(`The store has read ${bytes(read)}. req_cons is ${now.reqCons}.`);
    }
    const written = (now.rspProd - before.rspProd) >>> 0;
    if (written > 0 && written <= XENSTORE_RING_SIZE) {
      this.say(`The store has put ${bytes(written)} of replies. rsp_prod is ${now.rspProd}.`);
    }
    if (now.error !== before.error && now.error !== 0) {
      const why = ringErrorWords(now.error);
      this.say(`The store has put ${why}. It serves this ring no more until it is reconnected.`);
    }
  }

  /** Adds a line to what was done. */
  say(line: string): void {
    this.#log.push(line);
    if (this.#log.length > LOG_MAX) this.#log.shift();
    this.version += 1;
    this.#sink.changed();
  }

  /** The ring has begun anew: what waited does not any more. */
  renewed(line: string): void {
    this.#messages = [];
    this.#put = 0;
    this.#reply = new Uint8Array(0);
    this.#seen = this.#guest.words();
    this.say(line);
  }

  #wanted(count: Count, message: Uint8Array): number {
    if (count === "message") return message.length - this.#put;
    if (count === "header") {
      if (this.#put < XS_HEADER_SIZE) return XS_HEADER_SIZE - this.#put;
      throw new Error("The header of this message is in the queue already: put the rest of it.");
    }
    return checked(count);
  }

  #wantedReply(count: Count, queued: Uint8Array): number {
    const have = this.#reply.length;
    if (count === "header") {
      if (have < XS_HEADER_SIZE) return XS_HEADER_SIZE - have;
      throw new Error("The header of this message was taken already: take the rest of it.");
    }
    if (count !== "message") return checked(count);
    const size = sizeOf(joined([this.#reply, queued]));
    return size === null ? queued.length : size - have;
  }

  #room(): { reqProd: number; room: number } {
    const { reqCons, reqProd } = this.#guest.words();
    const fill = (reqProd - reqCons) >>> 0;
    if (fill > XENSTORE_RING_SIZE) throw new Error(broken("requests"));
    return { reqProd, room: XENSTORE_RING_SIZE - fill };
  }

  #write(reqProd: number, piece: Uint8Array): void {
    const page = new Uint8Array(this.#guest.page);
    for (let i = 0; i < piece.length; i++) {
      page[(reqProd + i) % XENSTORE_RING_SIZE] = piece[i] as number;
    }
    // The bytes first, then the word that says they are there.
    this.#guest.poke("reqProd", (reqProd + piece.length) >>> 0);
  }

  /** So much more of what waited is in the queue. */
  #advance(count: number): void {
    this.#put += count;
    while (this.#messages[0] && this.#put >= this.#messages[0].length) {
      this.#put -= this.#messages[0].length;
      this.#sent(this.#messages[0]);
      this.#messages.shift();
    }
  }

  #sent(message: Uint8Array): void {
    if (sizeOf(message) === message.length) this.#sink.message(true, messageOf(message));
  }

  /** Says which messages are whole now. */
  #heard(piece: Uint8Array): void {
    this.#reply = joined([this.#reply, piece]);
    for (let size = sizeOf(this.#reply); size !== null; size = sizeOf(this.#reply)) {
      if (this.#reply.length < size) return;
      const message = messageOf(this.#reply.slice(0, size));
      this.#sink.message(false, message);
      this.say(`That was ${messageWords(message)}.`);
      this.#reply = this.#reply.slice(size);
    }
  }
}

/** Bytes of the message that begins there; null: its header is not whole, or makes no sense. */
function sizeOf(start: Uint8Array): number | null {
  if (start.length < XS_HEADER_SIZE) return null;
  const len = new DataView(start.buffer, start.byteOffset).getUint32(LEN_AT, true);
  return len > XENSTORE_PAYLOAD_MAX ? null : XS_HEADER_SIZE + len;
}

function messageOf(bytes: Uint8Array): Message {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const [type, reqId, txId] = [0, 4, 8].map((at) => view.getUint32(at, true));
  const payload = bytes.slice(XS_HEADER_SIZE);
  return { type: type as number, reqId: reqId as number, txId: txId as number, payload };
}

function messageWords({ type, reqId, payload }: Message): string {
  const text = type === XS_ERROR ? firstString(payload) : payload;
  return `${operationName(type)} with req_id ${reqId}: ${shown(text)}`;
}

function checked(count: number): number {
  if (Number.isInteger(count) && count > 0 && count <= XENSTORE_RING_SIZE) return count;
  throw new Error(`A number of bytes is an integer from 1 to ${XENSTORE_RING_SIZE}, not ${count}.`);
}

function broken(which: string): string {
  return `The indexes of the ${which} make no sense. Set them right, or reconnect the ring.`;
}

export function bytes(count: number): string {
  return count === 1 ? "1 byte" : `${count} bytes`;
}

/** A word's name in the protocol. */
function wordName(word: keyof RingWords): string {
  if (word === "features") return "server_features";
  return word.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
