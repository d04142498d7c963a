// Publish: changes become events at everybody who watches and may know.
// Holds   nothing.
// Never   is asked before the change is made; the only place where WATCH_EVENTs begin.
// Source  the XenStore protocol, watches (what each operation fires, who may hear an event).

import { Node } from "../store/node";
import { Path } from "../store/path";
import { PERM_READ, PermList, Perms } from "../store/perms";
import {
  Transaction,
  Transactions,
  TX_CHANGED,
  TX_EXISTS,
  TX_WENT,
  TxNode,
} from "../store/transaction";
import { Tree } from "../store/tree";
import { DEPTH_UNLIMITED, Matches, Watch, Watches } from "../store/watch";
import { Connection, Connections } from "./connection";
import { Outbox } from "./outbox";

export class Publish {
  /**
   * `Path` has changed. Any one of the lists suffices to hear it.
   * @param now     of the node, as it is now (or, if it is gone, as it was)
   * @param before  another list of the node that counts, or null
   * @param parent  of its parent, or null
   */
  static changed(now: PermList | null, before: PermList | null, parent: PermList | null): void {
    if (Watches.count == 0) return;
    Matches.begin();
    let w: Watch | null = Matches.next();
    while (w !== null) {
      const c = <Connection>Connections.find(w.conn);
      if (mayHear(c, now, before, parent)) Outbox.event(c, w, Path.ptr, Path.len);
      w = Matches.next();
    }
  }

  /** A node went because something above it was removed; it is still linked. */
  static went(node: Node): void {
    if (Watches.count == 0) return;
    const group = Watches.groupOfNode(node);
    if (group === null) return;
    const above = node.parent;
    const parent = above !== null ? above.perms : null;
    let w: Watch | null = group.first;
    while (w !== null) {
      const c = <Connection>Connections.find(w.conn);
      if (mayHear(c, node.perms, null, parent)) {
        Outbox.event(c, w, group.pathPtr, group.pathLen);
      }
      w = w.next;
    }
  }

  /** A transaction was applied: one event for each node it changed, in order of first touch. */
  static committed(tx: Transaction): void {
    if (Watches.count == 0) return;
    let t: TxNode | null = tx.first;
    while (t !== null) {
      // What was made and removed again never was.
      const counts = t.has(TX_EXISTS) || t.base !== null;
      if (counts && t.flags & (TX_CHANGED | TX_WENT)) {
        Path.reparse(t.pathPtr, t.pathLen);
        // New permissions of a special node: no domain came or went.
        if (!Path.special && t.has(TX_CHANGED)) Publish.committedNode(t);
        else if (!Path.special) Publish.committedExact(t);
      }
      t = t.order;
    }
  }

  private static committedNode(t: TxNode): void {
    if (!t.has(TX_EXISTS)) {
      Publish.changed(null, t.basePerms, null);
      return;
    }
    const node = Tree.find(Path.depth);
    Publish.changed(node !== null ? node.perms : null, t.basePerms, Publish.parentPerms(t));
  }

  /** Of the parent of `Path`, as they are when its turn in the commit has come. */
  private static parentPerms(t: TxNode): PermList | null {
    if (Path.depth == 0) return null;
    const record = Transactions.node(t.tx, Path.depth - 1);
    if (record !== null && record.index > t.index) return record.basePerms;
    const parent = Tree.find(Path.depth - 1);
    return parent !== null ? parent.perms : null;
  }

  private static committedExact(t: TxNode): void {
    const group = Watches.groupAt(Path.depth);
    if (group === null) return;
    let w: Watch | null = group.first;
    while (w !== null) {
      const c = <Connection>Connections.find(w.conn);
      if (mayHear(c, null, t.basePerms, null)) Outbox.event(c, w, group.pathPtr, group.pathLen);
      w = w.next;
    }
  }

  /** `@introduceDomain` or `@releaseDomain`: watches without depth hear the plain form. */
  static special(name: string): void {
    if (Watches.count == 0) return;
    Path.set(name);
    const node = Tree.find(1);
    const group = Watches.groupAt(1);
    if (group === null || node === null) return;
    let w: Watch | null = group.first;
    while (w !== null) {
      if (w.depth == DEPTH_UNLIMITED) Publish.tell(w, node.perms);
      w = w.next;
    }
  }

  /** The same with the domain's id: watches with a depth of 1 or more, or on just this id. */
  static specialDomain(name: string, domid: u32): void {
    if (Watches.count == 0) return;
    Path.setNumbered(name, domid);
    const node = Tree.find(1);
    if (node === null) return;
    const plain = Watches.groupAt(1);
    const numbered = Watches.groupAt(2);
    let a = plain !== null ? plain.first : null;
    let b = numbered !== null ? numbered.first : null;
    while (a !== null || b !== null) {
      if (b === null || (a !== null && a.id < b.id)) {
        const w = <Watch>a;
        if (w.depth != DEPTH_UNLIMITED && w.depth >= 1) Publish.tell(w, node.perms);
        a = w.next;
      } else {
        Publish.tell(b, node.perms);
        b = b.next;
      }
    }
  }

  private static tell(w: Watch, perms: PermList): void {
    const c = <Connection>Connections.find(w.conn);
    if (mayHear(c, perms, null, null)) Outbox.event(c, w, Path.ptr, Path.len);
  }
}

function mayHear(
  c: Connection,
  a: PermList | null,
  b: PermList | null,
  parent: PermList | null,
): bool {
  if (c.privileged) return true;
  return reads(c, a) || reads(c, b) || reads(c, parent);
}

function reads(c: Connection, list: PermList | null): bool {
  if (list === null) return false;
  return (Perms.rightsOf(list, c.domain.domid, c.domain.target) & PERM_READ) != 0;
}
