// Server: the pump. One input goes into the core, then all that it wants done is done.
// Holds   the link of each connection, and which of them are blocked or paused.
// Never   knows what a message is, nor which runtime it runs on.
// Source  our own; "Flow" in ARCHITECTURE.md.

import {
  WANT_CLOSE,
  WANT_LOG,
  WANT_MACHINE,
  WANT_PAUSE,
  WANT_POLL,
  WANT_SEND,
} from "../../assembly/abi.ts";
import type { Core } from "./core.ts";
import type { Machine } from "./machine.ts";
import { type RingServer, Rings, type Soon } from "./rings.ts";
import { type Clock, type Link, type Log, SEND_FAILED } from "./runtime.ts";

/** How far the core's clock may lag behind while there is input. */
const CLOCK_STEP_MS = 10;

interface Peer {
  readonly link: Link;
  /** The link took less than it was offered: nothing is sent until it says `writable`. */
  blocked: boolean;
  paused: boolean;
}

export class Server implements RingServer {
  readonly core: Core;
  readonly clock: Clock;
  #log: Log;
  #peers: (Peer | undefined)[] = [];
  #rings: Rings | null = null;
  #toldMs = Number.NEGATIVE_INFINITY;
  #wakeMs = Number.POSITIVE_INFINITY;

  constructor(core: Core, clock: Clock, log: Log) {
    this.core = core;
    this.clock = clock;
    this.#log = log;
  }

  /** Gives the server a host of guests; their rings are served once `start` of them is called. */
  attach(machine: Machine, soon: Soon): Rings {
    this.#rings = new Rings(this, machine, soon);
    return this.#rings;
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

  /** The first `len` bytes of the core's staging buffer came in on a connection. */
  received(conn: number, len: number): void {
    this.tellTime();
    this.#pump(conn, this.core.receive(conn, len));
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

  /** Does what one connection wants, then what others want because of it. */
  #pump(conn: number, first: number): void {
    let bits = first;
    if (bits & WANT_MACHINE) {
      // Its request waits for an answer: no reason to stop reading from it.
      this.others(bits);
      bits = this.core.status(conn);
    }
    const others = this.#serve(conn, bits);
    if (others & (WANT_POLL | WANT_LOG | WANT_MACHINE)) this.others(others);
  }

  /** Does what others want, and answers what the core asks, until nothing is left. */
  others(bits: number): void {
    let all = bits;
    for (let next = bits; next & (WANT_POLL | WANT_MACHINE); all |= next) {
      // First what was settled before: a connection that must close has its domain's ring.
      if (next & WANT_POLL) next = (next & WANT_MACHINE) | this.#polled();
      else next = this.#rings ? this.#rings.answer() : 0;
    }
    if (all & WANT_LOG) this.#log.records(this.core.takeLog());
  }

  #polled(): number {
    let all = 0;
    for (let conn = this.core.poll(); conn; conn = this.core.poll()) {
      all |= this.#rings?.has(conn)
        ? this.#rings.serve(conn)
        : this.#serve(conn, this.core.status(conn));
    }
    return all & ~WANT_POLL;
  }

  /** Sends, pauses and closes as the bits say; returns all bits seen on the way. */
  #serve(conn: number, first: number): number {
    const peer = this.#peers[conn];
    if (!peer) return first;
    let bits = first;
    let seen = first;
    while (bits & WANT_SEND && !peer.blocked) {
      const bytes = this.core.output(conn);
      const len = peer.link.send(bytes);
      if (len === SEND_FAILED) return seen | this.#hangUp(conn, peer);
      peer.blocked = len < bytes.length;
      if (len) bits = this.core.sent(conn, len);
      seen |= bits;
    }
    if (bits & WANT_CLOSE && !(bits & WANT_SEND)) return seen | this.#hangUp(conn, peer);
    const paused = (bits & WANT_PAUSE) !== 0;
    if (paused !== peer.paused) {
      peer.paused = paused;
      peer.link.pause(paused);
    }
    return seen;
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
