// Load of open transactions: what each has touched comes back as it was left.
// Holds   the path of the node that was read last, and the transaction it belongs to.
// Never   keeps one of which only the number is known: that can only end in EAGAIN.
// Source  the XenStore protocol, migration stream; the layouts stand at state/stream.ts.

import { OK } from "../base/errno";
import { Heap } from "../base/heap";
import { Outbox } from "../connection/outbox";
import { Path } from "../store/path";
import { PermList, Perms } from "../store/perms";
import { QUOTA_MEMORY } from "../store/quota";
import { Transaction, Transactions, TxNode } from "../store/transaction";
import { Tree } from "../store/tree";
import { Versions } from "../store/version";
import { LoadConnections } from "./load_connections";
import { openEnded } from "./replay";
import { TOUCHED } from "./stream";

const path: usize = memory.data(4096);
/** Path, value and permissions of one node are not as large as this. */
const CHARGE_MAX: u32 = 1048576;
const COUNT_MAX: u32 = 0x4000_0000;

export class LoadTransactions {
  /** Number of the newest snapshot in the stream. */
  static newest: u64 = 0;
  private static pathLen: u32 = 0;

  static begin(): void {
    LoadTransactions.newest = 0;
    LoadTransactions.pathLen = 0;
  }

  static end(): void {
    Versions.newest = LoadTransactions.newest;
    Transactions.reclaim();
  }

  static transaction(body: usize): bool {
    const c = LoadConnections.find(load<u32>(body));
    if (c === null || Transactions.find(c.id, load<u32>(body, 4)) !== null) return false;
    const next = c.nextTxId;
    const done = openEnded(c, load<u32>(body, 4));
    if (next > 1) c.nextTxId = next;
    return done;
  }

  static more(body: usize): bool {
    const tx = find(body);
    if (tx === null) return false;
    const age = <u64>load<u32>(body, 16);
    tx.start = load<u64>(body, 8);
    tx.startedMs = Outbox.nowMs - min<u64>(Outbox.nowMs, age);
    tx.failed = load<u32>(body, 20);
    tx.ended = (load<u32>(body, 24) & 1) != 0;
    tx.createdCount = load<u32>(body, 28);
    // They come oldest first.
    if (!tx.ended) Transactions.reopen(tx);
    return true;
  }

  /** A node as a transaction sees it: what it has is in the record behind. */
  static node(text: usize, len: u32): bool {
    if (len >= 4096) return false;
    memory.copy(path, text, len);
    LoadTransactions.pathLen = len;
    return true;
  }

  static touched(body: usize, size: u32): bool {
    const tx = find(body);
    const baseCount = <u32>load<u16>(body, 48);
    const count = <u32>load<u16>(body, 50);
    const valueLen = load<u32>(body, 44);
    const entries = body + TOUCHED;
    if (<u64>TOUCHED + ((baseCount + count) << 3) + valueLen > size || tx === null) return false;
    if (Path.parse(path, LoadTransactions.pathLen, 0, true, 0) != OK) return false;
    if (!mayCharge(tx, load<u32>(body, 40))) return false;
    const asOf = load<u64>(body, 8);
    const t = Transactions.adopt(tx, Path.depth, asOf, load<u32>(body, 40));
    if (t === null) return false;
    if (load<u32>(body, 52) & 1) t.base = Tree.findAt(Path.depth, asOf);
    if ((load<u32>(body, 52) & 1) != 0 && t.base === null) return false;
    t.generation = load<u64>(body, 16);
    t.basePerms = held(entries, baseCount);
    t.perms = held(entries + (baseCount << 3), count);
    if (!setValue(t, entries + ((baseCount + count) << 3), valueLen)) return false;
    t.flags = load<u32>(body, 24);
    t.saw = load<u32>(body, 28);
    t.childBytes = load<u32>(body, 32);
    t.removedChildren = load<u32>(body, 36);
    return true;
  }

  static made(body: usize, size: u32): bool {
    const tx = find(body);
    const count = load<u32>(body, 8);
    if (tx === null || <u64>16 + ((<u64>count) << 3) > size) return false;
    const places = Heap.alloc(max<u32>(tx.nodeCount << 2, 4));
    if (places == 0) return false;
    let t: TxNode | null = tx.first;
    for (let i: u32 = 0; t !== null; i++) {
      store<usize>(places + (i << 2), changetype<usize>(t));
      t = t.order;
    }
    let sound = true;
    for (let i: u32 = 0; i < count && sound; i++) {
      const parent = load<u32>(body + 16 + (i << 3));
      const child = load<u32>(body + 20 + (i << 3));
      sound = parent < tx.nodeCount && child < tx.nodeCount && parent != child;
      if (!sound) break;
      load<TxNode>(places + (child << 2)).hang(load<TxNode>(places + (parent << 2)));
    }
    Heap.free(places);
    return sound;
  }
}

/** The transaction that a record names by connection and number. */
function find(body: usize): Transaction | null {
  const c = LoadConnections.find(load<u32>(body));
  return c === null ? null : Transactions.find(c.id, load<u32>(body, 4));
}

/** Is this what one node may be charged for, and all together what can be counted? */
function mayCharge(tx: Transaction, charge: u32): bool {
  if (charge > CHARGE_MAX) return false;
  return tx.domain.privileged || <u32>tx.domain.count(QUOTA_MEMORY) + charge < COUNT_MAX;
}

function held(entries: usize, count: u32): PermList | null {
  const list = count > 0 ? Perms.intern(entries, count) : null;
  return list !== null ? Perms.hold(list) : null;
}

function setValue(t: TxNode, value: usize, len: u32): bool {
  return len == 0 || t.setValue(value, len);
}
