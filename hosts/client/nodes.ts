// Nodes: the operations on nodes, each request as it goes over a connection.
// Holds   which requests an operation is made of, and what of their errors is no error.
// Never   keeps anything between two calls; what must be of one moment it leaves to a transaction.
// Source  the XenStore protocol, Operations; Clients, libxenstore.

import {
  XS_DIRECTORY,
  XS_GET_PERMS,
  XS_MKDIR,
  XS_READ,
  XS_RM,
  XS_SET_PERMS,
  XS_WRITE,
} from "../../assembly/xs_wire.ts";
import { isXenstoreError, XenstoreError } from "../shared/errors.ts";
import type {
  ApplyOptions,
  As,
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
import { Below } from "./below.ts";
import { badPath, encodeValue, pathIsFine, refusal } from "./check.ts";
import type { AskOptions, Connection, Decode } from "./connection.ts";
import * as decode from "./decode.ts";
import { listParts } from "./parts.ts";
import { encodePerms } from "./perms.ts";
import { applyTree, planTree, takeSnapshot } from "./tree.ts";
import { walk } from "./walk.ts";

/** What is done in a transaction: one of its own, or the one that the caller is in. */
export interface Atomic {
  /** Runs `body` with nodes as of one moment, of which nothing is kept. */
  look<T>(body: (nodes: StoreNodes) => Promise<T>, options?: CallOptions): Promise<T>;
  /** Runs `body` with nodes whose changes are made all or not at all. */
  change<T>(body: (nodes: StoreNodes) => Promise<T>, options?: CallOptions): Promise<T>;
}

/** Nodes as a connection sees them, outside of transactions or within one. */
export class StoreNodes implements Nodes {
  readonly #connection: Connection;
  /** What each request carries. */
  readonly #asks: AskOptions | undefined;
  readonly #atomic: Atomic;

  /** @param atomic  null: within a transaction, whose id is in `asks` */
  constructor(connection: Connection, asks: AskOptions | undefined, atomic: Atomic | null) {
    this.#connection = connection;
    this.#asks = asks;
    this.#atomic = atomic ?? { look: (body) => body(this), change: (body) => body(this) };
  }

  // The overloads in api.ts say what it resolves to.
  read(path: string, options?: ReadOptions<unknown>): Promise<never> {
    if (!pathIsFine(path)) return Promise.reject(badPath("READ", path));
    if (options === undefined) {
      return this.#connection.ask(XS_READ, path, null, decode.text, this.#asks) as Promise<never>;
    }
    return this.#readAs(path, options) as Promise<never>;
  }

  write(path: string, value: Value, options?: CallOptions): Promise<void> {
    if (!pathIsFine(path)) return Promise.reject(badPath("WRITE", path));
    const room = this.#connection.payloadMax - path.length - 1;
    try {
      const tail = encodeValue("WRITE", path, value, room);
      return this.#connection.ask(XS_WRITE, path, tail, decode.nothing, this.#with(options));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  mkdir(path: string, options?: CallOptions): Promise<void> {
    if (!pathIsFine(path)) return Promise.reject(badPath("MKDIR", path));
    return this.#connection.ask(XS_MKDIR, path, null, decode.nothing, this.#with(options));
  }

  rm(path: string, options?: RmOptions): Promise<void> {
    if (!pathIsFine(path)) return Promise.reject(badPath("RM", path));
    const asked = this.#connection.ask(XS_RM, path, null, decode.nothing, this.#with(options));
    return options?.missingOk ? asked.catch(unlessMissing) : asked;
  }

  list(path: string, options?: CallOptions): Promise<string[]> {
    if (!pathIsFine(path)) return Promise.reject(badPath("DIRECTORY", path));
    const asks = this.#with(options);
    return this.#connection.ask(XS_DIRECTORY, path, null, decode.names, asks).catch((error) => {
      if (!isXenstoreError(error, "E2BIG")) throw error;
      return this.#listLong(path, options);
    });
  }

  exists(path: string, options?: CallOptions): Promise<boolean> {
    if (!pathIsFine(path)) return Promise.reject(badPath("READ", path));
    const asked: Promise<boolean> = this.#connection.ask(
      XS_READ,
      path,
      null,
      decode.yes,
      this.#with(options),
    );
    return asked.catch((error) => {
      unlessMissing(error);
      return false;
    });
  }

  stat(path: string, options?: CallOptions): Promise<Stat> {
    if (!pathIsFine(path)) return Promise.reject(badPath("READ", path));
    return this.#atomic.look((nodes) => nodes.#stat(path, options), options);
  }

  getPerms(path: string, options?: CallOptions): Promise<Perm[]> {
    if (!pathIsFine(path, true)) return Promise.reject(badPath("GET_PERMS", path, true));
    return this.#connection.ask(XS_GET_PERMS, path, null, decode.perms, this.#with(options));
  }

  setPerms(path: string, perms: Perms, options?: CallOptions): Promise<void> {
    if (!pathIsFine(path, true)) return Promise.reject(badPath("SET_PERMS", path, true));
    const list = encodePerms(perms);
    if ("problem" in list) return Promise.reject(refusal("SET_PERMS", path, list.problem));
    const asks = this.#with(options);
    return this.#connection.ask(XS_SET_PERMS, path, list.tail, decode.nothing, asks);
  }

  walk(path: string, options?: WalkOptions): AsyncIterableIterator<WalkNode> {
    return walk(this, path, options);
  }

  snapshot(path: string, options?: SnapshotOptions): Promise<TreeNode> {
    if (!pathIsFine(path)) return Promise.reject(badPath("READ", path));
    return this.#atomic.change((nodes) => takeSnapshot(nodes, path, options), options);
  }

  apply(path: string, tree: TreeNode, options?: ApplyOptions): Promise<void> {
    try {
      const plan = planTree(path, tree, this.#connection.payloadMax, options);
      return this.#atomic.change((nodes) => applyTree(nodes, plan, options), options);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  at(prefix: string): Nodes {
    return new Below(this, prefix);
  }

  #readAs(path: string, options: ReadOptions<unknown>): Promise<unknown> {
    const decoder = decoderOf(path, options.as);
    if (decoder === null) {
      const problem = `"as" is "text", "bytes" or "int", not ${JSON.stringify(options.as)}`;
      return Promise.reject(refusal("READ", path, problem));
    }
    const asks = this.#with(options);
    const asked = this.#connection.ask<unknown>(XS_READ, path, null, decoder, asks);
    if (!("default" in options)) return asked;
    return asked.catch((error) => {
      unlessMissing(error);
      return options.default;
    });
  }

  /** Within a transaction only. */
  async #stat(path: string, options?: CallOptions): Promise<Stat> {
    const signal = options?.signal;
    const [value, children, perms] = await Promise.all([
      this.read(path, { as: "bytes", signal }) as Promise<Uint8Array>,
      this.list(path, options),
      this.getPerms(path, options),
    ]);
    return { path, value, children, perms, owner: perms[0]?.domid ?? 0 };
  }

  /** One whose children change all the time is read in a transaction, where it stands still. */
  async #listLong(path: string, options: CallOptions | undefined): Promise<string[]> {
    const found = await listParts(this.#connection, path, this.#with(options));
    if (found !== null) return found;
    return this.#atomic.look(async (nodes) => {
      const still = await listParts(this.#connection, path, nodes.#with(options));
      if (still !== null) return still;
      throw new XenstoreError("EAGAIN", { op: "DIRECTORY_PART", path });
    }, options);
  }

  /** What a request carries: the transaction, if any, and the caller's signal, if any. */
  #with(options: CallOptions | undefined): AskOptions | undefined {
    const signal = options?.signal;
    return signal === undefined ? this.#asks : { ...this.#asks, signal };
  }
}

function decoderOf(path: string, as: As = "text"): Decode<unknown> | null {
  if (as === "text") return decode.text;
  if (as === "bytes") return decode.copy;
  return as === "int" ? decode.intAt(path) : null;
}

/** Throws what is not ENOENT. */
function unlessMissing(error: unknown): void {
  if (!isXenstoreError(error, "ENOENT")) throw error;
}
