// Model: what every connection must receive, worked out in the simplest way.
// Holds   the tree, connections with their watches and transactions, and who is whose target.
// Never   is clever: a transaction is a deep copy, a commit a replay, a watch a line in a list.
// Source  the XenStore protocol, Transactions and Watches.

import {
  type Allowance,
  type Answer,
  type Change,
  type Effect,
  type Limits,
  removal,
  serve,
  TREE_REQUESTS,
  type TreeRequest,
} from "./requests.ts";
import {
  type Caller,
  canonical,
  ModelTree,
  type Perm,
  parentOf,
  rights,
  SPECIALS,
} from "./tree.ts";

/** A message that a connection must receive; an optional one may be missing. */
export type Expected = { conn: string; type: string; payload: string; optional: boolean };

export type Request = { conn: string; txId: number; name: string; payload: string };

type Watch = { path: string; token: string; relative: boolean; depth: number | undefined };

type Transaction = {
  snapshot: ModelTree;
  view: ModelTree;
  requests: { request: TreeRequest; answer: Answer }[];
  order: string[];
  marks: Map<string, boolean>;
  failed: string;
};

type Connection = {
  name: string;
  caller: Caller;
  watches: Watch[];
  transactions: Map<number, Transaction>;
  nextId: number;
};

/** Quotas that the model knows, for unprivileged connections. */
export type Quotas = Limits & { nodes: number; watches: number; transactions: number };

export class Model {
  tree = ModelTree.initial();
  readonly quotas: Quotas;
  #connections: Connection[] = [];
  #out: Expected[] = [];

  constructor(quotas: Quotas) {
    this.quotas = quotas;
  }

  /** Adds a connection; they hear events in the order in which they were added. */
  connect(name: string, caller: Caller): void {
    const transactions = new Map<number, Transaction>();
    this.#connections.push({ name, caller, watches: [], transactions, nextId: 1 });
  }

  /** The ids of a connection's open transactions. */
  openIds(name: string): number[] {
    return [...this.#find(name).transactions.keys()];
  }

  anyOpen(): boolean {
    return this.#connections.some((connection) => connection.transactions.size > 0);
  }

  /**
   * Serves a request.
   * @param seen  the core's answer, which decides where the rules leave a choice
   * @returns     what all connections must receive, in order for each of them
   */
  serve(request: Request, seen: Answer): Expected[] {
    this.#out = [];
    const connection = this.#find(request.conn);
    const late: Expected[] = [];
    const answer = this.#answer(connection, request, seen, late);
    const type = answer.error === "" ? request.name : "ERROR";
    const payload = answer.error === "" ? answer.payload : `${answer.error}\0`;
    this.#out.push({ conn: request.conn, type, payload, optional: false }, ...late);
    return this.#out;
  }

  /** The domain ends: what it owned goes with events, and its entries in lists go silently. */
  endDomain(domid: number): Expected[] {
    this.#out = [];
    this.#connections = this.#connections.filter((one) => one.name !== `dom${domid}`);
    for (const connection of this.#connections) {
      if (connection.caller.target === domid) connection.caller.target = undefined;
    }
    this.#removeOwned("/", domid);
    // What cannot be removed goes to the control domain.
    for (const path of ["/", ...SPECIALS]) {
      const [first, ...others] = this.tree.at(path).perms;
      if (first.domid !== domid) continue;
      this.tree.change(path).perms = [{ ...first, domid: 0 }, ...others];
    }
    for (const [path, node] of this.tree.nodes) {
      const kept = node.perms.filter((perm, index) => index === 0 || perm.domid !== domid);
      if (kept.length < node.perms.length) this.tree.change(path).perms = kept;
    }
    this.#fireSpecial("@releaseDomain", domid);
    return this.#out;
  }

  introduced(domid: number): Expected[] {
    this.#out = [];
    this.#fireSpecial("@introduceDomain", domid);
    return this.#out;
  }

  #find(name: string): Connection {
    const connection = this.#connections.find((one) => one.name === name);
    if (connection === undefined) throw new Error(`the model has no connection ${name}`);
    return connection;
  }

