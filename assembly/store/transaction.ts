// Transaction: what a transaction has touched, and its own version of it.
// Holds   a record for each touched path, found by a hash, in order of first touch.
// Never   changes the tree (commit.ts does), never asks for permission (view.ts does).
// Source  the XenStore protocol, transactions.

import { Bytes } from "../base/bytes";
import { EAGAIN, ENOMEM, ENOSPC, Errno, OK } from "../base/errno";
import { Hash } from "../base/hash";
import { Heap } from "../base/heap";
import { Entry, Table } from "../base/table";
import { Domain } from "./domain";
import { Node, nodeSize } from "./node";
import { Path } from "./path";
import { PermList, Perms } from "./perms";
import { QUOTA_MEMORY, QUOTA_TRANSACTION_NODES, QUOTA_TRANSACTIONS } from "./quota";
import { Tree } from "./tree";
import { Value, Versions } from "./version";

// What a request of the transaction learned of the store outside, and so must still hold at END.
export const SAW_EXISTENCE: u32 = 1;
export const SAW_VALUE: u32 = 2;
export const SAW_PERMS: u32 = 4;
export const SAW_CHILDREN: u32 = 8;
export const SAW_ALL: u32 = 15;

/** It exists in the transaction's view. */
export const TX_EXISTS: u32 = 1;
/** Made by the transaction; nothing of an earlier node at this path shows through. */
export const TX_CREATED: u32 = 2;
/** The node outside is removed by the transaction (and may have been made again). */
export const TX_REMOVED: u32 = 4;
export const TX_VALUE: u32 = 8;
export const TX_PERMS: u32 = 16;
/** Fires as a change of its own. */
export const TX_CHANGED: u32 = 32;
/** Fires as something that went with what was above it. */
export const TX_WENT: u32 = 64;
/** Its list of children was changed, even if it is the same again. */
export const TX_LISTED: u32 = 128;

@unmanaged
export class TxNode extends Entry {
  tx: Transaction;
  /** Next in order of first touch, and its place in that order. */
  order: TxNode | null;
  index: u32;
  /** The node outside as the transaction sees it, or null. */
  base: Node | null;
  /** The change as of which it is seen. */
  asOf: u64;
  /** The base's generation then; 0 if there was none. */
  generation: u64;
  /** The base's permissions then. */
  basePerms: PermList | null;
  /** Permissions in the transaction's view. */
  perms: PermList | null;
  value: usize;
  valueLen: u32;
  childBytes: u32;
  /** Children outside that the transaction has removed. */
  removedChildren: u32;
  /** Children that it made, in order of creation; and where this one hangs itself. */
  madeFirst: TxNode | null;
  madeLast: TxNode | null;
  madeNext: TxNode | null;
  madePrev: TxNode | null;
  madeBelow: TxNode | null;
  flags: u32;
  saw: u32;
  charge: u32;
  pathHash: u32;
  pathLen: u32;

  @inline
  get pathPtr(): usize {
    return changetype<usize>(this) + offsetof<TxNode>();
  }

  @inline
  has(flag: u32): bool {
    return (this.flags & flag) != 0;
  }

  /** Hangs it below `parent`, as its youngest child. */
  hang(parent: TxNode): void {
    const last = parent.madeLast;
    this.madeBelow = parent;
    this.madeNext = null;
    this.madePrev = last;
    if (last !== null) last.madeNext = this;
    else parent.madeFirst = this;
    parent.madeLast = this;
  }

  unhang(): void {
    const parent = <TxNode>this.madeBelow;
    const next = this.madeNext;
    const prev = this.madePrev;
    if (next !== null) next.madePrev = prev;
    else parent.madeLast = prev;
    if (prev !== null) prev.madeNext = next;
    else parent.madeFirst = next;
    this.madeBelow = null;
  }

  setPerms(perms: PermList): void {
    Perms.hold(perms);
    const before = this.perms;
    this.perms = perms;
    if (before !== null) Perms.drop(before);
  }

