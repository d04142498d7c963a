// Main: what a script of the playground imports as "xenstore": the library, led to the page's store.
// Holds   the functions that differ from those of other pages.
// Never   reaches anything but the page's store and what the script makes itself.
// Source  our own; docs/library.md.

import {
  type Client,
  type ClientOptions,
  connect as connectTo,
  createStore as create,
  InvalidRequestError,
  portTransport,
  type SharedOptions,
  type SharedStore,
  type Storage,
  type Store,
  type StoreOptions,
  type Target,
} from "../../entry/browser.ts";
import { awaitScript, life, tellPage } from "./run.ts";
import { traced } from "./traced.ts";

export * from "../../entry/browser.ts";

const DOMID_MAX = 0x7fef;

/** As everywhere; without a target it leads to the store of this page, as domain 0. */
export async function connect(target?: Target, options: ClientOptions = {}): Promise<Client> {
  return traced(await life.hold(connectTo(target ?? transportFor(0), options)));
}

/** A client of this page's store that speaks as a domain, with its rights and limits. */
export async function asDomain(domid: number, options: ClientOptions = {}): Promise<Client> {
  if (!Number.isInteger(domid) || domid < 0 || domid > DOMID_MAX) {
    const reason = `a domain is a number from 0 to ${DOMID_MAX}, not ${String(domid)}`;
    throw new InvalidRequestError("EINVAL", reason, { op: "asDomain" });
  }
  return traced(await life.hold(connectTo(transportFor(domid), options)));
}

/** As everywhere: a store of the script's own, which the page doesn't show. */
export async function createStore(options: StoreOptions = {}): Promise<Store> {
  const wasm = new URL("./xenstore.wasm", import.meta.url);
  const store = await life.hold(create({ wasm, ...options }));
  traced(store.client);
  return store;
}

/** Not here: a script doesn't reach what the browser keeps. */
export async function openShared(_options: SharedOptions = {}): Promise<SharedStore> {
  throw new Error("openShared: not in a script of the playground; connect() leads to its store");
}

/** Not here: a script doesn't reach what the browser keeps. */
export async function opfsStorage(_folder: unknown): Promise<Storage> {
  throw new Error("opfsStorage: not in a script of the playground; use a MemoryStorage here");
}

/** A new port for each connection; the page has its other end served. */
function transportFor(domid: number) {
  return portTransport(
    () => {
      const { port1, port2 } = new MessageChannel();
      tellPage({ port: port2, domid }, [port2]);
      return port1;
    },
    { name: "playground" },
  );
}

awaitScript();
