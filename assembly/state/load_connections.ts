// Load of connections: sockets and rings, with what they have sent, are owed and watch.
// Holds   for each connection of the stream the one that it has become.
// Never   tells anybody anything: what was queued is queued again, byte for byte.
// Source  the XenStore protocol, migration stream; the layouts stand at state/stream.ts.

import { Bytes } from "../base/bytes";
import { OK } from "../base/errno";
import { Heap } from "../base/heap";
import { CONN_LOADED, CONN_ONE_DOMAIN, Connection, Connections } from "../connection/connection";
import { Outbox } from "../connection/outbox";
import { Pending, Request } from "../connection/pending";
import { loadedRing, loadStreams } from "../ops/resume";
import { Domain, Domains } from "../store/domain";
import { Path } from "../store/path";
import { QUOTA_MEMORY, QUOTA_OUTSTANDING } from "../store/quota";
import { DEPTH_UNLIMITED, Watch } from "../store/watch";
import { DOMID_INVALID } from "../xs_wire";
import { addWatch, wholeMessages } from "./replay";
import { CONNECTION_MORE } from "./stream";

const HEAD: u32 = 24;
const UNLIMITED: u32 = 0xffff;
/** Numbers of connections that a stream may use. */
const NUMBERS_MAX: u32 = 4194304;

export class LoadConnections {
  private static map: usize = 0;
  private static cap: u32 = 0;
  /** Requests that are not settled, by number. */
  private static requests: usize = 0;
  private static requestCap: u32 = 0;

  static begin(): void {
    LoadConnections.map = 0;
    LoadConnections.cap = 0;
    LoadConnections.requests = 0;
    LoadConnections.requestCap = 0;
  }

  static end(): void {
    for (let number: u32 = 1; number < LoadConnections.cap; number++) {
      const c = LoadConnections.find(number);
      if (c !== null && c.ring == 0 && c.pendingFirst === null) Outbox.track(c);
    }
    if (LoadConnections.map != 0) Heap.free(LoadConnections.map);
    if (LoadConnections.requests != 0) Heap.free(LoadConnections.requests);
    LoadConnections.begin();
  }

  /** The connection with this number in the stream, or null. */
  static find(number: u32): Connection | null {
    if (number >= LoadConnections.cap) return null;
    return Connections.find(load<u32>(LoadConnections.map + (number << 2)));
  }

  static connection(body: usize, size: u32): bool {
    const number = load<u32>(body);
    const inLen = <u32>load<u16>(body, 16);
    const outLen = load<u32>(body, 20);
    const cut = <u32>load<u16>(body, 18);
    if (<u64>HEAD + inLen + outLen > size || !LoadConnections.room(number)) return false;
    const out = body + HEAD + inLen;
    if (!wholeMessages(out, outLen, cut)) return false;
    const c = load<u16>(body, 4) == 0 ? ring(body) : socket(body);
    if (c === null || !loadStreams(c, body + HEAD, inLen, out, outLen)) return false;
    c.cut = cut;
    c.shownCut = cut;
    store<u32>(LoadConnections.map + (number << 2), c.id);
    if (c.ring == 0 && inLen > 0) Connections.block(c);
    Connections.dirty(c);
    return true;
  }

  static more(body: usize, size: u32): bool {
    const c = LoadConnections.find(load<u32>(body));
    const restLen = load<u32>(body, 24);
    if (c === null || <u64>CONNECTION_MORE + restLen > size) return false;
    c.flags |= load<u32>(body, 4);
    c.nextTxId = load<u32>(body, 12);
    if (c.ring != 0) {
      c.flags |= CONN_LOADED;
      c.done = load<u32>(body, 16);
      c.shown = load<u32>(body, 20);
    } else if (c.has(CONN_ONE_DOMAIN)) {
      const d = Domains.of(load<u32>(body, 8) & 0xffff);
      if (d === null) return false;
      moveTo(c, d);
    }
    return restLen == 0 || addInput(c, body + CONNECTION_MORE, restLen);
  }

  /** Bytes of the body of a watch with a depth, as it really is; 0 when it is none. */
  static watchSize(body: usize, size: u32): u32 {
    const pathLen = <u32>load<u16>(body, 4);
    const tokenLen = <u32>load<u16>(body, 6);
    if (size < 16 || pathLen < 2 || tokenLen < 1) return 0;
    if (load<u16>(body, 10) == 0 && isWatch(body + 12, size - 12, pathLen, tokenLen)) {
      return (12 + pathLen + tokenLen + 7) & ~7;
    }
    // One writer leaves the depth out, and says a length as if it did not.
    if (isWatch(body + 8, size - 8, pathLen, tokenLen)) return (8 + pathLen + tokenLen + 7) & ~7;
    return 0;
  }

  static watch(body: usize, size: u32, deep: bool): bool {
    const c = LoadConnections.find(load<u32>(body));
    const pathLen = <u32>load<u16>(body, 4);
    const tokenLen = <u32>load<u16>(body, 6);
    if (c === null || pathLen < 2 || tokenLen < 1) return false;
    let text = body + 8;
    let depth = DEPTH_UNLIMITED;
    if (deep && load<u16>(body, 10) == 0 && isWatch(body + 12, size - 12, pathLen, tokenLen)) {
      text = body + 12;
      if (<u32>load<u16>(body, 8) != UNLIMITED) depth = load<u16>(body, 8);
    } else if (!isWatch(text, size - 8, pathLen, tokenLen)) return false;
    if (Path.parse(text, pathLen - 1, c.domain.domid, true, 0) != OK) return false;
    return addWatch(c, text + pathLen, tokenLen - 1, depth) !== null;
  }

