// Outbox: replies and events in the order in which they must leave.
// Holds   nothing of its own: the bytes and their records hang on each connection.
// Never   asks who may hear an event (publish.ts does).
// Source  the XenStore protocol, order of output, duplicates and drops, accounting of events.

import { LOG_NOTICE } from "../abi";
import { Bytes } from "../base/bytes";
import { Hash } from "../base/hash";
import { Heap } from "../base/heap";
import { Log } from "../base/log";
import { OUT_MAX } from "../limits";
import { QUOTA_MEMORY } from "../store/quota";
import { Watch } from "../store/watch";
import { Header } from "../wire/header";
import { XENSTORE_PAYLOAD_MAX, XS_HEADER_SIZE, XS_WATCH_EVENT } from "../xs_wire";
import { CONN_CLOSING, Connection, Connections } from "./connection";
import { Events, Pending, Requests } from "./pending";
import { Trace } from "./trace";

const FIRST_SIZE: u32 = 512;

export class Outbox {
  /** The host's clock, in milliseconds. */
  static nowMs: u64 = 0;
  /** Milliseconds after which an undelivered event for a guest is dropped; 0 = never. */
  static timeoutMs: u64 = 20000;

  /**
   * A place for a message of at most `len` bytes with its header, behind everything that waits.
   * Becomes part of the output with `add`.
   * @returns 0 when the connection has too much waiting, or without memory; then it is closed
   */
  static room(c: Connection, len: u32): usize {
    if (c.outCap - c.outEnd >= len) return c.outPtr + c.outEnd;
    const waiting = c.unsent;
    if (waiting + len > OUT_MAX) return Outbox.overflow(c);
    if (waiting + len <= c.outCap) {
      memory.copy(c.outPtr, c.outPtr + c.outStart, waiting);
    } else {
      const cap = max<u32>(FIRST_SIZE, max<u32>(waiting + len, c.outCap << 1));
      const place = Heap.alloc(cap);
      if (place == 0) return Outbox.overflow(c);
      memory.copy(place, c.outPtr + c.outStart, waiting);
      if (c.outPtr != 0) Heap.free(c.outPtr);
      c.outPtr = place;
      c.outCap = Heap.sizeOf(place);
    }
    c.outStart = 0;
    c.outEnd = waiting;
    return c.outPtr + waiting;
  }

  /** The `len` bytes at the place given by `room` are a reply. */
  static addReply(c: Connection, len: u32): void {
    if (Trace.on) Trace.message("OUT", c, c.outPtr + c.outEnd);
    if (!c.privileged) Outbox.track(c, len, false);
    Outbox.add(c, len);
  }

  /**
   * Queues an event for a watch, unless an equal one waits already.
   * @param path  absolute; what the watch was given relative to is cut off
   */
  static event(c: Connection, w: Watch, path: usize, pathLen: u32): void {
    if (c.has(CONN_CLOSING)) return;
    const text = path + w.homeLen;
    const textLen = pathLen - w.homeLen;
    const len = textLen + w.tokenLen + 2;
    if (len > XENSTORE_PAYLOAD_MAX) return;
    const hash = Outbox.hashOf(c, text, textLen, w);
    const special = load<u8>(path) == 0x40;
    if (!special && c.eventCount > 0 && Outbox.waits(c, hash, text, textLen, w)) return;
    const size = XS_HEADER_SIZE + len;
    if (c.domain.exceeds(QUOTA_MEMORY, c.domain.count(QUOTA_MEMORY) + size)) return;
    const at = Outbox.room(c, size);
    if (at == 0) return;
    Header.put(at, XS_WATCH_EVENT, 0, 0, len);
    const body = at + XS_HEADER_SIZE;
    memory.copy(body, text, textLen);
    store<u8>(body + textLen, 0);
    memory.copy(body + textLen + 1, w.tokenPtr, w.tokenLen);
    store<u8>(body + len - 1, 0);
    if (Trace.on) Trace.message("OUT", c, at);
    const p = Outbox.track(c, size, true);
    if (p !== null && !special) {
      p.listed = true;
      Events.table.insert(changetype<usize>(p), hash);
    }
    Outbox.add(c, size);
    Connections.dirty(c);
  }

  /** `len` bytes have left: what they completed is delivered. */
  static sent(c: Connection, len: u32): void {
    assert(len <= c.unsent, "more was sent than there was");
    c.outStart += len;
    c.outPos += len;
    c.domain.add(QUOTA_MEMORY, -(<i32>len));
    let p: Pending | null = c.pendingFirst;
    while (p !== null && p.end <= c.outPos) {
      Outbox.settle(c, p);
      p = c.pendingFirst;
    }
    if (c.unsent > 0 || c.outPtr == 0) return;
    Heap.free(c.outPtr);
    c.outPtr = 0;
    c.outCap = 0;
    c.outStart = 0;
    c.outEnd = 0;
  }

