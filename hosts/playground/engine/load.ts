// Load: traffic on purpose: writes, reads and removals by several domains, so many a second.
// Holds   the clients that make it, and how much is due.
// Never   keeps the worker for more than a few ms at a time, nor outlives the session.
// Source  our own.

import type { Client } from "../../entry/browser.ts";
import { homeOf } from "../model/words.ts";
import { type DomainEntry, whyNotServed } from "./domain_entry.ts";
import type { Context } from "./engine.ts";
import type { Feature } from "./feature.ts";
import type { Session } from "./session.ts";

const RATE_MAX = 20_000;
/** Guests that take part, beside domain 0, and nodes that each of them uses. */
const GUESTS_MAX = 4;
const NODES = 20;
/** How long one slice of work may take, and how long the others have their turn: ms. */
const SLICE_MS = 5;
const PAUSE_MS = 8;
/** Requests that are asked for at once. */
const BATCH = 32;
/** More than so much is not made up for when the worker was busy: ms. */
const BEHIND_MS = 100;
/** How often is looked for new domains: ms. */
const RENEW_MS = 1000;

export interface LoadFeature extends Feature {
  /** Operations a second that are asked for; 0: none. */
  rate(): number;
}

export function loadFeature(context: Context): LoadFeature {
  const load = new Load(context);
  return {
    ops: { "load.set": ({ rate }) => load.set(rate) },
    closing: () => load.stop(),
    rate: () => load.rate,
  };
}

/** One of those that make traffic. */
interface Maker {
  readonly domid: number;
  readonly client: Client;
  /** What it does next. */
  turn: number;
  /** It may not write there, or nobody answers: it is left out. */
  over: boolean;
}

class Load {
  rate = 0;
  readonly #context: Context;
  #makers: Maker[] = [];
  #next = 0;
  #timer: ReturnType<typeof setTimeout> | null = null;
  /** Operations that are due and were not done; until when that is reckoned. */
  #due = 0;
  #untilMs = 0;
  #renewedMs = Number.NEGATIVE_INFINITY;
  /** Counts starts: work of an earlier one stops. */
  #run = 0;

  constructor(context: Context) {
    this.#context = context;
  }

  async set(rate: number): Promise<void> {
    if (!Number.isInteger(rate) || rate < 0 || rate > RATE_MAX) {
      throw new Error(`A load has 0 to ${RATE_MAX} operations a second, not ${rate}.`);
    }
    if (rate === 0) {
      await this.stop();
      return;
    }
    const runs = this.rate > 0;
    this.rate = rate;
    this.#context.changed();
    if (runs) return;
    this.#untilMs = performance.now();
    this.#due = 0;
    void this.#work(++this.#run, this.#context.session);
  }

  async stop(): Promise<void> {
    this.#run += 1;
    this.rate = 0;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#renewedMs = Number.NEGATIVE_INFINITY;
    const makers = this.#makers;
    this.#makers = [];
    this.#context.changed();
    await Promise.all(makers.map(({ client }) => client.close()));
  }

  /** One slice, and the next one after a pause. */
  async #work(run: number, session: Session): Promise<void> {
    try {
      await this.#renew(run, session);
      const endMs = performance.now() + SLICE_MS;
      while (run === this.#run && this.#reckon() >= 1 && performance.now() < endMs) {
        await this.#batch(Math.min(BATCH, Math.floor(this.#due)));
      }
    } catch (error) {
      if (run !== this.#run) return;
      await this.stop();
      this.#context.notice("warning", `The load has stopped: ${(error as Error).message}`);
    }
    if (run !== this.#run) return;
    this.#timer = setTimeout(() => void this.#work(run, session), PAUSE_MS);
  }

  /** How many are due now. */
  #reckon(): number {
    const nowMs = performance.now();
    const most = Math.max(1, (this.rate * BEHIND_MS) / 1000);
    this.#due = Math.min(most, this.#due + ((nowMs - this.#untilMs) * this.rate) / 1000);
    this.#untilMs = nowMs;
    return this.#due;
  }

  async #batch(count: number): Promise<void> {
    const makers = this.#makers.filter(({ over }) => !over);
    if (makers.length === 0) throw new Error("there is no domain left that may write.");
    const asked: Promise<unknown>[] = [];
    for (let n = 0; n < count; n++) {
      const maker = makers[this.#next++ % makers.length] as Maker;
      asked.push(operate(maker));
    }
    this.#due -= count;
    await Promise.all(asked);
  }

  /** Clients of domains that have come, none of those that have gone. */
  async #renew(run: number, session: Session): Promise<void> {
    if (performance.now() < this.#renewedMs + RENEW_MS) return;
    this.#renewedMs = performance.now();
    const able = [...session.domains.values()].filter(isAble);
    const wanted = new Set([0, ...able.slice(0, GUESTS_MAX).map(({ domid }) => domid)]);
    const gone = ({ domid, client }: Maker) => !wanted.has(domid) || client.state === "closed";
    for (const maker of this.#makers.filter(gone)) void maker.client.close();
    this.#makers = this.#makers.filter((maker) => !gone(maker));
    for (const domid of wanted) {
      if (this.#makers.some((maker) => maker.domid === domid)) continue;
      const client = await session.client("load", domid).catch(() => null);
      if (!client) continue;
      if (run === this.#run) this.#makers.push({ domid, client, turn: 0, over: false });
      else await client.close();
    }
  }
}

function isAble(entry: DomainEntry): boolean {
  return entry.domid !== 0 && (whyNotServed(entry) === null || entry.held);
}

/** The next thing that it does: most are writes, some reads, and now and then a node goes. */
async function operate(maker: Maker): Promise<void> {
  const { domid, client } = maker;
  const turn = maker.turn++;
  const path = `${homeOf(domid)}/data/load/${turn % NODES}`;
  try {
    if (turn % 50 === 49) await client.rm(path, { missingOk: true });
    else if (turn % 3 === 2) await client.read(path);
    else await client.write(path, turn);
  } catch (error) {
    // A node that was removed is no reason to stop.
    if ((error as { code?: string }).code !== "ENOENT") maker.over = true;
  }
}
