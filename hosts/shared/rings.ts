// Rings: the pump of guests: shared pages in and out of the core, and what the core asks of them.
// Holds   the mapped ring of each connection, and which rings wait for their turn.
// Never   reads a shared byte twice for the same purpose, and never lets one ring keep the rest
//         waiting: each has one look per round.
// Source  the XenStore protocol, ring and domains; "Flow" in ARCHITECTURE.md.

import {
  ASK_EXISTS,
  ASK_MAP,
  CONN_RING,
  LOOK_AGAIN_MS,
  OPT_MACHINE,
  WANT_CLOSE,
  WANT_LOOK,
  WANT_NOTIFY,
  WANT_RESET,
} from "../../assembly/abi.ts";
import {
  XENSTORE_RING_ERROR,
  XENSTORE_RING_FEATURES,
  XENSTORE_RING_REQ_CONS,
  XENSTORE_RING_REQ_PROD,
  XENSTORE_RING_RSP,
  XENSTORE_RING_RSP_PROD,
  XENSTORE_RING_SIZE,
} from "../../assembly/xs_wire.ts";
import type { Core } from "./core.ts";
import type { Machine, MachineSink, Page, Ring } from "./machine.ts";
import type { Clock } from "./runtime.ts";

/** What the rings need of the server whose core they serve. */
export interface RingServer {
  readonly core: Core;
  /** Tells the core the time, if that is due. */
  tellTime(): void;
  /** Does what other connections want because of what was done: WANT_* bits. */
  others(bits: number): void;
  readonly clock: Clock;
}

/** Calls `work` again and again, with other input served in between, until it returns false. */
export type Soon = (work: () => boolean) => void;

// Words of the page from XENSTORE_RING_REQ_CONS on.
const REQ_CONS = 0;
const REQ_PROD = 1;
const RSP_CONS = 2;
const RSP_PROD = 3;
const FEATURES = 4;
const ERROR = 6;
const WORDS = 7;
/** Of these the other side may have written all: indexes, features, connection. */
const WORDS_IN = 6;

const MASK = XENSTORE_RING_SIZE - 1;

/** A ring that is served. */
class Served {
  readonly conn: number;
  readonly domid: number;
  readonly ring: Ring;
  /** Waits for its turn. */
  ready = false;
  /** Bytes of requests it had of late: the lighter ones come first. */
  load = 0;
  /** The core's copy of the page, and its words; empty when the core's memory has grown. */
  bytes: Uint8Array = new Uint8Array(0);
  words: Uint32Array = new Uint32Array(0);
  wordsIn: Uint32Array = new Uint32Array(0);
  /** What the core's copy said of these when the page was last the same. */
  reqCons = 0;
  rspProd = 0;
  features = 0;
  error = 0;

  constructor(conn: number, domid: number, ring: Ring) {
    this.conn = conn;
    this.domid = domid;
    this.ring = ring;
  }

  /** Views again, if the core's memory has grown. */
  renew(core: Core): void {
    if (this.bytes.byteLength !== 0) return;
    this.bytes = core.ringPage(this.conn);
    const { buffer, byteOffset } = this.bytes;
    this.words = new Uint32Array(buffer, byteOffset + XENSTORE_RING_REQ_CONS, WORDS);
    this.wordsIn = this.words.subarray(0, WORDS_IN);
  }

  /** The page and the core's copy are the same now. */
  same(): void {
    this.reqCons = this.words[REQ_CONS] as number;
    this.rspProd = this.words[RSP_PROD] as number;
    this.features = this.words[FEATURES] as number;
    this.error = this.words[ERROR] as number;
  }
}

export class Rings implements MachineSink {
  #server: RingServer;
  #machine: Machine;
  #soon: Soon;
  #byConn: (Served | undefined)[] = [];
  #byDomid = new Map<number, Served>();
  #ready: Served[] = [];
  #looking = new Set<Served>();
  #lookTimer = false;
  #working = false;
  // Words on their way into and out of a page.
  #word = new Uint32Array(1);
  #pair = new Uint32Array(2);

  /** Tells the core that there is a machine; `start` begins to serve. */
  constructor(server: RingServer, machine: Machine, soon: Soon) {
    this.#server = server;
    this.#machine = machine;
    this.#soon = soon;
    server.core.configure(OPT_MACHINE, 1);
  }

