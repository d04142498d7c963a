// Guest: a domain on a ring in this process, with its page in the open.
// Holds   the domain, and the stream that uses its ring now.
// Never   lets two streams use the ring, and never lets one wait for a store that has ended.
// Source  the XenStore protocol, ring and domains.

import {
  XENSTORE_RING_REQ_CONS,
  XENSTORE_RING_RSP,
  XENSTORE_RING_SIZE,
} from "../../assembly/xs_wire.ts";
import type { Client, ClientOptions } from "../client/api.ts";
import type { Transport } from "../client/transport.ts";
import type { ByteStream, StreamSink } from "../shared/byte_stream.ts";
import type { XenstoreError } from "../shared/errors.ts";
import { GuestRing } from "../shared/guest_ring.ts";
import type { LocalDomain } from "../shared/machine_local.ts";
import type { Guest, GuestOptions, RingWords } from "./api.ts";
import { StoreEndedError } from "./errors.ts";
import type { Site } from "./site.ts";

/** The words in the order in which they lie in the page. */
const WORDS: readonly (keyof RingWords)[] = [
  "reqCons",
  "reqProd",
  "rspCons",
  "rspProd",
  "features",
  "connection",
  "error",
];

/** What guests need of the store they belong to. */
export interface GuestHost {
  readonly site: Site;
  /** Puts around a stream whatever watches it. */
  tapped(stream: ByteStream, conn: string, domid: number): ByteStream;
  /** Puts a line into the trace. */
  note(conn: string, text: string): void;
  openClient(transport: Transport, options: ClientOptions): Promise<Client>;
  guest(domid: number, options?: GuestOptions): Promise<Guest>;
}

/** A ring in use, which others can end. */
class RingStream implements ByteStream {
  readonly payloadMax: number;
  readonly passesDepth = true;
  readonly ring: GuestRing;
  #sink: StreamSink | null = null;
  #failed: XenstoreError | null = null;
  #onFail: (error: XenstoreError) => void = () => {};

  constructor(ring: GuestRing) {
    this.ring = ring;
    this.payloadMax = ring.payloadMax;
  }

  start(sink: StreamSink): void {
    this.#sink = sink;
    if (this.#failed) this.fail(this.#failed);
    this.ring.start({
      data: (bytes) => this.#sink?.data(bytes),
      drain: () => this.#sink?.drain(),
      end: (error) => this.#sink?.end(error),
    });
  }

  write(messages: Uint8Array): boolean {
    return this.ring.write(messages);
  }

  pause(paused: boolean): void {
    this.ring.pause(paused);
  }

  close(): void {
    this.#sink = null;
    this.ring.close();
  }

  /** Begins anew. Rejects with what ends the stream meanwhile. */
  reconnect(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#onFail = reject;
      this.ring.reconnect().then(resolve, reject);
    });
  }

  fail(error: XenstoreError): void {
    const sink = this.#sink;
    this.#sink = null;
    this.#failed = error;
    this.ring.close();
    this.#onFail(error);
    if (sink) queueMicrotask(() => sink.end(error));
  }
}

export class LocalGuest implements Guest {
  readonly domid: number;
  onEvent: () => void = () => {};
  #host: GuestHost;
  #domain: LocalDomain;
  #stream: RingStream | null = null;
  #client: Client | null = null;
  /** Somebody has used the ring before. */
  #used = false;
  #ended: StoreEndedError | null = null;

  constructor(host: GuestHost, domain: LocalDomain) {
    this.#host = host;
    this.#domain = domain;
    this.domid = domain.domid;
    domain.onEvent = () => {
      this.#stream?.ring.event();
      this.onEvent();
    };
  }

  get page(): ArrayBufferLike {
    return this.#domain.buffer;
  }

  get client(): Client {
    if (this.#client) return this.#client;
    const reason = `domain ${this.domid} has no client yet: await guest.connect() first`;
    throw new StoreEndedError("ENXIO", reason);
  }

  async connect(options: ClientOptions = {}): Promise<Client> {
    this.#check();
    const before = this.#client;
    this.#end("somebody else uses the ring now");
    // One that reconnects must not come back.
    await before?.close();
    const name = `ring:dom${this.domid}`;
    const open = () => this.#open();
    this.#client = await this.#host.openClient({ name, reconnects: false, open }, options);
    return this.#client;
  }

  async #open(): Promise<ByteStream> {
    this.#check();
    this.#end("somebody else uses the ring now");
    const ring = new GuestRing(this.#domain.page, () => this.#domain.notify());
    const stream = new RingStream(ring);
    this.#stream = stream;
    if (this.#used) await stream.reconnect();
    this.#used = true;
    return this.#host.tapped(stream, `D${this.domid}`, this.domid);
  }

  words(): RingWords {
    const words = new Uint32Array(WORDS.length);
    this.#domain.page.load(XENSTORE_RING_REQ_CONS, words);
    const entries = WORDS.map((name, at) => [name, words[at]]);
    return Object.fromEntries(entries) as RingWords;
  }

  poke(word: keyof RingWords, value: number): void {
    const offset = XENSTORE_RING_REQ_CONS + 4 * WORDS.indexOf(word);
    this.#domain.page.store(offset, Uint32Array.of(value));
  }

  queue(which: "requests" | "replies"): Uint8Array {
    const { reqCons, reqProd, rspCons, rspProd } = this.words();
    const [from, to, at] =
      which === "requests" ? [reqCons, reqProd, 0] : [rspCons, rspProd, XENSTORE_RING_RSP];
    const len = (to - from) >>> 0;
    if (len > XENSTORE_RING_SIZE) return new Uint8Array(0);
    const all = new Uint8Array(XENSTORE_RING_SIZE);
    this.#domain.page.read(at, all);
    return Uint8Array.from({ length: len }, (_, i) => all[(from + i) % XENSTORE_RING_SIZE]);
  }

  notify(): void {
    this.#domain.notify();
  }

  async shutdown(): Promise<void> {
    this.#check();
    this.#host.note(`D${this.domid}`, "shutdown");
    this.#host.site.machine.shutdown(this.domid);
    await told();
  }

  /** To the store one is like the other. */
  crash(): Promise<void> {
    return this.shutdown();
  }

  async destroy(): Promise<void> {
    this.#check();
    this.#host.note(`D${this.domid}`, "destroyed");
    this.#host.site.machine.destroy(this.domid);
    await told();
    this.over(new StoreEndedError("ENXIO", `domain ${this.domid} has ended`));
    await told();
    await this.#client?.close();
  }

  async reboot(options: GuestOptions = {}): Promise<Guest> {
    await this.destroy();
    return this.#host.guest(this.domid, options);
  }

  /** What was under way on the ring is lost: the store has ended, or goes on from another state. */
  lost(error: XenstoreError): void {
    this.#stream?.fail(error);
    this.#stream = null;
  }

  /** The domain has ended. */
  over(error: StoreEndedError): void {
    this.#ended = error;
    this.lost(error);
  }

  #end(reason: string): void {
    this.#stream?.fail(new StoreEndedError("ECONNRESET", reason));
    this.#stream = null;
  }

  #check(): void {
    if (this.#ended) throw this.#ended;
    const { over } = this.#host.site.server;
    if (over) throw over;
  }
}

/** Whatever the machine was to tell is told: it does so in a microtask. */
async function told(): Promise<void> {
  await null;
  await null;
}
