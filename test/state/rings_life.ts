// Rings life: a store that is killed again and again, while domains come, talk, and go.
// Holds   what outlives a store: pages, files, notes, domains; and the one that lives now.
// Never   lets a store that was killed touch anything any more.
// Source  the XenStore protocol, ring and domains; "What is kept" in ARCHITECTURE.md.

import { CONN_SOCKET, DOMAIN_GONE, DOMAIN_SHUTDOWN, STAT_FAULTS } from "../../assembly/abi.ts";
import { XENSTORE_RING_PAGE } from "../../assembly/xs_wire.ts";
import { Core } from "../../hosts/shared/core.ts";
import {
  type Machine,
  type MachineSink,
  MemoryPage,
  type Ring,
} from "../../hosts/shared/machine.ts";
import { Persistence } from "../../hosts/shared/persistence.ts";
import { NOTE_WORDS, RingNotes } from "../../hosts/shared/ring_notes.ts";
import type { Rings } from "../../hosts/shared/rings.ts";
import type { Clock, Link } from "../../hosts/shared/runtime.ts";
import { Server } from "../../hosts/shared/server.ts";
import { wasmModule } from "../core.ts";
import { type Call, Died, type Fate, type Files, ModelStorage } from "../storage/model.ts";
import { BOOT } from "./site.ts";

/** A domain of the machine, and the page that it shares with its store. */
export interface Inhabitant {
  readonly domid: number;
  /** Tells it from others that have had the number. */
  readonly identity: number;
  readonly buffer: ArrayBuffer;
  shutdown: boolean;
}

/** Numbers by chance, the same for the same seed. */
export class Chance {
  #state: number;

  constructor(seed: number) {
    this.#state = seed | 0;
  }

  /** 0 to `count` - 1. */
  below(count: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % count;
  }

  of<T>(all: readonly T[]): T {
    return all[this.below(all.length)] as T;
  }
}

/** What outlives every store. */
export class World {
  readonly chance: Chance;
  readonly domains = new Map<number, Inhabitant>();
  readonly notices: string[] = [];
  nowMs = 1_000_000;
  /** Something could not be stored: what is owed to whom is known to the store that lives alone. */
  unstored = false;
  files: Files = new Map();
  life: Life | null = null;
  #notes = new Map<number, Int32Array>();
  #identities = 1000;
  /** Domains of which the store that lives has not been told that they are gone. */
  readonly gone = new Set<number>();

  constructor(seed: number) {
    this.chance = new Chance(seed);
    this.create(0);
  }

  notes(): RingNotes {
    return new RingNotes((page) => {
      const known = this.#notes.get(page) ?? new Int32Array(NOTE_WORDS);
      this.#notes.set(page, known);
      return known;
    });
  }

  create(domid: number): Inhabitant {
    const buffer = new ArrayBuffer(XENSTORE_RING_PAGE);
    const one = { domid, identity: ++this.#identities, buffer, shutdown: false };
    this.domains.set(domid, one);
    return one;
  }

  /** The domain ends; its store hears of it with the next `look`, or not at all. */
  destroy(domid: number): void {
    if (this.domains.delete(domid)) this.gone.add(domid);
  }
}

/** How a store is told its settings. */
export interface Settings {
  readonly compactMin: number;
  /** One in so many writes fails while it serves; 0: none. */
  readonly fails: number;
  /** One in so many pages can't be mapped when it begins; 0: none. */
  readonly unmapped: number;
  readonly options: readonly (readonly [number, number])[];
}

/** One store from its start to its end. */
export class Life implements Machine, Clock {
  readonly name = "model";
  readonly core: Core;
  readonly server: Server;
  readonly rings: Rings;
  readonly storage: ModelStorage;
  dead = false;
  sink: MachineSink | null = null;
  /** After so many changes of pages and files the store is killed. */
  #left: number;
  #world: World;
  #settings: Settings;
  #serving = false;
  #timers: { at: number; call: () => void }[] = [];
  #work: (() => boolean)[] = [];
  #mapped = new Set<number>();

