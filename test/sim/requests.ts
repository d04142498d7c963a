// Model requests: what each request about the tree answers and changes.
// Holds   one function for each; all work on the tree they are given, a copy or the real one.
// Never   sends an event: changes are returned as data.
// Source  the XenStore protocol, Operations and Permissions.

import {
  ANY_DOMAIN,
  type Caller,
  canonical,
  type ModelTree,
  type Node,
  type Perm,
  parentOf,
  rights,
  showPerms,
} from "./tree.ts";

/** An answer: a payload, or the name of an error. */
export type Answer = { error: string; payload: string };

/** A changed node, and the lists of which one must let a watcher read. */
export type Change = { path: string; exact: boolean; lists: Perm[][] };

/** What a request did. `touched` is in order; `fails` means that its transaction has failed. */
export type Effect = { answer: Answer; changes: Change[]; touched: string[]; fails: boolean };

export type Limits = { nodeSize: number; nodePermissions: number; pathMax: number };

/** How many more nodes the caller may own; what its open transactions made does not count. */
export type Allowance = Limits & { nodesLeft: number };

export type TreeRequest = { name: string; payload: string };

/** Names of the requests that this file knows. */
export const TREE_REQUESTS: readonly string[] = [
  "READ",
  "DIRECTORY",
  "DIRECTORY_PART",
  "GET_PERMS",
  "WRITE",
  "MKDIR",
  "RM",
  "SET_PERMS",
];

/** Serves one request on a tree, which it changes unless the answer is an error. */
export function serve(
  tree: ModelTree,
  caller: Caller,
  { name, payload }: TreeRequest,
  limits: Allowance,
): Effect {
  const job = new Job(tree, caller, limits);
  const answer = job.serve(name, payload);
  return { answer, changes: job.changes, touched: job.touched, fails: job.fails };
}

const OK: Answer = { error: "", payload: "OK\0" };

function failure(error: string): Answer {
  return { error, payload: "" };
}

class Job {
  changes: Change[] = [];
  touched: string[] = [];
  fails = false;
  readonly tree: ModelTree;
  readonly caller: Caller;
  readonly limits: Allowance;

  constructor(tree: ModelTree, caller: Caller, limits: Allowance) {
    this.tree = tree;
    this.caller = caller;
    this.limits = limits;
  }

  serve(name: string, payload: string): Answer {
    if (name === "WRITE") return this.write(payload);
    const strings = payload.split("\0").slice(0, -1);
    if (name === "SET_PERMS") return this.setPerms(strings);
    if (name === "DIRECTORY_PART") {
      return strings.length === 2 ? this.part(strings[0], strings[1]) : failure("EINVAL");
    }
    if (strings.length !== 1 || payload.length !== strings[0].length + 1) return failure("EINVAL");
    if (name === "MKDIR") return this.mkdir(strings[0]);
    if (name === "RM") return this.rm(strings[0]);
    const node = this.reach(strings[0], "r", name === "GET_PERMS");
    if (typeof node === "string") return failure(node);
    if (name === "READ") return { error: "", payload: node.value };
    if (name === "GET_PERMS") return { error: "", payload: showPerms(node.perms) };
    return { error: "", payload: node.children.map((child) => `${child}\0`).join("") };
  }

  path(text: string, allowSpecial = false): string | undefined {
    return canonical(text, this.caller, allowSpecial, this.limits.pathMax);
  }

  /** Finds a node on which the caller has one of the rights asked for; else an error's name. */
  reach(text: string, right: string, allowSpecial = false): Node | string {
    const path = this.path(text, allowSpecial);
    if (path === undefined) return "EINVAL";
    const node = this.tree.nodes.get(path);
    this.touched.push(path);
    if (node !== undefined && this.has(node, right)) return node;
    return this.hide(path, right, node === undefined ? "ENOENT" : "EACCES");
  }

  has(node: Node, needed: string): boolean {
    const got = rights(node.perms, this.caller);
    return [...needed].every((right) => got.includes(right));
  }

  /** The real error if the nearest existing ancestor grants something of what was asked for. */
  hide(path: string, needed: string, error: string): string {
    const got = rights(this.ancestor(path).perms, this.caller);
    return [...needed].some((right) => got.includes(right)) ? error : "EACCES";
  }

  /** The nearest existing ancestor; all on the way are touched. */
  ancestor(path: string): Node {
    let up = path;
    do {
      up = parentOf(up);
      this.touched.push(up);
    } while (!this.tree.nodes.has(up));
    return this.tree.at(up);
  }

  part(text: string, offset: string): Answer {
    const node = this.reach(text, "r");
    if (typeof node === "string") return failure(node);
    const list = node.children.map((child) => `${child}\0`).join("");
    return { error: "", payload: `G\0${list.slice(Number.parseInt(offset, 10) || 0)}\0` };
  }

  write(payload: string): Answer {
    const end = payload.indexOf("\0");
    if (end < 0) return failure("EINVAL");
    return this.store(payload.slice(0, end), payload.slice(end + 1));
  }

