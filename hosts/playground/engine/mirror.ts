// Mirror: a copy of the store's tree, made from its changes alone; it can go back and forth.
// Holds   every node with its value and permissions, and how many each domain owns.
// Never   asks the store; never guesses: what a change does is what ARCHITECTURE.md says of it.
// Source  our own; hosts/embed/changes.ts says what each change means.

import type { StoreChange } from "../../entry/browser.ts";

/** What a node holds besides its children. */
export interface NodeState {
  readonly value: Uint8Array;
  readonly perms: string;
}

/** A node that was removed, with all below it. */
export interface KeptNode extends NodeState {
  readonly name: string;
  readonly children: readonly KeptNode[];
}

/** One step of the tree, which can be taken in either direction. */
export type Delta =
  | { readonly kind: "made"; readonly path: string; readonly after: NodeState }
  | {
      readonly kind: "set";
      readonly path: string;
      readonly before: NodeState;
      readonly after: NodeState;
    }
  | {
      readonly kind: "gone";
      readonly path: string;
      readonly node: KeptNode;
      /** The sibling that followed it. */
      readonly next: string | null;
    };

const NOTHING = new Uint8Array(0);
/** Among more siblings than this, a node that comes back comes as the last. */
const ORDER_MAX = 1000;

export class MirrorNode {
  readonly name: string;
  readonly parent: MirrorNode | null;
  children: Map<string, MirrorNode> | null = null;
  value: Uint8Array;
  perms: string;
  /** Number of the change that was its last. */
  changed = 0;
  /** Its children are shown. */
  expanded = false;

  constructor(name: string, parent: MirrorNode | null, state: NodeState) {
    this.name = name;
    this.parent = parent;
    this.value = state.value;
    this.perms = state.perms;
  }

  path(): string {
    let path = "";
    for (let node: MirrorNode = this; node.parent; node = node.parent) {
      path = `/${node.name}${path}`;
    }
    return path || "/";
  }

  get state(): NodeState {
    return { value: this.value, perms: this.perms };
  }

  /** The domain that owns it. */
  get owner(): number {
    return ownerOf(this.perms);
  }
}

export class Mirror {
  root = new MirrorNode("", null, { value: NOTHING, perms: "n0" });
  /** Permissions of `@introduceDomain` and so on, where they were set. */
  readonly special = new Map<string, string>();
  /** Counts changes; with each that adds or removes nodes, `structure` changes, too. */
  version = 0;
  structure = 0;
  /** Nodes there are, and how many each domain owns. */
  count = 1;
  readonly owned = new Map<number, number>([[0, 1]]);
  /** Paths whose nodes are shown with their children as soon as they are there. */
  readonly expanded: Set<string>;

  constructor(expanded: Set<string> = new Set(["/", "/local", "/local/domain"])) {
    this.expanded = expanded;
    this.root.expanded = true;
    // What every store begins with, and does not tell.
    this.#make("/tool", { value: NOTHING, perms: "n0" });
    this.#make("/tool/xenstored", { value: NOTHING, perms: "n0" });
  }

  find(path: string): MirrorNode | null {
    if (path === "/") return this.root;
    let node: MirrorNode | undefined = this.root;
    for (let at = 1; node && at <= path.length; ) {
      const end = path.indexOf("/", at);
      node = node.children?.get(end < 0 ? path.slice(at) : path.slice(at, end));
      if (end < 0) break;
      at = end + 1;
    }
    return node ?? null;
  }

  ownedBy(domid: number): number {
    return this.owned.get(domid) ?? 0;
  }