  /**
   * Begins to serve.
   * @param left  so many changes of pages and files it lives to see
   * @param wait  whether what is due has its turn between recovery and the rings
   * @throws      Died when it is killed meanwhile, and whatever a store fails with
   */
  constructor(world: World, settings: Settings, left: number, wait: boolean) {
    this.#world = world;
    this.#settings = settings;
    this.#left = left;
    world.life = this;
    this.storage = new ModelStorage(world.files);
    this.storage.fate = (call) => this.#fate(call);
    const persistence = new Persistence({
      storage: this.storage,
      makeCore: () => {
        const core = new Core(wasmModule(), new Uint32Array([1, 2]), BOOT);
        for (const [key, value] of settings.options) core.configure(key, value);
        return core;
      },
      disk: false,
      clock: this,
      notice: (line) => world.notices.push(line),
      compactMin: settings.compactMin,
    });
    this.core = persistence.start();
    this.server = new Server(this.core, this, { records: () => {} });
    this.server.keeper = persistence;
    persistence.onWants = (bits) => this.server.others(bits);
    if (wait) this.#expire(0);
    this.rings = this.server.attach(this, (work) => void this.#work.push(work), world.notes());
    this.rings.start(0);
    this.#serving = true;
    this.pump();
  }

  /** The process ends here. */
  kill(): void {
    this.dead = true;
    this.storage.dead = true;
    this.#world.files = this.storage.files();
    this.#timers = [];
    this.#work = [];
    this.#world.life = null;
  }

  /** A guest has raised its event. */
  notified(domid: number): void {
    if (!this.#mapped.has(domid)) return;
    this.sink?.notified(domid);
    this.sink?.settled();
    this.pump();
  }

  /** Is the domain's ring served? It may be mapped for an INTRODUCE that was refused. */
  serves(domid: number): boolean {
    return this.#mapped.has(domid) && [...this.core.domains()].includes(domid);
  }

  /** Everything that is due is done. */
  pump(): void {
    for (let work = this.#work.shift(); work; work = this.#work.shift()) {
      if (work()) this.#work.push(work);
    }
  }

  /** Lets time pass. */
  pass(ms: number): void {
    this.#expire(ms);
    this.pump();
  }

  #expire(ms: number): void {
    this.#world.nowMs += ms;
    const due = this.#timers.filter(({ at }) => at <= this.#world.nowMs);
    this.#timers = this.#timers.filter(({ at }) => at > this.#world.nowMs);
    for (const { call } of due) {
      call();
      // Where it was killed within a promise, nobody else has heard of it.
      if (this.dead) throw new Died();
    }
  }

  /** Counts a change of what outlives the store; kills it when its time has come. */
  change(what: () => void): void {
    if (this.dead) throw new Died();
    if (--this.#left > 0) {
      what();
      return;
    }
    if (this.#world.chance.below(2)) what();
    this.dead = true;
    this.storage.dead = true;
    throw new Died();
  }

  #fate({ length }: Call): Fate {
    if (--this.#left > 0) return this.#failure(length);
    this.dead = true;
    const how = length ? (["before", "within", "after"] as const) : (["before", "after"] as const);
    return { dies: this.#world.chance.of<"before" | "within" | "after">(how) };
  }

  #failure(length: number): Fate {
    const { chance } = this.#world;
    const { fails } = this.#settings;
    if (!this.#serving || !fails || !length || chance.below(fails)) return "goes well";
    this.#world.unstored = true;
    return { fails: chance.of(["ENOSPC", "EIO"]), done: chance.below(length) };
  }

  /** A client of the socket, which takes all it is sent. */
  client(got: (bytes: Uint8Array) => void): number {
    const link: Link = {
      send: (bytes) => {
        got(bytes.slice());
        return bytes.length;
      },
      pause: () => {},
      close: () => {},
    };
    return this.server.connect(link, CONN_SOCKET);
  }

  faults(): number {
    return this.core.stat(STAT_FAULTS);
  }

  // The clock.

  nowMs(): number {
    return this.#world.nowMs;
  }

  after(ms: number, call: () => void): void {
    this.#timers.push({ at: this.#world.nowMs + ms, call });
  }

  // The machine.

  start(sink: MachineSink): void {
    this.sink = sink;
  }

  control(): Ring {
    return this.#ring(this.#world.domains.get(0) as Inhabitant);
  }

  exists(domid: number): boolean {
    return this.#world.domains.has(domid);
  }

  identity(domid: number): number {
    return this.#world.domains.get(domid)?.identity ?? 0;
  }

  look(): void {
    for (const domid of [...this.#world.gone]) {
      this.#world.gone.delete(domid);
      // Another one may have the number by now: what was told is that something has changed.
      if (!this.#world.domains.has(domid)) this.sink?.domainState(domid, DOMAIN_GONE);
    }
    for (const { domid, shutdown } of this.#world.domains.values()) {
      if (shutdown) this.sink?.domainState(domid, DOMAIN_SHUTDOWN);
    }
    this.sink?.settled();
  }

  map(domid: number): Ring | null {
    const { chance, domains } = this.#world;
    const { unmapped } = this.#settings;
    if (!this.#serving && unmapped && chance.below(unmapped) === 0) return null;
    const one = domains.get(domid);
    return one ? this.#ring(one) : null;
  }

  stop(): void {}

  #ring({ domid, buffer }: Inhabitant): Ring {
    this.#mapped.add(domid);
    return {
      page: new Page(this, buffer),
      rebind: () => true,
      notify: () => {},
      unmap: () => void this.#mapped.delete(domid),
    };
  }
}

/** A page as one store sees it. */
class Page extends MemoryPage {
  #life: Life;

  constructor(life: Life, buffer: ArrayBuffer) {
    super(buffer);
    this.#life = life;
  }

  override store(offset: number, words: Uint32Array): void {
    if (words.length === 1) {
      this.#life.change(() => super.store(offset, words));
      return;
    }
    // Word by word, as it happens in memory.
    for (let i = 0; i < words.length; i++) {
      this.#life.change(() => super.store(offset + 4 * i, words.subarray(i, i + 1)));
    }
  }

  override write(offset: number, bytes: Uint8Array): void {
    this.#life.change(() => super.write(offset, bytes));
  }
}
