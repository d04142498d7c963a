// Commit: whether a transaction may be applied, and applying it.
// Holds   nothing.
// Never   applies a part: every check comes before the first change.
// Source  the XenStore protocol, transactions (conflict rule, commit, limits).

import { Bytes } from "../base/bytes";
import { EAGAIN, ENOMEM, ENOSPC, Errno, OK } from "../base/errno";
import { Heap } from "../base/heap";
import { Domain, Domains } from "./domain";
import { Journal } from "./journal";
import { Node } from "./node";
import { Path } from "./path";
import { PermList, Perms } from "./perms";
import { QUOTA_NODES } from "./quota";
import {
  SAW_ALL,
  SAW_CHILDREN,
  SAW_EXISTENCE,
  SAW_PERMS,
  SAW_VALUE,
  Transaction,
  Transactions,
  TX_CREATED,
  TX_EXISTS,
  TX_LISTED,
  TX_PERMS,
  TX_REMOVED,
  TX_VALUE,
  TxNode,
} from "./transaction";
import { Tree } from "./tree";
import { Undo } from "./undo";
import { NOW, Value, Versions } from "./version";

/** Linear memory that a created node may need beyond the bytes that were charged for it. */
const NODE_OVERHEAD: u32 = 256;

export class Commit {
  /**
   * May the transaction be applied?
   * @returns the first error that failed it; ENOSPC for the quota on nodes; EAGAIN for a conflict;
   *          ENOMEM when there is no memory for it
   */
  static check(tx: Transaction): Errno {
    const errno = Commit.verdict(tx);
    if (errno != OK) return errno;
    if (!Commit.ownersHaveRoom(tx)) return ENOMEM;
    const need = tx.bytes * 2 + tx.nodeCount * NODE_OVERHEAD + 262144;
    if (!Journal.ensure(tx.bytes + tx.nodeCount * NODE_OVERHEAD)) return ENOMEM;
    return Heap.reserve(need) ? OK : ENOMEM;
  }

  /** As `check`, whatever memory there is; changes nothing. */
  static verdict(tx: Transaction): Errno {
    if (tx.failed != OK) return tx.failed;
    if (Journal.refusal != OK && tx.changes) return Journal.refusal;
    if (tx.lost) return EAGAIN;
    if (!tx.domain.privileged && tx.createdCount > 0 && !Commit.fitsQuota(tx)) return ENOSPC;
    let t: TxNode | null = tx.first;
    while (t !== null) {
      if (Commit.conflicts(t, false) != 0) return EAGAIN;
      t = t.order;
    }
    return OK;
  }

  /** Applies it: removals, then what was made (parents first), then values and permissions. */
  static apply(tx: Transaction): void {
    let t: TxNode | null = tx.first;
    while (t !== null) {
      const node = t.has(TX_REMOVED) ? Commit.outside(t) : changetype<Node | null>(0);
      if (node !== null) {
        Undo.remove(node, t.pathPtr, t.pathLen);
        Journal.remove(t.pathPtr, t.pathLen);
        Tree.removeAll(node);
      }
      t = t.order;
    }
    t = tx.first;
    while (t !== null) {
      if (t.madeFirst !== null && !t.has(TX_CREATED)) Commit.make(t);
      t = t.order;
    }
    t = tx.first;
    while (t !== null) {
      if (t.has(TX_EXISTS) && !t.has(TX_CREATED)) Commit.change(t);
      t = t.order;
    }
  }

  /** New value and permissions of a node that exists outside. */
  private static change(t: TxNode): void {
    // To the C daemon a child made and removed again is a change of its parent.
    const listed = Transactions.strict && t.has(TX_LISTED);
    if (!listed && !t.has(TX_VALUE) && !t.has(TX_PERMS)) return;
    const node = <Node>Commit.outside(t);
    if (listed) Tree.renew(node);
    if (t.has(TX_VALUE)) {
      Undo.value(node, t.pathPtr, t.pathLen);
      Journal.value(t.pathPtr, t.pathLen, t.value, t.valueLen);
      assert(Tree.setValue(node, t.value, t.valueLen), "reserved memory");
    }
    if (!t.has(TX_PERMS)) return;
    Undo.perms(node, t.pathPtr, t.pathLen);
    Journal.perms(t.pathPtr, t.pathLen, <PermList>t.perms);
    Tree.setPerms(node, <PermList>t.perms);
  }

  /** The node outside at the record's path, now. Leaves `Path` on it. */
  static outside(t: TxNode): Node | null {
    Path.reparse(t.pathPtr, t.pathLen);
    return Tree.find(Path.depth);
  }

