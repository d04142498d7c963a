// Replay: records of changes, applied to the store: of a journal when the store begins anew, of
// Undo when the open frame could not be stored.
// Holds   nothing.
// Never   trusts a length or a path: a record that makes no sense is refused.
// Source  our own; the layouts stand at store/journal.ts.

import { OK } from "../base/errno";
import { Heap } from "../base/heap";
import { CONN_IGNORED, Connection, Connections } from "../connection/connection";
import { Kept, RING_HEAD } from "../connection/kept";
import { Outbox } from "../connection/outbox";
import { Publish } from "../connection/publish";
import { endDomain, Lifecycle } from "../ops/lifecycle";
import { Nodes } from "../ops/nodes";
import { endConnection, loadedRing, loadRing, loadStreams } from "../ops/resume";
import { dropTransaction, dropTransactions, dropWatches } from "../ops/watches";
import { Domain, Domains } from "../store/domain";
import {
  DOMAIN_SIZE,
  FRAME_HEAD,
  J_AGAIN,
  J_BEFORE,
  J_CLOSE,
  J_CREATE,
  J_DOMAIN,
  J_END,
  J_FORGET,
  J_OPEN,
  J_PERMS,
  J_QUOTA,
  J_REMOVE,
  J_RESET,
  J_RING,
  J_UNWATCH,
  J_VALUE,
  J_WATCH,
  Journal,
  takeDomain,
} from "../store/journal";
import { Node } from "../store/node";
import { Path } from "../store/path";
import { PermList, Perms } from "../store/perms";
import { QUOTA_COUNT, QUOTA_MEMORY, QUOTA_WATCHES, Quota } from "../store/quota";
import { Transactions } from "../store/transaction";
import { Tree } from "../store/tree";
import { Undo } from "../store/undo";
import { Watch, Watches } from "../store/watch";

/** Linear memory that one record may need, beyond its own length. */
const RESERVE: u32 = 1048576;
const HEAD: u32 = 8;

export class Replay {
  /** Applies `len` bytes of records. @returns false when one makes no sense, or there is no memory */
  static records(ptr: usize, len: u32): bool {
    let at: u32 = 0;
    while (at < len) {
      if (len - at < HEAD) return false;
      const size = load<u32>(ptr + at, 4);
      if (size > len - at - HEAD || !Heap.reserve(RESERVE + size)) return false;
      const type = load<u32>(ptr + at);
      const done = Replay.record(type & ~J_AGAIN, ptr + at + HEAD, size);
      if (!done && (type & J_AGAIN) == 0) return false;
      at += HEAD + size;
    }
    return true;
  }

  private static record(type: u32, body: usize, size: u32): bool {
    switch (type) {
      case J_CREATE:
        return size >= 8 && create(body, size);
      case J_VALUE:
        return size >= 2 && value(body, size);
      case J_PERMS:
        return size >= 4 && perms(body, size);
      case J_REMOVE:
        return remove(body, size);
      case J_BEFORE:
        return size >= 2 && before(body, size);
      case J_DOMAIN:
        return size >= DOMAIN_SIZE && domain(body);
      case J_END:
        return size >= 8 && end(load<u32>(body), load<u32>(body, 4) != 0);
      case J_QUOTA:
        return size >= 4 + QUOTA_COUNT * 4 && quota(body);
      case J_WATCH:
      case J_UNWATCH:
        return size >= 12 && watch(type, body, size);
      case J_FORGET:
        if (size >= 8) Perms.forget(load<u32>(body));
        return size >= 8;
      case J_RING:
        return size >= RING_HEAD && ring(body, size);
      case J_RESET:
      case J_OPEN:
      case J_CLOSE:
        return size >= 8 && connection(type, load<u32>(body), load<u32>(body, 4));
      default:
        return false;
    }
  }
}

/** Takes back what the open frame holds: the tree is as before, watches that were set are gone. */
export function undoFrame(): void {
  for (let at = Journal.deferred; at < Journal.len; ) {
    const head = Journal.ptr + FRAME_HEAD + at;
    const body = head + HEAD;
    if (load<u32>(head) == J_WATCH) unwatch(body);
    if (load<u32>(head) == J_RING) touchRing(load<u32>(body));
    at += HEAD + load<u32>(head, 4);
  }
  let end = Undo.len;
  while (end > 0) {
    const size = load<u32>(Undo.ptr + end - 4);
    end -= 4 + size;
    Replay.records(Undo.ptr + end, size);
  }
}

