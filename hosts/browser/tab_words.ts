// Tab words: what pages and workers of one site say to each other about a shared store.
// Holds   the names of locks and channels, and the form of each message.
// Never   carries a store's bytes: those go over a port or channel of each connection.
// Source  our own.
//
//   lock      xenstore:<name>        its holder, a worker of one tab, has the store
//   channel   xenstore:<name>        join, joined, serving: everybody hears everything
//   channel   xenstore:<name>:<id>   one connection between a tab and the holder (port_channel.ts)

import type { StoreOptions } from "../embed/api.ts";

/** Options of a store that can be sent to a worker. */
export type SentOptions = Pick<
  StoreOptions,
  "durability" | "seed" | "quota" | "transactionConflicts" | "domainsExist" | "tree"
>;

/** Whose connection it is to be. */
export interface Who {
  readonly domid: number;
  readonly readOnly: boolean;
}

/** From a page to its worker, first of all. */
export interface OwnWord {
  readonly xenstore: "own";
  readonly name: string;
  readonly storage: "opfs" | "memory";
  readonly options: SentOptions;
  /** The core, where the worker is not to find it by itself. */
  readonly module: WebAssembly.Module | null;
}

/** From a page to the worker that has the store: with a port if it is its own. */
export interface JoinWord extends Who {
  readonly xenstore: "join";
  /** Of the channel to be used; empty with a port. */
  readonly id: string;
}

export type Word =
  | OwnWord
  | JoinWord
  /** From a page to its worker: the store is to be closed. */
  | { readonly xenstore: "leave" }
  /** The worker is done. */
  | { readonly xenstore: "left" }
  /** The worker listens to the channel of this id. */
  | { readonly xenstore: "joined"; readonly id: string; readonly owner: string }
  /** There is a worker now that has the store; `owner` is its life. */
  | { readonly xenstore: "serving"; readonly owner: string }
  /** From a worker to its page: it has failed, and has ended. */
  | { readonly xenstore: "failed"; readonly reason: string }
  /** From a worker to its page: a line of the store's log. */
  | { readonly xenstore: "log"; readonly line: string };

/** Name of the lock and of the channel that all share. */
export const commonName = (name: string): string => `xenstore:${name}`;

/** Name of one connection's channel. */
export const channelName = (name: string, id: string): string => `xenstore:${name}:${id}`;

/** What was posted, if it is one of these. */
export function wordOf(event: Event): Word | null {
  const { data } = event as MessageEvent;
  return typeof data?.xenstore === "string" ? (data as Word) : null;
}