  /** Drops events that a guest has not begun to take in time. */
  static expire(c: Connection): void {
    if (Outbox.timeoutMs == 0 || c.eventCount == 0) return;
    // All messages of a guest are tracked, so together they are its whole output.
    let removed: u64 = 0;
    let kept: Pending | null = null;
    let p = c.pendingFirst;
    while (p !== null) {
      const next = p.next;
      const late = p.sinceMs + Outbox.timeoutMs <= Outbox.nowMs;
      const size = <u32>(p.end - p.start);
      if (p.event && late && p.start >= c.outPos) {
        if (kept === null) c.pendingFirst = next;
        else kept.next = next;
        if (c.pendingLast === p) c.pendingLast = kept;
        removed += size;
        Outbox.release(c, p);
      } else {
        if (removed > 0) Outbox.shift(c, p, removed);
        kept = p;
      }
      p = next;
    }
    if (removed == 0) return;
    c.outEnd -= <u32>removed;
    c.domain.add(QUOTA_MEMORY, -(<i32>removed));
  }

  /** Throws away all output. */
  static clear(c: Connection): void {
    if (c.unsent > 0) Outbox.sent(c, c.unsent);
    assert(c.pendingFirst === null, "a message waits without its bytes");
  }

  private static shift(c: Connection, p: Pending, by: u64): void {
    const from = c.outPtr + c.outStart + <usize>(p.start - c.outPos);
    memory.copy(from - <usize>by, from, <usize>(p.end - p.start));
    p.start -= by;
    p.end -= by;
  }

  private static add(c: Connection, len: u32): void {
    c.outEnd += len;
    c.domain.add(QUOTA_MEMORY, <i32>len);
  }

  private static track(c: Connection, len: u32, event: bool): Pending | null {
    const ptr = Heap.alloc(offsetof<Pending>());
    if (ptr == 0) {
      Outbox.overflow(c);
      return null;
    }
    const p = changetype<Pending>(ptr);
    p.next = null;
    p.conn = c;
    p.event = event;
    p.listed = false;
    p.start = c.outPos + c.unsent;
    p.end = p.start + len;
    p.sinceMs = Outbox.nowMs;
    const r = Requests.current;
    p.request = r;
    if (r !== null) r.refs++;
    const last = c.pendingLast;
    if (last !== null) last.next = p;
    else c.pendingFirst = p;
    c.pendingLast = p;
    if (event) {
      c.eventCount++;
      if (!c.privileged) Events.toGuests++;
    }
    return p;
  }

  private static settle(c: Connection, p: Pending): void {
    c.pendingFirst = p.next;
    if (p.next === null) c.pendingLast = null;
    Outbox.release(c, p);
  }

  private static release(c: Connection, p: Pending): void {
    if (p.event) {
      c.eventCount--;
      if (!c.privileged) Events.toGuests--;
    }
    if (p.listed) Events.table.remove(changetype<usize>(p));
    const r = p.request;
    if (r !== null) Requests.drop(r);
    Heap.free(changetype<usize>(p));
  }

  private static hashOf(c: Connection, text: usize, len: u32, w: Watch): u32 {
    return Hash.extend(Hash.extend(c.serial, text, len), w.tokenPtr, w.tokenLen);
  }

  private static waits(c: Connection, hash: u32, text: usize, len: u32, w: Watch): bool {
    let at = Events.table.head(hash);
    while (at != 0) {
      const p = changetype<Pending>(at);
      if (p.hash == hash && p.conn === c && Outbox.says(c, p, text, len, w)) return true;
      at = p.hashNext;
    }
    return false;
  }

  private static says(c: Connection, p: Pending, text: usize, len: u32, w: Watch): bool {
    const size = <u32>(p.end - p.start);
    if (size != XS_HEADER_SIZE + len + w.tokenLen + 2) return false;
    // What has begun to leave can't be read again; its bytes may be gone already.
    if (p.start < c.outPos) return false;
    const body = c.outPtr + c.outStart + <usize>(p.start - c.outPos) + XS_HEADER_SIZE;
    return (
      Bytes.equal(body, text, len) &&
      load<u8>(body + len) == 0 &&
      Bytes.equal(body + len + 1, w.tokenPtr, w.tokenLen)
    );
  }

  private static overflow(c: Connection): usize {
    if (!c.has(CONN_CLOSING)) {
      Outbox.beginClose(c);
      Log.text("it does not take its replies and events");
      Log.end();
    }
    return 0;
  }

  /** Closes a connection and begins the line that says so; why, and the line's end, follow. */
  static beginClose(c: Connection): void {
    c.flags |= CONN_CLOSING;
    Connections.dirty(c);
    Log.begin(LOG_NOTICE);
    Log.text("connection ");
    Log.number(c.id);
    Log.text(" (domain ");
    Log.number(c.domain.domid);
    Log.text(") is closed: ");
  }
}
