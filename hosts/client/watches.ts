// Watches: all watches of a connection, and what its link tells about them.
// Holds   the watch of each token; whether the store takes a depth.
// Never   gives one token to two watches, not even while one is being removed.
// Source  the XenStore protocol, Watches; Clients, Behaviour.

import {
  XENSTORE_SERVER_FEATURE_WATCHDEPTH,
  XS_UNWATCH,
  XS_WATCH,
} from "../../assembly/xs_wire.ts";
import type { WatchOptions } from "./api.ts";
import { checkWatch } from "./check.ts";
import type { Connection, Listener } from "./connection.ts";
import * as decode from "./decode.ts";
import { askFeatures } from "./domain.ts";
import { ReasonedError } from "./errors.ts";
import { isLost, type Registry, StoreWatch } from "./watch.ts";

export class Watches implements Listener, Registry {
  readonly #byToken = new Map<string, StoreWatch>();
  #connection: Connection | null = null;
  #lastToken = 0;
  /** What the store of a link offers. */
  #features: { link: number; bits: Promise<number> } | null = null;

  /** Must be called before any watch is made. */
  attach(connection: Connection): void {
    this.#connection = connection;
  }

  /** A watch that is not set yet. What is wrong with it is told when it is used. */
  make(path: string, options: WatchOptions): StoreWatch {
    return new StoreWatch(this, path, options.token ?? `w${++this.#lastToken}`, options);
  }

  /** Those that were asked for on the present link. */
  get asked(): StoreWatch[] {
    const link = this.#on.link;
    return [...this.#byToken.values()].filter((watch) => !watch.over && watch.link === link);
  }

  /** The store has removed these of itself. */
  forget(watches: readonly StoreWatch[]): void {
    for (const watch of watches) {
      watch.link = 0;
      watch.finish();
      this.#drop(watch);
    }
  }

  /** Removes all; their iterators end. */
  async finish(): Promise<void> {
    await Promise.all([...this.#byToken.values()].map((watch) => watch.return()));
  }

  set(watch: StoreWatch): void {
    try {
      this.#check(watch);
    } catch (error) {
      watch.denied(error);
      return;
    }
    this.#byToken.set(watch.token, watch);
    if (watch.depth === undefined) this.#ask(watch, this.#on.link, false);
    else void this.#askDeep(watch);
  }

  async remove(watch: StoreWatch): Promise<void> {
    if (this.#byToken.get(watch.token) !== watch) return;
    const { link, path, token } = watch;
    if (link !== 0) {
      watch.link = 0;
      const asked = this.#on.ask(XS_UNWATCH, path, `${token}\0`, decode.nothing, { link });
      await asked.catch(() => {});
    }
    this.#drop(watch);
  }

  // What the connection tells.

  event(path: string, token: string): void {
    this.#byToken.get(token)?.heard(path);
  }

  async relinked(link: number): Promise<number> {
    const again = [...this.#byToken.values()].filter((watch) => !watch.over && watch.link !== 0);
    const set = await Promise.all(again.map((watch) => this.#ask(watch, link, true)));
    return set.filter((done) => done).length;
  }

  ended(error: Error | null): void {
    for (const watch of [...this.#byToken.values()]) {
      if (error !== null) watch.denied(error);
      else watch.finish();
      this.#drop(watch);
    }
  }

  /** Throws for a watch that can't be set. */
  #check(watch: StoreWatch): void {
    const { path, token, options } = watch;
    checkWatch(path, token, options, this.#on.payloadMax);
    if (!this.#byToken.has(token)) return;
    const reason = `the token ${JSON.stringify(token)} belongs to another watch of this client`;
    throw new ReasonedError("EEXIST", reason, { op: "WATCH", path });
  }

  /** Sets a watch with a depth, if the store can do that. */
  async #askDeep(watch: StoreWatch): Promise<void> {
    try {
      if (await this.#takesDepth(false)) {
        if (!watch.over) await this.#ask(watch, this.#on.link, false);
        return;
      }
      watch.denied(noDepth(watch.path));
    } catch (error) {
      watch.denied(error);
    }
    this.#drop(watch);
  }

  async #takesDepth(first: boolean): Promise<boolean> {
    const connection = this.#on;
    if (!connection.passesDepth) return false;
    while (true) {
      const { link } = connection;
      if (this.#features?.link !== link) {
        this.#features = { link, bits: askFeatures(connection, { first }) };
      }
      try {
        return ((await this.#features.bits) & XENSTORE_SERVER_FEATURE_WATCHDEPTH) !== 0;
      } catch (error) {
        if (this.#features?.link === link) this.#features = null;
        if (!isLost(error) || connection.state === "closed") throw error;
      }
    }
  }

  /** Returns whether it was set. A loss of the link is no refusal: `relinked` sets it again. */
  async #ask(watch: StoreWatch, link: number, first: boolean): Promise<boolean> {
    watch.asked(link);
    const { path, token, depth } = watch;
    try {
      if (first && depth !== undefined && !(await this.#takesDepth(true))) {
        throw noDepth(path);
      }
      const tail = depth === undefined ? `${token}\0` : `${token}\0${depth}\0`;
      await this.#on.ask(XS_WATCH, path, tail, decode.nothing, { link, first });
      watch.confirmed();
      return true;
    } catch (error) {
      if (isLost(error) && this.#on.state !== "closed") return false;
      watch.link = 0;
      watch.denied(error);
      this.#drop(watch);
      return false;
    }
  }

  #drop(watch: StoreWatch): void {
    if (this.#byToken.get(watch.token) === watch) this.#byToken.delete(watch.token);
  }

  get #on(): Connection {
    return this.#connection as Connection;
  }
}

function noDepth(path: string): ReasonedError {
  const reason = "this store takes no depth with a watch; leave it out";
  return new ReasonedError("EOPNOTSUPP", reason, { op: "WATCH", path });
}
