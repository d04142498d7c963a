// Model tree: paths to nodes in a Map, copied whole for every transaction.
// Holds   values, permission lists and lists of children; the simplest thing that can be right.
// Never   is fast, and knows no connection.
// Source  the XenStore protocol, Paths and Permissions.

export const ANY_DOMAIN = 32757;
export const SPECIALS: readonly string[] = ["@introduceDomain", "@releaseDomain"];

/** One entry of a permission list; an inert one is shown and never matches. */
export type Perm = { letter: string; domid: number; inert: boolean };

/** `changed` grows with every change of the node: value, permissions, list of children. */
export type Node = { value: string; perms: Perm[]; children: string[]; changed: number };

/** Who asks: its own id, its target's if it has one, and whether everything is allowed. */
export type Caller = { domid: number; target: number | undefined; privileged: boolean };

export class ModelTree {
  nodes = new Map<string, Node>();
  #changes: { count: number };

  constructor(changes = { count: 0 }) {
    this.#changes = changes;
  }

  /** The tree of a daemon that has just started. */
  static initial(): ModelTree {
    const tree = new ModelTree();
    const perms = [{ letter: "n", domid: 0, inert: false }];
    for (const path of ["/", "/tool", "/tool/xenstored", ...SPECIALS]) {
      tree.nodes.set(path, { value: "", perms, children: [], changed: 0 });
    }
    tree.at("/").children.push("tool");
    tree.at("/tool").children.push("xenstored");
    const any = { letter: "r", domid: ANY_DOMAIN, inert: false };
    tree.at("@releaseDomain").perms = [...perms, any];
    return tree;
  }

  copy(): ModelTree {
    const tree = new ModelTree(this.#changes);
    for (const [path, node] of this.nodes) {
      tree.nodes.set(path, { ...node, children: [...node.children] });
    }
    return tree;
  }

  at(path: string): Node {
    const node = this.nodes.get(path);
    if (node === undefined) throw new Error(`the model has no ${path}`);
    return node;
  }

  /** Marks a node as changed. */
  change(path: string): Node {
    const node = this.at(path);
    this.#changes.count += 1;
    node.changed = this.#changes.count;
    return node;
  }

  /** Adds a child to an existing parent. */
  add(path: string, perms: Perm[]): Node {
    this.nodes.set(path, { value: "", perms, children: [], changed: 0 });
    this.change(parentOf(path)).children.push(path.slice(path.lastIndexOf("/") + 1));
    return this.change(path);
  }

  /** Removes a node and what is below it. */
  remove(path: string): void {
    const name = path.slice(path.lastIndexOf("/") + 1);
    const parent = this.change(parentOf(path));
    parent.children = parent.children.filter((child) => child !== name);
    for (const gone of this.below(path)) this.nodes.delete(gone);
  }

  /** A node and all below it, parents first, siblings in order of creation. */
  below(path: string): string[] {
    const prefix = path === "/" ? "/" : `${path}/`;
    return [path, ...this.at(path).children.flatMap((name) => this.below(prefix + name))];
  }

  /** The same, children before their parents. */
  belowFirst(path: string): string[] {
    const prefix = path === "/" ? "/" : `${path}/`;
    return [...this.at(path).children.flatMap((name) => this.belowFirst(prefix + name)), path];
  }

  /** How many nodes a domain owns. */
  ownedBy(domid: number): number {
    let count = 0;
    for (const node of this.nodes.values()) if (node.perms[0].domid === domid) count += 1;
    return count;
  }

  /** Bytes a node counts for node-size: head, entries, value, names of children with a NUL. */
  sizeOf(path: string): number {
    const { value, perms, children } = this.at(path);
    const names = children.reduce((sum, name) => sum + name.length + 1, 0);
    return 16 + 8 * perms.length + value.length + names;
  }
}

/** The parent of a path; of a special node the root, where its hiding rule ends. */
export function parentOf(path: string): string {
  const slash = path.lastIndexOf("/");
  return slash <= 0 ? "/" : path.slice(0, slash);
}

/** Returns which of "rwo" (read, write, owner) a caller has under a list. */
export function rights(perms: readonly Perm[], caller: Caller): string {
  const ids = [caller.domid, caller.target, ANY_DOMAIN];
  if (caller.privileged || ids.includes(perms[0].domid)) return "rwo";
  const entry = perms.slice(1).find((perm) => !perm.inert && ids.includes(perm.domid));
  return { n: "", r: "r", w: "w", b: "rw" }[(entry ?? perms[0]).letter] as string;
}

/** The text of a list as GET_PERMS shows it. */
export function showPerms(perms: readonly Perm[]): string {
  return perms.map((perm) => `${perm.letter}${perm.domid}\0`).join("");
}

/**
 * Makes a path canonical.
 * @returns  undefined if it is not legal for this caller
 */
export function canonical(
  text: string,
  caller: Caller,
  allowSpecial: boolean,
  pathMax: number,
): string | undefined {
  if (!/^[A-Za-z0-9\-/_@]*$/.test(text)) return undefined;
  if (text.startsWith("@") && !allowSpecial) return undefined;
  const path = /^[/@]/.test(text) ? text : `/local/domain/${caller.domid}/${text}`;
  if (path.includes("//") || (path !== "/" && path.endsWith("/"))) return undefined;
  if (path.length > 3072) return undefined;
  const counted = path.replace(/^\/local\/domain\/\d{1,5}\//, "");
  return !caller.privileged && counted.length > pathMax ? undefined : path;
}
