// Rings: requests and replies of guests move through their pages.
// Holds   a place where the requests of one ring are laid out in order.
// Never   reads the shared page: the host copies it in before and out after, so a guest that
//         writes meanwhile changes nothing that was checked.
// Source  the XenStore protocol, ring.

import { LOG_NOTICE } from "../abi";
import { Heap } from "../base/heap";
import { Log } from "../base/log";
import {
  CONN_BLOCKED,
  CONN_IGNORED,
  CONN_NAMED,
  CONN_NOTIFY,
  CONN_RESET,
  Connection,
  Connections,
} from "../connection/connection";
import { Kept } from "../connection/kept";
import { Outbox } from "../connection/outbox";
import { Ring } from "../wire/ring";
import {
  XENSTORE_ERROR_RINGIDX,
  XENSTORE_RING_PAGE,
  XENSTORE_RING_SIZE,
  XENSTORE_SERVER_FEATURE_ERROR,
  XENSTORE_SERVER_FEATURE_RECONNECTION,
} from "../xs_wire";
import { resetConnection } from "./lifecycle";

const requests: usize = memory.data(1024, 16);

export class Rings {
  /** Gives a connection its page; the host fills it with the guest's. @returns false: no memory */
  static attach(c: Connection): bool {
    const page = Heap.alloc(XENSTORE_RING_PAGE);
    if (page == 0) return false;
    memory.fill(page, 0, XENSTORE_RING_PAGE);
    c.ring = page;
    return true;
  }

  /** Says in the page what is offered, and that the connection stands. */
  static start(c: Connection): void {
    Ring.setFeatures(c.ring, c.domain.features);
    Ring.connect(c.ring);
    Rings.changed(c, CONN_NOTIFY);
  }

  /** Begins anew: nothing that was asked or queued before counts any more. */
  static reset(c: Connection): void {
    resetConnection(c);
    if (c.ring == 0) return;
    c.flags &= ~CONN_IGNORED;
    Ring.reset(c.ring);
    Kept.unhold(c);
    c.shown = 0;
    c.shownCut = 0;
    Ring.setFeatures(c.ring, c.domain.features);
    Rings.changed(c, CONN_NOTIFY | CONN_RESET);
  }

  /** Before anything is served. @returns false when there is nothing to serve */
  static ready(c: Connection): bool {
    const reconnects = (c.domain.features & XENSTORE_SERVER_FEATURE_RECONNECTION) != 0;
    if (reconnects && Ring.wantsReconnect(c.ring)) {
      Rings.reset(c);
      return false;
    }
    if (c.flags & CONN_IGNORED) return false;
    if (Ring.sound(c.ring)) return true;
    Rings.ignore(c, XENSTORE_ERROR_RINGIDX);
    return false;
  }

  /** Moves output into the page, as far as it fits. */
  static flush(c: Connection): void {
    if (c.ring == 0 || c.flags & CONN_IGNORED) return;
    if (c.unsent > 0) Kept.hold(c);
    while (c.unsent > 0) {
      const len = Ring.produce(c.ring, c.outPtr + c.outStart, c.unsent);
      if (len == 0) return;
      c.flags |= CONN_NOTIFY;
      Outbox.sent(c, len);
    }
  }

  /** Lays out the requests that wait; the address is `Rings.waiting`. @returns how many bytes */
  static peek(c: Connection): u32 {
    return Ring.peek(c.ring, requests);
  }

  static get waiting(): usize {
    return requests;
  }

  static consume(c: Connection, len: u32): void {
    if (len == 0) return;
    Ring.consume(c.ring, len);
    c.flags |= CONN_NOTIFY;
  }

  /** The guest has broken its ring: it alone is no longer served. */
  static ignore(c: Connection, error: u32): void {
    resetConnection(c);
    c.flags |= CONN_IGNORED;
    Rings.name(c, error);
    Rings.changed(c, CONN_NOTIFY);
    if (c.has(CONN_NAMED)) return;
    c.flags |= CONN_NAMED;
    Log.begin(LOG_NOTICE);
    Log.text("domain ");
    Log.number(c.domain.domid);
    Log.text(" is no longer served: ring error ");
    Log.number(error);
    Log.end();
  }

  /** Says in the page what was wrong with it, to those that were told of that field. */
  static name(c: Connection, error: u32): void {
    if (c.domain.features & XENSTORE_SERVER_FEATURE_ERROR) Ring.setError(c.ring, error);
  }

  /** Must the host look again although nobody may tell it? */
  static unfinished(c: Connection): bool {
    if (c.ring == 0 || c.flags & CONN_IGNORED) return false;
    return c.unsent > 0 || c.inLen > 0 || (c.flags & CONN_BLOCKED) != 0;
  }

  private static changed(c: Connection, flags: u32): void {
    c.flags |= flags;
    Connections.dirty(c);
  }
}

assert(XENSTORE_RING_SIZE == 1024, "room for all requests of a ring");
