// Rings: the pump of guests: shared pages in and out of the core, and what the core asks of them.
// Holds   the mapped ring of each connection, and which rings wait for their turn.
// Never   reads a shared byte twice for the same purpose, never lets one ring keep the rest
//         waiting: each has one look per round; never lets a guest see what waits to be stored.
// Source  the XenStore protocol, ring and domains; "Flow" in ARCHITECTURE.md.

import {
  ASK_EXISTS,
  ASK_MAP,
  CONN_RING,
  DOMAIN_GONE,
  LOOK_AGAIN_MS,
  OPT_MACHINE,
  WANT_CLOSE,
  WANT_LOOK,
  WANT_NOTIFY,
  WANT_RESET,
} from "../../assembly/abi.ts";
import type { Core } from "./core.ts";
import type { Machine, MachineSink, Ring } from "./machine.ts";
import { RingCopy } from "./ring_copy.ts";
import type { RingNotes } from "./ring_notes.ts";
import type { Clock } from "./runtime.ts";

/** What the rings need of the server whose core they serve. */
export interface RingServer {
  readonly core: Core;
  /** Tells the core the time, if that is due. */
  tellTime(): void;
  /** Does what other connections want because of what was done: WANT_* bits. */
  others(bits: number): void;
  /** Begins a round of inputs, at whose end (`settle`) all that they want is done. */
  begin(): void;
  settle(): void;
  /** Must changes be stored before anything leaves? Then `serve` is called after that. */
  mustWait(conn: number, bits: number): boolean;
  /** Whether storing takes long. */
  readonly slow: boolean;
  readonly clock: Clock;
}

/** Calls `work` again and again, with other input served in between, until it returns false. */
export type Soon = (work: () => boolean) => void;

/** A ring that is served. */
class Served {
  readonly conn: number;
  readonly domid: number;
  readonly ring: Ring;
  readonly copy: RingCopy;
  /** Waits for its turn. */
  ready = false;
  /** What is to be copied out; the core says WANT_NOTIFY and WANT_RESET only once. */
  wants = 0;
  /** A look was due while that had to wait. */
  missed = false;

  constructor(core: Core, conn: number, domid: number, ring: Ring, notes: RingNotes | null) {
    this.conn = conn;
    this.domid = domid;
    this.ring = ring;
    this.copy = new RingCopy(core, conn, domid, ring.page, notes);
  }

  /** The store's fields go out, if there is something in them, and one event for all. */
  tell(): void {
    if (!this.wants) return;
    const reset = (this.wants & WANT_RESET) !== 0;
    this.wants = 0;
    this.copy.out(reset);
    this.ring.notify();
  }
}

export class Rings implements MachineSink {
  #server: RingServer;
  #machine: Machine;
  #soon: Soon;
  #notes: RingNotes | null;
  #byConn: (Served | undefined)[] = [];
  #byDomid = new Map<number, Served>();
  #ready: Served[] = [];
  #looking = new Set<Served>();
  #lookTimer = false;
  #working = false;

  /**
   * Tells the core that there is a machine; `start` begins to serve.
   * @param notes  what was noted of these rings, and is to be; null: nothing outlives the process
   */
  constructor(server: RingServer, machine: Machine, soon: Soon, notes: RingNotes | null) {
    this.#server = server;
    this.#machine = machine;
    this.#soon = soon;
    this.#notes = notes;
    server.core.configure(OPT_MACHINE, 1);
  }

  /**
   * Listens to the machine, and serves the rings of all domains that the core knows: those that
   * were loaded go on where they stopped, the others begin.
   * @param control  the control domain
   * @throws         Error of one line when the machine can't be had
   */
  start(control: number): void {
    this.#machine.start(this);
    this.#server.begin();
    // Events that were loaded begin to wait now, not at the core's time 0.
    this.#server.tellTime();
    const { core } = this.#server;
    // One by one: what the control domain has in its ring may end others.
    for (const domid of core.domains()) {
      if (domid === control) this.#resumeControl(domid);
      else this.#resume(domid);
    }
    // Others may own nodes, or be named in permissions.
    for (const domid of [...core.namedDomains()]) {
      if (!this.#machine.exists(domid)) this.#gone(domid);
    }
    // Who has shut down meanwhile?
    this.#machine.look();
    this.#server.settle();
    this.#work();
  }

  /** The control domain's kernel; it is there before the store. */
  #resumeControl(domid: number): void {
    const ring = this.#machine.control();
    if (ring) this.#goOn(domid, ring);
    else this.#lost(domid);
  }

