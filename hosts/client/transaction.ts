// Transaction: one open transaction, as nodes that see the store as of its start.
// Holds   whether it goes on, and its requests that are under way.
// Never   begins another, nor repeats anything.
// Source  the XenStore protocol, Transactions.

import { XS_TRANSACTION_END } from "../../assembly/xs_wire.ts";
import { isXenstoreError } from "../shared/errors.ts";
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
  Transaction,
  TreeNode,
  Value,
  WalkNode,
  WalkOptions,
} from "./api.ts";
import { Below } from "./below.ts";
import { invalid } from "./check.ts";
import type { AskOptions, Connection } from "./connection.ts";
import { nothing } from "./decode.ts";
import { asyncDispose } from "./dispose.ts";
import { ConflictError, ConnectionLostError } from "./errors.ts";
import { StoreNodes } from "./nodes.ts";
import { walk } from "./walk.ts";

export class OpenTransaction implements Transaction {
  readonly id: number;
  /** The link that it was begun on. */
  readonly link: number;
  /** Its operations, for those who wait for what they ask. */
  readonly nodes: StoreNodes;
  readonly #connection: Connection;
  readonly #asks: AskOptions;
  readonly #ended: (transaction: OpenTransaction) => void;
  /** Requests under way. */
  readonly #pending = new Set<Promise<unknown>>();
  /** What became of it, in words. */
  #over: string | null = null;
  #committing: Promise<void> | null = null;

  /**
   * @param link   it is lost with it
   * @param ended  called once, when it is over
   */
  constructor(
    connection: Connection,
    id: number,
    link: number,
    ended: (transaction: OpenTransaction) => void,
  ) {
    this.#connection = connection;
    this.id = id;
    this.link = link;
    this.#asks = { txId: id, link };
    this.#ended = ended;
    this.nodes = new StoreNodes(connection, this.#asks, null);
  }

  get over(): boolean {
    return this.#over !== null;
  }

  // The overloads in api.ts say what it resolves to.
  read(path: string, options?: ReadOptions<unknown>): Promise<never> {
    return this.#over === null ? this.#track(this.nodes.read(path, options)) : this.#refuse();
  }

  write(path: string, value: Value, options?: CallOptions): Promise<void> {
    if (this.#over !== null) return this.#refuse();
    return this.#track(this.nodes.write(path, value, options));
  }

  mkdir(path: string, options?: CallOptions): Promise<void> {
    return this.#over === null ? this.#track(this.nodes.mkdir(path, options)) : this.#refuse();
  }

  rm(path: string, options?: RmOptions): Promise<void> {
    return this.#over === null ? this.#track(this.nodes.rm(path, options)) : this.#refuse();
  }

  list(path: string, options?: CallOptions): Promise<string[]> {
    return this.#over === null ? this.#track(this.nodes.list(path, options)) : this.#refuse();
  }

  exists(path: string, options?: CallOptions): Promise<boolean> {
    return this.#over === null ? this.#track(this.nodes.exists(path, options)) : this.#refuse();
  }

  stat(path: string, options?: CallOptions): Promise<Stat> {
    return this.#over === null ? this.#track(this.nodes.stat(path, options)) : this.#refuse();
  }

  getPerms(path: string, options?: CallOptions): Promise<Perm[]> {
    return this.#over === null ? this.#track(this.nodes.getPerms(path, options)) : this.#refuse();
  }

  setPerms(path: string, perms: Perms, options?: CallOptions): Promise<void> {
    if (this.#over !== null) return this.#refuse();
    return this.#track(this.nodes.setPerms(path, perms, options));
  }

  walk(path: string, options?: WalkOptions): AsyncIterableIterator<WalkNode> {
    return walk(this, path, options);
  }

  snapshot(path: string, options?: SnapshotOptions): Promise<TreeNode> {
    return this.#over === null ? this.#track(this.nodes.snapshot(path, options)) : this.#refuse();
  }

  apply(path: string, tree: TreeNode, options?: ApplyOptions): Promise<void> {
    if (this.#over !== null) return this.#refuse();
    return this.#track(this.nodes.apply(path, tree, options));
  }

  at(prefix: string): Nodes {
    return new Below(this, prefix);
  }

  commit(options?: CallOptions): Promise<void> {
    if (this.#over !== null) return this.#refuse();
    this.#over = "is being committed";
    this.#committing = this.#commit(options);
    return this.#committing;
  }

  async abort(): Promise<void> {
    if (this.#over === null) await this.drop("was aborted");
  }

  async [asyncDispose](): Promise<void> {
    if (this.#committing !== null) await this.#committing.catch(() => {});
    else await this.abort();
  }

  /** Aborts it, for the reason given. */
  async drop(how: string): Promise<void> {
    this.end(how);
    await this.#giveUp();
  }

  /** It is over, for the reason given; nothing is sent. */
  end(how: string): void {
    this.#over = how;
    this.#ended(this);
  }

  async #commit(options: CallOptions | undefined): Promise<void> {
    try {
      if (this.#pending.size > 0) await this.#wait();
      const asks = options?.signal ? { ...this.#asks, signal: options.signal } : this.#asks;
      await this.#connection.ask(XS_TRANSACTION_END, null, "T\0", nothing, asks);
      this.end("was committed");
    } catch (error) {
      this.end("could not be committed");
      if (isXenstoreError(error, "EAGAIN")) throw new ConflictError({ cause: error });
      // Unless it was the store's answer to the commit, the transaction may still be open.
      this.#giveUp().catch(() => {});
      throw error;
    }
  }

  /** Waits for the requests that nobody waited for. Throws the first error among them. */
  async #wait(): Promise<void> {
    const left = await Promise.allSettled(this.#pending);
    for (const one of left) if (one.status === "rejected") throw one.reason;
  }

  async #giveUp(): Promise<void> {
    try {
      await this.#connection.ask(XS_TRANSACTION_END, null, "F\0", nothing, this.#asks);
    } catch (error) {
      if (error instanceof ConnectionLostError || isXenstoreError(error, "ENOENT")) return;
      throw error;
    }
  }

  #track<T>(asked: Promise<T>): Promise<T> {
    const seen = asked.finally(() => this.#pending.delete(seen));
    this.#pending.add(seen);
    return seen;
  }

  #refuse(): Promise<never> {
    return Promise.reject(invalid("transaction", `this transaction ${this.#over}; begin another`));
  }
}
