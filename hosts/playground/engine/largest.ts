// Largest: where in the tree each domain has most of its nodes.
// Holds   nothing.
// Never   goes through the tree more than once.
// Source  our own.

import { type Mirror, type MirrorNode, ownerOf } from "./mirror.ts";

/** Subtrees that are named for each domain. */
const SHOWN = 5;
/** A subtree in which nearly all is below one child is named by that one. */
const NEARLY = 0.9;

/** Counts of one subtree and those below it, as far as they are large enough to be named. */
interface Counted {
  readonly node: MirrorNode;
  nodes: number;
  /** The child with most of them. */
  most: Counted | null;
}

export interface Subtree {
  readonly path: string;
  readonly nodes: number;
}

/** By domain, the subtrees with most of its nodes; one is never within another. */
export function largestSubtrees(mirror: Mirror): Map<number, Subtree[]> {
  const tops = new Map<number, Counted[]>();
  const singles = new Map<number, Counted[]>();
  const owners = new Map<string, number>();
  const owner = (perms: string): number => {
    let found = owners.get(perms);
    if (found === undefined) {
      found = ownerOf(perms);
      owners.set(perms, found);
    }
    return found;
  };
  count(mirror.root, owner, (domid, counted, alone) => {
    const map = alone ? singles : tops;
    const list = map.get(domid);
    if (list) list.push(counted);
    else map.set(domid, [counted]);
  });
  // Nodes that stand alone say something only of who has nothing else.
  return new Map([...singles, ...tops].map(([domid, list]) => [domid, named(list)]));
}

type Sums = Map<number, Counted>;
const NOTHING: Sums = new Map();
/** `alone`: the node itself, without what is below it. */
type Tops = (domid: number, counted: Counted, alone: boolean) => void;

/** Where a domain's subtrees begin: the parts of its home, else what is two levels down. */
function isTop(depth: number, names: readonly string[]): boolean {
  if (names[0] === "local" && names[1] === "domain") return depth === 4;
  return depth === 2;
}

/** Counts by owner below a node; each subtree that may be named is told once for each owner. */
function count(root: MirrorNode, owner: (perms: string) => number, tell: Tops): void {
  const names: string[] = [];
  const visit = (node: MirrorNode, depth: number, inTop: boolean): Sums => {
    const sums: Sums = new Map();
    const own = owner(node.perms);
    const within = inTop || isTop(depth, names);
    if (within) add(sums, own, node, { node, nodes: 1, most: null });
    // What stands above is no part of a subtree that is named: it is told by itself.
    else tell(own, { node, nodes: 1, most: null }, true);
    for (const child of node.children?.values() ?? []) {
      names[depth] = child.name;
      const leaf = within && !child.children;
      if (leaf) add(sums, owner(child.perms), node, { node: child, nodes: 1, most: null });
      else
        for (const [domid, below] of visit(child, depth + 1, within)) add(sums, domid, node, below);
      names.length = depth;
    }
    if (inTop) return sums;
    for (const [domid, sum] of sums) tell(domid, sum, false);
    return NOTHING;
  };
  visit(root, 0, false);
}

function add(sums: Sums, domid: number, node: MirrorNode, below: Counted): void {
  let sum = sums.get(domid);
  if (!sum) {
    sum = { node, nodes: 0, most: null };
    sums.set(domid, sum);
  }
  sum.nodes += below.nodes;
  if (below.node !== node && below.nodes > (sum.most?.nodes ?? 0)) sum.most = below;
}

function named(list: readonly Counted[]): Subtree[] {
  return [...list]
    .sort((a, b) => b.nodes - a.nodes)
    .slice(0, SHOWN)
    .map((counted) => {
      let found = counted;
      while (found.most && found.most.nodes >= NEARLY * found.nodes) {
        found = found.most;
      }
      return { path: found.node.path(), nodes: found.nodes };
    });
}
