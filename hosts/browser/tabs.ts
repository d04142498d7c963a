// Tabs: one store for all tabs of a site: one of them has it, the others join, one takes over.
// Holds   this tab's worker, and the clients that were opened through it.
// Never   lets two tabs have the store, nor a tab wait for one that is gone.
// Source  our own; the Web Locks API, the Broadcast Channel standard.
//
// Each tab starts a worker that waits for one lock. Whose worker gets it opens the store and serves
// all tabs. A MessagePort can't be sent from tab to tab without a SharedWorker, which not every
// browser has; a BroadcastChannel that only the two ends of a connection open does the same.
// When the tab closes or crashes, the browser gives the lock to the next worker, and the clients,
// who see that by the lock of life.ts, connect to that one and set their watches again.

import type { Client, ClientOptions } from "../client/api.ts";
import { openClient } from "../client/client.ts";
import { asyncDispose } from "../client/dispose.ts";
import { ConnectError } from "../client/errors.ts";
import { TabTransport } from "./tab_transport.ts";
import type { SentOptions } from "./tab_words.ts";

export interface SharedOptions extends SentOptions {
  /** Tabs of one site that name the same store share it (`main`): letters, digits, `-` and `_`. */
  readonly name?: string | undefined;
  /**
   * `opfs`: in the browser's private file system, where it outlives all tabs (default);
   * `memory`: as long as the tab that has it; who takes over begins with an empty one.
   */
  readonly storage?: "opfs" | "memory" | undefined;
  /** Makes the worker, whose script is `xenstore/worker`; filled in where the package knows it. */
  readonly worker?: (() => Worker) | undefined;
  /** The compiled core, where the worker can't fetch it by itself. */
  readonly module?: WebAssembly.Module | undefined;
  /** For `client`, and as defaults for all other clients. */
  readonly client?: ClientOptions | undefined;
  /** Hears when this tab gets the store, and when it loses it. */
  readonly onOwner?: ((owns: boolean) => void) | undefined;
  /** Takes the lines of the store's log, in the tab that has the store. */
  readonly log?: ((line: string) => void) | undefined;
}

export interface JoinOptions extends ClientOptions {
  /** The domain as which the client speaks (0); it is made, as by `asDomain`, if need be. */
  readonly domid?: number | undefined;
  /** May not change anything: EROFS (false). */
  readonly readOnly?: boolean | undefined;
}

/** A store that all tabs of a site share. */
export interface SharedStore {
  readonly name: string;
  /** A client of the control domain (0), wherever the store is at the moment. */
  readonly client: Client;
  /** Whether this tab has the store. */
  readonly owns: boolean;
  /** Another client. */
  connect(options?: JoinOptions): Promise<Client>;
  /** Closes the clients; if this tab has the store, another one takes over. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Longer than a tab takes that takes over: attempts with waits up to 2 s between them. */
const RECONNECT = { attempts: 20 };

/**
 * Opens the store that all tabs of this site share, or joins it. To be called in a page. A page
 * that wants a store for itself, in memory, calls `createStore`.
 * @throws Error of one line: the browser lacks something, or the store can't be opened. A client
 *         that was opened hears of a later failure by `closed`.
 */
export async function openShared(options: SharedOptions = {}): Promise<SharedStore> {
  const { name = "main", worker } = options;
  if (!/^[\w-]{1,64}$/.test(name)) {
    throw new TypeError(
      `openShared: "${name}" is no name: 1 to 64 letters, digits, "-" and "_" are`,
    );
  }
  const missing = lacking();
  if (missing) {
    throw new Error(
      `openShared: there are no ${missing} here; it takes a page (not a worker) from https or ` +
        "localhost, and a browser of 2023 or later; createStore makes a store for this page alone",
    );
  }
  if (!worker) {
    throw new TypeError(
      "openShared: the worker is missing: give a function `worker` that makes one of the script " +
        "xenstore/worker",
    );
  }
  const shared = new Shared(name, options, worker);
  try {
    await shared.open();
    return shared;
  } catch (error) {
    await shared.close();
    throw error;
  }
}

function lacking(): string {
  const { locks } = (globalThis.navigator ?? {}) as Partial<Navigator>;
  if (!locks) return "Web Locks";
  if (typeof BroadcastChannel === "undefined") return "BroadcastChannels";
  return typeof Worker === "undefined" || typeof document === "undefined"
    ? "dedicated workers"
    : "";
}

class Shared implements SharedStore {
  readonly name: string;
  client!: Client;
  #tab: TabTransport;
  #options: SharedOptions;
  #clients = new Set<Client>();

  constructor(name: string, options: SharedOptions, worker: () => Worker) {
    this.name = name;
    this.#options = options;
    const { storage = "opfs", module = null, onOwner = () => {}, log = () => {} } = options;
    const { durability, seed, quota, transactionConflicts, domainsExist, tree } = options;
    const sent = { durability, seed, quota, transactionConflicts, domainsExist, tree };
    const own = { xenstore: "own", name, storage, options: sent, module } as const;
    this.#tab = new TabTransport({ own, worker, onOwner, log });
  }

  async open(): Promise<void> {
    this.client = await this.connect();
  }

  get owns(): boolean {
    return this.#tab.owns;
  }

  async connect(options: JoinOptions = {}): Promise<Client> {
    const { domid = 0, readOnly = false, ...rest } = options;
    const way = this.#tab.as({ domid, readOnly });
    const all = { reconnect: RECONNECT, ...this.#options.client, ...rest };
    try {
      const client = await openClient(way, all);
      this.#clients.add(client);
      void client.closed.then(() => {
        this.#clients.delete(client);
        way.forget();
      });
      return client;
    } catch (error) {
      way.forget();
      // What the worker said is for people as it is.
      throw error instanceof ConnectError && error.cause instanceof Error ? error.cause : error;
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#clients].map((client) => client.close()));
    await this.#tab.close();
  }

  [asyncDispose](): Promise<void> {
    return this.close();
  }
}
