// Causes: which operation made an event, and which one made a change.
// Holds   for each connection, the operation that its last event was put down to.
// Never   needs more than what a trace has: so imported traces are linked as well.
// Source  the XenStore protocol, Watches: events of a connection come in the order of changes.

import type { StoreChange } from "../../entry/browser.ts";
import {
  XS_INTRODUCE,
  XS_MKDIR,
  XS_RELEASE,
  XS_RM,
  XS_SET_PERMS,
  XS_TRANSACTION_END,
  XS_WATCH,
  XS_WRITE,
} from "../../entry/wire.ts";
import type { Log } from "./log.ts";
import type { Delta, KeptNode } from "./mirror.ts";
import { absolute, type Done } from "./operation.ts";

/** Operations that are looked at for the cause of one event. */
const WINDOW = 256;
/** Deltas of one operation that are looked at; what is above that fits any path. */
const DELTAS_MAX = 4096;
/** Requests that make each kind of change to a node. */
const MAKERS: { readonly [K in StoreChange["kind"]]?: readonly number[] } = {
  create: [XS_WRITE, XS_MKDIR],
  value: [XS_WRITE],
  perms: [XS_SET_PERMS],
  remove: [XS_RM],
};

export class Causes {
  #log: Log<Done>;
  #last = new Map<string, number>();
  /** By connection and token, the operation that set the watch. */
  #watched = new Map<string, number>();

  constructor(log: Log<Done>) {
    this.#log = log;
  }

  /** A watch was asked for. */
  watched({ n, conn, token }: Done): void {
    this.#watched.set(`${conn} ${token}`, n);
  }

  /** A connection has ended: its names may come again. */
  closed(conn: string): void {
    this.#last.delete(conn);
    for (const key of this.#watched.keys()) {
      if (key.startsWith(`${conn} `)) this.#watched.delete(key);
    }
  }

  /** The operation that an event is due to, or null. The event is counted there. */
  of(conn: string, path: string, token: string): Done | null {
    const newest = this.#log.last;
    const wanted = absolute(conn, path);
    const key = `${conn} ${token}`;
    const known = Math.max(this.#last.get(conn) ?? 0, newest - WINDOW, this.#log.first);
    // No event is older than its watch.
    const oldest = Math.max(known, this.#watched.get(key) ?? 0);
    let again: Done | null = null;
    for (let n = oldest; n <= newest; n++) {
      const done = this.#log.get(n);
      if (!done || !caused(done, conn, wanted, token)) continue;
      // A commit has several events for one watch; single requests have one.
      const served = done.served?.has(key) && done.code !== XS_TRANSACTION_END;
      if (served) {
        again = done;
        continue;
      }
      return this.#found(done, conn, path, token);
    }
    return again && this.#found(again, conn, path, token);
  }

  #found(done: Done, conn: string, path: string, token: string): Done {
    if (done.code === XS_WATCH && done.conn === conn) done.initial = false;
    this.#last.set(conn, done.n);
    done.hear(conn, path, token);
    return done;
  }

  /** The operation among those without a reply that made a change; else the newest. */
  maker(change: StoreChange, pending: Iterable<Done>): Done | null {
    const types = MAKERS[change.kind];
    let again: Done | null = null;
    for (const done of types ? pending : []) {
      if (done.code === XS_TRANSACTION_END) return done;
      if (!types?.includes(done.code) || done.txId !== 0) continue;
      if ("path" in change && absolute(done.conn, done.path) !== change.path) continue;
      if (done.deltas.length === 0) return done;
      again ??= done;
    }
    return again ?? this.#log.get(this.#log.last) ?? null;
  }
}

function caused(done: Done, conn: string, wanted: string, token: string): boolean {
  if (done.initial && done.conn === conn && done.code === XS_WATCH) {
    return done.token === token || absolute(conn, done.path) === wanted;
  }
  if (wanted.startsWith("@")) return causedSpecial(done, wanted);
  if (done.deltas.length === 0) return false;
  for (let at = 0; at < done.deltas.length && at < DELTAS_MAX; at++) {
    if (covers(done.deltas[at] as Delta, wanted)) return true;
  }
  return done.deltas.length > DELTAS_MAX;
}

function causedSpecial(done: Done, wanted: string): boolean {
  if (wanted === "@introduceDomain") return done.code === XS_INTRODUCE;
  if (done.code === XS_RELEASE || done.type === "destroyed") return true;
  return done.type === "shutdown";
}

function covers(delta: Delta, wanted: string): boolean {
  const { path } = delta;
  if (path === wanted) return true;
  // A node that goes takes those below it along, and their watches hear of themselves.
  if (delta.kind !== "gone" || !wanted.startsWith(`${path}/`)) return false;
  let node: KeptNode | undefined = delta.node;
  for (const name of wanted.slice(path.length + 1).split("/")) {
    node = node?.children.find((child) => child.name === name);
  }
  return node !== undefined || wanted.startsWith(`${path}/`);
}
