// Faults: what is to go wrong, for which requests, and how often.
// Holds   the faults that wait for their request, and the connections there are.
// Never   changes what a store does by itself: see fault_stream.ts for how each is done.
// Source  our own.

import { XS_SET_QUOTA, XS_TRANSACTION_END } from "../../assembly/xs_wire.ts";
import { operationName } from "../client/operations.ts";
import type { Site } from "../embed/site.ts";
import { nameOnTheWire } from "../shared/errors.ts";
import { firstString, type Message, strings, toText } from "../shared/wire.ts";

/** Which requests a fault is for: those to which all that is given applies. */
export interface FaultFilter {
  /** The operation's name in the protocol, such as `WRITE` or `TRANSACTION_END`. */
  readonly op?: string | undefined;
  /** The path in the request, as it was sent; or an expression that it matches. */
  readonly path?: string | RegExp | undefined;
  /** Whose connection it is on: 0 for privileged clients. */
  readonly domid?: number | undefined;
  /** The connection's name, as in the trace: `S1`, `D7`, `D7.2`. */
  readonly conn?: string | undefined;
  /** Requests that are let through before the first one that it is for (0). */
  readonly skip?: number | undefined;
  /** How often it happens (1). */
  readonly times?: number | undefined;
  /** How likely it is for each request, from 0 to 1 (1); decided by the seed. */
  readonly probability?: number | undefined;
}

/** Where a connection ends: see `disconnect`. */
export type Moment = "now" | "before" | "after" | "reply";

export interface DisconnectFilter extends FaultFilter {
  /**
   * `now`: at once. `before`: when the request has been sent and was not applied. `after` (the
   * default if the filter names anything): when it was applied, and its reply never comes.
   * `reply`: in the middle of its reply.
   */
  readonly when?: Moment | undefined;
  /** Bytes of the reply that still come, for `reply` (8, half of a header). */
  readonly bytes?: number | undefined;
}

/** How long replies take: ms; one after the other of a list, again and again; or a range. */
export type Delay = number | readonly number[] | { readonly min: number; readonly max: number };

/** A fault that was asked for. */
export interface Fault {
  /** How often it has happened. */
  readonly count: number;
  /** It happens no more. */
  remove(): void;
}

/** What becomes of one request. */
export type Fate =
  | { readonly kind: "fail"; readonly code: string }
  | { readonly kind: "cut"; readonly when: Moment; readonly bytes: number }
  | { readonly kind: "delay"; readonly ms: number }
  | { readonly kind: "silence" };

/** A connection that faults can end. */
export interface Victim {
  readonly conn: string;
  readonly domid: number;
  cut(): void;
}

const OPERATIONS = new Set(Array.from({ length: 27 }, (_, type) => operationName(type)));

class Rule implements Fault {
  count = 0;
  readonly filter: FaultFilter;
  readonly next: () => Fate;
  readonly remove: () => void;
  #seen = 0;
  #spares: boolean;

  /** @param spares  whether it is not for requests that give a transaction up */
  constructor(
    filter: FaultFilter,
    next: () => Fate,
    spares: boolean,
    remove: (rule: Rule) => void,
  ) {
    this.#spares = spares;
    this.filter = filter;
    this.next = next;
    this.remove = () => remove(this);
  }

  /** Is it this request's turn? */
  hits(owner: Victim, message: Message, random: () => number): boolean {
    const { op, path, times = 1, skip = 0, probability = 1 } = this.filter;
    if (this.count >= times || !concerns(this.filter, owner)) return false;
    if (op !== undefined && operationName(message.type) !== op) return false;
    if (this.#spared(message)) return false;
    if (path !== undefined && !samePath(path, message)) return false;
    if (this.#seen++ < skip) return false;
    if (probability < 1 && random() >= probability) return false;
    this.count += 1;
    return true;
  }

  #spared({ type, payload }: Message): boolean {
    return this.#spares && type === XS_TRANSACTION_END && payload[0] === GIVES_UP;
  }
}

/** TRANSACTION_END with this gives up. */
const GIVES_UP = 0x46;

function concerns({ domid, conn }: FaultFilter, owner: Victim): boolean {
  if (domid !== undefined && owner.domid !== domid) return false;
  return conn === undefined || owner.conn === conn;
}

function samePath(wanted: string | RegExp, { payload }: Message): boolean {
  const path = toText(firstString(payload));
  return typeof wanted === "string" ? path === wanted : wanted.test(path);
}

/** Things that go wrong on purpose. The newest fault that fits a request is the one that happens. */
export class Faults {
  /** What random decisions follow from; the same seed gives the same faults again. */
  readonly seed: number;
  #random: () => number;
  #rules: Rule[] = [];
  #victims = new Set<Victim>();
  #site: () => Site;

