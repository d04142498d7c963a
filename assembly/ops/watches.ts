// Requests about watches: WATCH UNWATCH RESET_WATCHES.
// Holds   nothing.
// Never   asks whether the node exists or may be read: publish.ts filters each event.
// Source  the XenStore protocol, watches.

import { EEXIST, EINVAL, ENOENT, ENOMEM, ENOSPC, Errno, OK, REPLIED } from "../base/errno";
import { Connection } from "../connection/connection";
import { Outbox } from "../connection/outbox";
import { Trace } from "../connection/trace";
import { J_RESET, J_UNWATCH, J_WATCH, Journal } from "../store/journal";
import { Path } from "../store/path";
import { QUOTA_MEMORY, QUOTA_WATCHES } from "../store/quota";
import { Transaction, Transactions } from "../store/transaction";
import { DEPTH_UNLIMITED, Watch, Watches } from "../store/watch";
import { XENSTORE_SERVER_FEATURE_WATCHDEPTH } from "../xs_wire";
import { Call } from "./call";

export function watch(): Errno {
  const strings = Call.strings();
  const d = Call.domain;
  const withDepth = strings == 3 && (d.features & XENSTORE_SERVER_FEATURE_WATCHDEPTH) != 0;
  if (strings != 2 && !withDepth) return EINVAL;
  const depth = withDepth ? Call.number(2) : 0;
  if (depth < 0) return EINVAL;
  const errno = Call.path(Call.stringLen(Call.body), true);
  if (errno != OK) return errno;
  const c = Call.conn;
  const token = Call.string(1);
  const tokenLen = Call.stringLen(token);
  if (Watches.find(c.id, token, tokenLen) !== null) return EEXIST;
  if (d.exceeds(QUOTA_WATCHES, d.count(QUOTA_WATCHES) + 1)) return ENOSPC;
  const bytes = Path.len + tokenLen;
  if (d.exceeds(QUOTA_MEMORY, d.count(QUOTA_MEMORY) + bytes)) return ENOMEM;
  const levels = withDepth ? <u32>min<i64>(depth, DEPTH_UNLIMITED - 1) : DEPTH_UNLIMITED;
  const w = Watches.add(c.watches, c.id, token, tokenLen, levels);
  if (w === null) return ENOMEM;
  d.add(QUOTA_WATCHES, 1);
  d.add(QUOTA_MEMORY, <i32>bytes);
  if (c.ring != 0) putDown(J_WATCH, w);
  if (Trace.on) Trace.object("CREATE", "watch", <u32>w.id);
  Call.ok();
  Outbox.event(c, w, Path.ptr, Path.len);
  return REPLIED;
}

export function unwatch(): Errno {
  if (Call.strings() != 2) return EINVAL;
  const errno = Call.path(Call.stringLen(Call.body), true);
  if (errno != OK) return errno;
  const token = Call.string(1);
  const w = Watches.find(Call.conn.id, token, Call.stringLen(token));
  if (w === null) return ENOENT;
  if (Call.conn.ring != 0) putDown(J_UNWATCH, w);
  drop(Call.conn, w);
  return OK;
}

export function resetWatches(): Errno {
  if (Call.conn.ring != 0) Journal.numbers(J_RESET, Call.domain.domid, 0);
  dropWatches(Call.conn);
  dropTransactions(Call.conn);
  return OK;
}

/** A watch of a domain outlives the daemon: the domain does not know that it began anew. */
function putDown(type: u32, w: Watch): void {
  const path = w.group.pathPtr + w.homeLen;
  const len = w.group.pathLen - w.homeLen;
  Journal.watch(type, Call.domain.domid, w.depth, path, len, w.tokenPtr, w.tokenLen);
}

/** Ends all watches of a connection. */
export function dropWatches(c: Connection): void {
  let w: Watch | null = c.watches.first;
  while (w !== null) {
    drop(c, w);
    w = c.watches.first;
  }
}

/** Ends all transactions of a connection; nothing of them is applied. */
export function dropTransactions(c: Connection): void {
  let tx: Transaction | null = c.txFirst;
  while (tx !== null) {
    dropTransaction(c, tx);
    tx = c.txFirst;
  }
}

/** Forgets one transaction of a connection. */
export function dropTransaction(c: Connection, tx: Transaction): void {
  const next = tx.connNext;
  const prev = tx.connPrev;
  if (next !== null) next.connPrev = prev;
  if (prev !== null) prev.connNext = next;
  else c.txFirst = next;
  if (Trace.on) Trace.object("DESTROY", "transaction", tx.salt);
  Transactions.drop(tx);
}

function drop(c: Connection, w: Watch): void {
  const d = c.domain;
  d.add(QUOTA_WATCHES, -1);
  d.add(QUOTA_MEMORY, -(<i32>w.charge));
  if (Trace.on) Trace.object("DESTROY", "watch", <u32>w.id);
  Watches.remove(c.watches, w);
}
