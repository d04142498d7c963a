// Quotas: what each domain has used of its limits, and where its nodes are.
// Holds   the figures that were asked for last, and the limits until one changes.
// Never   asks when nothing has changed, nor more often than the page can show.
// Source  the XenStore protocol, quotas; CONTROL quota.

import type { StoreChange } from "../../entry/browser.ts";
import type { QuotaInfo } from "../model/protocol.ts";
import { DomainError, entryOf } from "./domain_entry.ts";
import type { Context } from "./engine.ts";
import { explained } from "./explained.ts";
import type { Feature } from "./feature.ts";
import { largestSubtrees } from "./largest.ts";
import type { Session } from "./session.ts";

type Largest = ReadonlyMap<number, QuotaInfo["largest"]>;
type Meter = QuotaInfo["meters"][number];

/** Time between two looks: ms; with many nodes those are counted less often. */
const PAUSE_MS = 200;
const MANY = 20_000;
const MANY_PAUSE_MS = 1000;
const VALUE_MAX = 0x7fff_ffff;

const COUNTS: Readonly<Record<string, string>> = {
  nodes: "Nodes that it owns, wherever in the tree they are.",
  watches: "Watches that are set over its ring or beside it.",
  outstanding: "Requests without a reply, or whose events were not taken yet.",
  memory: "Bytes that the store holds for it: nodes, watches, transactions, what waits for it.",
  transactions: "Transactions that it has begun and not ended.",
};

export function quotaFeature(context: Context): Feature {
  const quotas = new Quotas(context);
  return {
    ops: { "quota.set": ({ domid, name, value }) => quotas.set(domid, name, value) },
    sections: [
      {
        name: "quotas",
        stamp: (look) => (look.quotas ? quotas.stamp() : null),
        make: () => quotas.infos ?? undefined,
      },
    ],
    opened: () => quotas.forget(),
    closing: () => quotas.forget(),
    heard: (session, change) => quotas.heard(session, change),
  };
}

class Quotas {
  /** null: they were not asked for yet. */
  infos: readonly QuotaInfo[] | null = null;
  readonly #context: Context;
  /** Counts what was asked for. */
  #version = 0;
  /** What the figures are of. */
  #of = "";
  #askedMs = 0;
  #asking = false;
  #timer: ReturnType<typeof setTimeout> | null = null;
  /** Limits by domain and name; those of all domains that have none of their own. */
  #limits = new Map<string, number>();
  #largest: Largest = new Map();
  #largestOf = -1;
  #largestMs = 0;

  constructor(context: Context) {
    this.#context = context;
  }

  forget(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.infos = null;
    this.#of = "";
    this.#limits.clear();
    this.#largestOf = -1;
    this.#version += 1;
  }

  heard(session: Session, { kind }: StoreChange): void {
    const limits = kind === "domain" || kind === "quota" || kind === "end" || kind === "restored";
    if (limits && session === this.#open()) this.#limits.clear();
  }

  /** Asks anew if there is something new, and it is time to. */
  stamp(): string {
    const { session } = this.#context;
    const of = `${session.id} ${session.history.version} ${session.mirror.version}`;
    if (of !== this.#of && !this.#asking) {
      const waitMs = this.#askedMs + PAUSE_MS - performance.now();
      if (waitMs > 0) this.#later(waitMs);
      else void this.#ask(session, of);
    }
    return `${session.id} ${this.#version}`;
  }

  async set(domid: number, name: string, value: number): Promise<void> {
    const { session } = this.#context;
    if (domid === 0) {
      throw new DomainError("Domain 0 has no limits: quotas are for guests. Choose one of them.");
    }
    const entry = entryOf(session, domid);
    if (!entry.introduced) {
      throw new DomainError(`The store does not know domain ${domid} now. Introduce it first.`);
    }
    if (!Number.isInteger(value) || value < 0 || value > VALUE_MAX) {
      throw new Error(`A limit is an integer from 0, for none, to ${VALUE_MAX}, not ${value}.`);
    }
    const names = await session.hidden.quotas();
    if (!names.includes(name)) {
      throw new Error(`There is no quota "${name}". There are ${names.join(", ")}.`);
    }
    try {
      await session.page.domain(domid).setQuota(name, value);
    } catch (error) {
      throw explained(error as never);
    }
    this.#limits.clear();
    this.#of = "";
    this.#askedMs = 0;
    this.#context.changed();
  }

  #open(): Session | null {
    try {
      return this.#context.session;
    } catch {
      return null;
    }
  }

  #later(waitMs: number): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = null;
      this.#context.changed();
    }, waitMs);
  }

  async #ask(session: Session, of: string): Promise<void> {
    this.#asking = true;
    this.#askedMs = performance.now();
    try {
      const largest = this.#look(session);
      const known = [...session.domains.values()].filter(({ introduced }) => introduced);
      const infos: QuotaInfo[] = [];
      for (const { domid } of known.sort((a, b) => a.domid - b.domid)) {
        const meters = await this.#meters(session, domid);
        if (meters) infos.push({ domid, meters, largest: largest.get(domid) ?? [] });
      }
      if (session !== this.#context.session) return;
      this.infos = infos;
      this.#of = this.#largestOf === session.mirror.version ? of : "";
      this.#version += 1;
    } catch {
      // The session has ended meanwhile; nothing of it is shown any more.
    } finally {
      this.#asking = false;
      this.#context.changed();
    }
  }

  /** Null for a domain that has gone meanwhile. */
  async #meters(session: Session, domid: number): Promise<Meter[] | null> {
    const report = await session.hidden.control("quota", `${domid}`).catch(() => null);
    if (report === null) return null;
    const meters: Meter[] = [];
    for (const { name, used, highest } of countsIn(report)) {
      const limit = domid === 0 ? 0 : await this.#limit(session, domid, name);
      meters.push({ name, used, highest, limit, counts: COUNTS[name] ?? "" });
    }
    return meters;
  }

  async #limit(session: Session, domid: number, name: string): Promise<number> {
    const key = `${domid} ${name}`;
    const known = this.#limits.get(key);
    if (known !== undefined) return known;
    const limit = await session.hidden
      .domain(domid)
      .quota(name)
      .catch(() => 0);
    this.#limits.set(key, limit);
    return limit;
  }

  /** Counting goes through the whole tree, so a large one is counted now and then. */
  #look({ mirror }: Session): Largest {
    const nowMs = performance.now();
    const { version, count } = mirror;
    const soon = count > MANY && nowMs - this.#largestMs < MANY_PAUSE_MS;
    if (this.#largestOf >= 0 && (version === this.#largestOf || soon)) {
      // What was not counted now is counted a little later, also if nothing else happens.
      if (version !== this.#largestOf) this.#later(MANY_PAUSE_MS);
      return this.#largest;
    }
    this.#largest = largestSubtrees(mirror);
    this.#largestOf = version;
    this.#largestMs = nowMs;
    return this.#largest;
  }
}

/** Lines such as `nodes            :       12 (max       15)`. */
function* countsIn(report: string) {
  for (const [, name, used, highest] of report.matchAll(/^([a-z-]+) *: *(\d+) \(max *(\d+)\)$/gm)) {
    yield { name: name as string, used: Number(used), highest: Number(highest) };
  }
}
