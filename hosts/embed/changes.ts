// Changes: all that changes in a store, one by one, in the order and at the time it is done.
// Holds   the types, and the reading of the core's frames.
// Never   tells what was taken back because it could not be stored; never keeps a frame.
// Source  our own; the layouts stand at assembly/store/journal.ts.

import { OPT_JOURNAL, STORAGE_OK } from "../../assembly/abi.ts";
import { DOMID_INVALID } from "../../assembly/xs_wire.ts";
import { decodeText } from "../client/text.ts";
import type { Core } from "../shared/core.ts";
import type { Keeper } from "../shared/runtime.ts";
import { QUOTAS } from "./settings.ts";

/**
 * One change of a store. Applied one after the other they lead from what it held to what it holds:
 * nodes, values and permissions, not the order of children. A new store begins with `/`, `/tool`
 * and `/tool/xenstored`, without values and with `n0`; these are not told.
 */
export type StoreChange =
  /**
   * A node is made. What is missing above it is made with it, without values and with the same
   * permissions. A node that is there already gets this value and these permissions.
   */
  | {
      readonly kind: "create";
      readonly path: string;
      /** A copy that nobody else writes to, as are all values. */
      readonly value: Uint8Array;
      /** As GET_PERMS tells them, such as `n0 r3`. */
      readonly perms: string;
    }
  | { readonly kind: "value"; readonly path: string; readonly value: Uint8Array }
  /** Also of the special nodes, `@releaseDomain` and `@introduceDomain`. */
  | { readonly kind: "perms"; readonly path: string; readonly perms: string }
  /** A node goes, with all below it. */
  | { readonly kind: "remove"; readonly path: string }
  /**
   * A domain ends. Nodes that it owns go with all below them, whoever owns that; of these `/` and
   * the special nodes stay, and domain 0 becomes their owner. With `keep` all that it owns stays
   * and gets domain 0 as its owner, other entries of its permissions as they were. Then the domain
   * is taken out of all lists: every entry behind the first that names it goes. It is not
   * introduced any more, has no limits, and is nobody's target.
   */
  | { readonly kind: "end"; readonly domid: number; readonly keep: boolean }
  /** Every entry of permissions but the first that names this domain goes. */
  | { readonly kind: "forget"; readonly domid: number }
  /** All that is known of a domain, whatever of it has changed. */
  | {
      readonly kind: "domain";
      readonly domid: number;
      readonly introduced: boolean;
      /** It has shut down, and is not released yet. */
      readonly shutdown: boolean;
      /** The domain for which it may act; null: none. */
      readonly target: number | null;
      /** Features that it may use, as bits. */
      readonly features: number;
      /** Its own limits, by the names of `client.quotas()`. */
      readonly limits: Readonly<Record<string, number>>;
    }
  /** The limits of domains that have none of their own, all of them. */
  | { readonly kind: "quota"; readonly limits: Readonly<Record<string, number>> }
  /**
   * The store holds something else: after `restore`, and when it begins with a `state` or with what
   * a storage holds. Everything may be different; what is there must be read.
   */
  | { readonly kind: "restored" };

/**
 * Takes changes in their order, each before anybody has a reply or an event that tells of it. It is
 * called while the store is at work: it must not throw, nor use the store before it has returned.
 */
export type ChangeSink = (change: StoreChange) => void;

const FRAME_HEAD = 32;
const RECORD_HEAD = 8;
const J_CREATE = 1;
const J_VALUE = 2;
const J_PERMS = 3;
const J_REMOVE = 4;
const J_DOMAIN = 5;
const J_END = 6;
const J_QUOTA = 7;
const J_FORGET = 14;
/** The record could not be stored at first; what it says was told then. */
const J_AGAIN = 0x8000_0000;
const LETTERS = "nrwb";
/** Bits of all quotas. */
const ALL = 0xffff_ffff;

/** Tells a sink what the frames of a core say. */
export class Changes {
  #sink: ChangeSink;

  constructor(sink: ChangeSink) {
    this.#sink = sink;
  }

  restored(): void {
    this.#sink({ kind: "restored" });
  }

  /**
   * Tells the core how storing a frame went, then the sink what has changed.
   * @returns WANT_* bits that concern others
   */
  readonly done = (core: Core, frame: Uint8Array, status: number): number => {
    const stored = status === STORAGE_OK;
    let changes = stored ? changesIn(frame, FRAME_HEAD, lengthOf(frame)) : [];
    const bits = core.journalDone(status);
    // Some things can't be taken back: they hold all the same.
    if (!stored) changes = staying(core.journalStays());
    for (const change of changes) this.#sink(change);
    return bits;
  };
}