  #resume(domid: number): void {
    const { core } = this.#server;
    const { port, frame, identity } = core.domain(domid);
    const exists = this.#machine.exists(domid);
    const now = exists ? this.#identity(domid) : 0;
    if (!exists || (identity !== 0 && now !== 0 && identity !== now)) {
      this.#gone(domid);
      return;
    }
    core.setIdentity(domid, now > 0 ? now : identity);
    const ring = this.#machine.map(domid, port || this.#findPort(domid), frame);
    if (ring) this.#goOn(domid, ring);
    else this.#lost(domid);
  }

  /** The C daemon hands over its own ports only; whoever starts after a crash needs the others. */
  #findPort(domid: number): number {
    const port = this.#machine.remotePort?.(domid) ?? 0;
    if (port) this.#server.core.setPort(domid, port);
    return port;
  }

  #gone(domid: number): void {
    this.#server.others(this.#server.core.domainState(domid, DOMAIN_GONE));
  }

  /** The domain lives, but its page can't be had: it is not served until it dies. */
  #lost(domid: number): void {
    const { core } = this.#server;
    const { conn } = core.domain(domid);
    if (conn) this.#server.others(core.ringLost(conn));
  }

  /** A ring that was there before the store is served; what was loaded for it goes on. */
  #goOn(domid: number, ring: Ring): void {
    const { core } = this.#server;
    const loaded = core.domain(domid).conn;
    const conn = loaded || core.connect(CONN_RING, domid);
    if (!conn) {
      ring.unmap();
      throw new Error(`domain ${domid}: no memory for its ring`);
    }
    const served = this.#serve(conn, domid, ring);
    served.copy.inAll();
    const bits = loaded ? core.ringResume(conn) : core.ringStart(conn);
    served.copy.doubt(!loaded);
    // An event of ours may have been lost with the store that was there before.
    served.wants = WANT_NOTIFY | (bits & WANT_RESET);
    this.#server.others(bits | this.serve(conn));
  }

  #identity(domid: number): number {
    return this.#machine.identity?.(domid) ?? 0;
  }

  /** The domain is known by this from now on. */
  #noteIdentity(domid: number): void {
    this.#server.core.setIdentity(domid, Math.max(0, this.#identity(domid)));
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
    const before = core.status(conn) | served.wants;
    if (this.#mustWait(served, before)) {
      // What comes in now would go where that still lies.
      served.missed = true;
      return before;
    }
    served.missed = false;
    if (before & WANT_CLOSE) return before | this.#close(served);
    if (!served.ring.page.whole()) return before;
    served.tell();
    served.copy.in();
    const bits = core.ringKick(conn);
    if (bits & WANT_LOOK) this.#lookLater(served);
    else this.#looking.delete(served);
    if (this.#mustWait(served, bits)) return before | bits;
    if (bits & WANT_CLOSE) return before | bits | this.#close(served);
    served.tell();
    this.#again(served, bits);
    return before | bits;
  }

  /** Does what had to wait. Returns bits that concern others. */
  finish(conn: number): number {
    const served = this.#byConn[conn];
    if (!served) return 0;
    const bits = this.#server.core.status(conn) | served.wants;
    if (this.#mustWait(served, bits)) return bits;
    if (bits & WANT_CLOSE) return bits | this.#close(served);
    // Nobody has had much time to cut it short, unless storing takes long.
    if (this.#server.slow && !served.ring.page.whole()) return bits;
    served.tell();
    // Meanwhile it has got more to say, perhaps.
    if (served.missed || bits & WANT_LOOK) {
      served.missed = false;
      this.#queue(served);
      this.#work();
    } else this.#again(served, bits);
    return bits;
  }

  /** Notes what is to be copied out. Must that, or hanging up, wait? */
  #mustWait(served: Served, bits: number): boolean {
    served.wants = bits & (WANT_NOTIFY | WANT_RESET);
    if (!(served.wants || bits & WANT_CLOSE)) return false;
    return this.#server.mustWait(served.conn, bits);
  }

  /** The other side tells of more only if it saw an empty queue, or a full one. */
  #again(served: Served, bits: number): void {
    if (!(bits & WANT_NOTIFY && served.copy.hasMore((bits & WANT_LOOK) !== 0))) return;
    this.#queue(served);
    this.#work();
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
      this.#noteIdentity(domid);
      return true;
    }
    const ring = this.#machine.map(domid, port, frame);
    if (!ring) return false;
    const { core } = this.#server;
    const conn = core.connect(CONN_RING, domid);
    if (conn) {
      this.#serve(conn, domid, ring).copy.note();
      this.#noteIdentity(domid);
    } else ring.unmap();
    return conn !== 0;
  }

  /** A mapped ring gets its connection's number. */
  #serve(conn: number, domid: number, ring: Ring): Served {
    const served = new Served(this.#server.core, conn, domid, ring, this.#notes);
    this.#byConn[conn] = served;
    this.#byDomid.set(domid, served);
    return served;
  }

  #close(served: Served): number {
    this.#byConn[served.conn] = undefined;
    if (this.#byDomid.get(served.domid) === served) this.#byDomid.delete(served.domid);
    this.#looking.delete(served);
    served.ring.unmap();
    this.#notes?.clear(served.domid);
    return this.#server.core.disconnect(served.conn);
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
    this.#server.begin();
    this.#server.tellTime();
    const ready = this.#ready;
    this.#ready = [];
    if (ready.length > 1) ready.sort((a, b) => a.copy.load - b.copy.load);
    for (const served of ready) {
      served.ready = false;
      if (this.#byConn[served.conn] === served) this.#server.others(this.serve(served.conn));
    }
    this.#server.settle();
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
