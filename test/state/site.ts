// Site: a core, what a host does for it, and the far ends of its connections, call by call.
// Holds   the connections by name, with the pages of rings; what came out of each; the journal.
// Never   lets anything leave while changes wait to be stored.
// Source  "The boundary" in ARCHITECTURE.md.
//
//   Names: dom0, dom0b ... are sockets, ro a read-only one, dom3 the stream or ring of domain 3.

import {
  CONN_DOMAIN,
  CONN_RING,
  CONN_SOCKET,
  CONN_SOCKET_READ_ONLY,
  DUMP_UPDATE,
  LOAD_UPDATE,
  LOADED,
  OPT_JOURNAL,
  STORAGE_OK,
  WANT_CLOSE,
  WANT_NOTIFY,
  WANT_POLL,
  WANT_RESET,
  WANT_STORE,
  WANT_TASK,
} from "../../assembly/abi.ts";
import { Core, STAT_CONNECTIONS, STAT_NODES, STAT_TRANSACTIONS, STAT_WATCHES } from "../core.ts";
import { domidOf } from "../hub.ts";
import { RingPage } from "./ring_page.ts";

/** Names the run of the machine. */
export const BOOT = Buffer.from("0123456789abcdef");

export type Options = readonly (readonly [number, number])[];

/** How a site is made. */
export type Settings = {
  options?: Options;
  /** Names of the domains that have rings; other domains have streams. */
  rings?: readonly string[];
  /** Changes are stored. */
  journal?: boolean;
};

export type Link = {
  readonly name: string;
  conn: number;
  readonly page: RingPage | null;
  /** What has come out and has not been compared. */
  taken: Buffer[];
};

export class Site {
  core: Core;
  readonly settings: Settings;
  /** Frames of the journal that were stored. */
  readonly frames: Uint8Array[] = [];
  /** How storing the next frame goes. */
  storing: (frame: Uint8Array) => number = () => STORAGE_OK;
  /** Told of each moment at which the store might end: a page or the files have changed. */
  onMoment: () => void = () => {};
  #links = new Map<string, Link>();
  #closed: string[] = [];
  #leaving: Link[] = [];
  #task = false;

  constructor(settings: Settings = {}, core = new Core(settings.options, BOOT)) {
    this.settings = settings;
    this.core = core;
    if (settings.journal) core.configure(OPT_JOURNAL, 1);
  }

  /** The connection of that name; null when there is none and the core makes none. */
  open(name: string): Link | null {
    const known = this.#links.get(name);
    if (known) return known;
    const page = this.settings.rings?.includes(name) ? new RingPage() : null;
    const conn = this.core.connect(kindOf(name, page !== null), domidOf(name));
    if (conn === 0) return null;
    const link: Link = { name, conn, page, taken: [] };
    this.#links.set(name, link);
    if (page) {
      page.copyAllIn(this.core.ringPage(conn));
      this.#note(link, this.core.ringStart(conn));
    }
    return link;
  }

  /** The peer sends bytes. */
  send(name: string, bytes: Uint8Array): void {
    const link = this.open(name);
    if (!link) return;
    if (!link.page) {
      this.#note(link, this.core.receive(link.conn, bytes));
      return;
    }
    link.page.put(bytes);
    this.kick(name);
  }

  /** A ring's guest notifies. */
  kick(name: string): void {
    const link = this.#links.get(name);
    if (!link?.page) return;
    this.onMoment();
    link.page.copyIn(this.core.ringPage(link.conn));
    this.#note(link, this.core.ringKick(link.conn));
  }

