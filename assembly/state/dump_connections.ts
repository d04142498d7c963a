// Dump of connections: what they have sent, what they are owed, what they watch and have open.
// Holds   nothing.
// Never   writes sockets for the database: they end with the process.
// Source  the XenStore protocol, migration stream; the layouts stand at state/stream.ts.

import { DUMP_FOREIGN, DUMP_SNAPSHOT, DUMP_UPDATE, TASK_UPDATE } from "../abi";
import {
  CONN_CLOSING,
  CONN_ENDED,
  CONN_IGNORED,
  CONN_NAMED,
  CONN_ONE_DOMAIN,
  CONN_READ_ONLY,
  Connection,
  Connections,
} from "../connection/connection";
import { Kept } from "../connection/kept";
import { Outbox } from "../connection/outbox";
import { Pending, Request } from "../connection/pending";
import { Task } from "../ops/task";
import { Transaction } from "../store/transaction";
import { DEPTH_UNLIMITED, Watch } from "../store/watch";
import { Header } from "../wire/header";
import { Ring } from "../wire/ring";
import { XS_HEADER_SIZE } from "../xs_wire";
import { Sheet } from "./sheet";
import {
  CONNECTION_MORE,
  S_CONNECTION,
  S_CONNECTION_MORE,
  S_PENDING,
  S_TRANSACTION,
  S_WATCH,
  S_WATCH_DEPTH,
  S_WATCH_ORDER,
} from "./stream";

const RING: u16 = 0;
const SOCKET: u16 = 1;
const HEAD: u32 = 24;
/** Input that the format has room for. */
const INPUT_MAX: u32 = 0xffff;
const DEPTH_MAX: u32 = 0xfffe;
/** Bytes of the reply that says a live update has been done. */
const OK_SIZE: u32 = XS_HEADER_SIZE + 3;

const KEPT =
  CONN_CLOSING | CONN_ENDED | CONN_READ_ONLY | CONN_IGNORED | CONN_NAMED | CONN_ONE_DOMAIN;

export function dumpConnections(what: u32): void {
  if (what == DUMP_UPDATE) numberRequests();
  for (let id: u32 = 1; id <= Connections.used; id++) {
    const c = Connections.find(id);
    if (c === null || (what == DUMP_SNAPSHOT && c.ring == 0)) continue;
    if (isLeaving(c)) continue;
    // Somebody else's reader takes the page as it is, and all of the output for what is missing.
    if (what == DUMP_FOREIGN && c.ring != 0) c.shown = Ring.shown(c.ring);
    if (what == DUMP_FOREIGN) c.shownCut = c.cut;
    putConnection(c, what);
    putWatches(c, what);
    let tx: Transaction | null =
      what == DUMP_FOREIGN ? changetype<Transaction | null>(0) : c.txFirst;
    while (tx !== null) {
      const at = Sheet.place(S_TRANSACTION, 8);
      store<u32>(at, c.id);
      store<u32>(at, tx.id, 4);
      tx = tx.connNext;
    }
  }
  if (what != DUMP_UPDATE) return;
  // An event may wait for one because of a request of another.
  for (let id: u32 = 1; id <= Connections.used; id++) {
    const c = Connections.find(id);
    if (c !== null && !isLeaving(c)) putPending(c);
  }
}

/** A ring whose domain has ended is on its way out. */
function isLeaving(c: Connection): bool {
  return c.ring != 0 && c.domain.conn != c.id;
}

function putConnection(c: Connection, what: u32): void {
  // The request that asked for all this is answered by the successor.
  const asked = what != DUMP_SNAPSHOT && Task.kind == TASK_UPDATE && Task.waits(c);
  const skip = asked ? XS_HEADER_SIZE + Header.at(c.inPtr).len : 0;
  const inLen = c.inLen - skip;
  const input = c.inPtr + skip;
  const hidden = c.ring != 0 ? Kept.hidden(c) : 0;
  const outLen = hidden + c.unsent + (asked ? OK_SIZE : 0);
  const front = min<u32>(inLen, INPUT_MAX);
  const at = Sheet.place(S_CONNECTION, HEAD + front + outLen);
  if (at == 0) return;
  store<u32>(at, c.id);
  store<u16>(at, c.ring != 0 ? RING : SOCKET, 4);
  store<u16>(at, 0, 6);
  if (c.ring != 0) {
    store<u16>(at, <u16>c.domain.domid, 8);
    store<u16>(at, <u16>c.domain.target, 10);
    store<i32>(at, c.handle, 12);
  } else {
    store<i32>(at, c.handle, 8);
    store<u32>(at, 0, 12);
  }
  store<u16>(at, <u16>front, 16);
  store<u16>(at, <u16>(c.ring != 0 ? c.shownCut : c.cut), 18);
  store<u32>(at, outLen, 20);
  memory.copy(at + HEAD, input, front);
  const out = at + HEAD + front;
  if (hidden > 0) Kept.copyHidden(c, out, hidden);
  memory.copy(out + hidden, c.outPtr + c.outStart, c.unsent);
  if (asked) putDone(out + hidden + c.unsent, Header.at(c.inPtr));
  if (what != DUMP_FOREIGN) putMore(c, input + front, inLen - front);
}

