// Api: what a program sees of a store in its own process.
// Holds   types only.
// Never   names a runtime.
// Source  our own.

import type { Client, ClientOptions, TreeNode } from "../client/api.ts";
import type { PortLike } from "../client/port_channel.ts";
import type { SocketLike } from "../client/socket_like.ts";
import type { ByteStream } from "../shared/byte_stream.ts";
import type { Clock } from "../shared/runtime.ts";
import type { Storage } from "../shared/storage.ts";
import type { ChangeSink } from "./changes.ts";
import type { ServeOptions } from "./serve.ts";
import type { TraceSink } from "./trace.ts";
import type { OpenTransaction } from "./transactions.ts";

export interface StoreOptions {
  /** The compiled core; the entries of the package fill it in. */
  readonly module?: WebAssembly.Module | undefined;
  /**
   * Where changes are stored before they are acknowledged: MemoryStorage, a folder, a browser's
   * private files. By default nowhere. One store at a time uses a storage.
   */
  readonly storage?: Storage | undefined;
  /** What acknowledged changes survive: the end of the process (default), or the loss of power. */
  readonly durability?: "process" | "disk" | undefined;
  /** The store's time: a ManualClock stands until it is told to go on. By default real time. */
  readonly clock?: Clock | undefined;
  /**
   * Feeds the store's hashes: an integer from 0 to 2^53 - 1. With the same seed, clock and calls
   * everything comes out the same, byte for byte. By default a random one.
   */
  readonly seed?: number | undefined;
  /** Limits of each domain but the control domain, by the names of `client.quotas()`; 0: none. */
  readonly quota?: Readonly<Record<string, number>> | undefined;
  /**
   * Which commits fail with EAGAIN: those that would have been answered differently now
   * (`observed`, the default), or all that the C daemon refuses (`strict`).
   */
  readonly transactionConflicts?: "observed" | "strict" | undefined;
  /**
   * Which domains are there, for permissions and introductions: every number (`all`, the
   * default), or those that were made with `guest` or `asDomain` (`made`), as on a real host.
   */
  readonly domainsExist?: "all" | "made" | undefined;
  /**
   * What the store holds besides its own nodes when it begins: a tree from `/` on, or the text
   * that `xenstore-ls -fp` prints. Not applied when the storage holds a store already.
   */
  readonly tree?: TreeNode | string | undefined;
  /** The same, as what `dump` returned. */
  readonly state?: Uint8Array | undefined;
  /** Hears every message on every connection that is opened through this store. */
  readonly trace?: TraceSink | undefined;
  /**
   * Hears every change of the store, in order, when it is made: also what `tree` puts in, before
   * `createStore` has returned. What could not be stored and was taken back is not told.
   */
  readonly changes?: ChangeSink | undefined;
  /** Takes the lines of the store's log, without a newline. */
  readonly log?: ((line: string) => void) | undefined;
  /** For `client`, and as defaults for all other clients. */
  readonly client?: ClientOptions | undefined;
}

/**
 * What a domain finds at `/local/domain/<domid>` when it is made: a node of its own, empty, that
 * nobody else may read (`own`); what `xl create` makes, most of which the domain can only read
 * (`xl`); or nothing (`none`). A node that is there already stays as it is.
 */
export type Home = "own" | "xl" | "none";

export interface AsDomainOptions extends ClientOptions {
  /** By default `own`. */
  readonly home?: Home | undefined;
  /** May not change anything: EROFS (false). */
  readonly readOnly?: boolean | undefined;
}

export interface GuestOptions extends ClientOptions {
  /** By default `own`. */
  readonly home?: Home | undefined;
  /** The page it shares with the store, of 4096 bytes of zeros; made unless given. */
  readonly page?: ArrayBufferLike | undefined;
  /** False: nobody uses the ring yet; `connect` of the guest begins to (true). */
  readonly connect?: boolean | undefined;
}

/** The words of a ring's page, and where they lie in it. */
export interface RingWords {
  /** Requests: how far the store has read, and the guest has written. */
  readonly reqCons: number;
  readonly reqProd: number;
  /** Replies: how far the guest has read, and the store has written. */
  readonly rspCons: number;
  readonly rspProd: number;
  /** What the store offers. */
  readonly features: number;
  /** 0: connected; 1: the guest asks for a new connection. */
  readonly connection: number;
  /** Why the store does not serve the ring any more; 0: it does. */
  readonly error: number;
}

