// Check: whether a store holds what was acknowledged: exactly that, and nothing else.
// Holds   the tree outside the writers' parts, as it was before they began.
// Never   looks while somebody writes: the writers are paused, and the guests have caught up.
// Source  our own.

import { COUNT_PATH } from "./driver.ts";
import { newsOf } from "./guest.ts";
import { Reader } from "./reader.ts";
import { Complaint, type Site } from "./site.ts";
import { at, differences, leaf, type Node } from "./tree.ts";

export class Check {
  #site: Site;
  #rest: Node | null = null;
  /** Nodes that were compared at the last check. */
  nodes = 0;

  constructor(site: Site) {
    this.#site = site;
  }

  /** Notes what there is besides the writers' parts. */
  async begin(): Promise<void> {
    const reader = await Reader.open(this.#site.socket);
    this.#rest = this.#without(await reader.tree("/"));
    reader.close();
  }

  /**
   * Compares. Guests must have answered everything; who lost its connection is settled.
   * Throws a Complaint with all that is wrong.
   */
  async run(): Promise<void> {
    const site = this.#site;
    const reader = await Reader.open(site.socket);
    const whole = await reader.tree("/");
    const complaints = await faults(reader);
    reader.close();
    complaints.push(...this.compare(whole));
    if (complaints.length > 0) throw new Complaint(complaints.join("\n"));
  }

  /** Throws unless all guests are known: else they would wait for ever. */
  async introduced(): Promise<void> {
    const reader = await Reader.open(this.#site.socket);
    for (const { domid } of this.#site.guests) {
      const known = await reader.answer("IS_DOMAIN_INTRODUCED", `${domid}\0`);
      if (known !== "T") throw new Complaint(`domain ${domid} is not introduced any more`);
    }
    reader.close();
  }

  /** Complaints about a whole tree. */
  compare(whole: Node): string[] {
    const complaints: string[] = [];
    const site = this.#site;
    for (const { writer } of site.drivers) {
      const found = at(whole, namesOf(writer.root));
      if (!found) complaints.push(`${writer.root} is missing`);
      else complaints.push(...writer.settle(found));
    }
    const count = at(whole, namesOf(COUNT_PATH));
    complaints.push(site.claims.check(count?.value ?? ""));
    for (const guest of site.guests) complaints.push(...guest.behind(newsOf(whole)));
    const rest = this.#without(whole);
    if (this.#rest) complaints.push(...differences(this.#rest, rest, ""));
    return complaints.filter((text) => text !== "");
  }

  /** A tree in which the writers' parts, and what all count, are left empty. */
  #without(whole: Node): Node {
    const site = this.#site;
    const roots = [...site.drivers.map(({ writer }) => writer.root), COUNT_PATH];
    this.nodes = 0;
    const copy = (node: Node, path: string): Node => {
      this.nodes += 1;
      if (roots.includes(path)) return leaf("", node.perms);
      const next = leaf(node.value, node.perms);
      for (const [name, child] of node.children)
        next.children.set(name, copy(child, `${path}/${name}`));
      return next;
    };
    return copy(whole, "");
  }
}

/** What the store's own check of tree, accounts and files has to say. */
async function faults(reader: Reader): Promise<string[]> {
  const text = await reader.answer("CONTROL", "check\0");
  const fine = /^OK\b/.test(text) && !/[1-9]\d* fault/.test(text);
  return fine ? [] : [`check says: ${text}`];
}

function namesOf(path: string): string[] {
  return path.split("/").slice(1);
}
