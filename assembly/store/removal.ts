// Removal: what RM inside a transaction does to the transaction's records.
// Holds   nothing.
// Never   changes the tree (commit.ts does).
// Source  the XenStore protocol, transactions.

import { Errno, OK } from "../base/errno";
import { Node } from "./node";
import { Path } from "./path";
import {
  SAW_ALL,
  Transaction,
  Transactions,
  TX_CHANGED,
  TX_CREATED,
  TX_EXISTS,
  TX_LISTED,
  TX_PERMS,
  TX_REMOVED,
  TX_WENT,
  TxNode,
} from "./transaction";
import { Tree } from "./tree";
import { View } from "./view";

/** Paths of the subtree are put together here. */
const walkPath: usize = memory.data(4096);

export class Removal {
  /** Removes the node in view, which is at `Path`, with all below it. */
  static run(): Errno {
    const tx = <Transaction>View.tx;
    const top = <TxNode>View.record;
    const depth = Path.depth;
    const failed = View.look(depth - 1);
    if (failed != OK) return failed;
    const parent = <TxNode>View.record;
    // Strictly, a parent's list may be older than the child that goes.
    parent.childBytes -= min<u32>(parent.childBytes, Path.nameLen(depth) + 1);
    parent.flags |= TX_LISTED;
    if (top.has(TX_CREATED)) {
      Removal.unmake(top);
      // Should it come into being again, even implicitly, it has been changed.
      top.flags |= TX_CHANGED;
      return OK;
    }
    parent.removedChildren++;
    return Removal.removeBase(tx, top);
  }

  private static removeBase(tx: Transaction, top: TxNode): Errno {
    const topNode = <Node>top.base;
    memory.copy(walkPath, Path.ptr, Path.len);
    let len = Path.len;
    let node = topNode;
    let t = top;
    for (;;) {
      const skip = !t.has(TX_EXISTS) || t.has(TX_CREATED);
      if (!skip) Removal.markRemoved(t, t === top);
      let next: Node | null = null;
      if (!skip) next = Tree.firstChild(node, t.asOf);
      if (next === null) {
        // Back up until there is a sibling. The list of children is the parent's as it was seen.
        while (node !== topNode) {
          const above = <Node>node.parent;
          const record = Transactions.nodeOf(tx, above);
          len -= node.nameLen + 1;
          next = Tree.nextChild(node, record !== null ? record.asOf : tx.start);
          if (next !== null) break;
          node = above;
        }
        if (next === null) return OK;
      }
      node = next;
      store<u8>(walkPath + len, 0x2f);
      memory.copy(walkPath + len + 1, node.namePtr, node.nameLen);
      len += node.nameLen + 1;
      Path.reparse(walkPath, len);
      const record = Transactions.touch(tx, Path.depth);
      if (record === null) return tx.failed;
      t = record;
    }
    return OK;
  }

  /** Marks a node from outside as removed, and takes back what was made below it. */
  private static markRemoved(t: TxNode, isTop: bool): void {
    t.saw |= SAW_ALL;
    while (t.madeFirst !== null) Removal.unmake(<TxNode>t.madeFirst);
    t.dropValue();
    t.flags &= ~(TX_EXISTS | TX_PERMS);
    t.flags |= TX_REMOVED | (isTop ? TX_CHANGED : TX_WENT);
    t.childBytes = 0;
    t.removedChildren = 0;
  }

  /** Takes back a node that the transaction made, with all that it made below. */
  private static unmake(top: TxNode): void {
    let t = top;
    for (;;) {
      while (t.madeFirst !== null) t = <TxNode>t.madeFirst;
      const above = <TxNode>t.madeBelow;
      t.unhang();
      t.dropValue();
      t.tx.createdCount--;
      t.flags &= ~(TX_EXISTS | TX_CREATED | TX_PERMS);
      t.childBytes = 0;
      t.removedChildren = 0;
      if (t === top) return;
      t = above;
    }
  }
}