  mkdir(text: string): Answer {
    const path = this.path(text);
    if (path === undefined || !this.tree.nodes.has(path)) return this.store(text, "");
    const node = this.reach(text, "w");
    return typeof node === "string" ? failure(node) : OK;
  }

  store(text: string, value: string): Answer {
    const path = this.path(text);
    if (path === undefined) return failure("EINVAL");
    this.touched.push(path);
    const node = this.tree.nodes.get(path);
    if (node !== undefined) {
      if (!this.has(node, "w")) return failure(this.hide(path, "w", "EACCES"));
      if (this.tooLarge(path, value.length - node.value.length)) return failure("ENOSPC");
    } else {
      const ancestor = this.ancestor(path);
      if (!this.has(ancestor, "w")) return failure("EACCES");
      const error = this.create(path, value);
      if (error !== "") return failure(error);
    }
    this.tree.change(path).value = value;
    this.changed(path);
    return OK;
  }

  /** Makes the missing nodes down to `path`, if each of them is small enough. */
  create(path: string, value: string): string {
    const missing: string[] = [];
    let up = path;
    for (; !this.tree.nodes.has(up); up = parentOf(up)) missing.unshift(up);
    if (!this.caller.privileged && missing.length > this.limits.nodesLeft) return "ENOSPC";
    const below = missing[0].length - (up === "/" ? 1 : up.length + 1) + 1;
    if (this.tooLarge(up, below)) return "ENOSPC";
    const perms = this.inherited(up);
    const head = 16 + 8 * perms.length;
    const names = missing.slice(1).map((one) => one.length - one.lastIndexOf("/"));
    const largest = Math.max(head + value.length, ...names.map((len) => head + len));
    if (!this.caller.privileged && largest > this.limits.nodeSize) {
      this.fails = true;
      return "ENOSPC";
    }
    for (const one of missing) this.tree.add(one, perms);
    return "";
  }

  inherited(parent: string): Perm[] {
    const perms = this.tree.at(parent).perms;
    if (this.caller.privileged) return perms;
    return [{ ...perms[0], domid: this.caller.domid }, ...perms.slice(1)];
  }

  tooLarge(path: string, more: number): boolean {
    if (this.caller.privileged) return false;
    const large = this.tree.sizeOf(path) + more > this.limits.nodeSize;
    this.fails ||= large;
    return large;
  }

  rm(text: string): Answer {
    const path = this.path(text);
    if (path === undefined) return failure("EINVAL");
    this.touched.push(path);
    const node = this.tree.nodes.get(path);
    if (node === undefined) {
      if (!this.has(this.ancestor(path), "w")) return failure("EACCES");
      return this.tree.nodes.has(parentOf(path)) ? OK : failure("ENOENT");
    }
    if (!this.has(node, "w")) return failure(this.hide(path, "w", "EACCES"));
    if (path === "/") return failure("EINVAL");
    this.touched.push(parentOf(path), ...this.tree.below(path).slice(1));
    this.changes.push(...removal(this.tree, path));
    this.tree.remove(path);
    return OK;
  }

  setPerms(strings: string[]): Answer {
    if (strings.length < 2) return failure("EINVAL");
    const [text, ...entries] = strings;
    const { caller, limits } = this;
    if (!caller.privileged && entries.length > limits.nodePermissions) return failure("ENOSPC");
    const perms = entries.map(parsePerm);
    if (perms.includes(undefined)) return failure("EINVAL");
    const list = perms as Perm[];
    if (!exists(list[0].domid)) return failure("ENOENT");
    const node = this.reach(text, "wo", true);
    if (typeof node === "string") return failure(node);
    const path = this.path(text, true) as string;
    if (!caller.privileged && list[0].domid !== node.perms[0].domid) return failure("EPERM");
    if (this.tooLarge(path, 8 * (list.length - node.perms.length))) return failure("ENOSPC");
    const old = node.perms;
    this.tree.change(path).perms = list;
    if (path.startsWith("@")) return OK;
    this.changes.push({ path, exact: false, lists: [old, list, this.parentPerms(path)] });
    return OK;
  }

  changed(path: string): void {
    const lists = [this.tree.at(path).perms, this.parentPerms(path)];
    this.changes.push({ path, exact: false, lists });
  }

  parentPerms(path: string): Perm[] {
    return this.tree.at(parentOf(path)).perms;
  }
}

/** The changes that the removal of a subtree makes; the tree is as it was before. */
export function removal(tree: ModelTree, root: string): Change[] {
  return tree.belowFirst(root).map((path) => {
    const lists = [tree.at(path).perms, tree.at(parentOf(path)).perms];
    return { path, exact: path !== root, lists };
  });
}

function parsePerm(text: string): Perm | undefined {
  const parts = /^([nrwb])(\d+)$/.exec(text);
  if (parts === null) return undefined;
  const domid = Number(parts[2]);
  return { letter: parts[1], domid, inert: !exists(domid) && domid !== ANY_DOMAIN };
}

function exists(domid: number): boolean {
  return domid < 32752;
}
