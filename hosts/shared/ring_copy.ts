// Ring copy: a shared page and the core's copy of it, and what goes from one to the other.
// Holds   what the page says of the store's fields, as far as this side has put it there.
// Never   reads a shared byte twice for the same purpose, and writes none of the other side's
//         fields unless the ring begins anew.
// Source  the XenStore protocol, ring.
//
// A reply, and that its request is gone, are told in two words of the page, one after the other.
// What is noted before lets a store that was killed in between be finished by the next one. Where
// there are no notes (Node without koffi, which can't map them) such a request is served again, and
// its guest gets a second reply to it if it changed nothing; if it had come in parts, only the last
// is found again, which is no request: the guest is not served until it is introduced again.

import {
  XENSTORE_RING_CONNECTION,
  XENSTORE_RING_ERROR,
  XENSTORE_RING_FEATURES,
  XENSTORE_RING_REQ_CONS,
  XENSTORE_RING_REQ_PROD,
  XENSTORE_RING_RSP,
  XENSTORE_RING_RSP_PROD,
  XENSTORE_RING_SIZE,
} from "../../assembly/xs_wire.ts";
import type { Core } from "./core.ts";
import type { Page } from "./machine.ts";
import type { RingNotes } from "./ring_notes.ts";
import {
  CONNECTION,
  ERROR,
  FEATURES,
  REQ_CONS,
  REQ_PROD,
  RSP_CONS,
  RSP_PROD,
  WORDS,
} from "./ring_words.ts";

/** Of the words the other side may have written all: indexes, features, connection. */
const WORDS_IN = 6;

/** No word has this value. */
const UNKNOWN = -1;

const MASK = XENSTORE_RING_SIZE - 1;

// Words on their way into and out of a page.
const word = new Uint32Array(1);
const pair = new Uint32Array(2);

export class RingCopy {
  /** Bytes of requests that came of late. */
  load = 0;
  #core: Core;
  #conn: number;
  #domid: number;
  #page: Page;
  #notes: RingNotes | null;
  /** The core's copy of the page, and its words; empty when the core's memory has grown. */
  #bytes: Uint8Array = new Uint8Array(0);
  #words: Uint32Array = new Uint32Array(0);
  #wordsIn: Uint32Array = new Uint32Array(0);
  // What the page says.
  #reqCons = 0;
  #rspProd = 0;
  #features = 0;
  #connection = 0;
  #error = 0;

