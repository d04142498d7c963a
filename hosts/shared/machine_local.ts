// Machine (in process): guests that live where the store lives: tests, workers, a web page.
// Holds   each domain's page, its state, and the events that are on their way.
// Never   delivers an event within the call that raised it.
// Source  our own; the XenStore protocol, domains.

import { DOMAIN_GONE, DOMAIN_SHUTDOWN } from "../../assembly/abi.ts";
import { DOMID_FIRST_RESERVED, XENSTORE_RING_PAGE } from "../../assembly/xs_wire.ts";
import { type Machine, type MachineSink, MemoryPage, type Ring } from "./machine.ts";

/** The port of the control domain's kernel. */
const CONTROL_PORT = 1;

/** A domain of a machine in this process, from its own side. */
export class LocalDomain {
  readonly domid: number;
  /** The page it shares with the store: the memory, and the way into it. */
  readonly buffer: ArrayBufferLike;
  readonly page: MemoryPage;
  /** Called when the store raises its event; several may come as one. */
  onEvent: () => void = () => {};
  /** Whether it has shut down: the store hears of it with the next change of any domain. */
  down = false;
  /** Tells it from the domains that had its number before. */
  readonly serial: number;
  #machine: LocalMachine;

  constructor(machine: LocalMachine, domid: number, buffer: ArrayBufferLike, serial: number) {
    this.#machine = machine;
    this.domid = domid;
    this.serial = serial;
    this.buffer = buffer;
    this.page = new MemoryPage(buffer);
  }

  /** Raises the store's event, from the port that INTRODUCE named or from one that may not be. */
  notify(port?: number): void {
    this.#machine.raise(this, port);
  }
}

export class LocalMachine implements Machine {
  readonly name = "local";
  /** Every domid exists unless its domain was ended; else only those that were made. */
  allExist = true;
  #sink: MachineSink | null = null;
  #domains = new Map<number, LocalDomain>();
  #dead = new Set<number>();
  #rings = new Map<number, LocalRing>();
  #known = new Set<number>();
  /** Rings and domains with an event on its way. */
  #toStore = new Set<LocalRing>();
  #toGuests = new Set<LocalDomain>();
  #ended = new Set<number>();
  #serials = 0;
  #changed = false;
  #flushing = false;
  #defer: (call: () => void) => void;

  /** @param defer  calls back soon, but not now */
  constructor(defer: (call: () => void) => void = queueMicrotask) {
    this.#defer = defer;
  }

  start(sink: MachineSink): void {
    this.#sink = sink;
  }

  control(): Ring | null {
    return this.#domains.has(0) ? this.map(0, CONTROL_PORT) : null;
  }

  exists(domid: number): boolean {
    if (domid >= DOMID_FIRST_RESERVED || this.#dead.has(domid)) return false;
    if (!this.allExist && !this.#domains.has(domid)) return false;
    this.#known.add(domid);
    return true;
  }

  map(domid: number, port: number): Ring | null {
    if (!this.exists(domid)) return null;
    const ring = new LocalRing(this, this.domain(domid), port);
    this.#rings.set(domid, ring);
    return ring;
  }

  look(): void {
    this.#tellStates();
  }

  identity(domid: number): number {
    return this.#domains.get(domid)?.serial ?? 0;
  }

  stop(): void {
    this.#sink = null;
    this.#rings.clear();
  }

  /**
   * The domain with this number, as its guest; made if it was not there.
   * @param buffer  its page, for a domain that is made: of XENSTORE_RING_PAGE bytes
   */
  domain(domid: number, buffer?: ArrayBufferLike): LocalDomain {
    const known = this.#domains.get(domid);
    if (known) return known;
    const page = buffer ?? new ArrayBuffer(XENSTORE_RING_PAGE);
    const made = new LocalDomain(this, domid, page, ++this.#serials);
    this.#domains.set(domid, made);
    this.#dead.delete(domid);
    return made;
  }

  /** A domain shuts down, or crashes. */
  shutdown(domid: number): void {
    this.domain(domid).down = true;
    this.#change();
  }

  /** A domain ends; its number may be used again with `domain`. */
  destroy(domid: number): void {
    this.#domains.delete(domid);
    this.#dead.add(domid);
    this.#ended.add(domid);
    this.#change();
  }

  /** An event of a guest. */
  raise(domain: LocalDomain, port?: number): void {
    const ring = this.#rings.get(domain.domid);
    if (ring?.domain !== domain || ring.port !== (port ?? ring.port)) return;
    this.#toStore.add(ring);
    this.#soon();
  }

  /** An event of the store. */
  notify(ring: LocalRing): void {
    if (this.#rings.get(ring.domain.domid) !== ring) return;
    this.#toGuests.add(ring.domain);
    this.#soon();
  }

  forget(ring: LocalRing): void {
    this.#toStore.delete(ring);
    if (this.#rings.get(ring.domain.domid) === ring) this.#rings.delete(ring.domain.domid);
  }

  #change(): void {
    this.#changed = true;
    this.#soon();
  }

  #soon(): void {
    if (this.#flushing) return;
    this.#flushing = true;
    this.#defer(() => this.#flush());
  }

  #flush(): void {
    this.#flushing = false;
    const toStore = [...this.#toStore];
    const toGuests = [...this.#toGuests];
    this.#toStore.clear();
    this.#toGuests.clear();
    if (this.#changed) this.#tellStates();
    for (const { domain } of toStore) this.#sink?.notified(domain.domid);
    this.#sink?.settled();
    for (const domain of toGuests) domain.onEvent();
  }

  #tellStates(): void {
    this.#changed = false;
    const ended = [...this.#ended];
    this.#ended.clear();
    for (const domid of ended) {
      if (this.#known.delete(domid)) this.#sink?.domainState(domid, DOMAIN_GONE);
    }
    for (const domid of [...this.#known]) {
      if (this.#domains.get(domid)?.down) this.#sink?.domainState(domid, DOMAIN_SHUTDOWN);
    }
  }
}

class LocalRing implements Ring {
  readonly domain: LocalDomain;
  readonly page: MemoryPage;
  port: number;
  #machine: LocalMachine;

  constructor(machine: LocalMachine, domain: LocalDomain, port: number) {
    this.#machine = machine;
    this.domain = domain;
    this.page = domain.page;
    this.port = port;
  }

  rebind(port: number): boolean {
    this.port = port;
    return true;
  }

  notify(): void {
    this.#machine.notify(this);
  }

  unmap(): void {
    this.#machine.forget(this);
  }
}
