// Store: a whole XenStore in this process, with clients as any domain and guests on rings.
// Holds   the clients and guests that were made, so that they end with the store.
// Never   lets a client wait for a store that has ended.
// Source  our own; "The library" in ARCHITECTURE.md.

import {
  CONN_BESIDE,
  CONN_BESIDE_READ_ONLY,
  CONN_SOCKET,
  CONN_SOCKET_READ_ONLY,
  STAT_BYTES_LINEAR,
  STAT_BYTES_USED,
  STAT_CONNECTIONS,
  STAT_NODES,
  STAT_TRANSACTIONS,
  STAT_WATCHES,
} from "../../assembly/abi.ts";
import { XS_DIRECTORY, XS_IS_DOMAIN_INTRODUCED } from "../../assembly/xs_wire.ts";
import type { Client, ClientOptions } from "../client/api.ts";
import { openClient } from "../client/client.ts";
import type { PortLike } from "../client/port_channel.ts";
import type { SocketLike } from "../client/socket_like.ts";
import type { Transport } from "../client/transport.ts";
import type { ByteStream } from "../shared/byte_stream.ts";
import type { XenstoreError } from "../shared/errors.ts";
import { LocalStream } from "../shared/local_stream.ts";
import type {
  AsDomainOptions,
  Guest,
  GuestOptions,
  Store,
  StoreOptions,
  StoreStats,
} from "./api.ts";
import { realClock } from "./clock.ts";
import { contentHash } from "./content.ts";
import { checkDomid, checkKnown, makeDomain } from "./domains.ts";
import { StoreEndedError } from "./errors.ts";
import { LocalGuest } from "./guest.ts";
import { type ServeOptions, serve } from "./serve.ts";
import { seedOf, settingsOf } from "./settings.ts";
import { Site } from "./site.ts";
import { TapStream, type TraceSink } from "./trace.ts";
import { type OpenTransaction, readTransactions } from "./transactions.ts";
import { flatten, parseListing, plant } from "./tree.ts";

/** Whose connection a stream is, for whoever watches or disturbs it. */
export interface StreamOwner {
  /** As in a trace: see TraceMessage. */
  readonly conn: string;
  readonly domid: number;
}

/** Put around every stream below the trace; for tests of whoever uses the store. */
export type WrapStream = (stream: ByteStream, owner: StreamOwner) => ByteStream;

/** In process a store that goes on with another state can be reached at once, or never again. */
const CLIENT = { reconnect: { attempts: 1, backoff: () => 0 } };

/**
 * Makes a store in this process and opens its first client.
 * @throws Error of one line: the storage can't be used, or an option is not allowed
 */
export async function createStore(options: StoreOptions = {}): Promise<Store> {
  return openStore(options, null);
}

/** As `createStore`, with something put around each stream. */
export async function openStore(
  options: StoreOptions,
  wrap: WrapStream | null,
): Promise<LocalStore> {
  const { module, clock, storage, durability, log, domainsExist } = options;
  if (!module)
    throw new TypeError("createStore: the compiled core is missing: give it as `module`");
  if (storage === undefined && durability === "disk") {
    throw new TypeError('createStore: durability "disk" needs a storage');
  }
  const site = new Site({
    module,
    clock: clock ?? realClock,
    seed: seedOf(options.seed),
    settings: settingsOf(options),
    storage: storage ?? null,
    disk: durability === "disk",
    allExist: domainsExist !== "made",
    log: log ?? (() => {}),
    changes: options.changes ?? null,
  });
  try {
    if (site.isNew) begin(site, options);
    const store = new LocalStore(site, options, wrap);
    await store.open();
    return store;
  } catch (error) {
    site.close();
    throw error;
  }
}

/** What a new store holds. */
function begin(site: Site, { state, tree }: StoreOptions): void {
  if (state) site.replace(state);
  if (tree === undefined) return;
  plant(site, typeof tree === "string" ? parseListing(tree) : flatten(tree));
}

export class LocalStore implements Store {
  client!: Client;
  readonly site: Site;
  readonly #options: StoreOptions;
  readonly #wrap: WrapStream | null;
  readonly #guests = new Map<number, LocalGuest>();
  readonly #clients = new Set<Client>();
  /** Connections there were of each kind, by the beginning of their names. */
  readonly #counts = new Map<string, number>();
  /** Names by the core's number, which whoever comes later may get again. */
  readonly #names = new Map<number, string>();