  /**
   * Listens to the machine, and serves the ring of the control domain's kernel.
   * @param control  the control domain, or -1 to leave its ring alone
   * @throws         Error of one line when the machine can't be had
   */
  start(control: number): void {
    this.#machine.start(this);
    const ring = control < 0 ? null : this.#machine.control();
    if (!ring) return;
    const { core } = this.#server;
    const conn = core.connect(CONN_RING, control);
    if (!conn) {
      ring.unmap();
      throw new Error(`domain ${control}: no memory for its ring`);
    }
    const served = this.#serve(conn, control, ring);
    const bits = core.ringStart(conn);
    served.renew(core);
    // All but the indexes, which stay as they are.
    ring.page.store(XENSTORE_RING_FEATURES, served.words.subarray(FEATURES));
    ring.notify();
    this.#server.others(bits | this.serve(conn));
  }

  /** How many rings are mapped. */
  get count(): number {
    return this.#byDomid.size;
  }

  /** Lets go of everything. */
  stop(): void {
    this.#machine.stop();
    this.#byConn = [];
    this.#byDomid.clear();
    this.#ready = [];
    this.#looking.clear();
  }

  notified(domid: number): void {
    const served = this.#byDomid.get(domid);
    if (served) this.#queue(served);
  }

  domainState(domid: number, state: number): void {
    this.#server.tellTime();
    this.#server.others(this.#server.core.domainState(domid, state));
  }

