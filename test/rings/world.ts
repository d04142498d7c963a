// World: a store, its host and its guests in this process, where nothing happens by itself.
// Holds   a server with a machine whose events wait until `settle`, and a clock that is set.
// Never   waits: what is to happen has happened when `settle` returns.
// Source  our own.

import { readFileSync } from "node:fs";
import { CONN_SOCKET, LOG_NOTICE } from "../../assembly/abi.ts";
import { Core } from "../../hosts/shared/core.ts";
import type { Rings } from "../../hosts/shared/rings.ts";
import type { Clock, Link, LogRecord } from "../../hosts/shared/runtime.ts";
import { Server } from "../../hosts/shared/server.ts";
import { WASM_PATH } from "../core.ts";
import { ERROR, encode, type Message, Splitter, typeNumber, WATCH_EVENT } from "../message.ts";
import { Guard, GuardedMachine, GuardedNotes } from "./guard.ts";
import { Guest } from "./guest.ts";

/** Rounds after which something that keeps itself busy is taken for endless. */
const ROUNDS_MAX = 100_000;

let compiled: WebAssembly.Module | undefined;

/** Time that passes when it is told to. */
class StillClock implements Clock {
  /** The machine has been on for some hours. */
  now = 15_000_000;
  #calls: { atMs: number; call: () => void }[] = [];

  nowMs(): number {
    return this.now;
  }

  after(ms: number, call: () => void): void {
    this.#calls.push({ atMs: this.now + ms, call });
  }

  /** Calls what is due until `atMs`, in its order; `after` follows each call. */
  pass(atMs: number, after: () => void): void {
    for (;;) {
      const next = Math.min(atMs, ...this.#calls.map((one) => one.atMs));
      this.now = Math.max(this.now, next);
      const due = this.#calls.filter((one) => one.atMs <= this.now);
      this.#calls = this.#calls.filter((one) => one.atMs > this.now);
      for (const { call } of due) call();
      after();
      if (this.now >= atMs && due.length === 0) return;
    }
  }
}

export class World {
  readonly machine: GuardedMachine;
  core!: Core;
  server!: Server;
  rings!: Rings;
  readonly clock = new StillClock();
  /** Lines of the daemon's log. */
  readonly notices: string[] = [];
  dom0!: Caller;
  /** Stores the changes, if the world was told to. */
  readonly guard = new Guard();
  /** Whether what is about to be put into pages is noted where it stays. */
  noting = true;
  readonly #notes = new GuardedNotes(this.guard);
  readonly #options: readonly (readonly [number, number])[];
  readonly #keeps: boolean;
  #deferred: (() => void)[] = [];
  #work: (() => boolean) | null = null;
  #guests = new Map<number, Guest>();

