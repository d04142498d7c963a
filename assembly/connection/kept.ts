// Kept: what a domain has sent and not been answered goes into the journal, since the domain goes
// on when the store begins anew: it must lose no reply or event, and hear none twice.
// Holds   the rings of which something is to be put down with the next frame.
// Never   puts down what the domain can read in its page already.
// Source  our own; the XenStore protocol, ring.
//
//   J_RING   0 domid   4 requests are done up to this index   8 replies and events begin at this
//            index   12 next transaction   16 bits: 1 ignored   20 bytes in   24 bytes out
//            28 bytes that finish a message, of those out   32 in, out
//
//   A reader looks how far the reply queue of the page has come: that much of `out` is there.

import { LOG_NOTICE } from "../abi";
import { Log } from "../base/log";
import { J_RING, Journal } from "../store/journal";
import {
  XENSTORE_RING_REQ_CONS,
  XENSTORE_RING_RSP,
  XENSTORE_RING_RSP_PROD,
  XENSTORE_RING_SIZE,
} from "../xs_wire";
import {
  CONN_HELD,
  CONN_IGNORED,
  CONN_KEPT,
  CONN_LOADED,
  CONN_TOUCHED,
  Connection,
  Connections,
} from "./connection";
import { Outbox } from "./outbox";

export const RING_HEAD: u32 = 32;
const MASK: u32 = XENSTORE_RING_SIZE - 1;

export class Kept {
  private static first: Connection | null = null;
  private static held: Connection | null = null;

  /** The ring's state goes into the next frame, because a change or an event made it so. */
  static touch(c: Connection): void {
    if (c.ring == 0 || !Journal.on || c.has(CONN_TOUCHED)) return;
    c.flags |= CONN_TOUCHED;
    c.keptNext = Kept.first;
    Kept.first = c;
  }

  /** A kick has ended: half a request, or output without room, must outlive the daemon, too. */
  static ended(c: Connection): void {
    if (!Journal.on) return;
    if (c.unsent > 0 || c.inLen > 0) {
      Kept.touch(c);
      Journal.urgent = !Journal.failed;
    } else if (c.has(CONN_KEPT)) Kept.touch(c);
  }

  /** What was put down of its output is not what comes next: that must be known before it comes. */
  static changed(c: Connection): void {
    if (c.ring == 0 || !c.has(CONN_KEPT | CONN_TOUCHED)) return;
    Kept.touch(c);
    Journal.urgent = Journal.on && !Journal.failed;
  }

  /** Output is about to go into the page: not to be shown while something waits to be stored. */
  static hold(c: Connection): void {
    if (!Journal.waits || c.has(CONN_HELD)) return;
    c.flags |= CONN_HELD;
    c.allowed = load<u32>(c.ring + XENSTORE_RING_RSP_PROD);
    c.allowedCut = c.cut;
    c.heldNext = Kept.held;
    Kept.held = c;
  }

  /** The frame is stored: all may be shown. */
  static letGo(): void {
    let c = Kept.held;
    while (c !== null) {
      c.flags &= ~CONN_HELD;
      c = c.heldNext;
    }
    Kept.held = null;
  }

  /** What is in the page does not count any more. */
  static unhold(c: Connection): void {
    if (!c.has(CONN_HELD)) return;
    c.flags &= ~CONN_HELD;
    let at = Kept.held;
    if (at === c) {
      Kept.held = c.heldNext;
      return;
    }
    while (at !== null && at.heldNext !== c) at = at.heldNext;
    if (at !== null) at.heldNext = c.heldNext;
  }

  /** Nothing is owed to it any more: what is in the page may end within a message. */
  static settle(c: Connection): void {
    if (c.ring == 0) return;
    if (!c.has(CONN_LOADED)) c.shown = load<u32>(c.ring + XENSTORE_RING_RSP_PROD);
    c.shownCut = 0;
    Kept.touch(c);
  }

