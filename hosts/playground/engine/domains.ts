// Domains: the domains of the session: how they come, change and go.
// Holds   nothing of its own: what is known of each is in its entry.
// Never   believes its own calls only: what others do to a domain is heard from the store.
// Source  the XenStore protocol, domains; xl.

import type { Home, StoreChange } from "../../entry/browser.ts";
import type { DomainInfo, DomainState } from "../model/protocol.ts";
import { COLOURS, homeOf } from "../model/words.ts";
import {
  DOMID_MAX,
  type DomainEntry,
  DomainError,
  entryOf,
  guestEntryOf,
  guestOf,
  leaveRing,
  newEntry,
  openClientOf,
  RING_PATIENCE,
  ringErrorOf,
  stopRuns,
} from "./domain_entry.ts";
import type { Context } from "./engine.ts";
import { explained } from "./explained.ts";
import type { Feature } from "./feature.ts";
import type { Session } from "./session.ts";

/** Domains there may be: the page shows them all. */
const DOMAINS_MAX = 200;
const HEARD_MAX = 500;
const NAME_MAX = 64;
const decoder = new TextDecoder();

/** A domain that is to be made. */
interface NewDomain {
  readonly domid?: number | undefined;
  readonly name?: string | undefined;
  readonly home?: Home | undefined;
}

export function domainFeature(context: Context): Feature {
  const domains = new Domains(context);
  return {
    ops: {
      "domain.add": (wanted) => domains.add(wanted),
      "domain.introduce": ({ domid }) => domains.introduce(domid),
      "domain.release": ({ domid }) => domains.release(domid),
      "domain.shutdown": ({ domid }) => domains.shutdown(domid),
      "domain.kill": ({ domid }) => domains.kill(domid),
      "domain.reboot": ({ domid }) => domains.reboot(domid),
      "domain.target": ({ domid, target }) => domains.target(domid, target),
      "domain.forget": ({ domid }) => domains.forget(domid),
    },
    sections: [
      {
        name: "domains",
        stamp: () => domains.stamp(),
        make: () => domains.list(),
      },
    ],
    opened: () => domains.opened(),
    heard: (session, change) => domains.heard(session, change),
  };
}

class Domains {
  readonly #context: Context;

  constructor(context: Context) {
    this.#context = context;
  }

