// Mirror: what a store holds, put together from nothing but the changes that it tells.
// Holds   the nodes, special ones too, and what is known of domains.
// Never   asks the store.
// Source  StoreChange of hosts/embed/changes.ts.

import type { Client, TreeNode } from "../../hosts/client/api.ts";
import type { StoreChange } from "../../hosts/embed/changes.ts";
import { flatten } from "../../hosts/embed/tree.ts";

interface Held {
  value: string;
  perms: string;
}

const ROOT = "/";

export class Mirror {
  readonly nodes = new Map<string, Held>();
  readonly domains = new Map<number, Extract<StoreChange, { kind: "domain" }>>();
  limits: Readonly<Record<string, number>> = {};
  /** All that was told. */
  readonly told: StoreChange[] = [];

  constructor() {
    for (const path of [ROOT, "/tool", "/tool/xenstored"]) this.#put(path, "", "n0");
    this.#put("@introduceDomain", "", "n0");
    this.#put("@releaseDomain", "", "n0 r32757");
  }

  /** The sink for a store. */
  readonly hear = (change: StoreChange): void => {
    this.told.push(change);
    this.#apply(change);
  };

  /** Kind and path, or kind and domid, of what was told since the last call. */
  take(): string[] {
    return this.told.splice(0).map((one) => {
      if ("path" in one) return `${one.kind} ${one.path}`;
      return "domid" in one ? `${one.kind} ${one.domid}` : one.kind;
    });
  }

  /** What is there after `restored`. */
  reread(tree: TreeNode): void {
    const special = [...this.nodes].filter(([path]) => path.startsWith("@"));
    this.nodes.clear();
    for (const [path, held] of special) this.nodes.set(path, held);
    for (const [path, held] of contentOf(tree)) this.nodes.set(path, held);
  }

  /** The tree as `contentOf` gives it. */
  get tree(): Map<string, Held> {
    const inside = [...this.nodes].filter(([path]) => path.startsWith("/"));
    return new Map(inside.sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  #put(path: string, value: string, perms: string): void {
    this.nodes.set(path, { value, perms });
  }

  #at(path: string): Held {
    const held = this.nodes.get(path);
    if (!held) throw new Error(`a change of ${path}, which is not there`);
    return held;
  }

  #apply(change: StoreChange): void {
    switch (change.kind) {
      case "create":
        this.#create(change.path, latin1(change.value), change.perms);
        break;
      case "value":
        this.#at(change.path).value = latin1(change.value);
        break;
      case "perms":
        this.#at(change.path).perms = change.perms;
        break;
      case "remove":
        this.#remove(change.path);
        break;
      case "end":
        this.#end(change.domid, change.keep);
        break;
      case "forget":
        this.#forget(change.domid);
        break;
      case "domain":
        this.domains.set(change.domid, change);
        break;
      case "quota":
        this.limits = change.limits;
        break;
      case "restored":
    }
  }

  #create(path: string, value: string, perms: string): void {
    for (let above = parentOf(path); !this.nodes.has(above); above = parentOf(above)) {
      this.#put(above, "", perms);
    }
    this.#put(path, value, perms);
  }

  #remove(path: string): void {
    this.#at(path);
    for (const one of [...this.nodes.keys()]) {
      if (one === path || one.startsWith(`${path}/`)) this.nodes.delete(one);
    }
  }

  #end(domid: number, keep: boolean): void {
    for (const [path, held] of [...this.nodes]) {
      if (ownerOf(held.perms) !== domid || !this.nodes.has(path)) continue;
      if (keep || path === ROOT || path.startsWith("@")) {
        held.perms = held.perms.replace(/\d+/, "0");
      } else this.#remove(path);
    }
    this.#forget(domid);
    this.domains.delete(domid);
    for (const [other, known] of this.domains) {
      if (known.target === domid) this.domains.set(other, { ...known, target: null });
    }
  }

  #forget(domid: number): void {
    for (const held of this.nodes.values()) {
      const [first, ...rest] = held.perms.split(" ");
      held.perms = [first, ...rest.filter((entry) => Number(entry.slice(1)) !== domid)].join(" ");
    }
  }
}

/** What a store holds, by path. */
export async function readAll(client: Client): Promise<Map<string, Held>> {
  return contentOf(await client.snapshot(ROOT));
}

function contentOf(tree: TreeNode): Map<string, Held> {
  const found = [...flatten(tree)].map(({ path, value, perms }) => {
    return [path, { value: latin1(value), perms: perms ?? "" }] as const;
  });
  return new Map(found.sort(([a], [b]) => (a < b ? -1 : 1)));
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("latin1");
}

function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/")) || ROOT;
}

function ownerOf(perms: string): number {
  return Number(/\d+/.exec(perms)?.[0]);
}