  /** Follows the store. Returns the steps that it took. */
  apply(change: StoreChange): Delta[] {
    this.version += 1;
    switch (change.kind) {
      case "create":
        return this.#create(change.path, { value: change.value, perms: change.perms });
      case "value":
        return this.#set(change.path, (state) => ({ ...state, value: change.value }));
      case "perms":
        return this.#set(change.path, (state) => ({ ...state, perms: change.perms }));
      case "remove":
        return this.#remove(change.path);
      case "end":
        return [...this.#end(change.domid, change.keep), ...this.#forget(change.domid)];
      case "forget":
        return this.#forget(change.domid);
      default:
        return [];
    }
  }

  /** Takes a step, or takes it back. */
  step(delta: Delta, forward: boolean): void {
    this.version += 1;
    const { path } = delta;
    if (delta.kind === "set") this.#put(path, forward ? delta.after : delta.before);
    else if ((delta.kind === "made") === forward) {
      if (delta.kind === "made") this.#make(path, delta.after);
      else this.#restore(path, delta.node, delta.next);
    } else this.#drop(path);
  }

  /** Another one that holds the same. */
  clone(): Mirror {
    const copy = new Mirror(this.expanded);
    copy.root.children = null;
    copy.owned.clear();
    copy.count = 0;
    for (const [name, perms] of this.special) copy.special.set(name, perms);
    copy.root = copy.#copied(this.root, null);
    copy.version = this.version;
    copy.structure = this.structure;
    return copy;
  }

  /** Visits a node and all below, parents first. */
  *walk(from: MirrorNode = this.root): Generator<MirrorNode> {
    const waiting = [from];
    for (let node = waiting.pop(); node; node = waiting.pop()) {
      yield node;
      const end = waiting.length;
      for (const child of node.children?.values() ?? []) waiting.push(child);
      // The first child comes next; a list of many may not be spread over arguments.
      for (let a = end, b = waiting.length - 1; a < b; a++, b--) {
        [waiting[a], waiting[b]] = [waiting[b] as MirrorNode, waiting[a] as MirrorNode];
      }
    }
  }

  expand(path: string, expanded: boolean): void {
    if (expanded) this.expanded.add(path);
    else this.expanded.delete(path);
    const node = this.find(path);
    if (node) node.expanded = expanded;
    this.structure += 1;
  }

  #copied(node: MirrorNode, parent: MirrorNode | null): MirrorNode {
    const copy = new MirrorNode(node.name, parent, node.state);
    copy.changed = node.changed;
    copy.expanded = node.expanded;
    this.#counted(copy.perms, 1);
    if (node.children) {
      copy.children = new Map();
      for (const [name, child] of node.children) copy.children.set(name, this.#copied(child, copy));
    }
    return copy;
  }

  #create(path: string, state: NodeState): Delta[] {
    const deltas: Delta[] = [];
    let node = this.root;
    for (let at = 1; at < path.length; ) {
      const next = path.indexOf("/", at);
      const end = next < 0 ? path.length : next;
      const name = path.slice(at, end);
      let child = node.children?.get(name);
      if (!child) {
        const above = path.slice(0, end);
        const after = next < 0 ? state : { value: NOTHING, perms: state.perms };
        child = this.#add(node, name, above, after);
        deltas.push({ kind: "made", path: above, after });
      }
      node = child;
      at = end + 1;
    }
    return deltas.length > 0 ? deltas : this.#set(path, () => state);
  }

