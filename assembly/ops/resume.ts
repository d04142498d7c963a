// Resume: a domain's ring goes on where it stood when the store ended or was replaced.
// Holds   nothing.
// Never   trusts the page more than the journal: an index only says how far the domain has come.
// Source  our own; the XenStore protocol, ring.

import { Heap } from "../base/heap";
import {
  CONN_CLOSING,
  CONN_IGNORED,
  CONN_LOADED,
  CONN_NOTIFY,
  Connection,
  Connections,
} from "../connection/connection";
import { Kept } from "../connection/kept";
import { Outbox } from "../connection/outbox";
import { forgetRequests } from "../connection/pending";
import { Domain } from "../store/domain";
import { Header } from "../wire/header";
import { Ring } from "../wire/ring";
import {
  XENSTORE_ERROR_NONE,
  XENSTORE_ERROR_PROTO,
  XENSTORE_ERROR_RINGIDX,
  XENSTORE_RING_REQ_CONS,
  XENSTORE_RING_SIZE,
  XS_HEADER_SIZE,
} from "../xs_wire";
import { dropInput, resetConnection } from "./lifecycle";
import { Rings } from "./rings";

/** The connection of a domain that was there before, with a page to be filled; null: no memory. */
export function loadedRing(d: Domain): Connection | null {
  const known = Connections.find(d.conn);
  if (known !== null) return known;
  const c = Connections.open(d);
  if (c === null) return null;
  if (!Rings.attach(c)) {
    Connections.close(c);
    return null;
  }
  c.flags |= CONN_LOADED;
  d.conn = c.id;
  return c;
}

/** Takes over a J_RING record, whose length was checked. @returns false without memory */
export function loadRing(c: Connection, done: u32, shown: u32, cut: u32): void {
  c.done = done;
  c.shown = shown;
  c.shownCut = cut;
  c.cut = cut;
}

/** Replaces input and output by these. @returns false without memory */
export function loadStreams(
  c: Connection,
  input: usize,
  inLen: u32,
  out: usize,
  outLen: u32,
): bool {
  dropInput(c);
  Outbox.clear(c);
  if (inLen > 0) {
    const place = Heap.alloc(inLen);
    if (place == 0) return false;
    memory.copy(place, input, inLen);
    c.inPtr = place;
    c.inLen = inLen;
    c.inCap = inLen;
  }
  return outLen == 0 || Outbox.load(c, out, outLen);
}

/** A file is loaded: what it says of rings is whole, until another file says something else. */
export function settleLoaded(): void {
  for (let id: u32 = 1; id <= Connections.used; id++) {
    const c = Connections.find(id);
    if (c === null || c.ring == 0) continue;
    c.loaded = c.unsent;
    if (c.pendingFirst === null) Outbox.track(c);
  }
}

/** The page is copied in: makes its indexes and what was loaded agree. */
export function resumeRing(c: Connection): void {
  const page = c.ring;
  if (c.has(CONN_LOADED)) {
    c.flags &= ~CONN_LOADED;
    const shown = Ring.shown(page);
    const there = shown - c.shown;
    if (there <= c.loaded) {
      Outbox.skip(c, there);
      const ahead = c.done - load<u32>(page + XENSTORE_RING_REQ_CONS);
      if (ahead <= XENSTORE_RING_SIZE) store<u32>(page + XENSTORE_RING_REQ_CONS, c.done);
    } else {
      // It has come further than what was loaded: nothing of that is outstanding. If only the
      // replies have, the process ended between the two: what lies in the page finishes the request
      // of which the beginning was loaded. Whole ones have been answered.
      Outbox.skip(c, c.loaded);
      if (load<u32>(page + XENSTORE_RING_REQ_CONS) != c.done) dropInput(c);
      else dropWhole(c);
    }
    c.shown = shown;
    c.shownCut = c.cut;
    Outbox.restart(c);
  }
  Ring.setFeatures(page, c.domain.features);
  if (c.has(CONN_IGNORED) && Ring.error(page) == XENSTORE_ERROR_NONE)
    Rings.name(c, whyIgnored(page));
  c.flags |= CONN_NOTIFY;
  if (c.inLen > 0 && !c.has(CONN_IGNORED)) Connections.block(c);
  Connections.dirty(c);
}

/** Throws away the whole messages of its input. */
function dropWhole(c: Connection): void {
  let at: u32 = 0;
  while (c.inLen - at >= XS_HEADER_SIZE) {
    const size = Header.at(c.inPtr + at).len;
    if (size > c.inLen - at - XS_HEADER_SIZE) break;
    at += XS_HEADER_SIZE + size;
  }
  if (at == c.inLen) dropInput(c);
  else if (at > 0) {
    c.inLen -= at;
    memory.copy(c.inPtr, c.inPtr + at, c.inLen);
  }
}

/** The store ended before it could say so. */
function whyIgnored(page: usize): u32 {
  return Ring.sound(page) ? XENSTORE_ERROR_PROTO : XENSTORE_ERROR_RINGIDX;
}

/** Its page can't be had: the domain is not served until it is introduced again. */
export function loseRing(c: Connection): void {
  resetConnection(c);
  endConnection(c);
}

/** Forgets a connection at once, without the host. */
export function endConnection(c: Connection): void {
  forgetRequests(c);
  if (c.domain.conn == c.id) c.domain.conn = 0;
  Kept.forget(c);
  c.flags &= ~CONN_CLOSING;
  Connections.close(c);
}
