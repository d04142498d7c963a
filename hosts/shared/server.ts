// Server: the pump. Inputs go into the core, then all that it wants done is done.
// Holds   the link of each connection, which of them are blocked or paused, and which wait for
//         changes to be stored.
// Never   knows what a message is, nor which runtime it runs on; never lets anything out while
//         a change waits to be stored.
// Source  our own; "Flow" in ARCHITECTURE.md.

import {
  TASK_CHECK,
  TASK_NONE,
  WANT_CLOSE,
  WANT_LOG,
  WANT_MACHINE,
  WANT_PAUSE,
  WANT_POLL,
  WANT_SEND,
  WANT_STORE,
  WANT_TASK,
} from "../../assembly/abi.ts";
import type { Core } from "./core.ts";
import type { Machine } from "./machine.ts";
import type { RingNotes } from "./ring_notes.ts";
import { type RingServer, Rings, type Soon } from "./rings.ts";
import { type Clock, type Keeper, type Link, type Log, SEND_FAILED } from "./runtime.ts";

/** How far the core's clock may lag behind while there is input. */
const CLOCK_STEP_MS = 10;
/** Bytes of input after which the first of a round need not wait for the rest of it any more. */
const ROUND_MAX = 262_144;
/** Wants that concern more than one connection. */
const SHARED = WANT_POLL | WANT_LOG | WANT_MACHINE | WANT_STORE | WANT_TASK;
const NO_UPDATE = "This daemon can't replace itself while it runs.";

interface Peer {
  readonly link: Link;
  /** The link took less than it was offered: nothing is sent until it says `writable`. */
  blocked: boolean;
  paused: boolean;
}

export class Server implements RingServer {
  readonly core: Core;
  readonly clock: Clock;
  /** Stores the core's changes before anything of them is told; null: they are not kept. */
  keeper: Keeper | null = null;
  /**
   * Called once for each work that a request waits for: a TASK_* of abi.ts and its words. It is
   * done later, and `taskDone` tells what came of it. Without it such requests are refused.
   */
  onTask: ((kind: number, text: Uint8Array) => void) | null = null;
  #log: Log;
  #peers: (Peer | undefined)[] = [];
  #rings: Rings | null = null;
  #toldMs = Number.NEGATIVE_INFINITY;
  #wakeMs = Number.POSITIVE_INFINITY;
  /** Rounds that are open, one within the other. */
  #rounds = 0;
  #roundBytes = 0;
  #settling = false;
  /** What is wanted of all, and has not been done yet. */
  #wanted = 0;
  /** Connections that were not served, because something had to come first. */
  #waiting: number[] = [];

  constructor(core: Core, clock: Clock, log: Log) {
    this.core = core;
    this.clock = clock;
    this.#log = log;
  }

  /**
   * Gives the server a host of guests; their rings are served once `start` of them is called.
   * @param notes  see Rings
   */
  attach(machine: Machine, soon: Soon, notes: RingNotes | null = null): Rings {
    this.#rings = new Rings(this, machine, soon, notes);
    return this.#rings;
  }

  /** There is no host of guests: rings that were loaded are not served until there is one. */
  withoutMachine(): void {
    for (const domid of [...this.core.domains()]) {
      const { conn } = this.core.domain(domid);
      if (conn) this.others(this.core.ringLost(conn));
    }
  }

  /**
   * Takes a new connection.
   * @param kind   CONN_* of abi.ts
   * @param domid  whose connection it is (CONN_DOMAIN)
   * @returns      its number, or 0 when the core has no room; the link is untouched then
   */
  connect(link: Link, kind: number, domid = 0): number {
    const conn = this.core.connect(kind, domid);
    if (conn) this.#peers[conn] = { link, blocked: false, paused: false };
    return conn;
  }

  /** Takes a connection that the core knows already; nothing is sent before the first `writable`. */
  adopt(link: Link, conn: number): void {
    this.#peers[conn] = { link, blocked: true, paused: false };
  }

