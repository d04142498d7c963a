// Tree: a subtree as plain data, taken from a store and put into one.
// Holds   how nodes become data and data becomes requests, all checked before the first.
// Never   opens a transaction: it is called within one.
// Source  our own.

import { XENSTORE_PAYLOAD_MAX } from "../../assembly/xs_wire.ts";
import type {
  ApplyOptions,
  CallOptions,
  Nodes,
  SnapshotOptions,
  TreeNode,
  WalkNode,
} from "./api.ts";
import { badPath, encodeValue, pathIsFine, refusal } from "./check.ts";
import { exactText } from "./decode.ts";
import { encodePerms, formatPerms } from "./perms.ts";

/** Nodes whose requests are under way at once. */
const AT_ONCE = 64;

type Draft = { -readonly [Key in keyof TreeNode]: TreeNode[Key] };

/** The subtree at `path`. */
export async function takeSnapshot(
  nodes: Nodes,
  path: string,
  options: SnapshotOptions = {},
): Promise<TreeNode> {
  const { perms = true, signal } = options;
  /** The last node of each depth. */
  const open: Draft[] = [];
  for await (const node of nodes.walk(path, { perms, signal, ahead: AT_ONCE })) {
    const draft = draftOf(node);
    open[node.depth] = draft;
    if (node.depth === 0) continue;
    const parent = open[node.depth - 1] as Draft;
    parent.children ??= {};
    setOwn(parent.children, node.path.slice(node.path.lastIndexOf("/") + 1), draft);
  }
  return open[0] as TreeNode;
}

function draftOf({ value, perms }: WalkNode): Draft {
  const draft: Draft = {};
  if (value !== null) {
    const text = exactText(value);
    if (text === null) draft.base64 = btoa(String.fromCharCode(...value));
    else draft.value = text;
  }
  if (perms !== null) draft.perms = formatPerms(perms);
  return draft;
}

/** Also for `__proto__`, which is a name like any other. */
function setOwn(children: object, name: string, value: TreeNode): void {
  Object.defineProperty(children, name, {
    value,
    enumerable: true,
    configurable: true,
    writable: true,
  });
}

/** What is to be done about one node. */
interface Step {
  readonly path: string;
  /** Null: the node is made if it is not there, and its value left alone. */
  readonly value: string | Uint8Array | null;
  readonly perms: string | null;
  /** Children that stay; null: all. */
  readonly keep: ReadonlySet<string> | null;
}

/**
 * What is to be done to make the subtree at `path` be as the tree, parents first.
 * Throws InvalidRequestError for anything in it that can't be sent.
 */
export function planTree(
  path: string,
  tree: TreeNode,
  payloadMax: number = XENSTORE_PAYLOAD_MAX,
  { prune = false, perms = true }: ApplyOptions = {},
): readonly Step[] {
  const steps: Step[] = [];
  const waiting: [string, TreeNode][] = [[path, tree]];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const [at, node] = next;
    if (!pathIsFine(at)) throw badPath("apply", at);
    if (typeof node !== "object" || node === null) throw refusal("apply", at, "is no TreeNode");
    const names = Object.keys(node.children ?? {});
    steps.push({
      path: at,
      value: valueIn(at, node, payloadMax),
      perms: perms ? permsIn(at, node) : null,
      keep: prune ? new Set(names) : null,
    });
    const start = at.endsWith("/") ? at : `${at}/`;
    for (const name of names.reverse()) {
      if (name.includes("/")) throw refusal("apply", `${start}${name}`, "a name can't hold /");
      waiting.push([`${start}${name}`, (node.children as Record<string, TreeNode>)[name]]);
    }
  }
  return steps;
}

function valueIn(path: string, node: TreeNode, payloadMax: number): string | Uint8Array | null {
  const { value, base64 } = node;
  if (value !== undefined && base64 !== undefined) {
    throw refusal("apply", path, "has both value and base64");
  }
  const bytes = base64 === undefined ? value : fromBase64(path, base64);
  if (bytes === undefined) return null;
  if (base64 === undefined && typeof bytes !== "string") {
    throw refusal("apply", path, "value is a string; bytes go into base64");
  }
  return encodeValue("apply", path, bytes, payloadMax - path.length - 1);
}

function fromBase64(path: string, base64: string): Uint8Array {
  try {
    return Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
  } catch {
    throw refusal("apply", path, "base64 does not hold base64");
  }
}

function permsIn(path: string, node: TreeNode): string | null {
  if (node.perms === undefined) return null;
  const list = encodePerms(node.perms);
  if ("problem" in list) throw refusal("apply", path, list.problem);
  return node.perms;
}

/** Does what was planned. The first error ends it; what was done by then stays. */
export async function applyTree(
  nodes: Nodes,
  steps: readonly Step[],
  { signal }: CallOptions = {},
): Promise<void> {
  for (let at = 0; at < steps.length; at += AT_ONCE) {
    const some = steps.slice(at, at + AT_ONCE);
    await Promise.all(some.flatMap((step) => requestsOf(nodes, step, { signal })));
  }
}

function requestsOf(nodes: Nodes, step: Step, options: CallOptions): Promise<unknown>[] {
  const { path, value, perms, keep } = step;
  const asked: Promise<unknown>[] = [
    value === null ? nodes.mkdir(path, options) : nodes.write(path, value, options),
  ];
  if (perms !== null) asked.push(nodes.setPerms(path, perms, options));
  if (keep !== null) asked.push(pruneChildren(nodes, path, keep, options));
  return asked;
}

async function pruneChildren(
  nodes: Nodes,
  path: string,
  keep: ReadonlySet<string>,
  options: CallOptions,
): Promise<void> {
  const start = path.endsWith("/") ? path : `${path}/`;
  const gone = (await nodes.list(path, options)).filter((name) => !keep.has(name));
  for (let at = 0; at < gone.length; at += AT_ONCE) {
    const some = gone.slice(at, at + AT_ONCE);
    await Promise.all(some.map((name) => nodes.rm(`${start}${name}`, options)));
  }
}
