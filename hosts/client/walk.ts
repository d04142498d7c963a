// Walk: visits a node and all below, and asks for those that come next meanwhile.
// Holds   the nodes that are still to be visited, the first of them asked for already.
// Never   is more than `ahead` nodes ahead of its user, however wide or deep the tree is.
// Source  pyxs, Client.walk; our own.

import { isXenstoreError, type XenstoreError } from "../shared/errors.ts";
import type { Nodes, Perm, WalkNode, WalkOptions } from "./api.ts";
import { checkPath, invalid } from "./check.ts";

const AHEAD = 64;

/** What was asked about a node; a XenstoreError for one that is not there. */
interface Found {
  readonly value: Uint8Array | null;
  readonly children: readonly string[] | null;
  readonly perms: readonly Perm[] | null;
}

/** A node that is still to be visited. */
interface Ahead {
  readonly path: string;
  readonly depth: number;
  asked: Promise<Found | XenstoreError> | null;
  /** In post order: the node itself, once its children have been put before it. */
  node: WalkNode | null;
}

/** Visits the nodes at and below `top`; see Nodes.walk. */
export async function* walk(
  nodes: Nodes,
  top: string,
  options: WalkOptions = {},
): AsyncGenerator<WalkNode, void> {
  checkPath("READ", top);
  const { depth, post, ahead } = checked(options);
  // The next one is the last.
  const stack: Ahead[] = [{ path: top, depth: 0, asked: null, node: null }];
  for (let next = stack.at(-1); next !== undefined; next = stack.at(-1)) {
    options.signal?.throwIfAborted();
    askAhead(nodes, stack, ahead, options);
    stack.pop();
    if (next.node !== null) {
      yield next.node;
      continue;
    }
    const found = await (next.asked as Promise<Found | XenstoreError>);
    if (isXenstoreError(found)) {
      if (next.depth === 0) throw found;
      continue;
    }
    const node: WalkNode = { path: next.path, depth: next.depth, ...found };
    if (post) stack.push({ ...next, node });
    if (next.depth < depth) pushChildren(stack, node);
    if (post) continue;
    askAhead(nodes, stack, ahead, options);
    yield node;
  }
}

function checked(options: WalkOptions): { depth: number; post: boolean; ahead: number } {
  const { depth = Number.POSITIVE_INFINITY, ahead = AHEAD, order = "pre" } = options;
  if (!(depth >= 0)) throw invalid("walk", `depth is a number from 0 on, not ${depth}`);
  if (!(ahead >= 1)) throw invalid("walk", `ahead is a number from 1 on, not ${ahead}`);
  if (order !== "pre" && order !== "post") {
    throw invalid("walk", `order is "pre" or "post", not ${JSON.stringify(order)}`);
  }
  return { depth, post: order === "post", ahead };
}

function pushChildren(stack: Ahead[], node: WalkNode): void {
  const children = node.children ?? [];
  const start = node.path.endsWith("/") ? node.path : `${node.path}/`;
  for (let at = children.length - 1; at >= 0; at--) {
    const path = `${start}${children[at]}`;
    stack.push({ path, depth: node.depth + 1, asked: null, node: null });
  }
}

/** Asks for those of the next `ahead` nodes that were not asked for yet. */
function askAhead(nodes: Nodes, stack: readonly Ahead[], ahead: number, options: WalkOptions) {
  const end = Math.max(0, stack.length - ahead);
  for (let at = stack.length - 1; at >= end; at--) {
    const next = stack[at] as Ahead;
    if (next.asked !== null || next.node !== null) continue;
    next.asked = ask(nodes, next.path, options);
    // Nobody may come to wait for it.
    next.asked.catch(() => {});
  }
}

async function ask(
  nodes: Nodes,
  path: string,
  { perms, signal }: WalkOptions,
): Promise<Found | XenstoreError> {
  const asked = await Promise.all([
    allowed(nodes.read(path, { as: "bytes", signal })),
    allowed(nodes.list(path, { signal })),
    perms ? allowed(nodes.getPerms(path, { signal })) : null,
  ]);
  const missing = asked.find((one) => isXenstoreError(one));
  if (missing !== undefined) return missing as XenstoreError;
  const [value, children, list] = asked as [Uint8Array, string[], Perm[]];
  return { value, children, perms: list };
}

/** Null for what the caller may not read; the error, for a node that is not there. */
async function allowed<T>(asked: Promise<T>): Promise<T | XenstoreError | null> {
  try {
    return await asked;
  } catch (error) {
    if (isXenstoreError(error, "EACCES")) return null;
    if (isXenstoreError(error, "ENOENT")) return error;
    throw error;
  }
}