  /** The peer takes at most `max` bytes. */
  read(name: string, max = Number.POSITIVE_INFINITY): void {
    const link = this.#links.get(name);
    if (!link) return;
    if (link.page) {
      link.taken.push(link.page.take(max));
      link.page.put(Buffer.alloc(0));
      this.kick(name);
      return;
    }
    for (let left = max; left > 0 && this.#links.get(name) === link; ) {
      const len = Math.min(left, this.core.outLen(link.conn));
      if (len === 0) return;
      link.taken.push(Buffer.from(this.#output(link, len)));
      left -= len;
      this.#note(link, this.core.raw.sent(link.conn, len));
    }
  }

  /** Everybody takes everything until nothing comes any more. */
  drain(): void {
    for (let before = -1; before !== this.#count; ) {
      before = this.#count;
      for (const name of this.names()) this.read(name);
    }
  }

  /** The peer is gone. */
  close(name: string): void {
    const link = this.#links.get(name);
    if (!link || link.page) return;
    this.#links.delete(name);
    this.#everybody(this.core.disconnect(link.conn));
  }

  domainState(domid: number, state: number): void {
    this.#everybody(this.core.domainState(domid, state));
  }

  /** Lets time pass, and nothing else. */
  wait(ms: number): void {
    this.core.pass(ms);
    this.#everybody(WANT_POLL | WANT_STORE);
  }

  /** Lets time pass; then every ring is looked at, as a host does that promised to look again. */
  pass(ms: number): void {
    this.wait(ms);
    for (const name of this.names()) this.kick(name);
  }

  /** The guest asks for a new connection. */
  reconnect(name: string): void {
    this.#links.get(name)?.page?.reconnect();
    this.kick(name);
  }

  /** The guest breaks its ring. */
  spoil(name: string): void {
    this.#links.get(name)?.page?.spoil();
    this.kick(name);
  }

  /** The host has done what a request waits for, if one does. */
  task(text: string): void {
    if (!this.#task) return;
    this.#task = false;
    this.#everybody(this.core.taskDone(text));
  }

  names(): string[] {
    return [...this.#links.keys()];
  }

  link(name: string): Link {
    const link = this.#links.get(name);
    if (!link) throw new Error(`there is no connection ${name}`);
    return link;
  }

  /** The state for a successor; the core goes on. */
  dump(): Uint8Array {
    const names = this.names();
    names.forEach((name, index) => {
      this.core.raw.set_handle(this.link(name).conn, index);
    });
    return this.core.dump(DUMP_UPDATE);
  }

  /** A fresh core goes on with the state; the stream is read in pieces of these sizes. */
  replace(pieces: readonly number[]): void {
    const names = this.names();
    const stream = this.dump();
    const core = new Core(this.settings.options, BOOT);
    core.pass(this.core.nowMs - core.nowMs);
    const result = core.load(LOAD_UPDATE, stream, pieces);
    if (result !== LOADED) throw new Error(`load says ${result} at ${core.raw.load_offset()}`);
    if (this.settings.journal) core.configure(OPT_JOURNAL, 1);
    this.core = core;
    this.#task = false;
    const links = core.connections().map((conn) => {
      const link = this.link(names[core.raw.handle(conn)]);
      link.conn = conn;
      return link;
    });
    if (links.length !== names.length) throw new Error("connections are missing");
    for (const link of links) if (link.page) this.#resume(link, link.page);
  }

  /** A ring goes on behind a fresh core; its page is as the guest has it. */
  resume(name: string, conn: number, page: RingPage): void {
    const link: Link = { name, conn, page, taken: [] };
    this.#links.set(name, link);
    this.#resume(link, page);
  }

  /** The page of a loaded ring can't be had. */
  lose(conn: number): void {
    this.#everybody(this.core.raw.ring_lost(conn));
  }

  #resume(link: Link, page: RingPage): void {
    page.copyAllIn(this.core.ringPage(link.conn));
    this.#note(link, this.core.ringResume(link.conn));
  }

  /** What there is to see from outside, line by line; what has come out is told once. */
  view(): string[] {
    const lines = this.#closed.splice(0).map((name) => `${name} is closed`);
    for (const link of this.#links.values()) {
      const taken = Buffer.concat(link.taken.splice(0)).toString("latin1");
      const waits = link.page
        ? `${link.page.words()}`
        : Buffer.from(this.#output(link, this.core.outLen(link.conn))).toString("latin1");
      lines.push(`${link.name} has got ${JSON.stringify(taken)}, waits ${JSON.stringify(waits)}`);
    }
    const counts = [STAT_NODES, STAT_WATCHES, STAT_TRANSACTIONS, STAT_CONNECTIONS];
    lines.push(`counts ${counts.map((which) => this.core.stat(which))}`);
    return lines;
  }

  /** What has come out of a connection since it was asked last. */
  taken(name: string): Buffer {
    return Buffer.concat(this.#links.get(name)?.taken.splice(0) ?? []);
  }

  get #count(): number {
    let count = 0;
    for (const { taken } of this.#links.values()) for (const part of taken) count += part.length;
    return count;
  }

  #output(link: Link, len: number): Uint8Array {
    return new Uint8Array(this.core.raw.memory.buffer, this.core.raw.out_ptr(link.conn), len);
  }

  #note(link: Link, bits: number): void {
    this.#store(bits);
    if (link.page && (bits & (WANT_NOTIFY | WANT_RESET)) !== 0) {
      link.page.copyOut(this.core.ringPage(link.conn), (bits & WANT_RESET) !== 0);
      this.onMoment();
    }
    const done = link.page !== null || this.core.outLen(link.conn) === 0;
    if ((bits & WANT_CLOSE) !== 0 && done) this.#end(link);
    this.#everybody(bits);
  }

  #end(link: Link): void {
    if (this.#links.get(link.name) !== link) return;
    this.#links.delete(link.name);
    this.#closed.push(link.name);
    this.#everybody(this.core.disconnect(link.conn));
  }

  #everybody(bits: number): void {
    this.#store(bits);
    if ((bits & WANT_TASK) !== 0) {
      this.core.raw.task_begun();
      this.#task = true;
    }
    const polled = this.core.polled(bits);
    this.#leaving.push(...[...this.#links.values()].filter((link) => polled.includes(link.conn)));
    for (let link = this.#leaving.shift(); link; link = this.#leaving.shift()) {
      if (this.#links.get(link.name) !== link) continue;
      const wants = this.core.status(link.conn);
      if (link.page && (wants & WANT_RESET) === 0) this.kick(link.name);
      else this.#note(link, wants);
      if (link.page && this.#links.get(link.name) === link) this.#note(link, wants);
    }
  }

  /** Stores what waits, although nobody asks for it. */
  store(): void {
    this.#store(WANT_STORE);
  }

  #store(bits: number): void {
    if (!this.settings.journal || (bits & WANT_STORE) === 0) return;
    const frame = this.core.journalTake();
    if (frame.length === 0) return;
    this.onMoment();
    const status = this.storing(frame);
    if (status === STORAGE_OK) this.frames.push(frame);
    this.onMoment();
    const after = this.core.journalDone(status);
    this.#everybody(after);
  }
}

function kindOf(name: string, ring: boolean): number {
  if (name.startsWith("ro")) return CONN_SOCKET_READ_ONLY;
  if (domidOf(name) === 0) return CONN_SOCKET;
  return ring ? CONN_RING : CONN_DOMAIN;
}