  /**
   * Takes the indexes of a page that has just been mapped for a connection; what is noted of its
   * domain stays until `inAll` or `note`, one of which must follow.
   */
  constructor(core: Core, conn: number, domid: number, page: Page, notes: RingNotes | null) {
    this.#core = core;
    this.#conn = conn;
    this.#domid = domid;
    this.#page = page;
    this.#notes = notes;
    this.#renew();
    page.load(XENSTORE_RING_REQ_CONS, this.#wordsIn);
    this.#reqCons = this.#words[REQ_CONS] as number;
    this.#rspProd = this.#words[RSP_PROD] as number;
  }

  /** Notes what the page says: the ring begins here. */
  note(): void {
    this.#notes?.note(this.#domid, this.#rspProd, this.#reqCons);
  }

  /** The other side's indexes and requests, each byte once. */
  in(): void {
    this.#renew();
    const words = this.#words;
    this.#page.load(XENSTORE_RING_REQ_CONS, this.#wordsIn);
    this.#same();
    const len = ((words[REQ_PROD] as number) - this.#reqCons) >>> 0;
    this.load = (this.load + len) >>> 1;
    if (len === 0 || len > XENSTORE_RING_SIZE) return;
    const at = this.#reqCons & MASK;
    const head = Math.min(len, XENSTORE_RING_SIZE - at);
    this.#page.read(at, this.#bytes.subarray(at, at + head));
    if (len > head) this.#page.read(0, this.#bytes.subarray(0, len - head));
  }

  /**
   * The whole page, indexes first: what another store has left in it. Requests that it has answered
   * are gone in the core's copy, and with the next `out` in the page.
   */
  inAll(): void {
    this.#renew();
    this.#page.load(XENSTORE_RING_REQ_CONS, this.#words);
    this.#page.read(0, this.#bytes.subarray(0, XENSTORE_RING_REQ_CONS));
    this.#same();
    const noted = this.#notes?.reqCons(this.#domid, this.#rspProd) ?? this.#reqCons;
    const done = (noted - this.#reqCons) >>> 0;
    const waiting = ((this.#words[REQ_PROD] as number) - this.#reqCons) >>> 0;
    if (done > 0 && done <= waiting) this.#words[REQ_CONS] = noted;
    else this.note();
  }

  /**
   * What the page says of features and errors, and of the connection, may be of another time: it is
   * written with the next `out` in any case.
   */
  doubt(connection: boolean): void {
    this.#features = UNKNOWN;
    this.#error = UNKNOWN;
    if (connection) this.#connection = UNKNOWN;
  }

  /**
   * The replies, and the store's fields if they changed.
   * @param reset  the ring begins anew: all fields are written, the other side's, too
   */
  out(reset: boolean): void {
    this.#renew();
    const page = this.#page;
    const words = this.#words;
    this.#notes?.note(this.#domid, words[RSP_PROD] as number, words[REQ_CONS] as number);
    if (reset) {
      page.write(
        XENSTORE_RING_RSP,
        this.#bytes.subarray(XENSTORE_RING_RSP, XENSTORE_RING_REQ_CONS),
      );
      page.store(XENSTORE_RING_REQ_CONS, words);
    } else {
      this.#replies();
      // The indexes of the other side lie between; nothing of them is written.
      this.#put(XENSTORE_RING_RSP_PROD, words[RSP_PROD] as number, this.#rspProd);
      this.#put(XENSTORE_RING_REQ_CONS, words[REQ_CONS] as number, this.#reqCons);
      this.#put(XENSTORE_RING_FEATURES, words[FEATURES] as number, this.#features);
      this.#put(XENSTORE_RING_CONNECTION, words[CONNECTION] as number, this.#connection);
      this.#put(XENSTORE_RING_ERROR, words[ERROR] as number, this.#error);
    }
    this.#same();
  }

  /**
   * Has the other side put something since the last look?
   * @param room  or made room
   */
  hasMore(room: boolean): boolean {
    this.#page.load(XENSTORE_RING_REQ_PROD, pair);
    if (pair[0] !== this.#words[REQ_PROD]) return true;
    return room && pair[1] !== this.#words[RSP_CONS];
  }

  #replies(): void {
    const len = ((this.#words[RSP_PROD] as number) - this.#rspProd) >>> 0;
    if (len === 0 || len > XENSTORE_RING_SIZE) return;
    const at = this.#rspProd & MASK;
    const head = Math.min(len, XENSTORE_RING_SIZE - at);
    const queue = XENSTORE_RING_RSP;
    const bytes = this.#bytes;
    this.#page.write(queue + at, bytes.subarray(queue + at, queue + at + head));
    if (len > head) this.#page.write(queue, bytes.subarray(queue, queue + len - head));
  }

  /** Writes one word, unless the page has it already. */
  #put(offset: number, value: number, before: number): void {
    if (value === before) return;
    word[0] = value;
    this.#page.store(offset, word);
  }

  /** The page and the core's copy are the same now. */
  #same(): void {
    const words = this.#words;
    this.#reqCons = words[REQ_CONS] as number;
    this.#rspProd = words[RSP_PROD] as number;
    this.#features = words[FEATURES] as number;
    this.#connection = words[CONNECTION] as number;
    this.#error = words[ERROR] as number;
  }

  /** Views again, if the core's memory has grown. */
  #renew(): void {
    if (this.#bytes.byteLength !== 0) return;
    this.#bytes = this.#core.ringPage(this.#conn);
    const { buffer, byteOffset } = this.#bytes;
    this.#words = new Uint32Array(buffer, byteOffset + XENSTORE_RING_REQ_CONS, WORDS);
    this.#wordsIn = this.#words.subarray(0, WORDS_IN);
  }
}
