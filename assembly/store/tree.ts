// Tree: the nodes of the store, found by a hash of their path and linked to their parents.
// Holds   the table of all nodes, the root, and the two special nodes outside the tree.
// Never   asks for permission, never fires a watch; a change counts in the owner's quotas.
// Source  the XenStore protocol, paths and the initial tree.

import { Bytes } from "../base/bytes";
import { Table } from "../base/table";
import { DOMID_ANY } from "../xs_wire";
import { Domain, Domains } from "./domain";
import { NODE_GHOST, Node, nodeSize } from "./node";
import { NodeSet } from "./nodeset";
import { Path } from "./path";
import { PERM_READ, PermList, Perms } from "./perms";
import { QUOTA_MEMORY, QUOTA_NODES } from "./quota";
import { Burial, CHILDREN, NOW, PERMS, VALUE, Versions } from "./version";

export class Tree {
  static table: Table = changetype<Table>(0);
  static root: Node = changetype<Node>(0);
  /** Number of the last change; generations are drawn from it. */
  static seq: u64 = 0;
  static nodeCount: u32 = 0;
  /** The list that gives the control domain everything and nobody else anything. */
  static closed: PermList = changetype<PermList>(0);

  /** The initial tree: `/`, `/tool`, `/tool/xenstored` and the special nodes. */
  static init(): void {
    Tree.table = Table.make();
    Burial.bury = unlink;
    const entries = memory.data(16);
    Perms.putEntry(entries, 0, <i32>Domains.priv, 0, false);
    const closed = Perms.hold(<PermList>Perms.intern(entries, 1));
    Tree.closed = closed;
    Perms.putEntry(entries, 1, <i32>DOMID_ANY, PERM_READ, false);
    const heard = <PermList>Perms.intern(entries, 2);

    Path.set("/");
    Tree.root = <Node>Node.make(Path.ptr, 0, 0, 0, closed);
    Tree.adopt(Tree.root, null, Path.hashAt(0), 1);
    Tree.special("@releaseDomain", heard);
    Tree.special("@introduceDomain", closed);
    Path.set("/tool/xenstored");
    const tool = Tree.create(Tree.root, 1, 0, 0, closed);
    Tree.create(<Node>tool, 2, 0, 0, closed);
  }

  private static special(name: string, perms: PermList): void {
    Path.set(name);
    const node = <Node>Node.make(Path.ptr, Path.len, 0, 0, perms);
    Tree.adopt(node, null, Path.hashAt(1), Path.len);
  }

  /** The node at the first `level` names of `Path`, or null. Cost: one probe, `level` compares. */
  static find(level: u32): Node | null {
    const hash = Path.hashAt(level);
    let at = Tree.table.head(hash);
    while (at != 0) {
      const node = changetype<Node>(at);
      if (node.hash == hash && !node.ghost && Tree.isAt(node, level)) return node;
      at = node.hashNext;
    }
    return null;
  }

  /** The same as it was after change `asOf`. */
  static findAt(level: u32, asOf: u64): Node | null {
    const hash = Path.hashAt(level);
    let at = Tree.table.head(hash);
    while (at != 0) {
      const node = changetype<Node>(at);
      if (node.hash == hash && Tree.isAt(node, level) && Versions.visible(node, asOf)) return node;
      at = node.hashNext;
    }
    return null;
  }

  /** Is the node's path the first `level` names of `Path`? */
  static isAt(node: Node, level: u32): bool {
    let n: Node | null = node;
    for (let i = level; i > 0; i--) {
      if (n === null) return false;
      const len = Path.nameLen(i);
      if (n.nameLen != len || !Bytes.equal(n.namePtr, Path.namePtr(i), len)) return false;
      n = n.parent;
    }
    if (Path.special && level > 0) return n === null;
    return n !== null && n.parent === null && n.nameLen == 0;
  }

  /** Is the node's path this text? For paths of which only the text is at hand. */
  static hasPath(node: Node, text: usize, len: u32): bool {
    let n: Node = node;
    let end = len;
    for (;;) {
      const parent = n.parent;
      if (parent === null) {
        if (n.nameLen == 0) return end == 0 || (len == 1 && load<u8>(text) == 0x2f);
        return end == n.nameLen && Bytes.equal(n.namePtr, text, end);
      }
      const nameLen = <u32>n.nameLen;
      if (end <= nameLen || load<u8>(text + end - nameLen - 1) != 0x2f) return false;
      if (!Bytes.equal(n.namePtr, text + end - nameLen, nameLen)) return false;
      end -= nameLen + 1;
      n = parent;
    }
    return false;
  }

