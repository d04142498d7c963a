// Tab owner: the worker of a tab: waits until the store is its own, then serves all tabs.
// Holds   the lock that makes it the only one, the store, its files.
// Never   gives the lock back before the store is closed; never goes on after a failure.
// Source  our own; the Web Locks API, the Channel Messaging and Broadcast Channel standards.

import { ownLife } from "../client/life.ts";
import type { PortLike } from "../client/port_channel.ts";
import type { Store } from "../embed/api.ts";
import { servePort } from "../embed/serve_port.ts";
import { createStore } from "../embed/store.ts";
import { XenstoreError } from "../shared/errors.ts";
import { opfsStorage } from "./opfs_storage.ts";
import {
  channelName,
  commonName,
  type JoinWord,
  type OwnWord,
  type Who,
  type Word,
  wordOf,
} from "./tab_words.ts";

/** A client that was let in has gone again if it is silent for so long. */
const GREET_MS = 10_000;

/** A dedicated worker's scope. */
interface Scope {
  readonly navigator: Navigator;
  addEventListener(type: "message", listener: (event: MessageEvent) => void): void;
  postMessage(word: Word): void;
  close(): void;
}

/**
 * Makes this dedicated worker one for `openShared` of its page.
 * @param coreModule  finds the core, if the page sends none
 */
export function ownStore(coreModule: () => Promise<WebAssembly.Module>): void {
  const scope = globalThis as unknown as Scope;
  let owner: Owner | null = null;
  scope.addEventListener("message", (event) => {
    const word = wordOf(event);
    if (word?.xenstore === "own") {
      owner = new Owner(scope, word, coreModule);
      void owner.run();
    } else if (word?.xenstore === "join") {
      owner?.joinBy(event.ports[0] as unknown as PortLike, word);
    } else if (word?.xenstore === "leave") owner?.leave();
  });
}

class Owner {
  #scope: Scope;
  #own: OwnWord;
  #coreModule: () => Promise<WebAssembly.Module>;
  #store: Store | null = null;
  #life = "";
  #over = new AbortController();

  constructor(scope: Scope, own: OwnWord, coreModule: () => Promise<WebAssembly.Module>) {
    this.#scope = scope;
    this.#own = own;
    this.#coreModule = coreModule;
  }

  /** Serves as soon as nobody else does, until it is over. */
  async run(): Promise<void> {
    const { locks } = this.#scope.navigator;
    const { signal } = this.#over;
    try {
      this.#life = await ownLife();
      await locks.request(commonName(this.#own.name), { signal }, () => this.#serve());
      this.#scope.postMessage({ xenstore: "left" });
    } catch (error) {
      const left = signal.aborted && !this.#store;
      const word = left ? ({ xenstore: "left" } as const) : failed(error);
      this.#scope.postMessage(word);
    }
    this.#scope.close();
  }

  /** A client in the worker's own page. */
  joinBy(port: PortLike, who: Who): void {
    if (this.#store) void this.#join(this.#store, port, who);
    else port.close?.();
  }

  leave(): void {
    this.#over.abort();
    void this.#store?.close();
  }

  /** Resolves when the store was closed; rejects with why it failed. */
  async #serve(): Promise<void> {
    const store = await this.#open();
    const common = new BroadcastChannel(commonName(this.#own.name));
    this.#store = store;
    if (this.#over.signal.aborted) void store.close();
    common.addEventListener("message", (event) => {
      const word = wordOf(event);
      if (word?.xenstore === "join") void this.#joinOver(store, common, word);
    });
    const serving = { xenstore: "serving", owner: this.#life } as const;
    this.#scope.postMessage(serving);
    common.postMessage(serving);
    const error = await store.closed;
    common.close();
    if (error) throw error;
  }

  async #open(): Promise<Store> {
    const { name, storage, options, module } = this.#own;
    const log = (line: string) => this.#scope.postMessage({ xenstore: "log", line });
    const core = module ?? (await this.#coreModule());
    if (storage === "memory") return createStore({ ...options, module: core, log });
    const files = await opfsStorage(`xenstore/${name}`);
    try {
      return await createStore({ ...options, module: core, log, storage: files });
    } catch (error) {
      files.close();
      throw error;
    }
  }

  /** A client in another page: it waits until this end of the channel listens. */
  async #joinOver(store: Store, common: BroadcastChannel, word: JoinWord): Promise<void> {
    const channel = new BroadcastChannel(channelName(this.#own.name, word.id));
    await this.#join(store, channel, word);
    common.postMessage({ xenstore: "joined", id: word.id, owner: this.#life });
  }

  async #join(store: Store, port: PortLike, { domid, readOnly }: Who): Promise<void> {
    let refusal: unknown = null;
    try {
      // Makes the domain known.
      if (domid !== 0) await (await store.asDomain(domid)).close();
    } catch (error) {
      refusal = error;
    }
    const open = () => {
      if (refusal) throw refusal;
      return store.stream({ domid, readOnly });
    };
    servePort(port, open, { life: this.#life, sure: true, greetMs: GREET_MS });
  }
}

function failed(error: unknown): Word {
  const { message, cause } = error as Error;
  const why = error instanceof XenstoreError && cause instanceof Error ? cause.message : message;
  return { xenstore: "failed", reason: why ?? String(error) };
}
