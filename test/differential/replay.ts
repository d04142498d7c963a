// Replay: the requests of a trace, sent in their order to another store, and what it answers.
// Holds   the playing, and the comparison of each connection's answers with the recorded ones.
// Never   sends two requests at once: a recorded order of arrival is an order of service.
// Source  our own.

import {
  XS_DIRECTORY,
  XS_DIRECTORY_PART,
  XS_INTRODUCE,
  XS_TRANSACTION_START,
} from "../../assembly/xs_wire.ts";
import { ERROR, type Message, WATCH_EVENT } from "../message.ts";
import { portOf } from "../peers/ring.ts";
import type { Outcome, Side } from "./side.ts";
import type { Act } from "./step.ts";
import { type TraceLine, traceLine } from "./trace.ts";

/** What came of a replay. */
export type Replayed = {
  requests: number;
  replies: number;
  events: number;
  /** Differences with a name, and how often each was met. */
  known: Map<string, number>;
  /** Differences without one, with the number of the line in the trace. */
  mismatches: string[];
  /** The same requests with the answers that came now, as a trace. */
  lines: string[];
};

/** Differences that are none of a store's behaviour, by name, with the reason. */
export const TRACE_KNOWN: Readonly<Record<string, string>> = {
  "event-position":
    "an event stands before another reply than recorded: the trace shows when bytes left, and " +
    "other connections' requests were served meanwhile",
  "merged-event":
    "the recorded client read slowly and got one event for several alike; here everybody reads " +
    "at once",
  "lost-at-close": "the recorded client hung up before it had read everything",
  "sorted-children":
    "oxenstored lists children in the order of their names, ours and C in order of creation",
  "fewer-conflicts":
    "C answers EAGAIN when any touched node changed in any way; ours only where a replay of the " +
    "transaction would answer differently",
};

type Heard = { message: Message; at: number };

/** Plays a trace on a fresh store and compares what each connection hears. */
export async function replay(trace: readonly TraceLine[], side: Side): Promise<Replayed> {
  const player = new Player(side);
  for (const line of withShutdowns(trace)) await player.line(line);
  return player.finish(trace);
}

/** A domain that shuts down leaves no line, only events that nothing else explains. */
type Line = TraceLine | { kind: "shutdown"; ms: number };

class Player {
  readonly #side: Side;
  readonly #heard = new Map<string, Heard[]>();
  readonly #transactions = new Map<string, number>();
  readonly #starts = new Map<string, Heard[]>();
  readonly #guests: number[] = [];
  readonly #closed = new Map<string, number>();
  readonly #lines: string[] = [];
  #requests = 0;

  constructor(side: Side) {
    this.#side = side;
  }

  async line(line: Line): Promise<void> {
    if (line.kind === "shutdown") await this.#shutDown(line.ms);
    else if (line.kind === "request") await this.#request(line);
    else if (line.kind === "note") await this.#note(line);
    else if (line.message.type === XS_TRANSACTION_START) this.#pairStart(line);
  }

  async #request(line: Extract<TraceLine, { kind: "request" }>): Promise<void> {
    const { conn, message } = line;
    const domid = conn.startsWith("D") ? Number(conn.slice(1)) : 0;
    if (domid !== 0 && !this.#guests.includes(domid)) return;
    this.#requests += 1;
    const txId = this.#transactions.get(`${conn} ${message.txId}`) ?? message.txId;
    const payload = message.type === XS_INTRODUCE ? this.#introduce(message) : message.payload;
    this.#lines.push(traceLine(line.ms, conn, ">", message));
    const act: Act = { kind: "request", conn: nameOf(conn), type: message.type, txId, payload };
    const outcome = await this.#side.act(act);
    this.#hear(outcome, line, message);
  }

