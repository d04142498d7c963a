// Lifecycle: how connections are reset and how domains shut down and end.
// Holds   nothing.
// Never   walks more of the tree than the ancestors of what the domain owned.
// Source  the XenStore protocol, domains (shutdown and death), permissions (domains that die).

import { Heap } from "../base/heap";
import { CONN_CLOSING, Connection, Connections } from "../connection/connection";
import { Kept } from "../connection/kept";
import { Outbox } from "../connection/outbox";
import { forgetRequests, Requests } from "../connection/pending";
import { Publish } from "../connection/publish";
import { Domain, Domains } from "../store/domain";
import { J_END, J_RESET, Journal } from "../store/journal";
import { Machine } from "../store/machine";
import { NODE_MARKED, Node } from "../store/node";
import { NodeSet } from "../store/nodeset";
import { Path } from "../store/path";
import { Perms } from "../store/perms";
import { Transactions } from "../store/transaction";
import { Tree } from "../store/tree";
import { Undo } from "../store/undo";
import { NOW } from "../store/version";
import { DOMID_INVALID } from "../xs_wire";
import { Call } from "./call";
import { Nodes } from "./nodes";
import { dropTransactions, dropWatches } from "./watches";

/** The path of a node that goes with its domain. */
const pathText: usize = memory.data(4096);

export class Lifecycle {
  /** Nodes of a domain that ended go to the control domain instead of being removed. */
  static keepOrphans: bool = false;
}

/** Forgets all that a connection has asked for; it stays connected. */
export function resetConnection(c: Connection): void {
  if (c.ring != 0 && c.domain !== Domains.nobody) Journal.numbers(J_RESET, c.domain.domid, 0);
  dropWatches(c);
  dropTransactions(c);
  Outbox.clear(c);
  dropInput(c);
  Kept.settle(c);
  // Its output was what kept it from being closed.
  if (c.has(CONN_CLOSING)) Connections.dirty(c);
  if (Machine.conn != c.id) return;
  // What it asked is not its question any more: others may ask now.
  Machine.forget();
  Requests.settled = true;
}

/** Throws away input that has not been served. */
export function dropInput(c: Connection): void {
  if (c.inPtr != 0) Heap.free(c.inPtr);
  c.inPtr = 0;
  c.inLen = 0;
  c.inCap = 0;
  Connections.unblock(c);
}

/** A domain has shut down: its watchers hear of it once. */
export function shutDown(d: Domain): void {
  if (d.shutdown || !d.introduced) return;
  d.shutdown = true;
  Journal.domain(d);
  Publish.specialDomain("@releaseDomain/", d.domid);
  Publish.special("@releaseDomain");
}

/** The end of a domain, by RELEASE or death. The record is gone afterwards. */
export function endDomain(d: Domain): void {
  const c = Connections.find(d.conn);
  if (c !== null) endConnection(c);
  d.conn = 0;
  for (let id: u32 = 1; id <= Connections.used && Connections.extra > 0; id++) {
    const extra = Connections.find(id);
    if (extra !== null && extra.domain === d) endConnection(extra);
  }
  let other: Domain | null = Domains.first;
  while (other !== null) {
    if (other.target == d.domid) other.target = DOMID_INVALID;
    other = other.nextKnown;
  }
  // Stored as a whole: what it owned follows from it.
  Journal.numbers(J_END, d.domid, Lifecycle.keepOrphans ? 1 : 0);
  Journal.quiet++;
  releaseNodes(d);
  Journal.quiet--;
  Undo.bar();
  Transactions.forget(d.domid);
  Perms.forget(d.domid);
  const domid = d.domid;
  if (d.introduced) {
    d.introduced = false;
    Domains.introducedCount--;
    Publish.special("@releaseDomain");
    Publish.specialDomain("@releaseDomain/", domid);
  }
  Domains.drop(d);
}

/** The connection of a domain that ends is closed; nothing it asked for is left. */
function endConnection(c: Connection): void {
  resetConnection(c);
  forgetRequests(c);
  c.domain = Domains.nobody;
  c.flags |= CONN_CLOSING;
  Connections.dirty(c);
}

/** Removes what the domain owns, in the order of a walk from the root. */
function releaseNodes(d: Domain): void {
  const set = d.nodeSet;
  if (changetype<usize>(set) == 0 || set.count == 0) return;
  markAncestors(set);
  let node: Node = Tree.root;
  giveAway(node, d.domid);
  for (;;) {
    // Down into what leads to an owned node, else on to the next sibling, else up.
    let next: Node | null = null;
    if (node.flags & NODE_MARKED) {
      node.flags &= ~NODE_MARKED;
      next = Tree.firstChild(node, NOW);
    }
    let at: Node = node;
    while (next === null && at !== Tree.root) {
      next = Tree.nextChild(at, NOW);
      at = <Node>at.parent;
    }
    while (next !== null && next.perms.owner == d.domid && !Lifecycle.keepOrphans) {
      const gone: Node = next;
      at = <Node>gone.parent;
      next = Tree.nextChild(gone, NOW);
      setPath(gone);
      Nodes.remove(gone);
      while (next === null && at !== Tree.root) {
        next = Tree.nextChild(at, NOW);
        at = <Node>at.parent;
      }
    }
    if (next === null) break;
    node = next;
    giveAway(node, d.domid);
  }
  giveAwaySpecial(d.domid, set);
}

/** What is not removed gets the control domain as its owner. */
function giveAway(node: Node, domid: u32): void {
  if (node.perms.owner != domid) return;
  // Without memory for the list it had, the control domain alone has the node.
  const own = Perms.withOwner(node.perms, Domains.priv);
  const list = own !== null ? own : Tree.closed;
  Perms.hold(list);
  Tree.setPerms(node, list);
  Perms.drop(list);
}

/** The special nodes stand outside the tree. */
function giveAwaySpecial(domid: u32, set: NodeSet): void {
  for (let i: u32 = 0; i < set.cap && set.count > 0; ) {
    const at = set.at(i);
    if (at == 0) {
      i++;
      continue;
    }
    const before = set.count;
    giveAway(changetype<Node>(at), domid);
    // Taking a node out moves others; look at this slot again.
    if (set.count == before) i++;
  }
}

function markAncestors(set: NodeSet): void {
  for (let i: u32 = 0; i < set.cap; i++) {
    const at = set.at(i);
    if (at == 0) continue;
    let n = changetype<Node>(at).parent;
    while (n !== null && (n.flags & NODE_MARKED) == 0) {
      n.flags |= NODE_MARKED;
      n = n.parent;
    }
  }
}

/** Makes `Path` the path of a node. */
export function setPath(node: Node): void {
  const len = Tree.pathLen(node);
  let end = len;
  let n: Node = node;
  let above: Node | null = n.parent;
  while (above !== null) {
    end -= n.nameLen;
    memory.copy(pathText + end, n.namePtr, n.nameLen);
    end--;
    store<u8>(pathText + end, 0x2f);
    n = above;
    above = n.parent;
  }
  Path.reparse(pathText, len);
}

/** Runs what the host says about domains with the rights of the store itself. */
export function actAsStore(): void {
  Call.speakAs(<Domain>Domains.of(Domains.priv));
}