/** Takes the frames of a core that nobody stores. */
export class ChangesKeeper implements Keeper {
  readonly slow = false;
  #core: Core;
  #changes: Changes;

  constructor(core: Core, changes: Changes) {
    this.#core = core;
    this.#changes = changes;
    core.configure(OPT_JOURNAL, 1);
  }

  keep(): number {
    const frame = this.#core.journalTake();
    return frame.length === 0 ? 0 : this.#changes.done(this.#core, frame, STORAGE_OK);
  }
}

/** Where the records of a frame end. */
function lengthOf(frame: Uint8Array): number {
  return FRAME_HEAD + viewOf(frame).getUint32(4, true);
}

/** What the records from `start` to `end` say, but for those that were told before. */
function changesIn(bytes: Uint8Array, start: number, end: number): StoreChange[] {
  const changes: StoreChange[] = [];
  const view = viewOf(bytes);
  for (let at = start; at < end; ) {
    const body = at + RECORD_HEAD;
    const next = body + view.getUint32(at + 4, true);
    const change = changeOf(bytes, view, view.getUint32(at, true), body, next);
    if (change) changes.push(change);
    at = next;
  }
  return changes;
}

/** What the records say that could not be stored and hold all the same. */
function staying(records: Uint8Array): StoreChange[] {
  const fresh = records.slice();
  const view = viewOf(fresh);
  for (let at = 0; at < fresh.length; at += RECORD_HEAD + view.getUint32(at + 4, true)) {
    view.setUint32(at, view.getUint32(at, true) & ~J_AGAIN, true);
  }
  return changesIn(fresh, 0, fresh.length);
}

/** What one record says; null when that is no change of the store, as the state of a ring. */
function changeOf(
  bytes: Uint8Array,
  view: DataView,
  type: number,
  body: number,
  end: number,
): StoreChange | null {
  switch (type) {
    case J_CREATE:
      return created(bytes, view, body, end);
    case J_VALUE: {
      const value = body + 2 + view.getUint16(body, true);
      const path = decodeText(bytes, body + 2, value);
      return { kind: "value", path, value: bytes.slice(value, end) };
    }
    case J_PERMS: {
      const path = body + 4 + view.getUint16(body + 2, true) * 8;
      const perms = permsText(view, body + 4, path);
      return { kind: "perms", path: decodeText(bytes, path, end), perms };
    }
    case J_REMOVE:
      return { kind: "remove", path: decodeText(bytes, body, end) };
    case J_DOMAIN:
      return domainOf(view, body);
    case J_END: {
      const keep = view.getUint32(body + 4, true) !== 0;
      return { kind: "end", domid: view.getUint32(body, true), keep };
    }
    case J_FORGET:
      return { kind: "forget", domid: view.getUint32(body, true) };
    case J_QUOTA:
      return { kind: "quota", limits: limitsOf(view, body + 4, ALL) };
    default:
      return null;
  }
}

function created(bytes: Uint8Array, view: DataView, body: number, end: number): StoreChange {
  const path = body + 8 + view.getUint16(body + 2, true) * 8;
  const value = path + view.getUint16(body, true);
  const perms = permsText(view, body + 8, path);
  const text = decodeText(bytes, path, value);
  return { kind: "create", path: text, value: bytes.slice(value, end), perms };
}

/** Entries of 8 bytes: i32 domid, u8 bits, and whether it grants nothing, which nobody sees. */
export function permsText(view: DataView, start: number, end: number): string {
  let text = "";
  for (let at = start; at < end; at += 8) {
    const letter = LETTERS[view.getUint8(at + 4) & 3];
    text += `${at > start ? " " : ""}${letter}${view.getInt32(at, true)}`;
  }
  return text;
}

function domainOf(view: DataView, body: number): StoreChange {
  const bits = view.getUint32(body + 4, true);
  const target = view.getUint32(body + 8, true);
  return {
    kind: "domain",
    domid: view.getUint32(body, true),
    introduced: (bits & 1) !== 0,
    shutdown: (bits & 2) !== 0,
    target: target === DOMID_INVALID ? null : target,
    features: view.getUint32(body + 12, true),
    limits: limitsOf(view, body + 48, view.getUint32(body + 20, true)),
  };
}

/** The values of the quotas whose bits are set. */
function limitsOf(view: DataView, start: number, bits: number): Readonly<Record<string, number>> {
  const limits: Record<string, number> = {};
  for (const [index, name] of QUOTAS.entries()) {
    if ((bits >>> index) & 1) limits[name] = view.getUint32(start + index * 4, true);
  }
  return limits;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}