  /** Notes what everybody heard; the reply gets the ids of the recorded request. */
  #hear(
    outcome: Outcome,
    line: { ms: number; at: number; conn?: string },
    request?: Message,
  ): void {
    for (const [name, { messages }] of outcome) {
      const conn = connOf(name);
      const list = this.#list(conn);
      for (const message of messages) {
        const ids = { reqId: request?.reqId ?? 0, txId: request?.txId ?? 0 };
        const own = message.type === WATCH_EVENT ? message : { ...message, ...ids };
        list.push({ message: own, at: line.at });
        this.#lines.push(traceLine(line.ms, conn, "<", own));
        if (message.type === XS_TRANSACTION_START) this.#started(conn, { message, at: line.at });
      }
    }
  }

  /** Keeps the id of a transaction until the recorded id of the same START is read. */
  #started(conn: string, heard: Heard): void {
    this.#starts.set(conn, [...(this.#starts.get(conn) ?? []), heard]);
  }

  #pairStart({ conn, message }: Extract<TraceLine, { kind: "answer" }>): void {
    const own = this.#starts.get(conn)?.shift();
    if (own === undefined) return;
    const recorded = Number.parseInt(message.payload, 10);
    this.#transactions.set(`${conn} ${recorded}`, Number.parseInt(own.message.payload, 10));
  }

  #introduce({ payload }: Message): string {
    const [domid, frame] = payload.split("\0");
    if (!this.#guests.includes(Number(domid))) this.#guests.push(Number(domid));
    return `${domid}\0${frame}\0${portOf(Number(domid))}\0`;
  }

  async #note(line: Extract<TraceLine, { kind: "note" }>): Promise<void> {
    if (!/^[SD]\d+$/.test(line.conn)) return;
    this.#lines.push(`${line.ms} ${line.conn} ! ${line.note}`);
    if (line.note !== "close") return;
    this.#closed.set(line.conn, line.at);
    const domid = Number(line.conn.slice(1));
    if (line.conn.startsWith("S")) {
      this.#hear(await this.#side.act({ kind: "disconnect", conn: nameOf(line.conn) }), line);
    } else if (this.#guests.includes(domid)) {
      this.#guests.splice(this.#guests.indexOf(domid), 1);
      this.#hear(await this.#side.act({ kind: "domain", domid, state: "dies" }), line);
    }
  }

  async #shutDown(ms: number): Promise<void> {
    const domid = this.#guests[0];
    if (domid === undefined) return;
    const act: Act = { kind: "domain", domid, state: "shuts down" };
    this.#hear(await this.#side.act(act), { ms, at: 0 });
  }

  #list(conn: string): Heard[] {
    const list = this.#heard.get(conn) ?? [];
    this.#heard.set(conn, list);
    return list;
  }

  finish(trace: readonly TraceLine[]): Replayed {
    const recorded = new Map<string, Heard[]>();
    for (const line of trace) {
      if (line.kind !== "answer") continue;
      recorded.set(line.conn, [...(recorded.get(line.conn) ?? []), line]);
    }
    const result: Replayed = {
      requests: this.#requests,
      replies: 0,
      events: 0,
      known: new Map(),
      mismatches: [],
      lines: this.#lines,
    };
    for (const conn of new Set([...recorded.keys(), ...this.#heard.keys()])) {
      const closes = this.#closed.has(conn);
      new Streams(conn, recorded.get(conn) ?? [], this.#list(conn), closes).compare(result);
    }
    return result;
  }
}

/** What one connection heard then and now. */
class Streams {
  readonly #conn: string;
  readonly #then: Heard[];
  readonly #now: Heard[];
  readonly #closes: boolean;

  constructor(conn: string, then: Heard[], now: Heard[], closes: boolean) {
    this.#conn = conn;
    this.#then = then;
    this.#now = now;
    this.#closes = closes;
  }

  compare(result: Replayed): void {
    this.#replies(result);
    this.#events(result);
  }

  #replies(result: Replayed): void {
    const then = this.#then.filter(({ message }) => message.type !== WATCH_EVENT);
    const now = this.#now.filter(({ message }) => message.type !== WATCH_EVENT);
    for (let n = 0; n < Math.max(then.length, now.length); n += 1) {
      result.replies += 1;
      if (same(then[n]?.message, now[n]?.message)) continue;
      if (then[n] === undefined && this.#closes) bump(result, "lost-at-close");
      else if (sameNames(then[n]?.message, now[n]?.message)) bump(result, "sorted-children");
      else if (fewerConflicts(then[n]?.message, now[n]?.message)) bump(result, "fewer-conflicts");
      else result.mismatches.push(this.#mismatch(then[n], now[n]));
    }
  }

  /** Compares the events in their order, then where each stands among the replies. */
  #events(result: Replayed): void {
    const then = positions(this.#then);
    const now = positions(this.#now);
    let at = 0;
    for (const [n, event] of now.entries()) {
      const recorded = then[at];
      if (same(recorded?.message, event.message)) {
        result.events += 1;
        if (recorded.replies !== event.replies) bump(result, "event-position");
        at += 1;
      } else if (now.slice(0, n).some((one) => same(one.message, event.message))) {
        bump(result, "merged-event");
      } else if (recorded === undefined && this.#closes) {
        bump(result, "lost-at-close");
      } else {
        result.mismatches.push(this.#mismatch(recorded, event));
      }
    }
    for (const event of then.slice(at)) result.mismatches.push(this.#mismatch(event, undefined));
  }

  #mismatch(then: Heard | undefined, now: Heard | undefined): string {
    const text = (heard: Heard | undefined) =>
      heard === undefined ? "nothing" : traceLine(0, this.#conn, "<", heard.message).slice(2, 300);
    const at = then?.at ?? now?.at ?? 0;
    return `line ${at}: recorded ${text(then)}\n          but got ${text(now)}`;
  }
}

function positions(heard: readonly Heard[]): (Heard & { replies: number })[] {
  let replies = 0;
  const events: (Heard & { replies: number })[] = [];
  for (const one of heard) {
    if (one.message.type === WATCH_EVENT) events.push({ ...one, replies });
    else replies += 1;
  }
  return events;
}

function same(a: Message | undefined, b: Message | undefined): boolean {
  if (a === undefined || b === undefined) return false;
  if (a.type !== b.type || a.reqId !== b.reqId || a.txId !== b.txId) return false;
  if (a.payload === b.payload) return true;
  const id = /^\d+\0$/;
  if (a.type === XS_TRANSACTION_START) return id.test(a.payload) && id.test(b.payload);
  // A generation is opaque.
  const names = (payload: string) => payload.replace(/^\d+\0/, "");
  return a.type === XS_DIRECTORY_PART && names(a.payload) === names(b.payload);
}

function fewerConflicts(then: Message | undefined, now: Message | undefined): boolean {
  return then?.type === ERROR && then.payload === "EAGAIN\0" && now?.payload === "OK\0";
}

function sameNames(then: Message | undefined, now: Message | undefined): boolean {
  if (then?.type !== XS_DIRECTORY || now?.type !== XS_DIRECTORY) return false;
  const sorted = ({ payload }: Message) => payload.split("\0").sort().join("\0");
  return sorted(then) === sorted(now);
}

function bump(result: Replayed, name: string): void {
  result.known.set(name, (result.known.get(name) ?? 0) + 1);
}

/** S12 is a socket client of its own, D0 dom0's ring, D3 the guest 3. */
const nameOf = (conn: string) => (conn.startsWith("D") ? `dom${conn.slice(1)}` : `dom0_${conn}`);
const connOf = (name: string) => name.replace(/^dom0_/, "").replace(/^dom/, "D");

/** Puts a line in where @releaseDomain fired though no domain had gone. */
function* withShutdowns(trace: readonly TraceLine[]): Generator<Line> {
  const explained = new Map<string, number>();
  const watchers = new Set<string>();
  const add = (watcher: string, n: number) =>
    explained.set(watcher, (explained.get(watcher) ?? 0) + n);
  for (const line of trace) {
    if (line.kind === "note") {
      if (/^D[1-9]/.test(line.conn) && line.note === "close") for (const w of watchers) add(w, 1);
      if (line.note === "close")
        for (const w of watchers) if (w.startsWith(`${line.conn} `)) watchers.delete(w);
      yield line;
      continue;
    }
    const watcher = `${line.conn} ${line.message.payload}`;
    const special = line.message.payload.startsWith("@releaseDomain\0");
    const name = special ? `${line.kind} ${line.message.type}` : "";
    if (name === "request 4") {
      watchers.add(watcher);
      add(watcher, 1);
    } else if (name === "request 5") {
      watchers.delete(watcher);
    } else if (name === `answer ${WATCH_EVENT}`) {
      if ((explained.get(watcher) ?? 0) === 0) {
        yield { kind: "shutdown", ms: line.ms };
        for (const one of watchers) add(one, 1);
      }
      add(watcher, -1);
    }
    yield line;
  }
}

/** Writes the sums of a replay for a person. */
export function replaySummary({ requests, replies, events, known, mismatches }: Replayed): string {
  return [
    `${requests} requests, ${replies} replies and ${events} events compared`,
    ...[...known].map(([name, n]) => `${String(n).padStart(9)} ${name}: ${TRACE_KNOWN[name]}`),
    `mismatches: ${mismatches.length}`,
    ...mismatches,
  ].join("\n");
}
