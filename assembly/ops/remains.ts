// Remains: what guests have left in a store that is older than the last start of the machine.
// Holds   nothing.
// Never   touches what belongs to the host itself.
// Source  the XenStore protocol, paths (standard layout).

import { Connections } from "../connection/connection";
import { Domain, Domains } from "../store/domain";
import { Node } from "../store/node";
import { Path } from "../store/path";
import { Tree } from "../store/tree";
import { NOW } from "../store/version";
import { actAsStore, endDomain, setPath } from "./lifecycle";
import { Nodes } from "./nodes";
import { loseRing } from "./resume";

/** Ends every domain but the control domain and the store's own, and removes their places. */
export function dropGuests(): void {
  actAsStore();
  let d: Domain | null = Domains.first;
  while (d !== null) {
    const next = d.nextKnown;
    if (!d.privileged && d.domid != Domains.store) endDomain(d);
    d = next;
  }
  // The control domain's kernel has begun anew, too.
  const control = Domains.find(Domains.priv);
  const c = control !== null ? Connections.find(control.conn) : null;
  if (c !== null) loseRing(c);
  removeNumbered("/local/domain");
  removeNumbered("/libxl");
  removeAll("/vm");
  const homes = at("/local/domain");
  let home: Node | null = homes !== null ? Tree.firstChild(homes, NOW) : null;
  while (home !== null) {
    dropBackends(home);
    home = Tree.nextChild(home, NOW);
  }
}

/**
 * `backend/<class>/<domid>` and `device-model/<domid>` of a domain that stays; and what is empty
 * after that, as toolstacks do.
 */
function dropBackends(home: Node): void {
  let part: Node | null = Tree.firstChild(home, NOW);
  while (part !== null) {
    const next = Tree.nextChild(part, NOW);
    if (isNamed(part, "device-model")) dropAllOf(part);
    if (isNamed(part, "backend")) {
      let kind: Node | null = Tree.firstChild(part, NOW);
      while (kind !== null) {
        const after = Tree.nextChild(kind, NOW);
        dropAllOf(kind);
        kind = after;
      }
      if (Tree.firstChild(part, NOW) === null) remove(part);
    }
    part = next;
  }
}

function dropAllOf(node: Node): void {
  removeNumberedBelow(node);
  if (Tree.firstChild(node, NOW) === null) remove(node);
}

function at(path: string): Node | null {
  Path.set(path);
  return Tree.find(Path.depth);
}

function removeNumbered(path: string): void {
  const node = at(path);
  if (node !== null) removeNumberedBelow(node);
}

/** Removes the children whose names are domids, but the control domain's and the store's. */
function removeNumberedBelow(node: Node): void {
  let child: Node | null = Tree.firstChild(node, NOW);
  while (child !== null) {
    const next = Tree.nextChild(child, NOW);
    if (isGuest(child)) remove(child);
    child = next;
  }
}

function removeAll(path: string): void {
  const node = at(path);
  let child: Node | null = node !== null ? Tree.firstChild(node, NOW) : null;
  while (child !== null) {
    const next = Tree.nextChild(child, NOW);
    remove(child);
    child = next;
  }
}

function remove(node: Node): void {
  setPath(node);
  Nodes.remove(node);
}

function isGuest(node: Node): bool {
  let domid: u32 = 0;
  for (let i: u32 = 0; i < node.nameLen; i++) {
    const digit = <u32>load<u8>(node.namePtr + i) - 0x30;
    if (digit > 9 || i > 5) return false;
    domid = domid * 10 + digit;
  }
  return domid != Domains.priv && domid != Domains.store;
}

function isNamed(node: Node, name: string): bool {
  if (<i32>node.nameLen != name.length) return false;
  for (let i = 0; i < name.length; i++) {
    if (<i32>load<u8>(node.namePtr + i) != name.charCodeAt(i)) return false;
  }
  return true;
}