/** What a ring waits for goes into the next frame instead. */
function touchRing(domid: u32): void {
  const d = Domains.find(domid);
  const c = d !== null ? Connections.find(d.conn) : null;
  if (c !== null) Kept.touch(c);
}

function intern(entries: usize, count: u32): PermList | null {
  return count > 0 && load<i32>(entries) >= 0 ? Perms.intern(entries, count) : null;
}

function create(body: usize, size: u32): bool {
  const pathLen = <u32>load<u16>(body);
  const count = <u32>load<u16>(body, 2);
  const len = load<u32>(body, 4);
  const entries = body + 8;
  const path = entries + (count << 3);
  if (<u64>8 + (count << 3) + pathLen + len != size || !Path.take(path, pathLen)) return false;
  const list = intern(entries, count);
  if (list === null) return false;
  Perms.hold(list);
  const done = put(path + pathLen, len, list);
  Perms.drop(list);
  return done;
}

/** Makes the node at `Path`, with what is missing above it, or changes it to this. */
export function put(value: usize, len: u32, list: PermList): bool {
  const depth = Path.depth;
  const known = Tree.find(depth);
  if (!Tree.mayOwn(list.owner, depth + 1)) return false;
  if (known !== null) {
    if (!Tree.setValue(known, value, len)) return false;
    Tree.setPerms(known, list);
    return true;
  }
  if (Path.special) return false;
  let level = depth;
  let above: Node | null = null;
  while (above === null) above = Tree.find(--level);
  while (++level <= depth && above !== null) {
    const last = level == depth;
    above = Tree.create(above, level, last ? value : 0, last ? len : 0, list);
  }
  if (above === null) return false;
  changed(above);
  return true;
}

function value(body: usize, size: u32): bool {
  const pathLen = <u32>load<u16>(body);
  if (<u32>2 + pathLen > size || !Path.take(body + 2, pathLen)) return false;
  const node = Tree.find(Path.depth);
  if (node === null || size - 2 - pathLen > 0xffff) return false;
  if (!Tree.setValue(node, body + 2 + pathLen, size - 2 - pathLen)) return false;
  changed(node);
  return true;
}

function perms(body: usize, size: u32): bool {
  const pathLen = <u32>load<u16>(body);
  const count = <u32>load<u16>(body, 2);
  const path = body + 4 + (count << 3);
  if (4 + (count << 3) + pathLen != size || !Path.take(path, pathLen)) return false;
  const node = Tree.find(Path.depth);
  const list = intern(body + 4, count);
  if (node === null || list === null || !Tree.mayOwn(list.owner, 1)) return false;
  Perms.hold(list);
  Tree.setPerms(node, list);
  Perms.drop(list);
  if (!Path.special) changed(node);
  return true;
}

function remove(path: usize, size: u32): bool {
  if (!Path.take(path, size) || Path.depth == 0 || Path.special) return false;
  const node = Tree.find(Path.depth);
  if (node !== null) Nodes.remove(node);
  return node !== null;
}

function before(body: usize, size: u32): bool {
  const pathLen = <u32>load<u16>(body);
  if (<u32>2 + pathLen > size || !Path.take(body + 2, pathLen)) return false;
  const node = Tree.find(Path.depth);
  if (!Path.take(body + 2 + pathLen, size - 2 - pathLen)) return false;
  const sibling = Tree.find(Path.depth);
  if (node === null || sibling === null || node.parent !== sibling.parent) return false;
  Tree.moveBefore(node, sibling);
  return true;
}

/** `Path` is not as it was a moment ago; heard only when something is undone. */
function changed(node: Node): void {
  const parent = node.parent;
  if (!Outbox.silent) Publish.changed(node.perms, null, parent !== null ? parent.perms : null);
}

function domain(body: usize): bool {
  const domid = load<u32>(body);
  const d = domid <= 0xffff ? Domains.of(domid) : null;
  if (d === null) return false;
  const before = d.introduced;
  takeDomain(body, d);
  if (d.introduced && !before) Domains.introducedCount++;
  if (!d.introduced && before) Domains.introducedCount--;
  return true;
}

function end(domid: u32, keep: bool): bool {
  const d = Domains.find(domid);
  if (d === null) return true;
  const c = Connections.find(d.conn);
  const option = Lifecycle.keepOrphans;
  Lifecycle.keepOrphans = keep;
  endDomain(d);
  Lifecycle.keepOrphans = option;
  if (c !== null) endConnection(c);
  return true;
}

function quota(body: usize): bool {
  const before = Quota.changed;
  Quota.changed = load<u32>(body);
  for (let i: u32 = 0; i < QUOTA_COUNT; i++) {
    if ((Quota.changed >> i) & 1) Quota.set(i, load<u32>(body + 4 + (i << 2)));
    else if ((before >> i) & 1) Quota.giveBack(i);
  }
  return true;
}

