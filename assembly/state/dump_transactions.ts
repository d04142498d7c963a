// Dump of open transactions: what each has touched, and how it left that.
// Holds   nothing.
// Never   writes what can be found again: the node outside, as it was at the start.
// Source  the XenStore protocol, migration stream; the layouts stand at state/stream.ts.

import { Outbox } from "../connection/outbox";
import { Node } from "../store/node";
import { PermList } from "../store/perms";
import {
  Transaction,
  Transactions,
  TX_CREATED,
  TX_EXISTS,
  TX_PERMS,
  TX_REMOVED,
  TX_VALUE,
  TxNode,
} from "../store/transaction";
import { Value, Versions } from "../store/version";
import { putPublicPerms } from "./dump_domains";
import { Sheet } from "./sheet";
import { S_MADE, S_NODE, S_TOUCHED, S_TRANSACTION_MORE, TOUCHED, TRANSACTION_MORE } from "./stream";

const READ: u16 = 1;
const WRITTEN: u16 = 2;
const NODE_HEAD: u32 = 16;

/** Oldest first. */
export function dumpTransactions(): void {
  let tx: Transaction | null = Transactions.oldest;
  while (tx !== null) {
    putTransaction(tx);
    let t: TxNode | null = tx.first;
    while (t !== null) {
      putNode(tx, t);
      putTouched(tx, t);
      t = t.order;
    }
    putMade(tx);
    tx = tx.younger;
  }
}

function putTransaction(tx: Transaction): void {
  const at = Sheet.place(S_TRANSACTION_MORE, TRANSACTION_MORE);
  store<u32>(at, tx.conn);
  store<u32>(at, tx.id, 4);
  store<u64>(at, tx.start, 8);
  store<u32>(at, <u32>min<u64>(Outbox.nowMs - tx.startedMs, 0xffff_ffff), 16);
  store<u32>(at, tx.failed, 20);
  store<u32>(at, tx.ended ? 1 : 0, 24);
  store<u32>(at, tx.createdCount, 28);
  store<u64>(at, 0, 32);
}

/** As the transaction sees it; without permissions it is not there. */
function putNode(tx: Transaction, t: TxNode): void {
  const perms = t.has(TX_EXISTS) ? t.perms : null;
  const count: u32 = perms !== null ? perms.count : 0;
  Value.len = 0;
  if (t.flags & (TX_VALUE | TX_CREATED)) {
    Value.ptr = t.value;
    Value.len = t.valueLen;
  } else if (perms !== null && t.base !== null) Versions.valueAt(<Node>t.base, t.asOf);
  const at = Sheet.place(S_NODE, NODE_HEAD + (count << 2) + t.pathLen + 1 + Value.len);
  if (at == 0) return;
  const written = (t.flags & (TX_CREATED | TX_REMOVED | TX_VALUE | TX_PERMS)) != 0;
  store<u32>(at, tx.conn);
  store<u32>(at, tx.id, 4);
  store<u16>(at, <u16>(t.pathLen + 1), 8);
  store<u16>(at, <u16>Value.len, 10);
  store<u16>(at, perms === null ? 0 : (t.saw != 0 ? READ : 0) | (written ? WRITTEN : 0), 12);
  store<u16>(at, <u16>count, 14);
  if (perms !== null) putPublicPerms(at + NODE_HEAD, perms);
  const text = at + NODE_HEAD + (count << 2);
  memory.copy(text, t.pathPtr, t.pathLen);
  store<u8>(text + t.pathLen, 0);
  memory.copy(text + t.pathLen + 1, Value.ptr, Value.len);
}

/** What the record in front does not say: the path stands there. */
function putTouched(tx: Transaction, t: TxNode): void {
  const base = t.basePerms;
  const perms = t.perms;
  const baseCount: u32 = base !== null ? base.count : 0;
  const count: u32 = perms !== null ? perms.count : 0;
  const at = Sheet.place(S_TOUCHED, TOUCHED + ((baseCount + count) << 3) + t.valueLen);
  if (at == 0) return;
  store<u32>(at, tx.conn);
  store<u32>(at, tx.id, 4);
  store<u64>(at, t.asOf, 8);
  store<u64>(at, t.generation, 16);
  store<u32>(at, t.flags, 24);
  store<u32>(at, t.saw, 28);
  store<u32>(at, t.childBytes, 32);
  store<u32>(at, t.removedChildren, 36);
  store<u32>(at, t.charge, 40);
  store<u32>(at, t.valueLen, 44);
  store<u16>(at, <u16>baseCount, 48);
  store<u16>(at, <u16>count, 50);
  store<u32>(at, t.base !== null ? 1 : 0, 52);
  let to = at + TOUCHED;
  to += putEntries(to, base);
  to += putEntries(to, perms);
  memory.copy(to, t.value, t.valueLen);
}

function putEntries(to: usize, list: PermList | null): u32 {
  if (list === null) return 0;
  memory.copy(to, list.entry(0), list.count << 3);
  return list.count << 3;
}

/** Who hangs below whom, in the order of creation. */
function putMade(tx: Transaction): void {
  let count: u32 = 0;
  let t: TxNode | null = tx.first;
  while (t !== null) {
    let made = t.madeFirst;
    while (made !== null) {
      count++;
      made = made.madeNext;
    }
    t = t.order;
  }
  const at = Sheet.place(S_MADE, 16 + (count << 3));
  if (at == 0) return;
  store<u32>(at, tx.conn);
  store<u32>(at, tx.id, 4);
  store<u32>(at, count, 8);
  store<u32>(at, 0, 12);
  let to = at + 16;
  t = tx.first;
  while (t !== null) {
    let made = t.madeFirst;
    while (made !== null) {
      store<u32>(to, t.index);
      store<u32>(to, made.index, 4);
      to += 8;
      made = made.madeNext;
    }
    t = t.order;
  }
}
