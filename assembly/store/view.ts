// View: the store as one request sees it, outside or inside a transaction.
// Holds   the node that was looked at last; every request goes through here.
// Never   sends or fires anything; whether the caller may is asked of Perms.
// Source  the XenStore protocol, permissions (hiding of ENOENT), quotas (where checked).

import { EACCES, ENOENT, ENOMEM, ENOSPC, Errno, OK } from "../base/errno";
import { Domain } from "./domain";
import { Journal } from "./journal";
import { Node, nodeSize } from "./node";
import { Path } from "./path";
import { Caller, PermList, Perms } from "./perms";
import { QUOTA_MEMORY, QUOTA_NODE_SIZE, QUOTA_NODES } from "./quota";
import {
  SAW_CHILDREN,
  SAW_EXISTENCE,
  SAW_PERMS,
  SAW_VALUE,
  Transaction,
  Transactions,
  TX_CHANGED,
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

export class View {
  /** The request's transaction, or null. */
  static tx: Transaction | null = null;
  /** The caller's record: pays for what is made. */
  static domain: Domain = changetype<Domain>(0);
  /** Which prefix of `Path` was looked at last, and what was there. */
  static level: u32 = 0;
  static exists: bool = false;
  static perms: PermList | null = null;
  static node: Node | null = null;
  static record: TxNode | null = null;

  /** Looks at the first `level` names of `Path`. @returns an error that fails the transaction */
  static look(level: u32): Errno {
    View.level = level;
    const tx = View.tx;
    if (tx === null) {
      const node = Tree.find(level);
      View.node = node;
      View.exists = node !== null;
      View.perms = node !== null ? node.perms : null;
      return OK;
    }
    const t = Transactions.touch(tx, level);
    View.record = t;
    if (t === null) return tx.failed;
    View.exists = t.has(TX_EXISTS);
    View.perms = t.perms;
    View.node = t.base;
    return OK;
  }

  /**
   * Looks at `Path` and asks for rights on it.
   * Afterwards the view is on the node, or (ENOENT) on its nearest existing ancestor.
   * @param need  bits PERM_*
   * @returns EACCES; ENOENT, which an unprivileged caller learns only if it has one of the rights
   *          asked for on the nearest existing ancestor
   */
  static access(need: u32): Errno {
    const depth = Path.depth;
    const failed = View.look(depth);
    if (failed != OK) return failed;
    View.saw(Caller.privileged ? SAW_EXISTENCE : SAW_EXISTENCE | SAW_PERMS);
    if (View.exists && (Perms.rights(<PermList>View.perms) & need) == need) return OK;
    if (depth == 0) return EACCES;
    const errno = View.exists ? EACCES : ENOENT;
    let level = depth;
    do {
      level--;
      const lost = View.look(level);
      if (lost != OK) return lost;
      if (!Caller.privileged) View.saw(SAW_EXISTENCE | SAW_PERMS);
    } while (!View.exists && level > 0);
    if (!View.exists) return EACCES;
    return Perms.rights(<PermList>View.perms) & need ? errno : EACCES;
  }

  /** Notes that the request depends on these aspects of the node in view. */
  static saw(aspects: u32): void {
    const t = View.record;
    if (View.tx === null || t === null) return;
    let fresh = aspects;
    if (t.flags & (TX_CREATED | TX_REMOVED)) fresh &= SAW_EXISTENCE;
    if (t.has(TX_VALUE)) fresh &= ~SAW_VALUE;
    if (t.has(TX_PERMS)) fresh &= ~SAW_PERMS;
    t.saw |= fresh;
  }

  /** Does the parent of `Path` exist? The reply depends on it. */
  static parentExists(): bool {
    if (View.look(Path.depth - 1) != OK) return false;
    View.saw(SAW_EXISTENCE);
    return View.exists;
  }

  /** The reply shows the permissions of the node in view. */
  static sawPerms(): void {
    View.saw(SAW_PERMS);
  }

  /** Sets `Value` to the value of the node in view. */
  static value(): void {
    const t = View.record;
    if (View.tx === null || t === null) {
      const node = <Node>View.node;
      Value.ptr = node.valuePtr;
      Value.len = node.valueLen;
      return;
    }
    View.saw(SAW_VALUE);
    if (t.flags & (TX_VALUE | TX_CREATED)) {
      Value.ptr = t.value;
      Value.len = t.valueLen;
    } else Versions.valueAt(<Node>t.base, t.asOf);
  }

  /** Bytes of all names of its children, each with a NUL. */
  static childBytes(): u32 {
    const t = View.record;
    if (View.tx === null || t === null) return (<Node>View.node).childBytes;
    View.saw(SAW_CHILDREN);
    return t.childBytes;
  }

  static generation(): u64 {
    const t = View.record;
    if (View.tx === null || t === null) return (<Node>View.node).generation;
    if (t.flags & (TX_CREATED | TX_VALUE | TX_PERMS) || t.removedChildren || t.madeFirst !== null) {
      return Tree.seq + 1;
    }
    return t.generation;
  }

  /**
   * Writes the children's names, each with a NUL.
   * @param room  bytes there; childBytes() suffice for all
   * @returns     how many bytes were written
   */
  static putChildren(to: usize, room: u32): u32 {
    const end = to + room;
    let at = to;
    const t = View.record;
    if (View.tx === null || t === null) return <u32>(View.putOutside(null, at, end) - to);
    if (!t.has(TX_CREATED)) at = View.putOutside(t, at, end);
    let c: TxNode | null = t.madeFirst;
    while (c !== null) {
      let start = c.pathLen;
      while (load<u8>(c.pathPtr + start - 1) != 0x2f) start--;
      at = putName(at, end, c.pathPtr + start, c.pathLen - start);
      c = c.madeNext;
    }
    return <u32>(at - to);
  }

  /** The names that stand outside: now, or as `t` of a transaction sees them. */
  private static putOutside(t: TxNode | null, to: usize, end: usize): usize {
    const node = <Node>View.node;
    const asOf = t !== null ? t.asOf : NOW;
    const all = t === null || t.removedChildren == 0;
    let at = to;
    let c: Node | null = Tree.firstChild(node, asOf);
    while (c !== null) {
      if (all || !View.isRemoved(<Transaction>View.tx, c)) {
        at = putName(at, end, c.namePtr, c.nameLen);
      }
      c = Tree.nextChild(c, asOf);
    }
    return at;
  }

  /** Replaces the value of the node in view. */
  static write(value: usize, len: u32): Errno {
    const perms = <PermList>View.perms;
    const t = View.record;
    if (View.tx === null || t === null) {
      const node = <Node>View.node;
      const over = View.oversize(perms, len, node.childBytes, <i32>len - <i32>node.valueLen);
      if (over != OK) return over;
      Undo.value(node, Path.ptr, Path.len);
      if (!Tree.setValue(node, value, len)) return ENOMEM;
      Journal.value(Path.ptr, Path.len, value, len);
      return OK;
    }
    const more = <i32>len - <i32>t.valueLen;
    const over = View.oversize(perms, len, t.childBytes, more);
    if (over != OK) return t.tx.fail(over);
    // Until the end the copy counts for the caller, whose ever the node is.
    const domain = View.domain;
    const bytes = domain.count(QUOTA_MEMORY) + more;
    if (more > 0 && domain.exceeds(QUOTA_MEMORY, bytes)) return t.tx.fail(ENOMEM);
    if (!t.setValue(value, len)) return t.tx.fail(ENOMEM);
    Transactions.recharge(t, more);
    t.flags |= TX_CHANGED;
    return OK;
  }

  /** Replaces the permissions of the node in view. */
  static setPerms(perms: PermList): Errno {
    const t = View.record;
    const len = View.valueLen();
    if (View.tx === null || t === null) {
      const node = <Node>View.node;
      const over = View.oversize(perms, len, node.childBytes, 0);
      if (over != OK) return over;
      if (!Tree.mayOwn(perms.owner, 1)) return ENOMEM;
      Undo.perms(node, Path.ptr, Path.len);
      Tree.setPerms(node, perms);
      Journal.perms(Path.ptr, Path.len, perms);
      return OK;
    }
    const over = View.oversize(perms, len, t.childBytes, 0);
    if (over != OK) return t.tx.fail(over);
    t.setPerms(perms);
    t.flags |= TX_PERMS | TX_CHANGED;
    return OK;
  }

  /**
   * Makes `Path` and what is missing above it; the view is on the nearest existing ancestor.
   * Nothing is made unless all of it may be made.
   */
  static create(value: usize, len: u32): Errno {
    const from = View.level;
    const depth = Path.depth;
    View.saw(SAW_EXISTENCE | SAW_PERMS);
    let perms: PermList = <PermList>View.perms;
    if (!Caller.privileged) {
      const own = Perms.withOwner(perms, Caller.id);
      if (own === null) return ENOMEM;
      perms = own;
    }
    // A list made for this request alone must go again if nothing comes of it.
    Perms.hold(perms);
    let errno = View.mayCreate(from, perms, len);
    const direct = View.tx === null;
    if (errno == OK && direct && !Tree.mayOwn(perms.owner, depth - from)) errno = ENOMEM;
    if (errno == OK) {
      for (let level = from + 1; level <= depth && errno == OK; level++) {
        const last = level == depth;
        errno = View.createOne(level, perms, last ? value : 0, last ? len : 0, last);
      }
      if (errno == OK && direct) {
        Undo.create(Path.ptr, Path.prefixLen(from + 1));
        Journal.create(Path.ptr, Path.len, value, len, perms);
      }
    }
    Perms.drop(perms);
    return errno;
  }

  private static isRemoved(tx: Transaction, child: Node): bool {
    const t = Transactions.nodeOf(tx, child);
    return t !== null && t.has(TX_REMOVED);
  }

  private static valueLen(): u32 {
    const t = View.record;
    if (View.tx === null || t === null) return (<Node>View.node).valueLen;
    if (t.flags & (TX_VALUE | TX_CREATED)) return t.valueLen;
    Versions.valueAt(<Node>t.base, t.asOf);
    return Value.len;
  }

  private static createOne(
    level: u32,
    perms: PermList,
    value: usize,
    len: u32,
    explicit: bool,
  ): Errno {
    const tx = View.tx;
    if (tx === null) {
      const node = Tree.create(<Node>View.node, level, value, len, perms);
      if (node === null) return ENOMEM;
      View.node = node;
      return OK;
    }
    const parent = <TxNode>View.record;
    const t = Transactions.touch(tx, level);
    if (t === null) return tx.failed;
    t.setPerms(perms);
    if (!t.setValue(value, len)) return tx.fail(ENOMEM);
    Transactions.recharge(t, len);
    t.flags |= TX_EXISTS | TX_CREATED | (explicit ? TX_CHANGED : 0);
    t.saw |= SAW_EXISTENCE;
    t.childBytes = 0;
    t.hang(parent);
    parent.childBytes += Path.nameLen(level) + 1;
    parent.flags |= TX_LISTED;
    tx.createdCount++;
    View.record = t;
    return OK;
  }

  /** Quotas on making the names behind `from`, asked before anything is made. */
  private static mayCreate(from: u32, perms: PermList, len: u32): Errno {
    if (Caller.privileged) return OK;
    const domain = View.domain;
    const depth = Path.depth;
    const count = domain.count(QUOTA_NODES) + (depth - from);
    if (domain.exceeds(QUOTA_NODES, count)) return ENOSPC;
    const t = View.record;
    const inside = View.tx !== null && t !== null;
    const above = <PermList>View.perms;
    const names = inside ? (<TxNode>t).childBytes : (<Node>View.node).childBytes;
    let size = nodeSize(above.count, View.valueLen(), names + Path.nameLen(from + 1) + 1);
    let bytes: u32 = above.owner == domain.domid ? Path.nameLen(from + 1) + 1 : 0;
    for (let level = from + 1; ; level++) {
      if (domain.exceeds(QUOTA_NODE_SIZE, size)) return View.failed(ENOSPC);
      if (level > depth) break;
      const last = level == depth;
      size = nodeSize(perms.count, last ? len : 0, last ? 0 : Path.nameLen(level + 1) + 1);
      bytes += size + Path.prefixLen(level);
    }
    if (domain.exceeds(QUOTA_MEMORY, domain.count(QUOTA_MEMORY) + bytes)) {
      return View.failed(ENOMEM);
    }
    return OK;
  }

  /** Quotas on the size of the node in view when it changes, for unprivileged callers. */
  private static oversize(perms: PermList, len: u32, childBytes: u32, more: i32): Errno {
    if (Caller.privileged) return OK;
    const domain = View.domain;
    if (domain.exceeds(QUOTA_NODE_SIZE, nodeSize(perms.count, len, childBytes))) return ENOSPC;
    if (more <= 0 || perms.owner != domain.domid) return OK;
    return domain.exceeds(QUOTA_MEMORY, domain.count(QUOTA_MEMORY) + more) ? ENOMEM : OK;
  }

  private static failed(errno: Errno): Errno {
    const tx = View.tx;
    return tx === null ? errno : tx.fail(errno);
  }
}

/** Writes nothing that does not fit: strictly, a child may differ from its parent's list. */
function putName(to: usize, end: usize, name: usize, len: u32): usize {
  if (to + len + 1 > end) return to;
  memory.copy(to, name, len);
  store<u8>(to + len, 0);
  return to + len + 1;
}