/** The ring of a domain that a record names, or null. */
function ringOf(domid: u32): Connection | null {
  const d = domid <= 0xffff ? Domains.of(domid) : null;
  return d !== null ? loadedRing(<Domain>d) : null;
}

function watch(type: u32, body: usize, size: u32): bool {
  const domid = load<u32>(body);
  const pathLen = <u32>load<u16>(body, 8);
  const tokenLen = <u32>load<u16>(body, 10);
  if (12 + pathLen + tokenLen != size) return false;
  const c = ringOf(domid);
  if (c === null) return false;
  if (Path.parse(body + 12, pathLen, domid, true, 0) != OK) return false;
  const token = body + 12 + pathLen;
  if (type == J_WATCH) return addWatch(c, token, tokenLen, load<u32>(body, 4)) !== null;
  const w = Watches.find(c.id, token, tokenLen);
  if (w !== null) dropWatch(c, w);
  return true;
}

/** A watch on `Path`, without an event; null without memory. */
export function addWatch(c: Connection, token: usize, tokenLen: u32, depth: u32): Watch | null {
  const known = Watches.find(c.id, token, tokenLen);
  if (known !== null) return known;
  const w = Watches.add(c.watches, c.id, token, tokenLen, depth);
  if (w === null) return null;
  c.domain.add(QUOTA_WATCHES, 1);
  c.domain.add(QUOTA_MEMORY, <i32>w.charge);
  return w;
}

function dropWatch(c: Connection, w: Watch): void {
  c.domain.add(QUOTA_WATCHES, -1);
  c.domain.add(QUOTA_MEMORY, -(<i32>w.charge));
  Watches.remove(c.watches, w);
}

/** The watch that a record of the open frame names can't stay. */
function unwatch(body: usize): void {
  const d = Domains.find(load<u32>(body));
  const c = d !== null ? Connections.find(d.conn) : null;
  const pathLen = <u32>load<u16>(body, 8);
  if (d === null || c === null) return;
  if (Path.parse(body + 12, pathLen, d.domid, true, 0) != OK) return;
  const w = Watches.find(c.id, body + 12 + pathLen, load<u16>(body, 10));
  if (w !== null) dropWatch(c, w);
}

function connection(type: u32, domid: u32, txId: u32): bool {
  const c = ringOf(domid);
  if (c === null) return false;
  if (type == J_RESET) {
    dropWatches(c);
    dropTransactions(c);
    return true;
  }
  const tx = Transactions.find(c.id, txId);
  if (type == J_CLOSE) {
    if (tx !== null) dropTransaction(c, tx);
    return true;
  }
  return tx !== null || openEnded(c, txId);
}

/** A transaction that was open when the store ended: whatever it asks for is EAGAIN. */
export function openEnded(c: Connection, txId: u32): bool {
  const tx = Transactions.start(c.id, txId, c.domain, Outbox.nowMs);
  if (tx === null) return false;
  tx.ended = true;
  const first = c.txFirst;
  tx.connNext = first;
  if (first !== null) first.connPrev = tx;
  c.txFirst = tx;
  Transactions.retire(tx);
  c.nextTxId = max<u32>(c.nextTxId, txId + 1);
  return true;
}

function ring(body: usize, size: u32): bool {
  const inLen = load<u32>(body, 20);
  const outLen = load<u32>(body, 24);
  if (<u64>RING_HEAD + inLen + outLen != size) return false;
  const c = ringOf(load<u32>(body));
  if (c === null) return false;
  if (load<u32>(body, 16) & 1) c.flags |= CONN_IGNORED;
  else c.flags &= ~CONN_IGNORED;
  c.nextTxId = load<u32>(body, 12);
  const from = body + RING_HEAD;
  // A guest may break its ring in the middle of a message: then nothing is owed to it.
  const cut = load<u32>(body, 28);
  const whole = wholeMessages(from + inLen, outLen, cut);
  if (!loadStreams(c, from, inLen, from + inLen, whole ? outLen : 0)) return false;
  loadRing(c, load<u32>(body, 4), load<u32>(body, 8), whole ? cut : 0);
  return true;
}

/** Is what was to be sent made of messages, behind `cut` bytes that finish one? */
export function wholeMessages(out: usize, len: u32, cut: u32): bool {
  let at: u64 = cut;
  while (at + 16 <= <u64>len) at += 16 + <u64>load<u32>(out + <usize>at, 12);
  return at == len;
}