  #answer(connection: Connection, request: Request, seen: Answer, late: Expected[]): Answer {
    if (request.name === "WATCH") return this.#watch(connection, request.payload, late);
    if (request.name === "UNWATCH") return this.#unwatch(connection, request.payload);
    const transaction = connection.transactions.get(request.txId);
    if (request.txId !== 0 && transaction === undefined) return failure("ENOENT");
    if (TREE_REQUESTS.includes(request.name)) {
      if (transaction !== undefined) return this.#inside(connection, transaction, request);
      const effect = serve(this.tree, connection.caller, request, this.#allowance(connection));
      for (const change of effect.changes) this.#fire(change);
      return effect.answer;
    }
    if (request.name === "TRANSACTION_START") return this.#start(connection, request.txId);
    if (request.name === "TRANSACTION_END") return this.#end(connection, request, seen);
    if (request.name === "RESET_WATCHES") {
      connection.watches = [];
      connection.transactions.clear();
      return done();
    }
    throw new Error(`the model does not know ${request.name}`);
  }

  #start(connection: Connection, txId: number): Answer {
    if (txId !== 0) return failure("EBUSY");
    const open = connection.transactions.size;
    if (!connection.caller.privileged && open >= this.quotas.transactions) return failure("ENOSPC");
    const snapshot = this.tree.copy();
    const id = connection.nextId++;
    const view = snapshot.copy();
    const marks = new Map<string, boolean>();
    const transaction = { snapshot, view, requests: [], order: [], marks, failed: "" };
    connection.transactions.set(id, transaction);
    return { error: "", payload: `${id}\0` };
  }

  #inside(connection: Connection, transaction: Transaction, request: Request): Answer {
    const allowance = this.#allowance(connection);
    const effect = serve(transaction.view, connection.caller, request, allowance);
    transaction.requests.push({ request, answer: effect.answer });
    if (effect.fails && transaction.failed === "") transaction.failed = effect.answer.error;
    this.#touch(transaction, effect);
    return effect.answer;
  }

  #touch(transaction: Transaction, effect: Effect): void {
    for (const path of effect.touched) {
      if (!transaction.order.includes(path)) transaction.order.push(path);
    }
    for (const { path, exact } of effect.changes) {
      const before = transaction.marks.get(path);
      transaction.marks.set(path, exact && before !== false);
    }
  }

  #end(connection: Connection, request: Request, seen: Answer): Answer {
    if (!/^[TF]\0$/.test(request.payload)) return failure("EINVAL");
    const transaction = connection.transactions.get(request.txId);
    if (transaction === undefined) return failure("ENOENT");
    connection.transactions.delete(request.txId);
    if (request.payload === "F\0") return done();
    if (transaction.failed !== "") return failure(transaction.failed);
    if (!connection.caller.privileged && !this.#fits(transaction)) return failure("ENOSPC");
    const after = this.tree.copy();
    // What the quota on nodes allows is judged above, for the whole.
    const allowance = { ...this.quotas, nodesLeft: Number.POSITIVE_INFINITY };
    const same = transaction.requests.every(({ request: one, answer }) => {
      // A quota refused it: nothing was done, and the counts are no part of the tree.
      if (answer.error === "ENOSPC") return true;
      const again = serve(after, connection.caller, one, allowance).answer;
      return again.error === answer.error && again.payload === answer.payload;
    });
    if (!same) return failure("EAGAIN");
    if (seen.error === "EAGAIN" && !this.#untouched(transaction)) return failure("EAGAIN");
    this.#commit(transaction, after);
    return done();
  }

  #allowance(connection: Connection): Allowance {
    const owned = this.tree.ownedBy(connection.caller.domid);
    return { ...this.quotas, nodesLeft: this.quotas.nodes - owned };
  }

  /** Would every guest stay within its number of nodes, or not own more than before? */
  #fits({ snapshot, view }: Transaction): boolean {
    return [3, 5].every((domid) => {
      const more = view.ownedBy(domid) - snapshot.ownedBy(domid);
      return more <= 0 || this.tree.ownedBy(domid) + more <= this.quotas.nodes;
    });
  }

  /** The other bound: nothing that the transaction touched has changed since its start. */
  #untouched({ order, snapshot }: Transaction): boolean {
    return order.every((path) => {
      return snapshot.nodes.get(path)?.changed === this.tree.nodes.get(path)?.changed;
    });
  }

  #commit({ order, marks, snapshot }: Transaction, after: ModelTree): void {
    const before = this.tree;
    this.tree = after;
    for (const path of order) {
      const exact = marks.get(path);
      if (exact === undefined) continue;
      if (!snapshot.nodes.has(path) && !after.nodes.has(path)) continue;
      const now = after.nodes.has(path)
        ? [after.at(path).perms, after.at(parentOf(path)).perms]
        : [];
      // Right at first touch: as the transaction saw it, or as it was before the commit.
      const seen = snapshot.nodes.get(path)?.perms;
      const lately = before.nodes.get(path)?.perms;
      const lists = seen === undefined ? now : [seen, ...now];
      const others = lately === undefined ? now : [lately, ...now];
      this.#fire({ path, exact, lists }, others);
    }
  }

  #fire({ path, exact, lists }: Change, others: Perm[][] = lists): void {
    for (const connection of this.#connections) {
      const may = (perms: Perm[]) => rights(perms, connection.caller).includes("r");
      const hears = lists.some(may);
      const optional = hears !== others.some(may);
      if (!hears && !optional) continue;
      for (const watch of connection.watches) {
        if (matches(watch, path, exact)) this.#event(connection, watch, path, optional);
      }
    }
  }

  #fireSpecial(path: string, domid: number): void {
    const numbered = `${path}/${domid}`;
    for (const form of [path, numbered]) {
      for (const connection of this.#connections) {
        if (!rights(this.tree.at(path).perms, connection.caller).includes("r")) continue;
        for (const watch of connection.watches) {
          const deep = watch.path === path && watch.depth !== undefined && watch.depth > 0;
          const plain = watch.path === path && watch.depth === undefined;
          const hit = form === path ? plain : deep || watch.path === numbered;
          if (hit) this.#event(connection, watch, form, false);
        }
      }
    }
  }

  #event(connection: Connection, watch: Watch, path: string, optional: boolean): void {
    const home = `/local/domain/${connection.caller.domid}/`;
    const text = watch.relative ? path.slice(home.length) : path;
    const payload = `${text}\0${watch.token}\0`;
    const same = this.#out.some(
      (one) =>
        one.conn === connection.name && one.type === "WATCH_EVENT" && one.payload === payload,
    );
    if (same && !path.startsWith("@")) return;
    this.#out.push({ conn: connection.name, type: "WATCH_EVENT", payload, optional });
  }

  #watch(connection: Connection, payload: string, late: Expected[]): Answer {
    const [text, token, depth] = payload.split("\0").slice(0, -1);
    if (depth?.startsWith("-")) return failure("EINVAL");
    const path = canonical(text, connection.caller, true, this.quotas.pathMax);
    if (path === undefined) return failure("EINVAL");
    if (connection.watches.some((watch) => watch.path === path && watch.token === token)) {
      return failure("EEXIST");
    }
    if (!connection.caller.privileged && connection.watches.length >= this.quotas.watches) {
      return failure("ENOSPC");
    }
    const relative = !/^[/@]/.test(text);
    const levels = depth === undefined ? undefined : Number(depth);
    connection.watches.push({ path, token, relative, depth: levels });
    const first = { conn: connection.name, type: "WATCH_EVENT", optional: false };
    late.push({ ...first, payload: `${text}\0${token}\0` });
    return done();
  }

  #unwatch(connection: Connection, payload: string): Answer {
    const [text, token] = payload.split("\0");
    const path = canonical(text, connection.caller, true, this.quotas.pathMax);
    if (path === undefined) return failure("EINVAL");
    const left = connection.watches.filter((one) => one.path !== path || one.token !== token);
    if (left.length === connection.watches.length) return failure("ENOENT");
    connection.watches = left;
    return done();
  }

  #removeOwned(path: string, domid: number): void {
    const prefix = path === "/" ? "/" : `${path}/`;
    if (path !== "/" && this.tree.at(path).perms[0].domid === domid) {
      for (const change of removal(this.tree, path)) this.#fire(change);
      this.tree.remove(path);
      return;
    }
    for (const name of [...this.tree.at(path).children]) this.#removeOwned(prefix + name, domid);
  }
}

function matches(watch: Watch, path: string, exact: boolean): boolean {
  if (exact || watch.path === path) return watch.path === path;
  if (path.startsWith("@")) return false;
  const prefix = watch.path === "/" ? "/" : `${watch.path}/`;
  if (!path.startsWith(prefix)) return false;
  return watch.depth === undefined || path.slice(prefix.length).split("/").length <= watch.depth;
}

function done(): Answer {
  return { error: "", payload: "OK\0" };
}

function failure(error: string): Answer {
  return { error, payload: "" };
}
