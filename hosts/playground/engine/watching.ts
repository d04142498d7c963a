// Watching: which watches there are, from what was asked for and granted.
// Holds   each connection's watches, and how many events each has had.
// Never   asks the store.
// Source  the XenStore protocol, Watches.

import { XS_RESET_WATCHES, XS_UNWATCH, XS_WATCH } from "../../entry/wire.ts";
import type { WatchInfo } from "../model/protocol.ts";
import { domidOf } from "../model/words.ts";
import { absolute, type Done } from "./operation.ts";

type Counted = { -readonly [K in keyof WatchInfo]: WatchInfo[K] };

export class Watching {
  #byConn = new Map<string, Map<string, Counted>>();
  /** Events that came before the reply to their WATCH. */
  #early = new Map<string, number>();
  #list: readonly WatchInfo[] | null = null;

  list(): readonly WatchInfo[] {
    this.#list ??= [...this.#byConn.values()].flatMap((watches) => [...watches.values()]);
    return this.#list;
  }

  /** A request was granted. */
  done({ code, conn, path, token, depth }: Done): void {
    if (code === XS_WATCH) this.#add(conn, path, token, depth);
    else if (code === XS_UNWATCH) {
      this.#byConn.get(conn)?.delete(`${path} ${token}`);
      this.#list = null;
    } else if (code === XS_RESET_WATCHES) this.closed(conn);
  }

  /** A watch has had an event. */
  heard(conn: string, token: string): void {
    let found = false;
    for (const watch of this.#byConn.get(conn)?.values() ?? []) {
      if (watch.token !== token) continue;
      watch.events += 1;
      found = true;
    }
    if (!found) this.#early.set(`${conn} ${token}`, 1);
  }

  closed(conn: string): void {
    if (this.#byConn.delete(conn)) this.#list = null;
  }

  /** All connections of a domain are gone. */
  domainEnded(conn: string): void {
    for (const name of [...this.#byConn.keys()]) {
      if (name === conn || name.startsWith(`${conn}.`)) this.closed(name);
    }
  }

  #add(conn: string, path: string, token: string, depth: number | null): void {
    let watches = this.#byConn.get(conn);
    if (!watches) {
      watches = new Map();
      this.#byConn.set(conn, watches);
    }
    const key = `${conn} ${token}`;
    const events = this.#early.get(key) ?? 0;
    this.#early.delete(key);
    const place = { path, absolute: absolute(conn, path), token };
    watches.set(`${path} ${token}`, { conn, domid: domidOf(conn), ...place, depth, events });
    this.#list = null;
  }
}