  /** The ring is no more. */
  static forget(c: Connection): void {
    Kept.unhold(c);
    if (!c.has(CONN_TOUCHED)) return;
    c.flags &= ~CONN_TOUCHED;
    let at = Kept.first;
    if (at === c) {
      Kept.first = c.keptNext;
      return;
    }
    while (at !== null && at.keptNext !== c) at = at.keptNext;
    if (at !== null) at.keptNext = c.keptNext;
  }

  /** Puts all of them down. */
  static putDown(): void {
    let c = Kept.first;
    Kept.first = null;
    while (c !== null) {
      const next = c.keptNext;
      c.flags &= ~CONN_TOUCHED;
      if (Connections.find(c.domain.conn) === c) Kept.ring(c);
      c = next;
    }
  }

  private static ring(c: Connection): void {
    const size = Kept.sizeOf(c);
    if (!Journal.ensure(size + 64)) {
      Log.begin(LOG_NOTICE);
      Log.text("no memory to store what domain ");
      Log.number(c.domain.domid);
      Log.text(" waits for");
      Log.end();
      return;
    }
    Kept.put(Journal.place(J_RING, size), c);
    if (c.unsent > 0 || c.inLen > 0) c.flags |= CONN_KEPT;
    else c.flags &= ~CONN_KEPT;
  }

  /** What was put into pages and may not be shown comes back into the output. */
  static takeBack(): void {
    let c = Kept.held;
    while (c !== null) {
      const at = c.ring + XENSTORE_RING_RSP_PROD;
      const len = min<u32>(load<u32>(at) - c.allowed, XENSTORE_RING_SIZE);
      if (len > 0 && Outbox.putFront(c, len)) {
        Kept.copyReplies(c, c.allowed, c.outPtr + c.outStart, len);
        store<u32>(at, c.allowed);
        c.cut = c.allowedCut;
        Connections.dirty(c);
      }
      c = c.heldNext;
    }
    Kept.letGo();
  }

  /** Bytes that `put` writes. */
  static sizeOf(c: Connection): u32 {
    return RING_HEAD + c.inLen + Kept.hidden(c) + c.unsent;
  }

  static put(at: usize, c: Connection): void {
    const hidden = Kept.hidden(c);
    store<u32>(at, c.domain.domid);
    store<u32>(at, Kept.doneUpTo(c), 4);
    store<u32>(at, c.shown, 8);
    store<u32>(at, c.nextTxId, 12);
    store<u32>(at, c.has(CONN_IGNORED) ? 1 : 0, 16);
    store<u32>(at, c.inLen, 20);
    store<u32>(at, hidden + c.unsent, 24);
    store<u32>(at, c.shownCut, 28);
    memory.copy(at + RING_HEAD, c.inPtr, c.inLen);
    const out = at + RING_HEAD + c.inLen;
    Kept.copyHidden(c, out, hidden);
    memory.copy(out + hidden, c.outPtr + c.outStart, c.unsent);
  }

  /** Index of the requests that are done. */
  static doneUpTo(c: Connection): u32 {
    return c.has(CONN_LOADED) ? c.done : load<u32>(c.ring + XENSTORE_RING_REQ_CONS);
  }

  /** Bytes in the copy of the page that the domain has not been shown. */
  static hidden(c: Connection): u32 {
    // The page has not been copied in yet.
    if (c.has(CONN_LOADED)) return 0;
    return min<u32>(load<u32>(c.ring + XENSTORE_RING_RSP_PROD) - c.shown, XENSTORE_RING_SIZE);
  }

  static copyHidden(c: Connection, to: usize, len: u32): void {
    Kept.copyReplies(c, c.shown, to, len);
  }

  /** Copies `len` bytes of the page's reply queue from an index on. */
  private static copyReplies(c: Connection, index: u32, to: usize, len: u32): void {
    const from = index & MASK;
    const head = min<u32>(len, XENSTORE_RING_SIZE - from);
    const queue = c.ring + XENSTORE_RING_RSP;
    memory.copy(to, queue + from, head);
    memory.copy(to + head, queue, len - head);
  }
}