  /** @returns false without memory; then nothing has changed */
  setValue(value: usize, len: u32): bool {
    const place = len > 0 ? Heap.alloc(len) : 0;
    if (len > 0 && place == 0) return false;
    this.dropValue();
    memory.copy(place, value, len);
    this.value = place;
    this.valueLen = len;
    this.flags |= TX_VALUE;
    return true;
  }

  dropValue(): void {
    if (this.value != 0) Heap.free(this.value);
    this.value = 0;
    this.valueLen = 0;
    this.flags &= ~TX_VALUE;
  }
}

@unmanaged
export class Transaction extends Entry {
  id: u32;
  conn: u32;
  salt: u32;
  /** It sees the store as it was after this change. */
  start: u64;
  startedMs: u64;
  domain: Domain;
  /** The first error that failed it, or OK. */
  failed: Errno;
  /** It was open when the store ended and began anew. */
  ended: bool;
  /** Its snapshot is given back; its records still say what to apply. */
  retired: bool;
  nodeCount: u32;
  createdCount: u32;
  bytes: u32;
  first: TxNode | null;
  last: TxNode | null;
  older: Transaction | null;
  younger: Transaction | null;
  connNext: Transaction | null;
  connPrev: Transaction | null;

  /** Its snapshot was given up to bound memory: it can only end in EAGAIN. */
  get lost(): bool {
    return this.ended || this.start < Versions.lostBefore;
  }

  /** Would it change anything? */
  get changes(): bool {
    let t = this.first;
    while (t !== null) {
      if (t.flags & (TX_CREATED | TX_REMOVED | TX_VALUE | TX_PERMS)) return true;
      t = t.order;
    }
    return false;
  }

  fail(errno: Errno): Errno {
    if (this.failed == OK) this.failed = errno;
    return errno;
  }
}

/** How many open transactions have touched a path with this hash (its lower 16 bits). */
const touched: usize = memory.data(262144);

export class Transactions {
  static table: Table = changetype<Table>(0);
  static nodes: Table = changetype<Table>(0);
  static oldest: Transaction | null = null;
  static youngest: Transaction | null = null;
  static count: u32 = 0;
  static salts: u32 = 0;
  /** Conflicts exactly as the C daemon finds them: a node is seen as of its first touch. */
  static strict: bool = false;

  static init(): void {
    Transactions.table = Table.make();
    Transactions.nodes = Table.make();
  }

  static find(conn: u32, id: u32): Transaction | null {
    const hash = Hash.combine(conn, id);
    let at = Transactions.table.head(hash);
    while (at != 0) {
      const tx = changetype<Transaction>(at);
      if (tx.id == id && tx.conn == conn) return tx;
      at = tx.hashNext;
    }
    return null;
  }

  /** @returns null without memory. Cost: constant. */
  static start(conn: u32, id: u32, domain: Domain, nowMs: u64): Transaction | null {
    const ptr = Heap.alloc(offsetof<Transaction>());
    if (ptr == 0) return null;
    memory.fill(ptr, 0, offsetof<Transaction>());
    const tx = changetype<Transaction>(ptr);
    tx.id = id;
    tx.conn = conn;
    tx.salt = ++Transactions.salts;
    tx.start = Tree.seq;
    tx.startedMs = nowMs;
    tx.domain = domain;
    const youngest = Transactions.youngest;
    tx.older = youngest;
    if (youngest !== null) youngest.younger = tx;
    else Transactions.oldest = tx;
    Transactions.youngest = tx;
    Transactions.table.insert(ptr, Hash.combine(conn, id));
    Transactions.count++;
    domain.add(QUOTA_TRANSACTIONS, 1);
    Versions.open(tx.start);
    return tx;
  }

