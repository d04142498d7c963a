// Input: bytes that came in become requests, served in order, as far as that may be now.
// Holds   nothing: what waits hangs on each connection.
// Never   knows what a request means, never drops one that was whole.
// Source  the XenStore protocol, malformed input, quotas (throttling).

import { INPUT_SIZE } from "../abi";
import { Heap } from "../base/heap";
import { Log } from "../base/log";
import {
  CONN_BLOCKED,
  CONN_CLOSING,
  CONN_ENDED,
  CONN_IGNORED,
  CONN_RESET,
  Connection,
  Connections,
} from "../connection/connection";
import { Outbox } from "../connection/outbox";
import { Requests } from "../connection/pending";
import { OUT_HIGH } from "../limits";
import { dropInput } from "../ops/lifecycle";
import { Rings } from "../ops/rings";
import { Task } from "../ops/task";
import { Domains } from "../store/domain";
import { Machine } from "../store/machine";
import { QUOTA_MEMORY, QUOTA_OUTSTANDING } from "../store/quota";
import { Header } from "../wire/header";
import { XENSTORE_ERROR_PROTO, XENSTORE_PAYLOAD_MAX, XS_HEADER_SIZE } from "../xs_wire";
import { dispatch } from "./dispatch";

/** Input a connection may have waiting: what was on its way when the host was told to pause. */
const HELD_MAX: u32 = INPUT_SIZE * 4;

export class Input {
  /** Serves whole messages as long as that may be. @returns the bytes that are done with */
  static serve(c: Connection, ptr: usize, len: u32): u32 {
    let used: u32 = 0;
    while (len - used >= XS_HEADER_SIZE) {
      // A ring that was reset or shut off by what was served: what stood behind does not count.
      if (c.flags & (CONN_CLOSING | CONN_RESET | CONN_IGNORED)) return len;
      const h = Header.at(ptr + used);
      const size = h.len;
      if (size > XENSTORE_PAYLOAD_MAX) {
        Input.refuse(c, size);
        return len;
      }
      if (len - used - XS_HEADER_SIZE < size) return used;
      if (!mayServe(c)) {
        Connections.block(c);
        return used;
      }
      if (!dispatch(c, h)) {
        Connections.block(c);
        return used;
      }
      used += XS_HEADER_SIZE + size;
    }
    return used;
  }

  /** Serves what was held back, as far as that may be now. */
  static serveHeld(c: Connection): void {
    Connections.unblock(c);
    const ptr = c.inPtr;
    const len = c.inLen;
    const cap = c.inCap;
    // Taken away meanwhile: a request may reset its own connection, which frees what is held.
    c.inPtr = 0;
    c.inLen = 0;
    c.inCap = 0;
    const used = Input.serve(c, ptr, len);
    if (used < len && !c.has(CONN_CLOSING)) {
      if (used > 0) memory.copy(ptr, ptr + used, len - used);
      c.inPtr = ptr;
      c.inLen = len - used;
      c.inCap = cap;
    } else if (ptr != 0) Heap.free(ptr);
    if (c.has(CONN_ENDED) && !c.has(CONN_BLOCKED)) {
      c.flags |= CONN_CLOSING;
      Connections.dirty(c);
    }
  }

  /** Keeps input for later. @returns false when the connection is closed for it */
  static hold(c: Connection, ptr: usize, len: u32): bool {
    if (c.has(CONN_CLOSING)) return false;
    const need = c.inLen + len;
    if (need > c.inCap) {
      const cap = max<u32>(need, min<u32>(c.inCap << 1, HELD_MAX));
      const place = need <= HELD_MAX ? Heap.alloc(cap) : 0;
      if (place == 0) {
        c.flags |= CONN_CLOSING;
        dropInput(c);
        return false;
      }
      memory.copy(place, c.inPtr, c.inLen);
      if (c.inPtr != 0) Heap.free(c.inPtr);
      c.inPtr = place;
      c.inCap = cap;
    }
    memory.copy(c.inPtr + c.inLen, ptr, len);
    c.inLen = need;
    return true;
  }

  /** A message longer than any may be: where the next begins can't be known. */
  private static refuse(c: Connection, size: u32): void {
    if (c.ring != 0) {
      Rings.ignore(c, XENSTORE_ERROR_PROTO);
      return;
    }
    Outbox.beginClose(c);
    Log.text("a message of ");
    Log.number(size);
    Log.text(" bytes, at most ");
    Log.number(XENSTORE_PAYLOAD_MAX);
    Log.text(" are allowed");
    Log.end();
  }

  /** Serves connections whose requests were held back because of something settled now. */
  static settle(): void {
    while (Requests.settled) {
      Requests.settled = false;
      let c = Connections.blocked;
      while (c !== null) {
        const next = c.blockedNext;
        if (mayServe(c)) {
          Input.serveHeld(c);
          Connections.dirty(c);
        }
        c = next;
      }
    }
  }

  /** Serves the requests that wait in a ring: whole ones, and the beginning of one too long. */
  static takeRequests(c: Connection): void {
    if (c.has(CONN_BLOCKED)) return;
    const len = Rings.peek(c);
    if (len == 0) return;
    if (c.inLen > 0) {
      Rings.consume(c, len);
      if (Input.hold(c, Rings.waiting, len)) Input.serveHeld(c);
      return;
    }
    const used = Input.serve(c, Rings.waiting, len);
    // The ring may have been reset or shut off by what was served; then nothing waits.
    if (c.has(CONN_RESET) || c.has(CONN_IGNORED)) return;
    // What waits for room stays in the ring. What waits for the host's answer does not: the guest
    // could change it, or take it back.
    const stays = c.has(CONN_BLOCKED) && Machine.conn != c.id && !Task.waits(c);
    const keep = stays ? used : len;
    Rings.consume(c, keep);
    if (keep > used) Input.hold(c, Rings.waiting + used, keep - used);
  }
}

/** May a request of this connection be served now? */
export function mayServe(c: Connection): bool {
  if (c.unsent > OUT_HIGH) return false;
  if (c.privileged) return true;
  const d = c.domain;
  const outstanding = d.limit(QUOTA_OUTSTANDING);
  if (outstanding != 0 && <u32>d.count(QUOTA_OUTSTANDING) >= outstanding) return false;
  const bytes = d.limit(QUOTA_MEMORY);
  if (bytes != 0 && <u32>d.count(QUOTA_MEMORY) > bytes) return false;
  return Domains.hasCredit(d);
}