  /** Bytes of a node's path. */
  static pathLen(node: Node): u32 {
    let len: u32 = 0;
    let n: Node | null = node;
    while (n !== null) {
      len += n.nameLen + (n.parent !== null ? 1 : 0);
      n = n.parent;
    }
    return max<u32>(len, 1);
  }

  @inline
  static firstChild(node: Node, asOf: u64): Node | null {
    return Tree.seen(node.first, asOf);
  }

  @inline
  static nextChild(child: Node, asOf: u64): Node | null {
    return Tree.seen(child.next, asOf);
  }

  private static seen(node: Node | null, asOf: u64): Node | null {
    let n = node;
    while (n !== null) {
      if (n.versions === null ? !n.ghost : Versions.visible(n, asOf)) return n;
      n = n.next;
    }
    return null;
  }

  /** First node of a walk in which children come before their parents. */
  static deepest(node: Node): Node {
    let n = node;
    let child: Node | null = Tree.firstChild(n, NOW);
    while (child !== null) {
      n = child;
      child = Tree.firstChild(n, NOW);
    }
    return n;
  }

  /** The node after `node` in that walk; ends with the node the walk began at. */
  static afterInWalk(node: Node): Node {
    const sibling = Tree.nextChild(node, NOW);
    return sibling !== null ? Tree.deepest(sibling) : <Node>node.parent;
  }

  /**
   * Makes the node at name `level` of `Path`, below `parent`. The caller has checked that it does
   * not exist and that there is memory.
   * @returns null without memory; then nothing has changed
   */
  static create(
    parent: Node,
    level: u32,
    value: usize,
    valueLen: u32,
    perms: PermList,
  ): Node | null {
    const node = Tree.make(level, value, valueLen, perms);
    if (node === null) return null;
    const seq = ++Tree.seq;
    Versions.keep(parent, CHILDREN, seq);
    Tree.join(node, parent, level);
    Versions.created(node, seq);
    parent.generation = seq;
    return node;
  }

  /** The same for a store that is being loaded: no change, no number of one. */
  static place(
    parent: Node,
    level: u32,
    value: usize,
    valueLen: u32,
    perms: PermList,
  ): Node | null {
    const node = Tree.make(level, value, valueLen, perms);
    if (node !== null) Tree.join(node, parent, level);
    return node;
  }

  /** A node of this name of `Path`, not in the tree yet; null without memory. */
  private static make(level: u32, value: usize, valueLen: u32, perms: PermList): Node | null {
    return Node.make(Path.namePtr(level), Path.nameLen(level), value, valueLen, perms);
  }

  /** The last child of `parent` from now on, at name `level` of `Path`. */
  private static join(node: Node, parent: Node, level: u32): void {
    Tree.adopt(node, parent, Path.hashAt(level), Path.prefixLen(level));
    Tree.setChildBytes(parent, parent.childBytes + node.nameLen + 1);
  }

  /** A node that only snapshots see takes its place among the children of `parent`. */
  static haunt(node: Node, parent: Node, hash: u32): void {
    Perms.hold(node.perms);
    Tree.link(node, parent);
    Tree.table.insert(changetype<usize>(node), hash);
  }

  /** @returns false without memory; then nothing has changed */
  static setValue(node: Node, value: usize, len: u32): bool {
    const seq = Tree.seq + 1;
    Versions.keep(node, VALUE, seq);
    const before = node.valueLen;
    if (!node.putValue(value, len)) return false;
    Tree.seq = seq;
    node.generation = seq;
    Tree.ownerOf(node).add(QUOTA_MEMORY, <i32>len - <i32>before);
    return true;
  }

  static setPerms(node: Node, perms: PermList): void {
    const seq = ++Tree.seq;
    Versions.keep(node, PERMS, seq);
    const before = node.perms;
    const pathLen = Tree.pathLen(node);
    Tree.disown(node, pathLen);
    node.perms = Perms.hold(perms);
    Tree.own(node, pathLen);
    Perms.drop(before);
    node.generation = seq;
  }

  /** Gives the node a new generation, though nothing of it has changed. */
  static renew(node: Node): void {
    const seq = ++Tree.seq;
    Versions.keep(node, CHILDREN, seq);
    node.generation = seq;
  }

