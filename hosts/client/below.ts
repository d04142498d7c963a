// Below: the operations on nodes, with paths that begin at some node.
// Holds   the prefix; paths that go in are put behind it, paths that come out are cut.
// Never   asks a store itself.
// Source  our own.

import type {
  ApplyOptions,
  CallOptions,
  Nodes,
  Perm,
  Perms,
  ReadOptions,
  RmOptions,
  SnapshotOptions,
  Stat,
  TreeNode,
  Value,
  WalkNode,
  WalkOptions,
} from "./api.ts";
import { checkPath, refusal } from "./check.ts";

export class Below implements Nodes {
  readonly #nodes: Nodes;
  /** Without a slash at the end; empty for the root. */
  readonly #prefix: string;

  /** Throws InvalidRequestError for a prefix that is no path. */
  constructor(nodes: Nodes, prefix: string) {
    checkPath("at", prefix);
    this.#nodes = nodes;
    this.#prefix = prefix === "/" ? "" : prefix;
  }

  // The overloads in api.ts say what it resolves to.
  read(path: string, options?: ReadOptions<unknown>): Promise<never> {
    const whole = this.#whole(path);
    if (typeof whole !== "string") return Promise.reject(whole);
    return this.#nodes.read(whole, options as ReadOptions & { as: "int" }) as Promise<never>;
  }

  write(path: string, value: Value, options?: CallOptions): Promise<void> {
    const whole = this.#whole(path);
    if (typeof whole !== "string") return Promise.reject(whole);
    return this.#nodes.write(whole, value, options);
  }

  mkdir(path: string, options?: CallOptions): Promise<void> {
    const whole = this.#whole(path);
    return typeof whole === "string" ? this.#nodes.mkdir(whole, options) : Promise.reject(whole);
  }

  rm(path: string, options?: RmOptions): Promise<void> {
    const whole = this.#whole(path);
    return typeof whole === "string" ? this.#nodes.rm(whole, options) : Promise.reject(whole);
  }

  list(path: string, options?: CallOptions): Promise<string[]> {
    const whole = this.#whole(path);
    return typeof whole === "string" ? this.#nodes.list(whole, options) : Promise.reject(whole);
  }

  exists(path: string, options?: CallOptions): Promise<boolean> {
    const whole = this.#whole(path);
    return typeof whole === "string" ? this.#nodes.exists(whole, options) : Promise.reject(whole);
  }

  async stat(path: string, options?: CallOptions): Promise<Stat> {
    const found = await this.#nodes.stat(this.#needed(path), options);
    return { ...found, path };
  }

  getPerms(path: string, options?: CallOptions): Promise<Perm[]> {
    const whole = this.#whole(path);
    return typeof whole === "string" ? this.#nodes.getPerms(whole, options) : Promise.reject(whole);
  }

  setPerms(path: string, perms: Perms, options?: CallOptions): Promise<void> {
    const whole = this.#whole(path);
    if (typeof whole !== "string") return Promise.reject(whole);
    return this.#nodes.setPerms(whole, perms, options);
  }

  async *walk(path: string, options?: WalkOptions): AsyncGenerator<WalkNode, void> {
    const top = this.#needed(path);
    const cut = this.#prefix.length + 1;
    for await (const node of this.#nodes.walk(top, options)) {
      yield { ...node, path: node.path.slice(cut) };
    }
  }

  async snapshot(path: string, options?: SnapshotOptions): Promise<TreeNode> {
    return this.#nodes.snapshot(this.#needed(path), options);
  }

  async apply(path: string, tree: TreeNode, options?: ApplyOptions): Promise<void> {
    return this.#nodes.apply(this.#needed(path), tree, options);
  }

  at(prefix: string): Nodes {
    return new Below(this.#nodes, this.#needed(prefix));
  }

  #needed(path: string): string {
    const whole = this.#whole(path);
    if (typeof whole === "string") return whole;
    throw whole;
  }

  /** The path to ask for, or the error for one that is not below the prefix. */
  #whole(path: string): string | Error {
    if (path === "") return this.#prefix || "/";
    if (typeof path === "string" && path[0] !== "/" && path[0] !== "@") {
      return `${this.#prefix}/${path}`;
    }
    const problem = `paths here are relative to ${this.#prefix || "/"}, "" is that node itself`;
    return refusal("at", String(path), problem);
  }
}