  /**
   * @param options  pairs of OPT_* and value for the core
   * @param control  whether the control domain's kernel has a ring
   * @param keeps    whether changes are stored
   */
  constructor(
    options: readonly (readonly [number, number])[] = [],
    control = false,
    keeps = false,
  ) {
    compiled ??= new WebAssembly.Module(readFileSync(WASM_PATH));
    this.#options = options;
    this.#keeps = keeps;
    this.machine = new GuardedMachine((call) => this.#deferred.push(call));
    this.machine.onLeave = (what) => this.guard.leaves(what);
    if (control) this.guest(0);
    this.#boot();
    this.settle();
  }

  /** A core of this world, in which nothing has happened yet. */
  newCore(): Core {
    const core = new Core(compiled as WebAssembly.Module, new Uint32Array([1, 2]));
    for (const [key, value] of this.#options) core.configure(key, value);
    return core;
  }

  /** The store's process begins; what was stored before is there again. */
  #boot(): void {
    this.core = this.newCore();
    const log = { records: (records: readonly LogRecord[]) => this.#log(records) };
    this.server = new Server(this.core, this.clock, log);
    if (this.#keeps) {
      this.guard.begin(this.core);
      this.server.keeper = this.guard;
    }
    const soon = (work: () => boolean) => {
      this.#work = work;
    };
    this.rings = this.server.attach(this.machine, soon, this.noting ? this.#notes : null);
    this.rings.start(0);
    this.dom0 = new Caller(this);
  }

  /**
   * The store's process ends without a warning and starts again: sockets are gone, guests and their
   * pages stay.
   * @param meanwhile  what happens while there is no store
   */
  restart(meanwhile: () => void = () => {}): void {
    this.rings.stop();
    this.#work = null;
    for (const call of this.#deferred.splice(0)) call();
    meanwhile();
    for (const call of this.#deferred.splice(0)) call();
    this.#boot();
    this.settle();
  }

  /** Lets all that is on its way happen. Throws when that never ends. */
  settle(): void {
    for (let round = 0; round < ROUNDS_MAX; round++) {
      if (!this.step()) return;
    }
    throw new Error("the store keeps itself busy");
  }

  /** Lets the next thing happen. Returns whether there was any. */
  step(): boolean {
    const call = this.#deferred.shift();
    if (call) {
      call();
      return true;
    }
    if (!this.#work) return false;
    const work = this.#work;
    this.#work = null;
    if (work()) this.#work = work;
    return true;
  }

  /** Lets time pass, and all that happens meanwhile. */
  pass(ms: number): void {
    this.clock.pass(this.clock.now + ms, () => this.settle());
  }

  /** The guest of a domain, made at its first mention. */
  guest(domid: number): Guest {
    const known = this.#guests.get(domid);
    if (known) return known;
    const guest = new Guest(this, domid);
    this.#guests.set(domid, guest);
    return guest;
  }

  /** Introduces a domain as a toolstack does, with a home of its own, and returns its guest. */
  introduce(domid: number): Guest {
    const guest = this.guest(domid);
    const home = `/local/domain/${domid}`;
    this.dom0.ok("INTRODUCE", `${domid}\0${1}\0${5}\0`);
    this.dom0.ok("MKDIR", `${home}\0`);
    this.dom0.ok("SET_PERMS", `${home}\0n${domid}\0`);
    return guest;
  }

  /** The domain ends; its number may be used by another one. */
  destroy(domid: number): void {
    this.#guests.delete(domid);
    this.machine.destroy(domid);
    this.settle();
  }

  #log(records: readonly LogRecord[]): void {
    for (const { kind, bytes } of records) {
      if (kind === LOG_NOTICE) this.notices.push(Buffer.from(bytes).toString());
    }
  }
}

/** A message as text: "READ value", "ERROR ENOENT|", "WATCH_EVENT path|token|". */
export function shown(payload: string): string {
  return payload.replaceAll("\0", "|");
}

/** A program of the control domain that speaks through the socket. */
export class Caller implements Link {
  /** Events that came, as "path|token|". */
  readonly events: string[] = [];
  closed = false;
  /** Replies that came, without events. */
  readonly replies: Message[] = [];
  /** All that came, in order, if `keeps` is set. */
  readonly all: Message[] = [];
  keeps = false;
  #world: World;
  #conn: number;
  #splitter = new Splitter();

  constructor(world: World) {
    this.#world = world;
    this.#conn = world.server.connect(this, CONN_SOCKET);
  }

  send(bytes: Uint8Array): number {
    this.#world.guard.leaves("bytes of a socket");
    for (const message of this.#splitter.push(bytes)) {
      if (this.keeps) this.all.push(message);
      if (message.type === WATCH_EVENT) this.events.push(shown(message.payload));
      else this.replies.push(message);
    }
    return bytes.length;
  }

  pause(): void {}

  close(): void {
    this.#world.guard.leaves("a socket's end");
    this.closed = true;
  }

  /** Hangs up. */
  hangUp(): void {
    this.#world.server.closed(this.#conn);
    this.#world.settle();
  }

  /** Sends bytes; nothing else happens yet. */
  write(bytes: Uint8Array): void {
    this.#world.core.input(bytes.length).set(bytes);
    this.#world.server.received(this.#conn, bytes.length);
  }

  /** Sends a request, lets everything happen, and returns what came: a payload or "ERROR name|". */
  ask(type: string, payload: string, txId = 0): string {
    this.write(encode({ type: typeNumber(type), reqId: 1, txId, payload }));
    this.#world.settle();
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
    return this.events.splice(0);
  }
}
