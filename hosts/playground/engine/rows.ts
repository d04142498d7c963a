// Rows: the nodes of a tree that are shown, one below the other.
// Holds   the list for one tree and one filter, made anew when either has changed.
// Never   is longer to look into than to make: a window of it costs what it has.
// Source  our own.

import type { Mirror, MirrorNode } from "./mirror.ts";

const decoder = new TextDecoder();
/** Bytes of a value that the filter looks into. */
const LOOKED = 4096;

export class Rows {
  nodes: MirrorNode[] = [];
  depths: number[] = [];
  /** Nodes that the filter finds. */
  hits = 0;
  #hit: Set<MirrorNode> | null = null;
  #mirror: Mirror | null = null;
  #filter = "";
  #stamp = "";

  /** Sees to it that the rows are those of this tree now. */
  update(mirror: Mirror, filter: string): void {
    const version = filter === "" ? mirror.structure : `${mirror.structure}/${mirror.version}`;
    const stamp = `${version} ${filter}`;
    if (mirror === this.#mirror && stamp === this.#stamp) return;
    this.#mirror = mirror;
    this.#filter = filter;
    this.#stamp = stamp;
    this.nodes = [];
    this.depths = [];
    if (filter === "") this.#all(mirror);
    else this.#found(mirror);
  }

  isHit(node: MirrorNode): boolean {
    return this.#hit === null || this.#hit.has(node);
  }

  /** With a filter, everything on the way to what was found is open. */
  isOpen(node: MirrorNode): boolean {
    return this.#filter === "" ? node.expanded : node.children !== null;
  }

  #all(mirror: Mirror): void {
    this.#hit = null;
    this.hits = mirror.count;
    const nodes = [mirror.root];
    const depths = [0];
    for (let node = nodes.pop(); node; node = nodes.pop()) {
      const depth = depths.pop() as number;
      this.nodes.push(node);
      this.depths.push(depth);
      if (!node.expanded || !node.children) continue;
      const end = nodes.length;
      for (const child of node.children.values()) {
        nodes.push(child);
        depths.push(depth + 1);
      }
      reverse(nodes, end);
    }
  }

  #found(mirror: Mirror): void {
    const wanted = this.#filter.toLowerCase();
    const hit = new Set<MirrorNode>();
    const shown = new Set<MirrorNode>();
    const paths = wanted.includes("/");
    for (const node of mirror.walk()) {
      const name = paths ? node.path() : node.name;
      const fits =
        name.toLowerCase().includes(wanted) ||
        (node.value.length > 0 &&
          decoder.decode(node.value.subarray(0, LOOKED)).toLowerCase().includes(wanted));
      if (!fits) continue;
      hit.add(node);
      for (let at: MirrorNode | null = node; at && !shown.has(at); at = at.parent) shown.add(at);
    }
    this.#hit = hit;
    this.hits = hit.size;
    for (const node of mirror.walk()) {
      if (!shown.has(node)) continue;
      this.nodes.push(node);
      let depth = 0;
      for (let at = node.parent; at; at = at.parent) depth += 1;
      this.depths.push(depth);
    }
  }
}

function reverse(list: unknown[], from: number): void {
  for (let a = from, b = list.length - 1; a < b; a++, b--) {
    [list[a], list[b]] = [list[b], list[a]];
  }
}