  /** Numbers of registration of the connection's watches, in the order of their records. */
  static order(body: usize, size: u32): bool {
    const c = LoadConnections.find(load<u32>(body));
    const count = load<u32>(body, 4);
    if (c === null || <u64>8 + ((<u64>count) << 3) > size) return false;
    let w: Watch | null = c.watches.first;
    for (let i: u32 = 0; i < count && w !== null; i++) {
      w.id = load<u64>(body + 8 + (i << 3));
      w = w.connNext;
    }
    return true;
  }

  /** Which requests wait for each message of the connection's output. */
  static pending(body: usize, size: u32): bool {
    const c = LoadConnections.find(load<u32>(body));
    const count = load<u32>(body, 4);
    if (c === null || <u64>8 + ((<u64>count) << 4) > size) return false;
    if (c.pendingFirst === null) Outbox.track(c);
    let p: Pending | null = c.pendingFirst;
    for (let i: u32 = 0; i < count && p !== null; i++) {
      const at = body + 8 + (i << 4);
      const start = c.outPos + load<u32>(at, 12);
      while (p !== null && p.start < start) p = p.next;
      if (p === null || p.start > start) return false;
      p.sinceMs = Outbox.nowMs - min<u64>(Outbox.nowMs, load<u32>(at, 8));
      const number = load<u32>(at);
      const owner = LoadConnections.find(load<u32>(at, 4));
      if (number != 0 && owner !== null) {
        const r = LoadConnections.request(number, owner);
        if (r === null) return false;
        r.refs++;
        p.request = r;
      }
      p = p.next;
    }
    return true;
  }

  private static request(number: u32, owner: Connection): Request | null {
    if (number > NUMBERS_MAX || !LoadConnections.requestRoom(number)) return null;
    const at = LoadConnections.requests + (number << 2);
    const known = load<usize>(at);
    if (known != 0) return changetype<Request>(known);
    const ptr = Heap.alloc(offsetof<Request>());
    if (ptr == 0) return null;
    const r = changetype<Request>(ptr);
    r.conn = owner.id;
    r.serial = owner.serial;
    r.refs = 0;
    owner.outstanding++;
    owner.domain.add(QUOTA_OUTSTANDING, 1);
    store<usize>(at, ptr);
    return r;
  }

  private static requestRoom(number: u32): bool {
    if (number < LoadConnections.requestCap) return true;
    const cap = max<u32>(256, number << 1);
    const place = widened(LoadConnections.requests, LoadConnections.requestCap, cap);
    if (place == 0) return false;
    LoadConnections.requests = place;
    LoadConnections.requestCap = cap;
    return true;
  }

  private static room(number: u32): bool {
    if (number == 0 || number > NUMBERS_MAX) return false;
    if (number < LoadConnections.cap) return true;
    const cap = max<u32>(256, number << 1);
    const place = widened(LoadConnections.map, LoadConnections.cap, cap);
    if (place == 0) return false;
    LoadConnections.map = place;
    LoadConnections.cap = cap;
    return true;
  }
}

/** `cap` words, with those that were there; 0 without memory. */
function widened(before: usize, count: u32, cap: u32): usize {
  const place = Heap.alloc(cap << 2);
  if (place == 0) return 0;
  memory.fill(place, 0, cap << 2);
  memory.copy(place, before, count << 2);
  if (before != 0) Heap.free(before);
  return place;
}

function ring(body: usize): Connection | null {
  const d = Domains.of(load<u16>(body, 8));
  if (d === null) return null;
  const c = loadedRing(d);
  if (c === null) return null;
  // Only ours says where the ring stood; the page of others is right as it is.
  c.flags &= ~CONN_LOADED;
  d.introduced = true;
  const target = <u32>load<u16>(body, 10);
  if (target != DOMID_INVALID) d.target = target;
  c.handle = load<i32>(body, 12);
  return c;
}

function socket(body: usize): Connection | null {
  const d = Domains.of(Domains.store);
  const c = d !== null ? Connections.open(d) : null;
  if (c !== null) c.handle = load<i32>(body, 8);
  return c;
}

/** The stream speaks as this domain, not as the store's. */
function moveTo(c: Connection, d: Domain): void {
  // Nothing has been counted for it but its output.
  const unsent = c.unsent;
  c.domain.add(QUOTA_MEMORY, -(<i32>unsent));
  c.domain = d;
  d.add(QUOTA_MEMORY, <i32>unsent);
  d.conn = c.id;
}

function addInput(c: Connection, bytes: usize, len: u32): bool {
  const place = Heap.alloc(c.inLen + len);
  if (place == 0) return false;
  memory.copy(place, c.inPtr, c.inLen);
  memory.copy(place + c.inLen, bytes, len);
  if (c.inPtr != 0) Heap.free(c.inPtr);
  c.inPtr = place;
  c.inLen += len;
  c.inCap = c.inLen;
  return true;
}

/** Is this a path that may be watched, and a token behind it? */
function isWatch(text: usize, room: u32, pathLen: u32, tokenLen: u32): bool {
  if (pathLen + tokenLen > room) return false;
  if (load<u8>(text + pathLen + tokenLen - 1) != 0) return false;
  return Bytes.findNul(text, pathLen) == pathLen - 1;
}
