// Feature: a part of the engine: calls that it answers, and what it shows.
// Holds   types only.
// Never   knows any feature by name.
// Source  our own.

import type { StoreChange } from "../../entry/browser.ts";
import type { Look, OpName, Ops, Seen } from "../model/protocol.ts";
import type { Session } from "./session.ts";

type Answer<K extends OpName> = ReturnType<Ops[K]> | Promise<ReturnType<Ops[K]>>;

/** Calls by name. What one throws becomes the answer: an Error whose message is for people. */
export type Handlers = { readonly [K in OpName]?: (args: Parameters<Ops[K]>[0]) => Answer<K> };

/** Something the page can look at. */
export interface Section<K extends keyof Seen = keyof Seen> {
  readonly name: K;
  /**
   * A text that differs whenever `make` would give something else than the last time; null: the
   * page does not look at it. Called for each frame, so it must cost next to nothing.
   */
  stamp(look: Look): string | null;
  /** undefined: nothing to say for now. */
  make(look: Look): Seen[K] | undefined | Promise<Seen[K] | undefined>;
}

export interface Feature {
  readonly ops: Handlers;
  readonly sections?: readonly Section[];
  /**
   * Another session has taken the place of the one before. What is done here, such as making the
   * domains that it begins with (`session.startDomains`), is no history.
   */
  opened?(): void | Promise<void>;
  /** The session is about to end: whatever of it is under way must be given up. */
  closing?(): void | Promise<void>;
  /** The store has changed; nothing of it may be asked within the call. */
  heard?(session: Session, change: StoreChange): void;
}