function putDone(at: usize, h: Header): void {
  Header.put(at, h.type, h.reqId, h.txId, 3);
  store<u16>(at + XS_HEADER_SIZE, 0x4b4f);
  store<u8>(at + XS_HEADER_SIZE + 2, 0);
}

function putMore(c: Connection, rest: usize, restLen: u32): void {
  const at = Sheet.place(S_CONNECTION_MORE, CONNECTION_MORE + restLen);
  if (at == 0) return;
  store<u32>(at, c.id);
  store<u32>(at, c.flags & KEPT, 4);
  store<u32>(at, c.domain.domid, 8);
  store<u32>(at, c.nextTxId, 12);
  store<u32>(at, c.ring != 0 ? Kept.doneUpTo(c) : 0, 16);
  store<u32>(at, c.shown, 20);
  store<u32>(at, restLen, 24);
  store<u32>(at, 0, 28);
  memory.copy(at + CONNECTION_MORE, rest, restLen);
}

function putWatches(c: Connection, what: u32): void {
  let count: u32 = 0;
  let w: Watch | null = c.watches.first;
  while (w !== null) {
    if (w.depth == DEPTH_UNLIMITED || what == DUMP_FOREIGN) putWatch(c, w, S_WATCH, 8);
    else putWatch(c, w, S_WATCH_DEPTH, 12);
    count++;
    w = w.connNext;
  }
  if (count == 0 || what == DUMP_FOREIGN) return;
  const at = Sheet.place(S_WATCH_ORDER, 8 + (count << 3));
  if (at == 0) return;
  store<u32>(at, c.id);
  store<u32>(at, count, 4);
  let to = at + 8;
  w = c.watches.first;
  while (w !== null) {
    store<u64>(to, w.id);
    to += 8;
    w = w.connNext;
  }
}

/** The path stands there as it was given: relative without its home. */
function putWatch(c: Connection, w: Watch, type: u32, head: u32): void {
  const path = w.group.pathPtr + w.homeLen;
  const pathLen = w.group.pathLen - w.homeLen;
  const at = Sheet.place(type, head + pathLen + w.tokenLen + 2);
  if (at == 0) return;
  store<u32>(at, c.id);
  store<u16>(at, <u16>(pathLen + 1), 4);
  store<u16>(at, <u16>(w.tokenLen + 1), 6);
  if (head == 12) {
    store<u16>(at, <u16>min<u32>(w.depth, DEPTH_MAX), 8);
    store<u16>(at, 0, 10);
  }
  memory.copy(at + head, path, pathLen);
  store<u8>(at + head + pathLen, 0);
  memory.copy(at + head + pathLen + 1, w.tokenPtr, w.tokenLen);
  store<u8>(at + head + pathLen + 1 + w.tokenLen, 0);
}

/** Each request that is not settled gets a number of its own. */
function numberRequests(): void {
  let next: u32 = 0;
  for (let pass: u32 = 0; pass < 2; pass++) {
    for (let id: u32 = 1; id <= Connections.used; id++) {
      const c = Connections.find(id);
      let p: Pending | null = c === null ? changetype<Pending | null>(0) : c.pendingFirst;
      while (p !== null) {
        const r = p.request;
        if (r !== null && pass == 0) r.number = 0;
        if (r !== null && pass == 1 && r.number == 0) r.number = ++next;
        p = p.next;
      }
    }
  }
}

function putPending(c: Connection): void {
  let count: u32 = 0;
  let p: Pending | null = c.pendingFirst;
  while (p !== null) {
    count++;
    p = p.next;
  }
  if (count == 0) return;
  const at = Sheet.place(S_PENDING, 8 + (count << 4));
  if (at == 0) return;
  store<u32>(at, c.id);
  store<u32>(at, count, 4);
  let to = at + 8;
  // The output begins with what the ring's domain may not have been shown.
  const begin = c.outPos - (c.ring != 0 ? Kept.hidden(c) : 0);
  p = c.pendingFirst;
  while (p !== null) {
    const r = p.request;
    store<u32>(to, r !== null ? r.number : 0);
    store<u32>(to, r !== null ? ownerOf(r) : 0, 4);
    store<u32>(to, <u32>min<u64>(Outbox.nowMs - p.sinceMs, 0xffff_ffff), 8);
    store<u32>(to, p.start > begin ? <u32>(p.start - begin) : 0, 12);
    to += 16;
    p = p.next;
  }
}

/** The connection that a request came from, 0 when that is gone. */
function ownerOf(r: Request): u32 {
  const c = Connections.find(r.conn);
  return c !== null && c.serial == r.serial ? c.id : 0;
}
