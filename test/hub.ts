// Hub: a core in this process and the named connections to it, as a host would serve them.
// Holds   the connections by name, what each has sent and received, and who has stopped reading.
// Never   looks for output the core did not announce: that is a defect and thrown as one.
// Source  "The boundary" in ARCHITECTURE.md.

import {
  ASK_NOTHING,
  CONN_DOMAIN,
  CONN_SOCKET,
  CONN_SOCKET_READ_ONLY,
  DOMAIN_GONE,
  WANT_CLOSE,
  WANT_MACHINE,
  WANT_PAUSE,
  WANT_SEND,
} from "../assembly/abi.ts";
import { Core } from "./core.ts";
import { type Message, Splitter } from "./message.ts";

/** What one connection has received since it was asked last. */
export type Received = { messages: Message[]; closed: boolean };

type Link = {
  name: string;
  conn: number;
  splitter: Splitter;
  received: Received;
  stopped: boolean;
  room: number;
  bits: number;
};

/** Returns the domid behind the name of a connection: 0 for dom0, dom0b, ro; 3 for dom3. */
export function domidOf(name: string): number {
  return Number(/^dom(\d+)/.exec(name)?.[1] ?? 0);
}

function kindOf(name: string): number {
  if (name.startsWith("ro")) return CONN_SOCKET_READ_ONLY;
  return domidOf(name) === 0 ? CONN_SOCKET : CONN_DOMAIN;
}

export class Hub {
  readonly core: Core;
  #links = new Map<string, Link>();
  #gone: Link[] = [];
  #existing = new Set<number>();
  /** Whether questions of the core are answered at once. */
  answers = true;

  constructor(core = new Core()) {
    this.core = core;
  }

  /** Opens the connection of that name if it is not open. Throws if the core refuses. */
  open(name: string): void {
    if (!this.#links.has(name) && !this.tryOpen(name)) {
      throw new Error(`the core refuses the connection ${name}`);
    }
  }

  /** Opens a connection and returns whether the core accepted it. */
  tryOpen(name: string): boolean {
    const conn = this.core.connect(kindOf(name), domidOf(name));
    if (conn === 0) return false;
    const received = { messages: [], closed: false };
    const splitter = new Splitter();
    const room = Number.POSITIVE_INFINITY;
    this.#links.set(name, { name, conn, splitter, received, stopped: false, room, bits: 0 });
    return true;
  }

  /** Sends bytes on a connection and hands out whatever the core wants to be sent. */
  send(name: string, bytes: Uint8Array): void {
    this.open(name);
    const link = this.#link(name);
    this.#note(link, this.core.receive(link.conn, bytes));
  }

  /** The peer closes its writing side. */
  endInput(name: string): void {
    const link = this.#link(name);
    this.#note(link, this.core.endInput(link.conn));
  }

  /** The peer is gone at once. */
  disconnect(name: string): void {
    const link = this.#link(name);
    this.#links.delete(name);
    this.#follow(this.core.disconnect(link.conn));
  }

  domainState(domid: number, state: number): void {
    if (state === DOMAIN_GONE) this.#existing.delete(domid);
    else this.#existing.add(domid);
    this.#follow(this.core.domainState(domid, state));
  }

  /** Lets time pass, in steps that are no longer than the core asked for. */
  pass(ms: number): void {
    let left = ms;
    while (left > 0) {
      const step = Math.min(left, 1000);
      this.core.pass(step);
      left -= step;
      for (const link of [...this.#links.values()]) this.#note(link, this.core.status(link.conn));
    }
  }

  /** From now on nothing that waits for this connection leaves. */
  stopReading(name: string): void {
    this.open(name);
    this.#link(name).stopped = true;
  }

  /** Whatever waits leaves, `len` bytes at most; without `len` the connection reads again. */
  read(name: string, len?: number): void {
    const link = this.#link(name);
    link.stopped = false;
    link.room = len ?? Number.POSITIVE_INFINITY;
    this.#note(link, this.core.status(link.conn));
    link.room = Number.POSITIVE_INFINITY;
    if (len !== undefined) link.stopped = true;
  }

  /** Takes what each connection has received since the last time; names without news are absent. */
  collect(): Map<string, Received> {
    this.#checkAnnounced();
    const news = new Map<string, Received>();
    for (const link of [...this.#gone, ...this.#links.values()]) {
      const { messages, closed } = link.received;
      if (messages.length > 0 || closed) {
        const earlier = news.get(link.name)?.messages ?? [];
        news.set(link.name, { messages: [...earlier, ...messages], closed });
      }
      link.received = { messages: [], closed: false };
    }
    this.#gone = [];
    return news;
  }

  /** Whether requests of this connection are held back. */
  isPaused(name: string): boolean {
    return (this.#link(name).bits & WANT_PAUSE) !== 0;
  }

  /** Names of the open connections. */
  names(): string[] {
    return [...this.#links.keys()];
  }

  /** The core's number of a connection. */
  number(name: string): number {
    return this.#link(name).conn;
  }

  #link(name: string): Link {
    const link = this.#links.get(name);
    if (link === undefined) throw new Error(`there is no connection ${name}`);
    return link;
  }

  #note(link: Link, bits: number): void {
    link.bits = bits;
    if ((bits & WANT_SEND) !== 0 && !link.stopped) this.#drain(link);
    else if ((bits & WANT_CLOSE) !== 0 && this.core.outLen(link.conn) === 0) this.#close(link);
    this.#follow(bits);
  }

  #drain(link: Link): void {
    while (link.room > 0) {
      const len = Math.min(link.room, this.core.outLen(link.conn));
      if (len === 0) break;
      const at = this.core.raw.out_ptr(link.conn);
      const bytes = new Uint8Array(this.core.raw.memory.buffer, at, len).slice();
      link.received.messages.push(...link.splitter.push(bytes));
      link.room -= len;
      link.bits = this.core.raw.sent(link.conn, len);
      this.#follow(link.bits);
      if (this.#links.get(link.name) !== link) return;
    }
    if ((link.bits & WANT_CLOSE) !== 0 && this.core.outLen(link.conn) === 0) this.#close(link);
  }

  #close(link: Link): void {
    if (this.#links.get(link.name) !== link) return;
    link.received.closed = true;
    this.#links.delete(link.name);
    this.#gone.push(link);
    this.#follow(this.core.disconnect(link.conn));
  }

  #follow(bits: number): void {
    for (const conn of this.core.polled(bits)) {
      const link = [...this.#links.values()].find((one) => one.conn === conn);
      if (link !== undefined) this.#note(link, this.core.status(conn));
    }
    if ((bits & WANT_MACHINE) !== 0 && this.answers) this.answer();
  }

  /** Answers what the core asks about domains, by what `domainState` has said of them. */
  answer(): void {
    while (this.core.raw.ask_kind() !== ASK_NOTHING) {
      const exists = this.#existing.has(this.core.raw.ask_domid());
      this.#follow(this.core.answer(exists ? 1 : 0));
    }
  }

  #checkAnnounced(): void {
    for (const link of this.#links.values()) {
      const waiting = this.core.outLen(link.conn);
      if (!link.stopped && waiting > 0) {
        throw new Error(`${waiting} bytes wait for ${link.name} and the core did not say so`);
      }
    }
  }
}
