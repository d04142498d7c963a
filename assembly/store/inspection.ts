// Inspection: what open transactions have touched, and what their ends would say now.
// Holds   the report that was made last, until it is given back.
// Never   changes anything: neither the store nor a transaction.
// Source  our own.
//
//   transaction  u32 connection  4 domid  8 number  12 its place in the order of starts
//                16 what the end would say, an errno  20 nodes that follow
//   node         u32 SAW_* of what was seen  4 SAW_* of what is different outside now  8 TX_*
//                12 u32 value length  16 u16 path length  18 u16 entries  20 entries, path, value

import { Heap } from "../base/heap";
import { Commit } from "./commit";
import { PermList } from "./perms";
import { Transaction, Transactions, TX_CREATED, TX_PERMS, TX_VALUE, TxNode } from "./transaction";

const TRANSACTION_HEAD: u32 = 24;
const NODE_HEAD: u32 = 20;
/** As much as linear memory can have at most. */
const REPORT_MAX: u64 = 0x4000_0000;

export class Inspection {
  static ptr: usize = 0;

  /** Makes the report. @returns its length; -1: no memory */
  static make(): i32 {
    Inspection.drop();
    const size = Inspection.walk(0);
    if (size == 0) return 0;
    const ptr: usize = size <= REPORT_MAX ? Heap.alloc(<u32>size) : 0;
    if (ptr == 0) return -1;
    Inspection.ptr = ptr;
    Inspection.walk(ptr);
    return <i32>size;
  }

  static drop(): void {
    if (Inspection.ptr != 0) Heap.free(Inspection.ptr);
    Inspection.ptr = 0;
  }

  /** Writes all transactions to `to`, or only counts the bytes (0). @returns how many */
  private static walk(to: usize): u64 {
    const table = Transactions.table;
    let size: u64 = 0;
    for (let b: u32 = 0; b < table.buckets; b++) {
      let at = load<usize>(table.slot(b));
      while (at != 0) {
        const tx = changetype<Transaction>(at);
        if (to != 0) putTransaction(to + <usize>size, tx);
        size += TRANSACTION_HEAD;
        let t: TxNode | null = tx.first;
        while (t !== null) {
          if (to != 0) putNode(to + <usize>size, t);
          size += sizeOf(t);
          t = t.order;
        }
        at = tx.hashNext;
      }
    }
    return size;
  }
}

function putTransaction(at: usize, tx: Transaction): void {
  store<u32>(at, tx.conn);
  store<u32>(at, tx.domain.domid, 4);
  store<u32>(at, tx.id, 8);
  store<u32>(at, tx.salt, 12);
  store<u32>(at, Commit.verdict(tx), 16);
  store<u32>(at, tx.nodeCount, 20);
}

function putNode(at: usize, t: TxNode): void {
  const list = permsOf(t);
  const count: u32 = list !== null ? list.count : 0;
  store<u32>(at, t.saw);
  // Without its snapshot nobody knows what was there.
  store<u32>(at, t.tx.lost ? 0 : Commit.conflicts(t, true), 4);
  store<u32>(at, t.flags, 8);
  store<u32>(at, valueLenOf(t), 12);
  store<u16>(at, <u16>t.pathLen, 16);
  store<u16>(at, <u16>count, 18);
  let end = at + NODE_HEAD;
  if (list !== null) memory.copy(end, list.entry(0), count << 3);
  end += count << 3;
  memory.copy(end, t.pathPtr, t.pathLen);
  memory.copy(end + t.pathLen, t.value, valueLenOf(t));
}

function sizeOf(t: TxNode): u32 {
  const list = permsOf(t);
  const entries: u32 = list !== null ? list.count << 3 : 0;
  return NODE_HEAD + entries + t.pathLen + valueLenOf(t);
}

/** The permissions that the transaction gives the node, or null. */
function permsOf(t: TxNode): PermList | null {
  return t.flags & (TX_CREATED | TX_PERMS) ? t.perms : null;
}

function valueLenOf(t: TxNode): u32 {
  return t.has(TX_VALUE) ? t.valueLen : 0;
}
