// Tree feature: what is seen of the tree and of one node, and changes made there by hand.
// Holds   the rows, and the tree of another moment while that is shown.
// Never   changes the mirror: a change goes to the store, and comes back from it.
// Source  our own; the XenStore protocol, Operations.

import { pathProblem, type XenstoreError } from "../../entry/browser.ts";
import { explain } from "../model/known.ts";
import type { Look, NodeDetail, TreeRow, TreeWindow, WatchInfo } from "../model/protocol.ts";
import { rightsOf } from "../model/rights.ts";
import { formatPerms, parsePerms } from "../model/words.ts";
import type { Context } from "./engine.ts";
import { explained } from "./explained.ts";
import type { Feature } from "./feature.ts";
import type { Mirror, MirrorNode } from "./mirror.ts";
import { Rows } from "./rows.ts";
import type { TimeTravel } from "./time_feature.ts";

/** Bytes of a value that a row has. */
const PREVIEW = 200;
/** Nodes that are opened at once at the most. */
const DEEP_MAX = 200_000;

export function treeFeature(context: Context, time: TimeTravel): Feature {
  const rows = new Rows();
  const places = new Places();
  const mirror = (): Mirror => time.mirror();

  const now = (): void => {
    if (time.at === null) return;
    throw new Error("This is how it was: go back to now to change something.");
  };
  const change = async (path: string, run: () => Promise<void>): Promise<void> => {
    now();
    try {
      await run();
    } catch (error) {
      throw explained(error as XenstoreError, path);
    }
  };

  return {
    ops: {
      "tree.expand": ({ path, expanded, deep }) => {
        if (deep) expandAll(mirror(), path, expanded);
        mirror().expand(path, expanded);
        context.changed();
      },
      "tree.reveal": ({ path }) => {
        for (let at = path.lastIndexOf("/"); at > 0; at = path.lastIndexOf("/", at - 1)) {
          mirror().expand(path.slice(0, at), true);
        }
        mirror().expand("/", true);
        context.changed();
        const node = mirror().find(path);
        rows.update(mirror(), "");
        return node ? rows.nodes.indexOf(node) : -1;
      },
      "node.write": ({ path, value }) =>
        change(path, () => context.session.page.write(path, value)),
      "node.create": ({ path, value }) =>
        change(path, async () => {
          if (context.session.mirror.find(path)) {
            throw new Error(`${path} is there already: choose another name, or edit its value.`);
          }
          const problem = pathProblem(path);
          if (problem) throw new Error(`${path} is no path: ${problem}.`);
          await context.session.page.write(path, value);
        }),
      "node.remove": ({ path }) => change(path, () => context.session.page.rm(path)),
      "node.perms": ({ path, perms }) =>
        change(path, () => context.session.page.setPerms(path, formatPerms(parsePerms(perms)))),
      "node.read": ({ path }) => mirror().find(path)?.state ?? null,
    },
    sections: [
      {
        name: "tree",
        stamp: ({ tree }: Look) =>
          tree
            ? `${time.stamp()} ${JSON.stringify(tree)} ${tree.lens === null ? "" : targets(context)}`
            : null,
        make: ({ tree }: Look) => {
          if (!tree) return undefined;
          rows.update(mirror(), tree.filter);
          return windowOf(context, rows, places, tree);
        },
      },
      {
        name: "node",
        stamp: ({ node }: Look) =>
          node === undefined ? null : `${time.stamp()} ${node} ${targets(context)}`,
        make: ({ node }: Look) => (node === undefined ? undefined : detail(context, time, node)),
      },
    ],
  };
}

/** Who acts for whom: it decides about rights. */
function targets({ session }: Context): string {
  let text = "";
  for (const { domid, target } of session.domains.values()) text += `${domid}:${target} `;
  return `${text} ${session.history.watches().length}`;
}

function expandAll(mirror: Mirror, path: string, expanded: boolean): void {
  const from = mirror.find(path);
  if (!from) return;
  let count = 0;
  for (const node of mirror.walk(from)) {
    if (!node.children && node !== from) continue;
    if (++count > DEEP_MAX) return;
    // What is there now opens; what comes later opens only where somebody opened it.
    node.expanded = expanded;
    if (!expanded) mirror.expanded.delete(node.path());
  }
}

type TreeLook = NonNullable<Look["tree"]>;

function windowOf(context: Context, rows: Rows, places: Places, look: TreeLook): TreeWindow {
  const { filter, lens } = look;
  const total = rows.nodes.length;
  const from = Math.max(0, Math.min(look.from, total - 1));
  const end = Math.min(total, from + Math.max(1, Math.min(look.count, 1000)));
  const target = lens === null ? null : (context.session.domains.get(lens)?.target ?? null);
  const list: TreeRow[] = [];
  for (let at = from; at < end; at++) {
    const node = rows.nodes[at] as MirrorNode;
    list.push({
      path: node.path(),
      name: node.parent ? node.name : "/",
      depth: rows.depths[at] as number,
      children: node.children?.size ?? 0,
      expanded: rows.isOpen(node),
      ...places.of(node),
      value: node.value.length > PREVIEW ? node.value.slice(0, PREVIEW) : node.value,
      valueLen: node.value.length,
      perms: node.perms,
      changed: node.changed,
      hit: filter === "" || rows.isHit(node),
      lens: lens === null ? null : lensOf(node.perms, lens, target),
    });
  }
  return { from, total, hits: rows.hits, rows: list };
}

function lensOf(perms: string, domid: number, target: number | null) {
  const { read, write } = rightsOf(parsePerms(perms), domid, target);
  return { read: read.ok, write: write.ok };
}

/** Places of nodes among their siblings, known for one parent at a time. */
class Places {
  #parent: MirrorNode | null = null;
  #size = -1;
  #places = new Map<MirrorNode, number>();

  of(node: MirrorNode): { pos: number; size: number } {
    const { parent } = node;
    const siblings = parent?.children;
    if (!parent || !siblings) return { pos: 1, size: 1 };
    let pos = parent === this.#parent ? this.#places.get(node) : undefined;
    if (pos === undefined || this.#size !== siblings.size) {
      this.#parent = parent;
      this.#size = siblings.size;
      this.#places.clear();
      let count = 0;
      for (const sibling of siblings.values()) this.#places.set(sibling, ++count);
      pos = this.#places.get(node) ?? 1;
    }
    return { pos, size: siblings.size };
  }
}

function detail(context: Context, time: TimeTravel, path: string): NodeDetail | null {
  const node = time.mirror().find(path);
  if (!node) return null;
  const { history, domains } = context.session;
  const perms = parsePerms(node.perms);
  const rights = [...domains.values()]
    .filter(({ state, domid }) => state !== "dead" || domid === 0)
    .sort((a, b) => a.domid - b.domid)
    .map(({ domid, target }) => ({ domid, ...rightsOf(perms, domid, target) }));
  return {
    path,
    value: node.value,
    perms,
    children: node.children?.size ?? 0,
    changedBy: time.at === null ? history.lastChange(path) : 0,
    rights,
    explanation: explain(path, node.value),
    watches: history.watches().filter((watch) => hears(watch, path)),
  };
}

/** Does a watch hear of a change of this node? */
function hears({ absolute, depth }: WatchInfo, path: string): boolean {
  if (path === absolute) return true;
  const above = absolute === "/" ? "/" : `${absolute}/`;
  if (!path.startsWith(above)) return false;
  return depth === null || path.slice(above.length).split("/").length <= depth;
}