  /**
   * Its snapshot is not looked at any more: what only it could see is freed, and what it is about
   * to change need not be kept for it.
   */
  static retire(tx: Transaction): void {
    if (tx.retired) return;
    tx.retired = true;
    const older = tx.older;
    const younger = tx.younger;
    if (younger !== null) younger.older = older;
    else Transactions.youngest = older;
    if (older !== null) older.younger = younger;
    else Transactions.oldest = younger;
    if (older === null) Transactions.reclaim();
  }

  /** Frees what no snapshot sees any more. */
  static reclaim(): void {
    const oldest = Transactions.oldest;
    if (oldest === null) Versions.reclaim(0, false);
    else Versions.reclaim(oldest.start, true);
  }

  /** Forgets the transaction. Cost: what it touched, and the versions only it could see. */
  static drop(tx: Transaction): void {
    Transactions.retire(tx);
    let t: TxNode | null = tx.first;
    while (t !== null) {
      const next = t.order;
      Transactions.dropNode(t);
      t = next;
    }
    tx.domain.add(QUOTA_TRANSACTIONS, -1);
    Transactions.table.remove(changetype<usize>(tx));
    Transactions.count--;
    Heap.free(changetype<usize>(tx));
  }

  /**
   * A domain has ended: a transaction that would give it a node can't be applied, and its requests
   * would be answered differently now. Cost: what open transactions have touched.
   */
  static forget(domid: u32): void {
    let tx = Transactions.oldest;
    while (tx !== null) {
      let t: TxNode | null = tx.first;
      while (t !== null && tx.failed == OK) {
        const perms = t.perms;
        if (t.flags & (TX_CREATED | TX_PERMS) && perms !== null && perms.owner == domid) {
          tx.fail(EAGAIN);
        }
        t = t.order;
      }
      tx = tx.younger;
    }
  }

  /** The record of the first `level` names of `Path`, if the transaction has touched it. */
  static node(tx: Transaction, level: u32): TxNode | null {
    const hash = Hash.combine(Path.hashAt(level), tx.salt);
    const len = Path.prefixLen(level);
    let at = Transactions.nodes.head(hash);
    while (at != 0) {
      const t = changetype<TxNode>(at);
      if (
        t.hash == hash &&
        t.tx === tx &&
        t.pathLen == len &&
        Bytes.equal(t.pathPtr, Path.ptr, len)
      )
        return t;
      at = t.hashNext;
    }
    return null;
  }

  /** The record of the path of a node outside, if the transaction has touched it. */
  static nodeOf(tx: Transaction, node: Node): TxNode | null {
    const hash = Hash.combine(node.hash, tx.salt);
    let at = Transactions.nodes.head(hash);
    while (at != 0) {
      const t = changetype<TxNode>(at);
      const here = t.hash == hash && t.tx === tx;
      if (here && (t.base === node || Tree.hasPath(node, t.pathPtr, t.pathLen))) return t;
      at = t.hashNext;
    }
    return null;
  }