  private static make(parent: TxNode): void {
    let above = <Node>Commit.outside(parent);
    let t = <TxNode>parent.madeFirst;
    for (;;) {
      Path.reparse(t.pathPtr, t.pathLen);
      const perms = <PermList>t.perms;
      Undo.create(t.pathPtr, t.pathLen);
      Journal.create(t.pathPtr, t.pathLen, t.value, t.valueLen, perms);
      const node = Tree.create(above, Path.depth, t.value, t.valueLen, perms);
      assert(node !== null, "reserved memory");
      if (t.madeFirst !== null) {
        above = <Node>node;
        t = <TxNode>t.madeFirst;
        continue;
      }
      while (t.madeNext === null) {
        t = <TxNode>t.madeBelow;
        if (t === parent) return;
        above = <Node>above.parent;
      }
      t = <TxNode>t.madeNext;
    }
  }

  /**
   * What is different outside now, of what requests of the transaction saw; strictly, of the node.
   * Its snapshot must not be lost.
   * @param all  every aspect is looked at, not only those up to the first that is different
   * @returns    bits SAW_*; 0: no conflict
   */
  static conflicts(t: TxNode, all: bool): u32 {
    const now = Commit.outside(t);
    const base = t.base;
    if (Transactions.strict) {
      if ((now !== null ? now.generation : 0) == t.generation) return 0;
      if (base === null || now === null || !all) return SAW_EXISTENCE;
      const found = Commit.changed(t, base, now, SAW_ALL, true);
      // It was changed, and is the same again.
      return found != 0 ? found : SAW_ALL & ~SAW_EXISTENCE;
    }
    if (t.saw == 0) return 0;
    if (base === null || now === null) return base !== now ? SAW_EXISTENCE : 0;
    if (base === now && now.generation <= t.asOf) return 0;
    return Commit.changed(t, base, now, t.saw, all);
  }

  /** Which of these aspects of a node that is there are different; the first of them, or `all`. */
  private static changed(t: TxNode, base: Node, now: Node, aspects: u32, all: bool): u32 {
    let found: u32 = 0;
    if (aspects & SAW_VALUE && Commit.valueChanged(base, now, t.asOf)) found = SAW_VALUE;
    if (found != 0 && !all) return found;
    if (aspects & SAW_PERMS && !Perms.same(<PermList>t.basePerms, now.perms)) found |= SAW_PERMS;
    if (found != 0 && !all) return found;
    if (aspects & SAW_CHILDREN && Commit.childrenChanged(base, now, t.asOf)) found |= SAW_CHILDREN;
    return found;
  }

  private static valueChanged(base: Node, now: Node, asOf: u64): bool {
    Versions.valueAt(base, asOf);
    return now.valueLen != Value.len || !Bytes.equal(now.valuePtr, Value.ptr, Value.len);
  }

  private static childrenChanged(base: Node, now: Node, asOf: u64): bool {
    let a = Tree.firstChild(base, asOf);
    let b = Tree.firstChild(now, NOW);
    while (a !== null && b !== null) {
      if (a !== b) {
        if (a.nameLen != b.nameLen || !Bytes.equal(a.namePtr, b.namePtr, a.nameLen)) return true;
      }
      a = Tree.nextChild(a, asOf);
      b = Tree.nextChild(b, NOW);
    }
    return a !== b;
  }

  /** Is there memory to note everybody's new nodes? */
  private static ownersHaveRoom(tx: Transaction): bool {
    let t: TxNode | null = tx.first;
    while (t !== null) {
      const perms = t.flags & (TX_CREATED | TX_PERMS) ? t.perms : null;
      if (perms !== null && !Tree.mayOwn(perms.owner, tx.nodeCount)) return false;
      t = t.order;
    }
    return true;
  }

  /** Would every owner stay within its number of nodes? */
  private static fitsQuota(tx: Transaction): bool {
    let fits = true;
    let t: TxNode | null = tx.first;
    while (t !== null) {
      Commit.countOwner(t, 1);
      t = t.order;
    }
    t = tx.first;
    while (t !== null) {
      if (t.has(TX_CREATED) && !Commit.ownerFits(t)) fits = false;
      t = t.order;
    }
    t = tx.first;
    while (t !== null) {
      Commit.countOwner(t, -1);
      t = t.order;
    }
    return fits;
  }

  private static ownerFits(t: TxNode): bool {
    const perms = t.perms;
    const d = perms !== null ? Domains.find(perms.owner) : changetype<Domain | null>(0);
    if (d === null || d.pendingNodes <= 0) return true;
    return !d.exceeds(QUOTA_NODES, d.count(QUOTA_NODES) + d.pendingNodes);
  }

  private static countOwner(t: TxNode, sign: i32): void {
    const before = t.basePerms;
    if (t.has(TX_REMOVED) && before !== null) Commit.addPending(before.owner, -sign);
    const after = t.perms;
    if (t.has(TX_CREATED) && after !== null) Commit.addPending(after.owner, sign);
  }

  private static addPending(owner: u32, delta: i32): void {
    const d: Domain | null = Domains.find(owner);
    if (d !== null) d.pendingNodes += delta;
  }
}