  constructor(site: Site, options: StoreOptions, wrap: WrapStream | null) {
    this.site = site;
    this.#options = options;
    this.#wrap = wrap;
    const { trace } = options;
    if (trace) site.onAsk = (...asked) => this.#asked(trace, ...asked);
    site.onEnd = (error) => {
      for (const guest of this.#guests.values()) guest.lost(error as XenstoreError);
    };
  }

  /** Opens the first client. */
  async open(): Promise<void> {
    this.client = await this.connect(CLIENT);
  }

  get closed(): Promise<Error | null> {
    return this.site.closed;
  }

  connect(options: ClientOptions = {}): Promise<Client> {
    return this.#client("store:dom0", options, {});
  }

  readOnly(options: ClientOptions = {}): Promise<Client> {
    return this.#client("store:read-only", options, { readOnly: true });
  }

  async asDomain(domid: number, options: AsDomainOptions = {}): Promise<Client> {
    const { home, readOnly, ...rest } = options;
    makeDomain(this.site, domid, home);
    return this.#client(`store:dom${domid}`, rest, { domid, readOnly });
  }

  async guest(domid: number, options: GuestOptions = {}): Promise<Guest> {
    const { home, page, connect, ...rest } = options;
    const domain = makeDomain(this.site, domid, home, page);
    const guest = new LocalGuest(this.#host(), domain);
    this.#guests.set(domid, guest);
    if (connect !== false) await guest.connect(rest);
    return guest;
  }

  stream(options: { domid?: number | undefined; readOnly?: boolean | undefined } = {}): ByteStream {
    const { domid = 0, readOnly = false } = options;
    checkDomid(domid);
    const plain = readOnly ? CONN_SOCKET_READ_ONLY : CONN_SOCKET;
    const beside = readOnly ? CONN_BESIDE_READ_ONLY : CONN_BESIDE;
    if (domid !== 0) checkKnown(this.site, domid);
    const inner = new LocalStream(this.site.server, domid === 0 ? plain : beside, domid);
    const start = readOnly ? "R" : "S";
    const name = this.#name(domid === 0 ? start : `D${domid}.`);
    this.#names.set(inner.conn, name);
    return this.#tapped(inner, name, domid);
  }

  serve(port: PortLike | SocketLike, options: ServeOptions = {}): () => void {
    if (options.domid) makeDomain(this.site, options.domid);
    return serve(this, port, options);
  }

  async hash(): Promise<string> {
    return contentHash(await this.site.dump());
  }

  dump(): Promise<Uint8Array> {
    return this.site.dump();
  }

  async restore(state: Uint8Array): Promise<void> {
    this.site.replace(state);
  }

  check(): Promise<string> {
    return this.site.check();
  }

  stats(): StoreStats {
    return this.site.core((core) => ({
      nodes: core.stat(STAT_NODES),
      bytesUsed: core.stat(STAT_BYTES_USED),
      bytesReserved: core.stat(STAT_BYTES_LINEAR),
      watches: core.stat(STAT_WATCHES),
      transactions: core.stat(STAT_TRANSACTIONS),
      connections: core.stat(STAT_CONNECTIONS),
      introduced: [...core.domains()].length,
    }));
  }

  transactions(): OpenTransaction[] {
    return this.site.core((core) => {
      const report = core.transactionsReport();
      if (!report) {
        throw new StoreEndedError("ENOMEM", "there is not enough memory to look at transactions");
      }
      return readTransactions(report, (conn, domid) => {
        if (core.domain(domid).conn === conn) return `D${domid}`;
        return this.#names.get(conn) ?? "S0";
      });
    });
  }

  async close(): Promise<void> {
    await Promise.all([...this.#clients].map((client) => client.close()));
    this.site.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** What is done for its caller, such as introducing a domain, is in the trace as S0. */
  #asked(
    trace: TraceSink,
    asked: number,
    kind: "request" | "reply",
    type: number,
    payload: Uint8Array,
  ): void {
    if (asked === XS_IS_DOMAIN_INTRODUCED || asked === XS_DIRECTORY) return;
    const ms = this.site.plan.clock.nowMs();
    trace({ kind, ms, conn: "S0", type, reqId: 1, txId: 0, payload });
  }

  #host() {
    return {
      site: this.site,
      tapped: (stream: ByteStream, conn: string, domid: number) =>
        this.#tapped(stream, conn, domid),
      note: (conn: string, note: string) => {
        const ms = this.site.plan.clock.nowMs();
        this.#options.trace?.({ kind: "note", ms, conn, note });
      },
      openClient: (transport: Transport, options: ClientOptions) => this.#open(transport, options),
      guest: (domid: number, options?: GuestOptions) => this.guest(domid, options),
    };
  }

  #client(
    name: string,
    options: ClientOptions,
    who: { domid?: number; readOnly?: boolean | undefined },
  ): Promise<Client> {
    const open = async () => this.stream(who);
    return this.#open({ name, reconnects: false, open }, options);
  }

  async #open(transport: Transport, options: ClientOptions): Promise<Client> {
    const client = await openClient(transport, { ...this.#options.client, ...options });
    this.#clients.add(client);
    void client.closed.then(() => this.#clients.delete(client));
    return client;
  }

  #name(start: string): string {
    const count = (this.#counts.get(start) ?? 0) + 1;
    this.#counts.set(start, count);
    return `${start}${count}`;
  }

  #tapped(stream: ByteStream, conn: string, domid: number): ByteStream {
    const { trace } = this.#options;
    const inner = this.#wrap ? this.#wrap(stream, { conn, domid }) : stream;
    if (!trace) return inner;
    return new TapStream(inner, conn, trace, () => this.site.plan.clock.nowMs());
  }
}
