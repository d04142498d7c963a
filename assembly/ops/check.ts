// Check: is the store what it should be?
// Holds   nothing.
// Never   repairs: a fault here is a bug of ours, and is named in the log.
// Source  the XenStore protocol, invariants.

import { LOG_NOTICE } from "../abi";
import { Log } from "../base/log";
import { Domain, Domains } from "../store/domain";
import { Node } from "../store/node";
import { QUOTA_NODES } from "../store/quota";
import { Tree } from "../store/tree";
import { NOW } from "../store/version";

export class Check {
  static faults: u32 = 0;
}

/** Walks the whole tree. @returns the number of faults, each of which is in the log */
export function checkStore(): u32 {
  Check.faults = 0;
  let seen: u32 = 0;
  let d: Domain | null = Domains.first;
  while (d !== null) {
    d.pendingNodes = 0;
    d = d.nextKnown;
  }
  let node: Node | null = Tree.root;
  while (node !== null) {
    seen++;
    checkNode(node);
    node = following(node);
  }
  // The two special nodes stand outside the tree.
  if (seen + 2 != Tree.nodeCount) fault("the number of nodes", seen + 2, Tree.nodeCount);
  checkCounts();
  Log.begin(LOG_NOTICE);
  Log.text("store checked: ");
  Log.number(Tree.nodeCount);
  Log.text(" nodes, ");
  Log.number(Check.faults);
  Log.text(" faults");
  Log.end();
  return Check.faults;
}

function checkNode(node: Node): void {
  const owner = Domains.find(node.perms.owner);
  if (owner === null) fault("an owner without a record", node.perms.owner, 0);
  else owner.pendingNodes++;
  let bytes: u32 = 0;
  let c: Node | null = Tree.firstChild(node, NOW);
  while (c !== null) {
    bytes += c.nameLen + 1;
    if (c.parent !== node) fault("a child with another parent", c.hash, node.hash);
    if (!isListed(c)) fault("a node that can't be found", c.hash, 0);
    c = Tree.nextChild(c, NOW);
  }
  if (bytes != node.childBytes) fault("the bytes of children's names", bytes, node.childBytes);
}

function isListed(node: Node): bool {
  for (let at = Tree.table.head(node.hash); at != 0; at = changetype<Node>(at).hashNext) {
    if (at == changetype<usize>(node)) return true;
  }
  return false;
}

function checkCounts(): void {
  let d: Domain | null = Domains.first;
  while (d !== null) {
    const special = Tree.specialCount(d.domid);
    const count = d.pendingNodes + <i32>special;
    d.pendingNodes = 0;
    if (count != d.count(QUOTA_NODES)) {
      fault("the nodes of a domain", <u32>count, <u32>d.count(QUOTA_NODES));
    }
    d = d.nextKnown;
  }
}

/** The next node of a walk in which parents come before their children. */
function following(node: Node): Node | null {
  const child = Tree.firstChild(node, NOW);
  if (child !== null) return child;
  let n: Node | null = node;
  while (n !== null) {
    const sibling = n.parent !== null ? Tree.nextChild(n, NOW) : null;
    if (sibling !== null) return sibling;
    n = n.parent;
  }
  return null;
}

function fault(what: string, got: u32, expected: u32): void {
  Check.faults++;
  Log.begin(LOG_NOTICE);
  Log.text("store fault: ");
  Log.text(what);
  Log.text(" ");
  Log.number(got);
  Log.text(", expected ");
  Log.number(expected);
  Log.end();
}