  settled(): void {
    if (this.#ready.length > 0 && !this.#working && this.#round()) this.#soon(() => this.#round());
  }

  /** Has any connection's ring this number? */
  has(conn: number): boolean {
    return this.#byConn[conn] !== undefined;
  }

  /** Looks at a ring: whatever it or the core wants is done. Returns bits that concern others. */
  serve(conn: number): number {
    const served = this.#byConn[conn];
    if (!served) return 0;
    const { core } = this.#server;
    const before = core.status(conn);
    if (before & WANT_CLOSE) return before | this.#close(served);
    if (!served.ring.page.whole()) return before;
    this.#copyOut(served, before);
    this.#copyIn(served);
    const bits = core.ringKick(conn);
    if (bits & WANT_CLOSE) return before | bits | this.#close(served);
    this.#copyOut(served, bits);
    if (bits & WANT_LOOK) this.#lookLater(served);
    else this.#looking.delete(served);
    // The other side tells of more only if it saw an empty queue, or a full one.
    if (bits & WANT_NOTIFY && this.#hasMore(served, bits)) {
      this.#queue(served);
      this.#work();
    }
    return before | bits;
  }

  /** Answers what the core asks, once. Returns bits that concern others. */
  answer(): number {
    const { core } = this.#server;
    const { kind, domid, port, frame } = core.question();
    if (kind === ASK_EXISTS) return core.answer(this.#machine.exists(domid));
    return kind === ASK_MAP ? core.answer(this.#map(domid, port, frame)) : 0;
  }

  #map(domid: number, port: number, frame: number): boolean {
    const known = this.#byDomid.get(domid);
    if (known) {
      // A port that can't be bound is no reason to end what is mapped.
      known.ring.rebind(port);
      return true;
    }
    const ring = this.#machine.map(domid, port, frame);
    if (!ring) return false;
    const conn = this.#server.core.connect(CONN_RING, domid);
    if (conn) this.#serve(conn, domid, ring);
    else ring.unmap();
    return conn !== 0;
  }

  /** A mapped ring gets its connection's number; the whole page is copied in. */
  #serve(conn: number, domid: number, ring: Ring): Served {
    const served = new Served(conn, domid, ring);
    this.#byConn[conn] = served;
    this.#byDomid.set(domid, served);
    served.renew(this.#server.core);
    ring.page.load(XENSTORE_RING_REQ_CONS, served.wordsIn);
    served.rspProd = served.words[RSP_PROD] as number;
    return served;
  }

  #close(served: Served): number {
    this.#byConn[served.conn] = undefined;
    if (this.#byDomid.get(served.domid) === served) this.#byDomid.delete(served.domid);
    this.#looking.delete(served);
    served.ring.unmap();
    return this.#server.core.disconnect(served.conn);
  }

  /** The other side's indexes and requests, each byte once. */
  #copyIn(served: Served): void {
    served.renew(this.#server.core);
    const { ring, words, bytes } = served;
    ring.page.load(XENSTORE_RING_REQ_CONS, served.wordsIn);
    served.same();
    const cons = served.reqCons;
    const len = ((words[REQ_PROD] as number) - cons) >>> 0;
    served.load = (served.load + len) >>> 1;
    if (len === 0 || len > XENSTORE_RING_SIZE) return;
    const at = cons & MASK;
    const head = Math.min(len, XENSTORE_RING_SIZE - at);
    ring.page.read(at, bytes.subarray(at, at + head));
    if (len > head) ring.page.read(0, bytes.subarray(0, len - head));
  }

  /** The store's replies and fields, if they changed, and one event for all. */
  #copyOut(served: Served, bits: number): void {
    if (!(bits & (WANT_NOTIFY | WANT_RESET))) return;
    served.renew(this.#server.core);
    const { page } = served.ring;
    const { words } = served;
    const reset = (bits & WANT_RESET) !== 0;
    this.#replies(served, page, reset ? 0 : served.rspProd);
    if (reset) {
      page.store(XENSTORE_RING_REQ_CONS, words);
    } else {
      // The indexes of the other side lie between; nothing of them is written.
      this.#store(page, XENSTORE_RING_RSP_PROD, words[RSP_PROD] as number, served.rspProd);
      this.#store(page, XENSTORE_RING_REQ_CONS, words[REQ_CONS] as number, served.reqCons);
      this.#store(page, XENSTORE_RING_FEATURES, words[FEATURES] as number, served.features);
      this.#store(page, XENSTORE_RING_ERROR, words[ERROR] as number, served.error);
    }
    served.same();
    served.ring.notify();
  }

  #replies({ words, bytes }: Served, page: Page, from: number): void {
    const len = ((words[RSP_PROD] as number) - from) >>> 0;
    if (len === 0 || len > XENSTORE_RING_SIZE) return;
    const at = from & MASK;
    const head = Math.min(len, XENSTORE_RING_SIZE - at);
    const queue = XENSTORE_RING_RSP;
    page.write(queue + at, bytes.subarray(queue + at, queue + at + head));
    if (len > head) page.write(queue, bytes.subarray(queue, queue + len - head));
  }

  /** Writes one word, unless the page has it already. */
  #store(page: Page, offset: number, value: number, before: number): void {
    if (value === before) return;
    this.#word[0] = value;
    page.store(offset, this.#word);
  }

  /** Has the other side put something, or made room that is waited for, since the last look? */
  #hasMore({ ring, words }: Served, bits: number): boolean {
    const now = this.#pair;
    ring.page.load(XENSTORE_RING_REQ_PROD, now);
    if (now[0] !== words[REQ_PROD]) return true;
    return (bits & WANT_LOOK) !== 0 && now[1] !== words[RSP_CONS];
  }

  #queue(served: Served): void {
    if (served.ready) return;
    served.ready = true;
    this.#ready.push(served);
  }

  /** Sees to it that there is a round, unless one is on or to come. */
  #work(): void {
    if (this.#working || this.#ready.length === 0) return;
    this.#working = true;
    this.#soon(() => this.#round());
  }

  /** One look at each ring that is ready. Returns whether any is again. */
  #round(): boolean {
    this.#working = true;
    this.#server.tellTime();
    const ready = this.#ready;
    this.#ready = [];
    if (ready.length > 1) ready.sort((a, b) => a.load - b.load);
    for (const served of ready) {
      served.ready = false;
      if (this.#byConn[served.conn] === served) this.#server.others(this.serve(served.conn));
    }
    this.#working = this.#ready.length > 0;
    return this.#working;
  }

  #lookLater(served: Served): void {
    this.#looking.add(served);
    if (this.#lookTimer) return;
    this.#lookTimer = true;
    this.#server.clock.after(LOOK_AGAIN_MS, () => {
      this.#lookTimer = false;
      for (const one of this.#looking) this.#queue(one);
      this.#work();
    });
  }
}