  /**
   * The record of the first `level` names of `Path`, made at the first touch.
   * @returns null when the transaction may touch no more: `tx.failed` says why
   */
  static touch(tx: Transaction, level: u32): TxNode | null {
    const known = Transactions.node(tx, level);
    if (known !== null) return known;
    if (tx.domain.exceeds(QUOTA_TRANSACTION_NODES, tx.nodeCount + 1)) {
      tx.fail(ENOSPC);
      return null;
    }
    const asOf = Transactions.strict ? Tree.seq : tx.start;
    const base = Transactions.strict ? Tree.find(level) : Tree.findAt(level, asOf);
    const len = Path.prefixLen(level);
    let size = len;
    if (base !== null) {
      Versions.valueAt(base, asOf);
      size += nodeSize(Versions.permsAt(base, asOf).count, Value.len, 0);
    }
    const over = tx.domain.exceeds(QUOTA_MEMORY, tx.domain.count(QUOTA_MEMORY) + size);
    const ptr: usize = over ? 0 : Heap.alloc(<u32>offsetof<TxNode>() + len);
    if (ptr == 0) {
      tx.fail(ENOMEM);
      return null;
    }
    memory.fill(ptr, 0, offsetof<TxNode>());
    const t = changetype<TxNode>(ptr);
    t.tx = tx;
    t.base = base;
    t.asOf = asOf;
    t.pathHash = Path.hashAt(level);
    t.pathLen = len;
    t.charge = size;
    memory.copy(t.pathPtr, Path.ptr, len);
    if (level == 0) store<u8>(t.pathPtr, 0x2f);
    if (base !== null) {
      const perms = Versions.permsAt(base, asOf);
      t.flags = TX_EXISTS;
      t.basePerms = Perms.hold(perms);
      t.perms = Perms.hold(perms);
      t.generation = Versions.generationAt(base, asOf);
      t.childBytes = Versions.childBytesAt(base, asOf);
    }
    if (Transactions.strict) Versions.open(asOf);
    Transactions.append(tx, t);
    return t;
  }

  /** The record makes one more that the transaction has touched. */
  private static append(tx: Transaction, t: TxNode): void {
    const last = tx.last;
    if (last !== null) last.order = t;
    else tx.first = t;
    tx.last = t;
    t.index = tx.nodeCount++;
    tx.bytes += t.charge;
    tx.domain.add(QUOTA_MEMORY, <i32>t.charge);
    Transactions.nodes.insert(changetype<usize>(t), Hash.combine(t.pathHash, tx.salt));
    Transactions.countTouch(t.pathHash, 1);
  }

  /**
   * The record of a transaction that was open before the store was replaced; all but where it is
   * and what it is charged for is the caller's to fill.
   */
  static adopt(tx: Transaction, level: u32, asOf: u64, charge: u32): TxNode | null {
    const len = Path.prefixLen(level);
    const ptr = Heap.alloc(<u32>offsetof<TxNode>() + len);
    if (ptr == 0) return null;
    memory.fill(ptr, 0, offsetof<TxNode>());
    const t = changetype<TxNode>(ptr);
    t.tx = tx;
    t.asOf = asOf;
    t.pathHash = Path.hashAt(level);
    t.pathLen = len;
    t.charge = charge;
    memory.copy(t.pathPtr, Path.ptr, len);
    Transactions.append(tx, t);
    return t;
  }

  /** Its snapshot is there again; of several the oldest comes first. */
  static reopen(tx: Transaction): void {
    tx.retired = false;
    const youngest = Transactions.youngest;
    tx.older = youngest;
    tx.younger = null;
    if (youngest !== null) youngest.younger = tx;
    else Transactions.oldest = tx;
    Transactions.youngest = tx;
  }

  /** Charges a record for `more` bytes (or less) that the transaction now keeps for it. */
  static recharge(t: TxNode, more: i32): void {
    t.charge += more;
    t.tx.bytes += more;
    t.tx.domain.add(QUOTA_MEMORY, more);
  }

  /** Has any open transaction touched a path with this hash? Sometimes says yes wrongly. */
  @inline
  static touches(hash: u32): bool {
    return load<u32>(touched + ((hash & 0xffff) << 2)) != 0;
  }

  private static countTouch(hash: u32, delta: i32): void {
    const at = touched + ((hash & 0xffff) << 2);
    store<u32>(at, load<u32>(at) + delta);
  }

  private static dropNode(t: TxNode): void {
    Transactions.countTouch(t.pathHash, -1);
    t.tx.domain.add(QUOTA_MEMORY, -(<i32>t.charge));
    Transactions.nodes.remove(changetype<usize>(t));
    const perms = t.perms;
    if (perms !== null) Perms.drop(perms);
    const basePerms = t.basePerms;
    if (basePerms !== null) Perms.drop(basePerms);
    t.dropValue();
    Heap.free(changetype<usize>(t));
  }
}
