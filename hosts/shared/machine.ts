// Machine: a host of guests: whatever has domains, pages they share, and event channels.
// Holds   types, the layout of what a ring needs of it, and the page that lies in memory.
// Never   knows a request: it moves bytes, tells of events, and answers what is asked.
// Source  the XenStore protocol, ring and domains.

import { XENSTORE_RING_PAGE } from "../../assembly/xs_wire.ts";

/**
 * The page that a domain shares with the store, XENSTORE_RING_PAGE bytes. The other side may
 * write at any time; so whoever reads something twice may find two different things.
 */
export interface Page {
  /** Whether it may be touched now: where it is a file, somebody may have cut that short. */
  whole(): boolean;
  /**
   * Reads aligned u32, each exactly once. What is read from the page afterwards is at least as
   * new as these.
   * @param offset  of the first, in bytes
   */
  load(offset: number, words: Uint32Array): void;
  /**
   * Writes aligned u32, each exactly once. Whoever sees one of them also sees all that was
   * written to the page before.
   */
  store(offset: number, words: Uint32Array): void;
  /** Copies bytes out of the page; in no particular order. */
  read(offset: number, bytes: Uint8Array): void;
  /** Copies bytes into the page; in no particular order. */
  write(offset: number, bytes: Uint8Array): void;
}

/** A domain's mapped page and its bound event channel. */
export interface Ring {
  readonly page: Page;
  /**
   * Lets go of the bound port and binds another of the same domain. When that fails the ring
   * stays mapped and hears and tells nothing.
   */
  rebind(port: number): boolean;
  /** Raises the event on the domain's side; never waits. */
  notify(): void;
  /** Unbinds and unmaps; nothing else may be called afterwards. Never throws. */
  unmap(): void;
}

/** What a machine tells; called from the event loop, or within `look`. */
export interface MachineSink {
  /** The domain raised its event; several may be told as one. */
  notified(domid: number): void;
  /**
   * The machine looked at a domain that it was asked about: DOMAIN_* of abi.ts. Told for each
   * that is shut down (again and again, after any change of any domain) or gone (once).
   */
  domainState(domid: number, state: number): void;
  /** All that one change has brought is told. */
  settled(): void;
}

export interface Machine {
  /** For messages, such as "xen". */
  readonly name: string;
  /** Begins to tell. Throws an Error of one line when that can't be. */
  start(sink: MachineSink): void;
  /**
   * The ring of the control domain's own kernel, which is there before the store: null if there
   * is none. Throws an Error of one line when it should be there and can't be had.
   */
  control(): Ring | null;
  /** Does a domain with this number exist? If so, its end will be told. */
  exists(domid: number): boolean;
  /**
   * Tells successive holders of a domid apart: a number that stays the same as long as the domain
   * is there, an integer below 2^53; 0 when that is not known, -1 when it has lost what it would
   * be known by, and was another one if it was known before.
   */
  identity?(domid: number): number;
  /** The domain's own end of the event channel that was handed over for it; 0: none was. */
  remotePort?(domid: number): number;
  /** Looks at the domains that were asked about, and tells at once what has become of them. */
  look(): void;
  /**
   * Maps the page of a domain and binds `port` of its side. Its end will be told.
   * @param frame  number of the page in the domain's memory, for where that is the only way;
   *               0 for none
   * @returns null when either can't be done; nothing is left mapped or bound then
   */
  map(domid: number, port: number, frame: number): Ring | null;
  /**
   * What a process that takes this one's place needs to go on with the same rings. From here on
   * nothing else may be called but `goOn`, when that process did not come to be.
   */
  handOver?(): HandedMachine;
  goOn?(): void;
  /** Lets go of everything; rings that are still mapped too. */
  stop(): void;
}

/** How a machine goes from one process to the next. */
export interface HandedMachine {
  /** Descriptor on which events come in. */
  readonly events: number;
  /** Our end of each domain's event channel. */
  readonly ports: ReadonlyMap<number, number>;
}

/** A page that both sides have in their memory. */
export class MemoryPage implements Page {
  #words: Int32Array;
  #bytes: Uint8Array;

  /** @param buffer  the page itself, at `byteOffset`, which must be a multiple of 4 */
  constructor(buffer: ArrayBufferLike, byteOffset = 0) {
    this.#words = new Int32Array(buffer, byteOffset, XENSTORE_RING_PAGE / 4);
    this.#bytes = new Uint8Array(buffer, byteOffset, XENSTORE_RING_PAGE);
  }

  whole(): boolean {
    return true;
  }

  load(offset: number, words: Uint32Array): void {
    const first = offset >> 2;
    for (let i = 0; i < words.length; i++) words[i] = Atomics.load(this.#words, first + i);
  }

  store(offset: number, words: Uint32Array): void {
    const first = offset >> 2;
    for (let i = 0; i < words.length; i++) {
      Atomics.store(this.#words, first + i, words[i] as number);
    }
  }

  read(offset: number, bytes: Uint8Array): void {
    bytes.set(this.#bytes.subarray(offset, offset + bytes.length));
  }

  write(offset: number, bytes: Uint8Array): void {
    this.#bytes.set(bytes, offset);
  }
}
