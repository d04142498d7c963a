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
import { CONN_CLOSING, CONN_LOADED, Connection, Connections } from "./connection";
import { Kept } from "./kept";
import { Events, Pending, Requests } from "./pending";
import { Trace } from "./trace";

const FIRST_SIZE: u32 = 512;

export class Outbox {
  /** The host's clock, in milliseconds. */
  static nowMs: u64 = 0;
  /** Where the reply that was added last begins in the stream of its connection's output. */
  static replyPos: u64 = 0;
  /** Nobody hears of anything: it was told before the store began anew. */
  static silent: bool = false;
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
    Outbox.replyPos = c.outPos + c.unsent;
    if (Trace.on) Trace.message("OUT", c, c.outPtr + c.outEnd);
    if (!c.privileged) Outbox.note(c, len, false);
    Outbox.add(c, len);
  }

  /**
   * Queues an event for a watch, unless an equal one waits already.
   * @param path  absolute; what the watch was given relative to is cut off
   */
  static event(c: Connection, w: Watch, path: usize, pathLen: u32): void {
    if (Outbox.silent || c.has(CONN_CLOSING)) return;
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
    const p = Outbox.note(c, size, true);
    if (p !== null && !special) {
      p.listed = true;
      Events.table.insert(changetype<usize>(p), hash);
    }
    Outbox.add(c, size);
    Connections.dirty(c);
    Kept.touch(c);
  }

  /** `len` bytes have left: what they completed is delivered. */
  static sent(c: Connection, len: u32): void {
    assert(len <= c.unsent, "more was sent than there was");
    if (len < c.unsent) Outbox.cut(c, len);
    else c.cut = 0;
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

  /** Keeps account of where messages end, when not all of the output leaves. */
  private static cut(c: Connection, len: u32): void {
    const from = c.outPtr + c.outStart;
    let end = c.cut;
    while (end < len) end += XS_HEADER_SIZE + Header.at(from + end).len;
    c.cut = end - len;
  }

  /** Drops events that a guest has not begun to take in time. */
  static expire(c: Connection): void {
    if (Outbox.timeoutMs == 0 || c.eventCount == 0) return;
    // Its time begins when it goes on.
    if (c.has(CONN_LOADED)) return;
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
    Kept.changed(c);
  }

  /** The message of `size` bytes, `before` bytes behind the start, is to have `fresh` bytes. */
  static replace(c: Connection, before: u32, size: u32, fresh: u32): void {
    const delta = <i32>fresh - <i32>size;
    if (delta > 0 && Outbox.room(c, delta) == 0) return;
    const at = c.outPtr + c.outStart + before;
    memory.copy(at + fresh, at + size, c.unsent - before - size);
    Outbox.add(c, delta);
    const pos = c.outPos + before;
    let p: Pending | null = c.pendingFirst;
    while (p !== null) {
      if (p.start > pos) p.start += delta;
      if (p.end > pos) p.end += delta;
      p = p.next;
    }
  }

  /** Output of a connection that was there before; `track` follows. @returns false: no memory */
  static load(c: Connection, bytes: usize, len: u32): bool {
    const place = Heap.alloc(len);
    if (place == 0) return false;
    memory.copy(place, bytes, len);
    c.outPtr = place;
    c.outCap = Heap.sizeOf(place);
    c.outStart = 0;
    c.outEnd = 0;
    Outbox.add(c, len);
    return true;
  }

  /** The first `len` bytes of what was loaded have left already. */
  static skip(c: Connection, len: u32): void {
    if (len > 0) Outbox.sent(c, len);
  }

  /** Notes which messages what was loaded is made of. */
  static track(c: Connection): void {
    let at = c.cut;
    if (at > 0) Outbox.noteAt(c, 0, at, false);
    while (at < c.unsent) {
      const h = Header.at(c.outPtr + c.outStart + at);
      const end = at + XS_HEADER_SIZE + h.len;
      const event = h.type == XS_WATCH_EVENT;
      const p = event || !c.privileged ? Outbox.noteAt(c, at, end, event) : null;
      if (p !== null && event) Outbox.list(c, p, h);
      at = end;
    }
  }

  /** What waits has waited from now on, unless it is known for how long it has. */
  static restart(c: Connection): void {
    let p: Pending | null = c.pendingFirst;
    while (p !== null) {
      if (p.sinceMs == 0) p.sinceMs = Outbox.nowMs;
      p = p.next;
    }
  }

  /** A loaded event is found when an equal one comes, as if it had been queued here. */
  private static list(c: Connection, p: Pending, h: Header): void {
    const len = Bytes.findNul(h.payload, h.len);
    if (len + 1 >= h.len || load<u8>(h.payload) == 0x40) return;
    const token = h.payload + len + 1;
    const hash = Hash.extend(Hash.extend(c.serial, h.payload, len), token, h.len - len - 2);
    p.listed = true;
    Events.table.insert(changetype<usize>(p), hash);
  }

  /** Makes room for `len` bytes in front of the output; they are part of it. @returns false: none */
  static putFront(c: Connection, len: u32): bool {
    const waiting = c.unsent;
    const place = Heap.alloc(len + waiting);
    if (place == 0) return false;
    memory.copy(place + len, c.outPtr + c.outStart, waiting);
    if (c.outPtr != 0) Heap.free(c.outPtr);
    c.outPtr = place;
    c.outCap = Heap.sizeOf(place);
    c.outStart = 0;
    c.outEnd = waiting;
    c.outPos -= len;
    Outbox.add(c, len);
    return true;
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

  private static note(c: Connection, len: u32, event: bool): Pending | null {
    return Outbox.noteAt(c, c.unsent, c.unsent + len, event);
  }

  /** Notes the message that lies between these distances from the start of the output. */
  private static noteAt(c: Connection, from: u32, to: u32, event: bool): Pending | null {
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
    p.start = c.outPos + from;
    p.end = c.outPos + to;
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
