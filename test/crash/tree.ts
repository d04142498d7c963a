// Tree: what must be in a store, as the simplest thing that can hold it.
// Holds   values, permission lists and children in their order of creation; what a change does.
// Never   knows who asked: whoever changes it here has all rights.
// Source  the XenStore protocol, Operations (nodes).

export interface Node {
  value: string;
  /** As in a GET_PERMS reply: each entry with a NUL behind. */
  perms: string;
  children: Map<string, Node>;
}

/** One change. Paths are names below the root of a tree; an empty list is the root itself. */
export type Change =
  | { kind: "write"; path: readonly string[]; value: string }
  | { kind: "mkdir"; path: readonly string[] }
  | { kind: "rm"; path: readonly string[] }
  | { kind: "perms"; path: readonly string[]; perms: string };

export function leaf(value: string, perms: string): Node {
  return { value, perms, children: new Map() };
}

export function copyOf(node: Node): Node {
  const children = new Map<string, Node>();
  for (const [name, child] of node.children) children.set(name, copyOf(child));
  return { value: node.value, perms: node.perms, children };
}

/** The node at a path, or undefined. */
export function at(root: Node, path: readonly string[]): Node | undefined {
  let node: Node | undefined = root;
  for (const name of path) node = node?.children.get(name);
  return node;
}

/** Makes a change; returns "" or the error that the store must answer, nothing is changed then. */
export function apply(root: Node, change: Change): string {
  const { kind, path } = change;
  if (kind === "write") {
    make(root, path).value = change.value;
    return "";
  }
  if (kind === "mkdir") {
    make(root, path);
    return "";
  }
  if (kind === "rm") {
    const parent = at(root, path.slice(0, -1));
    parent?.children.delete(path.at(-1) as string);
    return parent ? "" : "ENOENT";
  }
  const node = at(root, path);
  if (node) node.perms = change.perms;
  return node ? "" : "ENOENT";
}

/** The node at a path; it and its parents are made, each with the permissions of its parent. */
function make(root: Node, path: readonly string[]): Node {
  let node = root;
  for (const name of path) {
    const known = node.children.get(name);
    const next = known ?? leaf("", node.perms);
    if (!known) node.children.set(name, next);
    node = next;
  }
  return node;
}

/** What differs between two trees, in sentences; none: they are the same. */
export function differences(wanted: Node, found: Node, path: string): string[] {
  const all: string[] = [];
  const own = (what: string, want: string, have: string) => {
    if (want !== have) all.push(`${path || "/"}: ${what} is ${brief(have)}, not ${brief(want)}`);
  };
  own("value", wanted.value, found.value);
  own("list of permissions", wanted.perms, found.perms);
  const names = [...wanted.children.keys()];
  const others = [...found.children.keys()];
  const same = names.length === others.length && names.every((name) => found.children.has(name));
  if (same) own("order of children", names.join(" "), others.join(" "));
  for (const name of names) {
    const child = found.children.get(name);
    const below = `${path}/${name}`;
    if (child) all.push(...differences(wanted.children.get(name) as Node, child, below));
    else all.push(`${below} is missing`);
  }
  for (const name of others) {
    if (!wanted.children.has(name)) all.push(`${path}/${name} must not be there`);
  }
  return all;
}

/** A text in a form that fits into a line. */
export function brief(text: string): string {
  const shown = text.replaceAll("\0", "|");
  return shown.length > 60 ? `"${shown.slice(0, 50)}..." (${shown.length})` : `"${shown}"`;
}

/** Number of nodes, the root included. */
export function countOf(node: Node): number {
  let count = 1;
  for (const child of node.children.values()) count += countOf(child);
  return count;
}