  get #session(): Session {
    return this.#context.session;
  }

  stamp(): string {
    const { id, domains } = this.#session;
    return `${id} ${JSON.stringify([...domains.values()].map((entry) => this.#info(entry)))}`;
  }

  list(): DomainInfo[] {
    return [...this.#session.domains.values()]
      .sort((a, b) => a.domid - b.domid)
      .map((entry) => this.#info(entry));
  }

  async add({ domid, name, home = "own" }: NewDomain): Promise<number> {
    const session = this.#session;
    const number = domid ?? nextFree(session);
    checkNew(session, number);
    const before = session.domains.get(number);
    const entry = newEntry(number, {
      name: nameOf(number, name),
      colour: before?.colour ?? colourFor(session, number),
      home,
    });
    session.domains.set(number, entry);
    try {
      entry.guest = await session.store.guest(number, { home, ...RING_PATIENCE });
      entry.introduced = true;
    } catch (error) {
      if (before) session.domains.set(number, before);
      else session.domains.delete(number);
      throw explained(error as never);
    }
    this.#told(entry);
    return number;
  }

  /** The store knows it again, with a ring that begins anew. */
  async introduce(domid: number): Promise<void> {
    const entry = guestEntryOf(this.#session, domid, "it is there from the beginning");
    if (entry.introduced) throw new DomainError(`Domain ${domid} is introduced already.`);
    if (entry.state !== "running") {
      const what = entry.state === "dead" ? "has ended" : "has shut down";
      throw new DomainError(`Domain ${domid} ${what}. Reboot it to have a new one.`);
    }
    await this.#begin(entry);
  }

  async release(domid: number): Promise<void> {
    const entry = guestEntryOf(this.#session, domid, "it can't be released");
    if (!entry.introduced) {
      throw new DomainError(`Domain ${domid} is not introduced, so there is nothing to release.`);
    }
    await leaveRing(entry, `domain ${domid} was released`);
    await this.#asked(this.#session.page.domain(domid).release());
    this.#told(entry);
  }

  async shutdown(domid: number): Promise<void> {
    const entry = guestEntryOf(this.#session, domid, "here it always runs");
    if (entry.state !== "running") {
      const what = entry.state === "dead" ? "has ended" : "has shut down already";
      throw new DomainError(`Domain ${domid} ${what}. Reboot it to have it run again.`);
    }
    if (!entry.introduced) {
      throw new DomainError(
        `The store does not know domain ${domid}: it would not hear of it. Introduce it first.`,
      );
    }
    await stopRuns(entry, `domain ${domid} has shut down`);
    await (await guestOf(this.#session, entry)).shutdown();
    entry.state = "shutdown";
    this.#told(entry);
  }

  async kill(domid: number): Promise<void> {
    const entry = guestEntryOf(this.#session, domid, "it can't be ended");
    if (entry.state === "dead") throw new DomainError(`Domain ${domid} has ended already.`);
    await this.#end(entry);
    this.#told(entry);
  }

  async reboot(domid: number): Promise<void> {
    const entry = guestEntryOf(this.#session, domid, "here it always runs");
    if (entry.state !== "dead") await this.#end(entry);
    // Of what xl has made the domain owns nothing, so it is still there; xl would remove it.
    const home = homeOf(domid);
    if (entry.home === "xl" && this.#session.mirror.find(home)) {
      await this.#asked(this.#session.page.rm(home, { missingOk: true }));
    }
    await this.#begin(entry);
  }

  async target(domid: number, target: number): Promise<void> {
    guestEntryOf(this.#session, domid, "it may do everything, and needs no target");
    for (const one of [domid, target]) {
      if (entryOf(this.#session, one).introduced) continue;
      throw new DomainError(`Domain ${one} is not introduced. Introduce it first.`);
    }
    if (domid === target) throw new DomainError("A domain can't act for itself. Choose another.");
    await this.#asked(this.#session.page.domain(domid).setTarget(target));
  }

  forget(domid: number): void {
    const entry = guestEntryOf(this.#session, domid, "it is always there");
    if (entry.state !== "dead") {
      throw new DomainError(`Domain ${domid} lives. End it first, then it can be forgotten.`);
    }
    this.#session.domains.delete(domid);
    const { name } = entry;
    this.#session.keep({ kind: "domain", domain: { domid, name, state: "forgotten" } });
  }

  /** Makes the domains that the session begins with. */
  async opened(): Promise<void> {
    const session = this.#session;
    const facts = { name: "Domain-0", colour: 0, introduced: true };
    session.domains.set(0, newEntry(0, facts));
    const start = session.startDomains.filter(({ domid }) => domid !== 0).slice(0, DOMAINS_MAX);
    for (const { domid, name, colour, state = "running", introduced, home = "none" } of start) {
      if (state === "forgotten") continue;
      const entry = newEntry(domid, { name, colour: colour ?? colourFor(session, domid), state });
      entry.home = home;
      session.domains.set(domid, entry);
      if (state === "dead" || introduced === false) continue;
      entry.guest = await session.store.guest(domid, { home, ...RING_PATIENCE });
      entry.introduced = true;
      if (state === "shutdown") await entry.guest.shutdown();
    }
    for (const { domid, target } of start) {
      const both = [domid, target ?? -1].map((one) => session.domains.get(one)?.introduced);
      if (both.every(Boolean)) await session.hidden.domain(domid).setTarget(target as number);
    }
  }

  /** The store tells; it may not be asked within the call. */
  heard(session: Session, change: StoreChange): void {
    const { domains } = session;
    if (change.kind === "end") this.#heardEnd(session, change.domid);
    if (change.kind !== "domain" || change.domid === 0) return;
    const { domid, introduced, shutdown, target } = change;
    const known = domains.get(domid);
    // Whoever made a domain of this number has its entry already.
    if (!introduced && (!known || known.state === "dead")) return;
    // A script may introduce any number of them; more than so many nobody could look at.
    if (!known && domains.size >= HEARD_MAX) return;
    const entry = known ?? newEntry(domid, { colour: colourFor(session, domid) });
    domains.set(domid, entry);
    const state: DomainState = shutdown ? "shutdown" : "running";
    entry.introduced = introduced;
    entry.target = target;
    if (entry.state !== state) entry.state = state;
    this.#context.changed();
  }

  #heardEnd(session: Session, domid: number): void {
    for (const other of session.domains.values()) {
      if (other.target === domid) other.target = null;
    }
    const entry = session.domains.get(domid);
    if (!entry) return;
    entry.introduced = false;
    entry.target = null;
    entry.held = false;
    this.#context.changed();
    // Whatever still uses the ring would wait for ever.
    queueMicrotask(() => {
      void leaveRing(entry, `the store does not serve domain ${domid} any more`);
    });
  }

  /** Ends its commands and the domain itself. */
  async #end(entry: DomainEntry): Promise<void> {
    await stopRuns(entry, `domain ${entry.domid} was ended`);
    // A new number's owner must not find what the one before has left.
    const guest = await this.#endOf(entry);
    entry.state = "dead";
    entry.introduced = false;
    entry.held = false;
    await guest?.destroy();
    entry.guest = null;
    entry.hand = null;
  }

  /** Nobody is asked for a domain that the store does not know. */
  async #endOf(entry: DomainEntry) {
    return entry.introduced ? guestOf(this.#session, entry) : entry.guest;
  }

  /** The domain of the entry is introduced, as a new one or again. */
  async #begin(entry: DomainEntry): Promise<void> {
    const { domid, home } = entry;
    await openClientOf(entry)?.close();
    entry.held = false;
    entry.hand = null;
    entry.guest = await this.#asked(this.#session.store.guest(domid, { home, ...RING_PATIENCE }));
    entry.state = "running";
    entry.introduced = true;
    this.#told(entry);
  }

  async #asked<T>(request: Promise<T>): Promise<T> {
    try {
      return await request;
    } catch (error) {
      throw explained(error as never);
    }
  }

  /** What the store does not keep of a domain is kept with the session. */
  #told({ domid, name, colour, state, introduced, target, home }: DomainEntry): void {
    const domain = { domid, name, colour, state, introduced, target, home };
    this.#session.keep({ kind: "domain", domain });
  }

  #info(entry: DomainEntry): DomainInfo {
    const { domid, colour, state, introduced, target, held } = entry;
    const running = [...entry.running.values()].map(({ run, line }) => ({ run, line }));
    return {
      ...{ domid, colour, state, introduced, target, held, running },
      name: this.#nameOf(entry),
      home: homeOf(domid),
      ringError: ringErrorOf(entry),
    };
  }

  /** A domain that somebody else has introduced may have its name in the store. */
  #nameOf({ domid, name }: DomainEntry): string {
    if (name !== `domain ${domid}`) return name;
    const value = this.#session.mirror.find(`${homeOf(domid)}/name`)?.value;
    const text = value ? clean(decoder.decode(value.subarray(0, 4 * NAME_MAX))) : "";
    return text === "" ? name : text;
  }
}

function clean(name: string): string {
  return name
    .replace(/[^\x20-\x7e\u00a0-\uffff]/g, "")
    .trim()
    .slice(0, NAME_MAX);
}

function nameOf(domid: number, wanted: string | undefined): string {
  return clean(wanted ?? "") || `domain ${domid}`;
}

function nextFree({ domains }: Session): number {
  for (let domid = 1; ; domid++) if (!domains.has(domid)) return domid;
}

function checkNew({ domains }: Session, domid: number): void {
  if (!Number.isInteger(domid) || domid < 0 || domid > DOMID_MAX) {
    throw new DomainError(`A domain's number is an integer from 1 to ${DOMID_MAX}, not ${domid}.`);
  }
  const known = domains.get(domid);
  if (known && known.state !== "dead") {
    throw new DomainError(`Domain ${domid} is there already. Choose another number.`);
  }
  if (domains.size > DOMAINS_MAX) {
    throw new DomainError(`There are ${DOMAINS_MAX} domains already: end and forget some first.`);
  }
}

/** Its number's colour, or the next that no living domain has. Domain 0 is the only one with 0. */
function colourFor({ domains }: Session, domid: number): number {
  const living = [...domains.values()].filter(({ state }) => state !== "dead");
  const taken = new Set([0, ...living.map(({ colour }) => colour)]);
  for (let more = 0; more < COLOURS; more++) {
    const colour = (domid + more) % COLOURS;
    if (!taken.has(colour)) return colour;
  }
  return 1 + (domid % (COLOURS - 1));
}
