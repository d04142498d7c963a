// Domain entry: what the engine knows of a domain, and how its ring's client is had.
// Holds   the facts about one domain, its commands, and why it can't be spoken to now.
// Never   changes a domain: domains.ts does.
// Source  our own; the XenStore protocol, ring and domains.

import type { Client, Guest, Home } from "../../entry/browser.ts";
import type { DomainState } from "../model/protocol.ts";
import type { RingHand } from "./ring_hand.ts";
import type { Session } from "./session.ts";

/** A command that runs in a console. */
export interface Run {
  readonly run: number;
  readonly line: string;
  /** Ends it as Ctrl-C does; `why` is told in the console. */
  stop(why?: string): void;
  readonly ended: Promise<void>;
}

export interface DomainEntry {
  readonly domid: number;
  name: string;
  readonly colour: number;
  state: DomainState;
  introduced: boolean;
  target: number | null;
  /** What it finds at its home when it is made again. */
  home: Home;
  /** Its end of the ring; null: nobody has asked for it yet. */
  guest: Guest | null;
  /** Its ring is moved by hand. */
  held: boolean;
  /** What was done by hand, also after the ring was given back. */
  hand: RingHand | null;
  readonly running: Map<number, Run>;
  /** The client that is being opened. */
  opening: Promise<Client> | null;
}

/** The domain cannot do what is asked for, and what helps. */
export class DomainError extends Error {}

export const DOMID_MAX = 0x7fef;
const ERROR_AT = 2072;
/**
 * ms until a request over a ring is given up: whoever writes into its page by hand may lose a
 * reply. The connection ends then, and the next command begins another one.
 */
export const RING_PATIENCE = { requestTimeout: 5000, connectTimeout: 3000 };

export function newEntry(domid: number, facts: Partial<DomainEntry>): DomainEntry {
  return {
    domid,
    name: `domain ${domid}`,
    colour: domid % 8,
    state: "running",
    introduced: false,
    target: null,
    home: "none",
    guest: null,
    held: false,
    hand: null,
    running: new Map(),
    opening: null,
    ...facts,
  };
}

/** What is known of a domain. Errors: DomainError if there is none with this number. */
export function entryOf({ domains }: Session, domid: number): DomainEntry {
  const entry = domains.get(domid);
  if (entry) return entry;
  throw new DomainError(`There is no domain ${domid} here. Add it in the view Domains.`);
}

/** As `entryOf`, for what only a domain with a ring of its own can do. */
export function guestEntryOf(session: Session, domid: number, what: string): DomainEntry {
  if (domid !== 0) return entryOf(session, domid);
  throw new DomainError(`Domain 0 is the control domain: ${what}. Choose another one.`);
}

/** XENSTORE_ERROR_* as the page of its ring has it. */
export function ringErrorOf({ guest, state, introduced }: DomainEntry): number {
  if (!guest || state === "dead" || !introduced) return 0;
  return new Uint32Array(guest.page, ERROR_AT, 1)[0] as number;
}

const RING_ERRORS: Readonly<Record<number, string>> = {
  1: "error 1: it could not be reached",
  2: "error 2: an index that makes no sense",
  3: "error 3: a message that makes no sense",
};

export function ringErrorWords(error: number): string {
  return RING_ERRORS[error] ?? `error ${error}`;
}

/** Why nothing can be asked over the domain's ring now, and what helps; null: it can. */
export function whyNotServed(entry: DomainEntry): string | null {
  const { domid, state, introduced, held } = entry;
  if (state === "dead") return `Domain ${domid} has ended. Reboot it to have a new one.`;
  if (state === "shutdown") {
    return `Domain ${domid} has shut down: nothing runs in it any more. Reboot it to go on.`;
  }
  if (!introduced) {
    return `The store does not serve domain ${domid}: it is released. Introduce it to go on.`;
  }
  if (held) {
    return `The ring of domain ${domid} is moved by hand. Reconnect it in the view Ring to go on.`;
  }
  const error = ringErrorOf(entry);
  if (error === 0) return null;
  const why = ringErrorWords(error);
  return `The store no longer serves the ring of domain ${domid} (${why}). Reconnect it to go on.`;
}

/** Its end of the ring, without using it. */
export async function guestOf(session: Session, entry: DomainEntry): Promise<Guest> {
  entry.guest ??= await session.store.guest(entry.domid, { home: "none", connect: false });
  return entry.guest;
}

/** A client on the domain's ring. Errors: DomainError that says what to do. */
export async function clientOf(session: Session, entry: DomainEntry): Promise<Client> {
  const why = whyNotServed(entry);
  if (why !== null) throw new DomainError(why);
  const open = openClientOf(entry);
  if (open) return open;
  entry.opening ??= connectRing(session, entry).finally(() => {
    entry.opening = null;
  });
  return entry.opening;
}

/** The client on its ring if there is one that can be used. */
export function openClientOf({ guest }: DomainEntry): Client | null {
  try {
    const client = guest?.client;
    return client && client.state !== "closed" ? client : null;
  } catch {
    return null;
  }
}

/** Takes its ring into use, anew if somebody has used it before. Errors: DomainError. */
export async function connectRing(session: Session, entry: DomainEntry): Promise<Client> {
  const guest = await guestOf(session, entry);
  try {
    return await guest.connect(RING_PATIENCE);
  } catch (error) {
    const { domid } = entry;
    const why = error instanceof Error ? error.message : String(error);
    throw new DomainError(
      `The ring of domain ${domid} could not be connected (${why}). Release the domain and ` +
        "introduce it again, or reboot it.",
    );
  }
}

/** Ends all commands of a domain, and waits until they have. */
export async function stopRuns({ running }: DomainEntry, why?: string): Promise<void> {
  const all = [...running.values()];
  for (const run of all) run.stop(why);
  await Promise.all(all.map(({ ended }) => ended));
}

/** Nothing of the domain uses its ring any more. */
export async function leaveRing(entry: DomainEntry, why: string): Promise<void> {
  const client = openClientOf(entry);
  await stopRuns(entry, why);
  await client?.close();
}