  /**
   * Inputs from here to `settle` are one round: where changes are kept, they are stored together,
   * and nothing that depends on them leaves before. Rounds may lie within one another.
   */
  begin(): void {
    if (this.#rounds++ === 0) this.#roundBytes = 0;
  }

  /** Whether changes wait for a slow medium: what comes in now is stored together with them. */
  get gathers(): boolean {
    return (this.#wanted & WANT_STORE) !== 0 && this.slow;
  }

  /** Whether storing takes long. */
  get slow(): boolean {
    return this.keeper?.slow === true;
  }

  /** The round is over: what is wanted is done. */
  settle(): void {
    this.#rounds--;
    this.others(0);
  }

  /** The first `len` bytes of the core's staging buffer came in on a connection. */
  received(conn: number, len: number): void {
    this.tellTime();
    this.#pump(conn, this.core.receive(conn, len));
    if (this.#rounds === 0) return;
    this.#roundBytes += len;
    if (this.#roundBytes < ROUND_MAX) return;
    this.#roundBytes = 0;
    this.drain();
  }

  /** The other end takes bytes again. */
  writable(conn: number): void {
    this.flushed(conn, 0);
  }

  /** The other end takes bytes again; `len` that `send` had not counted left meanwhile. */
  flushed(conn: number, len: number): void {
    const peer = this.#peers[conn];
    if (!peer) return;
    peer.blocked = false;
    this.#pump(conn, len ? this.core.sent(conn, len) : this.core.status(conn));
  }

  /** The other end sends no more, but still reads. */
  ended(conn: number): void {
    if (this.#peers[conn]) this.#pump(conn, this.core.endInput(conn));
  }

  /** The other end is gone. */
  closed(conn: number): void {
    if (this.#peers[conn]) this.others(this.#forget(conn));
  }

  /** The work that `onTask` was told of is done; the request that waits is answered `text`. */
  taskDone(text: Uint8Array): void {
    this.others(this.core.taskDone(text));
  }

  /** Does what one connection wants, then what others want because of it. */
  #pump(conn: number, bits: number): void {
    if (bits & WANT_MACHINE) {
      // Its request waits for an answer: no reason to stop reading from it.
      this.#waiting.push(conn);
      this.#wanted |= bits & SHARED;
      this.drain();
      return;
    }
    const seen = this.#serve(conn, bits);
    if (seen & SHARED) this.others(seen);
  }

  /** Does what others want, and answers what the core asks; within a round at its end. */
  others(bits: number): void {
    this.#wanted |= bits & SHARED;
    // Where nothing is kept, nobody has to wait for the end of the round.
    if (this.#rounds === 0 || !this.keeper) this.drain();
  }

  /** Does all that is wanted until nothing is left, without waiting for the end of a round. */
  drain(): void {
    if (this.#settling) return;
    this.#settling = true;
    try {
      while (this.#wanted || this.#waiting.length) this.#step();
    } finally {
      this.#settling = false;
    }
  }

  /** Does the first thing that is wanted: storing, since nothing may leave before. */
  #step(): void {
    if (this.#takes(WANT_STORE)) this.#wanted |= (this.keeper?.keep() ?? 0) & SHARED;
    // What was settled before a question: a connection that must close has its domain's ring.
    else if (this.#takes(WANT_POLL)) this.#poll();
    else if (this.#takes(WANT_MACHINE)) this.#wanted |= (this.#rings?.answer() ?? 0) & SHARED;
    else if (this.#waiting.length) this.#serveWaiting();
    else if (this.#takes(WANT_TASK)) this.#task();
    else if (this.#takes(WANT_LOG)) this.#log.records(this.core.takeLog());
  }

  /** Is this wanted? It is not any more. */
  #takes(bit: number): boolean {
    if (!(this.#wanted & bit)) return false;
    this.#wanted &= ~bit;
    return true;
  }

  /** Must changes be stored before anything leaves? Then the connection is served after that. */
  mustWait(conn: number, bits: number): boolean {
    if (!(bits & WANT_STORE && this.keeper)) return false;
    this.#waiting.push(conn);
    return true;
  }

  #poll(): void {
    for (let conn = this.core.poll(); conn; conn = this.core.poll()) {
      const ring = this.#rings?.has(conn);
      const bits = ring ? this.#rings?.serve(conn) : this.#serve(conn, this.core.status(conn));
      this.#wanted |= (bits ?? 0) & SHARED & ~WANT_POLL;
    }
  }

  #serveWaiting(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const conn of waiting) {
      const ring = this.#rings?.has(conn);
      const bits = ring ? this.#rings?.finish(conn) : this.#serve(conn, this.core.status(conn));
      this.#wanted |= (bits ?? 0) & SHARED;
    }
  }

  /** Sends, pauses and closes as the bits say; returns all bits seen on the way. */
  #serve(conn: number, first: number): number {
    const peer = this.#peers[conn];
    // A ring that was loaded and can't be had: nobody is there.
    if (!peer) return first & WANT_CLOSE ? first | this.core.disconnect(conn) : first;
    let bits = first;
    let seen = first;
    while (bits & WANT_SEND && !peer.blocked && !this.mustWait(conn, bits)) {
      const bytes = this.core.output(conn);
      const len = peer.link.send(bytes);
      if (len === SEND_FAILED) return seen | this.#hangUp(conn, peer);
      peer.blocked = len < bytes.length;
      if (len) bits = this.core.sent(conn, len);
      seen |= bits;
    }
    if (bits & WANT_CLOSE && !(bits & WANT_SEND) && !this.mustWait(conn, bits)) {
      return seen | this.#hangUp(conn, peer);
    }
    const paused = (bits & WANT_PAUSE) !== 0;
    if (paused !== peer.paused) {
      peer.paused = paused;
      peer.link.pause(paused);
    }
    return seen;
  }

  #task(): void {
    const { kind, text } = this.core.takeTask();
    if (kind === TASK_NONE) return;
    if (this.onTask) this.onTask(kind, text);
    else this.taskDone(new TextEncoder().encode(kind === TASK_CHECK ? "" : NO_UPDATE));
  }

  #hangUp(conn: number, peer: Peer): number {
    const bits = this.#forget(conn);
    peer.link.close();
    return bits;
  }

  #forget(conn: number): number {
    this.#peers[conn] = undefined;
    return this.core.disconnect(conn);
  }

  /** Sets the core's clock now and then while there is input, and when the core asked for it. */
  tellTime(): void {
    const nowMs = this.clock.nowMs();
    if (nowMs - this.#toldMs >= CLOCK_STEP_MS) this.#tick(nowMs);
    // What comes in now may want a deadline; the core says so at the next tick.
    this.#wake(nowMs, CLOCK_STEP_MS);
  }

  #tick(nowMs: number): void {
    this.#toldMs = nowMs;
    const waitMs = this.core.tick(nowMs);
    if (waitMs >= 0) this.#wake(nowMs, Math.max(waitMs, 1));
    // A tick may have dropped or released something; poll finds it.
    this.others(WANT_POLL | WANT_LOG);
  }

  #wake(nowMs: number, waitMs: number): void {
    if (nowMs + waitMs >= this.#wakeMs) return;
    const atMs = nowMs + waitMs;
    this.#wakeMs = atMs;
    this.clock.after(waitMs, () => {
      if (this.#wakeMs !== atMs) return;
      this.#wakeMs = Number.POSITIVE_INFINITY;
      this.#tick(this.clock.nowMs());
    });
  }
}