  /** Removes a node that has no children any more. */
  static remove(node: Node): void {
    const parent = <Node>node.parent;
    const seq = ++Tree.seq;
    Versions.keep(parent, CHILDREN, seq);
    Tree.setChildBytes(parent, parent.childBytes - node.nameLen - 1);
    parent.generation = seq;
    Tree.disown(node, Tree.pathLen(node));
    Tree.nodeCount--;
    if (Versions.removed(node, seq)) {
      node.flags |= NODE_GHOST;
      return;
    }
    // Giving up all snapshots, above, leaves no record of the node.
    unlink(node);
  }

  /** Removes a node with all that is below it. */
  static removeAll(top: Node): void {
    let n = Tree.deepest(top);
    while (n !== top) {
      const next = Tree.afterInWalk(n);
      Tree.remove(n);
      n = next;
    }
    Tree.remove(top);
  }

  /** How many of the special nodes the domain owns. */
  static specialCount(domid: u32): u32 {
    let count: u32 = 0;
    Path.set("@releaseDomain");
    if ((<Node>Tree.find(1)).perms.owner == domid) count++;
    Path.set("@introduceDomain");
    if ((<Node>Tree.find(1)).perms.owner == domid) count++;
    return count;
  }

  static ownerOf(node: Node): Domain {
    return <Domain>Domains.of(node.perms.owner);
  }

  /** Is there memory to note `more` nodes of this owner? Asked before a change begins. */
  static mayOwn(domid: u32, more: u32): bool {
    const owner = Domains.of(domid);
    if (owner === null) return false;
    if (owner.privileged) return true;
    if (changetype<usize>(owner.nodeSet) == 0) {
      const set = NodeSet.make();
      if (set === null) return false;
      owner.nodeSet = set;
    }
    return owner.nodeSet.grow(more);
  }

  private static adopt(node: Node, parent: Node | null, hash: u32, pathLen: u32): void {
    Perms.hold(node.perms);
    if (parent !== null) Tree.link(node, parent);
    node.generation = Tree.seq;
    Tree.table.insert(changetype<usize>(node), hash);
    Tree.nodeCount++;
    Tree.own(node, pathLen);
  }

  private static link(node: Node, parent: Node): void {
    node.parent = parent;
    const last = parent.last;
    node.prev = last;
    if (last !== null) last.next = node;
    else parent.first = node;
    parent.last = node;
  }

  /** The last of the children takes its place in front of another. */
  static moveBefore(node: Node, sibling: Node): void {
    const parent = <Node>node.parent;
    const last = node.prev;
    if (node === sibling || last === null || parent.last !== node) return;
    last.next = null;
    parent.last = last;
    const before = sibling.prev;
    node.prev = before;
    node.next = sibling;
    sibling.prev = node;
    if (before !== null) before.next = node;
    else parent.first = node;
  }

  private static own(node: Node, pathLen: u32): void {
    const owner = Tree.ownerOf(node);
    node.perms.nodes++;
    owner.add(QUOTA_NODES, 1);
    owner.add(QUOTA_MEMORY, <i32>(node.size + pathLen));
    if (owner.privileged) return;
    if (changetype<usize>(owner.nodeSet) == 0) owner.nodeSet = <NodeSet>NodeSet.make();
    assert(owner.nodeSet.add(changetype<usize>(node)), "reserved memory is there");
  }

  private static disown(node: Node, pathLen: u32): void {
    const owner = Tree.ownerOf(node);
    node.perms.nodes--;
    owner.add(QUOTA_NODES, -1);
    owner.add(QUOTA_MEMORY, -(<i32>(node.size + pathLen)));
    if (!owner.privileged) owner.nodeSet.remove(changetype<usize>(node));
  }

  private static setChildBytes(parent: Node, bytes: u32): void {
    Tree.ownerOf(parent).add(QUOTA_MEMORY, <i32>bytes - <i32>parent.childBytes);
    parent.childBytes = bytes;
  }
}

/** Takes a node out of the table and out of its parent's list, and frees it. */
function unlink(node: Node): void {
  const parent = <Node>node.parent;
  const next = node.next;
  const prev = node.prev;
  if (next !== null) next.prev = prev;
  else parent.last = prev;
  if (prev !== null) prev.next = next;
  else parent.first = next;
  Tree.table.remove(changetype<usize>(node));
  Perms.drop(node.perms);
  node.free();
}

assert(nodeSize(1, 0, 0) == 24, "a node of a guest has 2024 bytes left for its value");