/** A domain that speaks with the store over a shared page, as a real guest does. */
export interface Guest {
  readonly domid: number;
  /** The shared page itself: 1024 bytes of requests, 1024 of replies, then the words. */
  readonly page: ArrayBufferLike;
  /** The client on the ring. Errors: ENXIO before `connect`, or after the end of the guest. */
  readonly client: Client;
  /**
   * Takes the ring into use: as whoever comes first, or anew, as a kernel does that was started
   * again; what the client before had under way is lost then.
   */
  connect(options?: ClientOptions): Promise<Client>;
  /** The words of the page as they are now. */
  words(): RingWords;
  /** Writes one word of the page, as only a broken guest would; `notify` tells the store. */
  poke(word: keyof RingWords, value: number): void;
  /** The bytes that wait in one of the queues. Empty when the indexes make no sense. */
  queue(which: "requests" | "replies"): Uint8Array;
  /** Raises the store's event: it looks at the page. */
  notify(): void;
  /** Hears when the store raises the guest's event: for whoever moves the bytes himself. */
  onEvent: () => void;
  /** Shuts down, orderly or not: `@releaseDomain` fires; nodes and connections stay. */
  shutdown(): Promise<void>;
  crash(): Promise<void>;
  /** Ends the domain: what it owned is removed, its connections end. */
  destroy(): Promise<void>;
  /** Ends the domain and makes another one with its number, which has nothing of it. */
  reboot(options?: GuestOptions): Promise<Guest>;
}

/** Figures of a store. */
export interface StoreStats {
  readonly nodes: number;
  /** Bytes that nodes, watches and so on take, and that the core has from the system. */
  readonly bytesUsed: number;
  readonly bytesReserved: number;
  readonly watches: number;
  readonly transactions: number;
  readonly connections: number;
  readonly introduced: number;
}

/** A whole XenStore in this process. */
export interface Store {
  /** A client of the control domain (0), which may do everything. */
  readonly client: Client;
  /** Another client like `client`. */
  connect(options?: ClientOptions): Promise<Client>;
  /** A client of the control domain that may only read: EROFS. */
  readOnly(options?: ClientOptions): Promise<Client>;
  /**
   * A client that speaks as a domain, with its rights and limits; any number of them. Its
   * relative paths begin at `/local/domain/<domid>`. A domain that the store does not know yet is
   * introduced (`@introduceDomain` fires) and gets its home.
   */
  asDomain(domid: number, options?: AsDomainOptions): Promise<Client>;
  /**
   * A guest on a ring; introduced, with its home, unless it is there already. Errors: EEXIST when
   * a page is given for a domain that has one.
   */
  guest(domid: number, options?: GuestOptions): Promise<Guest>;
  /**
   * A connection as bytes, for whoever carries them elsewhere or speaks the protocol himself.
   * A domain must be known: see `asDomain`.
   */
  stream(options?: { domid?: number | undefined; readOnly?: boolean | undefined }): ByteStream;
  /**
   * Lets somebody at the other end of a port or a WebSocket use the store; see `serve`. A domain
   * that the store does not know yet is introduced and gets its home, as with `asDomain`.
   * @returns hangs up
   */
  serve(port: PortLike | SocketLike, options?: ServeOptions): () => void;
  /**
   * A text that is the same for two stores exactly if they have the same nodes with the same
   * values and permissions, whatever their order, on every runtime.
   */
  hash(): Promise<string>;
  /** The whole state, as a stream of Xen's migration format; see `state` of the options. */
  dump(): Promise<Uint8Array>;
  /**
   * Puts the store into a state that `dump` returned. All connections end; clients that reconnect,
   * as `client` does, come back with their watches.
   * @throws Error of one line when the bytes are damaged; nothing is changed then
   */
  restore(state: Uint8Array): Promise<void>;
  /** Checks the store's structures, and the files of its storage; a text for people. */
  check(): Promise<string>;
  stats(): StoreStats;
  /**
   * What each open transaction has touched, and whether its commit would succeed now; the oldest
   * first. Looking changes nothing. Errors: ENOMEM.
   */
  transactions(): OpenTransaction[];
  /** Resolves when the store has ended: with why, or null after `close`. */
  readonly closed: Promise<Error | null>;
  /** Ends all connections, stores what waits and lets go of the storage. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}