  constructor(seed: number, random: () => number, site: () => Site) {
    this.seed = seed;
    this.#random = random;
    this.#site = site;
  }

  /**
   * Requests are answered with an error, and are not applied. `fail("EAGAIN")` without an `op` is
   * for commits, which then really do not commit; giving up a transaction never fails.
   * @param code  a name that a store can send, such as ENOENT, ENOSPC or EIO
   */
  fail(code: string, filter: FaultFilter = {}): Fault {
    if (nameOnTheWire(code) !== code) {
      throw new RangeError(`fail: ${code} is no error that a store can send`);
    }
    const op = filter.op ?? (code === "EAGAIN" ? operationName(XS_TRANSACTION_END) : undefined);
    return this.#add({ ...filter, op }, () => ({ kind: "fail", code }), true);
  }

  /**
   * Ends connections: all at once without a filter, else the connection of a request.
   * @returns the fault; `now` happens within the call
   */
  disconnect(filter: DisconnectFilter = {}): Fault {
    const { when = Object.keys(filter).length ? "after" : "now", bytes = 8, ...rest } = filter;
    const rule = this.#add(rest, () => ({ kind: "cut", when, bytes }));
    if (when !== "now") return rule;
    rule.remove();
    const victims = [...this.#victims].filter((one) => concerns(rest, one));
    for (const victim of victims) victim.cut();
    rule.count = victims.length;
    return rule;
  }

  /** Replies come later, by the store's clock; what is behind them waits as well. */
  delay(delay: Delay, filter: FaultFilter = {}): Fault {
    let n = 0;
    const ms = () => {
      if (typeof delay === "number") return delay;
      if ("min" in delay) return delay.min + (delay.max - delay.min) * this.#random();
      return delay[n++ % delay.length] ?? 0;
    };
    const times = filter.times ?? Number.POSITIVE_INFINITY;
    return this.#add({ ...filter, times }, () => ({ kind: "delay", ms: ms() }));
  }

  /** Requests are never answered, nor is what follows on their connection; they are not applied. */
  silence(filter: FaultFilter = {}): Fault {
    return this.#add(filter, () => ({ kind: "silence" }));
  }

  /**
   * Sets limits of the store itself, by the names of `client.quotas()`: it answers ENOSPC, or what
   * else it does, when a domain goes beyond them. 0 means none.
   * @param domid  for one domain only; without it for all that have no limits of their own
   */
  quota(limits: Readonly<Record<string, number>>, { domid }: { domid?: number } = {}): void {
    for (const [name, value] of Object.entries(limits)) {
      const whose = domid === undefined ? [] : [`${domid}`];
      const place = { op: "SET_QUOTA", path: name };
      this.#site().ask(XS_SET_QUOTA, strings(...whose, name, `${value}`), place);
    }
  }

  /** The store ends as if its process had been killed: only what was stored is left. */
  kill(): void {
    this.#site().kill(`the store was killed on purpose (seed ${this.seed})`);
  }

  /** Nothing goes wrong any more; limits stay. */
  clear(): void {
    this.#rules = [];
  }

  /** For streams: what becomes of a request; null: it is served. */
  fate(owner: Victim, message: Message): Fate | null {
    for (let at = this.#rules.length - 1; at >= 0; at--) {
      const rule = this.#rules[at] as Rule;
      if (rule.hits(owner, message, this.#random)) return rule.next();
    }
    return null;
  }

  /** For streams: a connection that is there. */
  enter(victim: Victim): void {
    this.#victims.add(victim);
  }

  leave(victim: Victim): void {
    this.#victims.delete(victim);
  }

  #add(filter: FaultFilter, next: () => Fate, spares = false): Rule {
    const { op, probability = 1 } = filter;
    if (op !== undefined && !OPERATIONS.has(op)) {
      throw new RangeError(`faults: ${op} is no operation; ${[...OPERATIONS].join(" ")} are`);
    }
    if (!(probability >= 0 && probability <= 1)) {
      throw new RangeError(`faults: ${probability} is no probability from 0 to 1`);
    }
    const rule = new Rule(filter, next, spares, (one) => {
      this.#rules = this.#rules.filter((other) => other !== one);
    });
    this.#rules.push(rule);
    return rule;
  }
}