  #set(path: string, next: (state: NodeState) => NodeState): Delta[] {
    if (path.startsWith("@")) {
      this.special.set(path, next({ value: NOTHING, perms: "" }).perms);
      return [];
    }
    const node = this.find(path);
    if (!node) return [];
    const before = node.state;
    const after = next(before);
    this.#put(path, after);
    return [{ kind: "set", path, before, after }];
  }

  #remove(path: string): Delta[] {
    const node = this.find(path);
    if (!node?.parent) return [];
    const delta: Delta = { kind: "gone", path, node: kept(node), next: nextOf(node) };
    this.#drop(path);
    return [delta];
  }

  #end(domid: number, keep: boolean): Delta[] {
    if (this.ownedBy(domid) === 0) return [];
    const deltas: Delta[] = [];
    const owned: MirrorNode[] = [];
    const waiting = [this.root];
    for (let node = waiting.pop(); node; node = waiting.pop()) {
      const own = node.owner === domid;
      if (own) owned.push(node);
      if (own && !keep && node.parent) continue;
      for (const child of node.children?.values() ?? []) waiting.push(child);
    }
    for (const node of owned) {
      const path = node.path();
      if (keep || !node.parent) {
        const given = (state: NodeState) => ({ ...state, perms: withOwner(state.perms, 0) });
        deltas.push(...this.#set(path, given));
      } else deltas.push(...this.#remove(path));
    }
    return deltas;
  }

  #forget(domid: number): Delta[] {
    const entry = new RegExp(` [nrwb]${domid}(?= |$)`, "g");
    const name = `${domid}`;
    const lists = new Map<string, string>();
    const deltas: Delta[] = [];
    for (const node of this.walk()) {
      let next = lists.get(node.perms);
      if (next === undefined) {
        next = node.perms.includes(name) ? node.perms.replace(entry, "") : node.perms;
        lists.set(node.perms, next);
      }
      if (next === node.perms) continue;
      const perms = next;
      deltas.push(...this.#set(node.path(), (state) => ({ ...state, perms })));
    }
    return deltas;
  }

  #put(path: string, state: NodeState): void {
    const node = this.find(path);
    if (!node) return;
    if (state.perms !== node.perms) {
      this.#counted(node.perms, -1);
      this.#counted(state.perms, 1);
    }
    node.value = state.value;
    node.perms = state.perms;
    node.changed = this.version;
  }

  #make(path: string, state: NodeState): void {
    const at = path.lastIndexOf("/");
    const parent = this.find(path.slice(0, at) || "/");
    if (parent) this.#add(parent, path.slice(at + 1), path, state);
  }

  #add(parent: MirrorNode, name: string, path: string, state: NodeState): MirrorNode {
    const node = new MirrorNode(name, parent, state);
    parent.children ??= new Map();
    parent.children.set(name, node);
    node.changed = this.version;
    node.expanded = this.expanded.has(path);
    this.#counted(state.perms, 1);
    this.structure += 1;
    return node;
  }

  #restore(path: string, from: KeptNode, next: string | null): void {
    const waiting: [string, KeptNode][] = [[path, from]];
    for (let one = waiting.shift(); one; one = waiting.shift()) {
      const [place, node] = one;
      this.#make(place, node);
      for (const child of node.children) waiting.push([`${place}/${child.name}`, child]);
    }
    const children = this.find(path)?.parent?.children;
    if (next === null || !children?.has(next)) return;
    // Everything from the sibling on goes behind it again.
    const names = [...children.keys()];
    for (const name of names.slice(names.indexOf(next), -1)) {
      const child = children.get(name) as MirrorNode;
      children.delete(name);
      children.set(name, child);
    }
  }

  #drop(path: string): void {
    const node = this.find(path);
    if (!node?.parent) return;
    for (const one of this.walk(node)) this.#counted(one.perms, -1);
    node.parent.children?.delete(node.name);
    if (node.parent.children?.size === 0) node.parent.children = null;
    this.structure += 1;
  }

  #counted(perms: string, sign: number): void {
    const owner = ownerOf(perms);
    this.count += sign;
    this.owned.set(owner, (this.owned.get(owner) ?? 0) + sign);
  }
}

/** The domain that the first entry of a list names. */
export function ownerOf(perms: string): number {
  let owner = 0;
  for (let at = 1; at < perms.length; at++) {
    const digit = perms.charCodeAt(at) - 48;
    if (digit < 0 || digit > 9) break;
    owner = owner * 10 + digit;
  }
  return owner;
}

function withOwner(perms: string, domid: number): string {
  return perms.replace(/^([nrwb])\d+/, `$1${domid}`);
}

function kept(node: MirrorNode): KeptNode {
  const children = node.children ? [...node.children.values()].map(kept) : [];
  return { name: node.name, value: node.value, perms: node.perms, children };
}

function nextOf(node: MirrorNode): string | null {
  let found = false;
  if ((node.parent?.children?.size ?? 0) > ORDER_MAX) return null;
  for (const name of node.parent?.children?.keys() ?? []) {
    if (found) return name;
    found = name === node.name;
  }
  return null;
}
