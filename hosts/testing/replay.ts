// Replay: the requests of a trace, sent in their order to a store, and how its answers differ.
// Holds   the playing, and the comparison of what each connection heard.
// Never   compares what is free: numbers of transactions, generations, times.
// Source  our own.

import {
  XS_DIRECTORY_PART,
  XS_INTRODUCE,
  XS_TRANSACTION_START,
  XS_WATCH_EVENT,
} from "../../assembly/xs_wire.ts";
import type { Store } from "../embed/api.ts";
import { LocalStore } from "../embed/store.ts";
import type { TraceMessage, TraceNote, TraceRecord } from "../embed/trace.ts";
import type { ByteStream } from "../shared/byte_stream.ts";
import { concat, encodeMessage, MessageReader, toText } from "../shared/wire.ts";
import { formatRecord } from "./trace_text.ts";

/** Something that a connection heard then and not now, or the other way round. */
export interface Difference {
  readonly conn: string;
  /** Index of the recorded message in the trace; -1: there is none. */
  readonly at: number;
  /** As lines of a trace; null: nothing. */
  readonly recorded: string | null;
  readonly got: string | null;
}

/** How a trace went that was played again. */
export interface Replayed {
  /** Requests that were sent, replies and events that were recorded. */
  readonly requests: number;
  readonly replies: number;
  readonly events: number;
  /** In the order of the connections' first requests; empty: all came again. */
  readonly differences: readonly Difference[];
}

/** How long a reply may take that was recorded; the store is in this process. */
const PATIENCE_MS = 2000;

/**
 * Sends the requests of a trace to a store, each in its turn, and compares replies and events. The
 * store should hold what the recorded one held at the beginning. Requests that left together are
 * sent together. Of a ring (`D7`) only the messages count, they come on a stream of that domain; a
 * line `D7 ! shutdown` or `D7 ! destroyed`, or `D7 ! close` as traces of Xen hosts have it, does
 * that to the domain.
 */
export async function replay(store: Store, trace: Iterable<TraceRecord>): Promise<Replayed> {
  return new Replay(store, [...trace]).run();
}

type Placed = { readonly message: TraceMessage; readonly at: number };

/** All that connections of one name have said and heard, one after the other. */
class Heard {
  readonly replies: TraceMessage[] = [];
  readonly events: TraceMessage[] = [];
  sent = 0;
}

class Speaker {
  readonly name: string;
  readonly heard: Heard;
  /** Numbers of transactions, recorded to real and back. */
  readonly real = new Map<number, number>();
  readonly recorded = new Map<number, number>();
  /** Real numbers whose recorded ones have not been met yet. */
  readonly starts: number[] = [];
  #stream: ByteStream;
  #reader = new MessageReader();

  constructor(name: string, stream: ByteStream, heard: Heard) {
    this.name = name;
    this.heard = heard;
    this.#stream = stream;
    const data = (bytes: Uint8Array) => {
      for (const message of this.#reader.push(bytes.slice())) this.#hear(message);
    };
    stream.start({ data, drain() {}, end() {} });
  }

  send(messages: readonly TraceMessage[]): void {
    this.heard.sent += messages.length;
    const bytes = messages.map(({ type, reqId, txId, payload }) =>
      encodeMessage({ type, reqId, txId: this.real.get(txId) ?? txId, payload }),
    );
    this.#stream.write(concat(bytes));
  }

  /** The recorded number of the oldest START that has none yet. */
  pair(payload: Uint8Array): void {
    const recorded = Number.parseInt(toText(payload), 10);
    const real = this.starts.shift();
    if (real === undefined || Number.isNaN(recorded)) return;
    this.real.set(recorded, real);
    this.recorded.set(real, recorded);
  }

  close(): void {
    this.#stream.close();
  }

  #hear({ type, reqId, txId, payload }: Omit<TraceMessage, "kind" | "ms" | "conn">): void {
    const kind = type === XS_WATCH_EVENT ? "event" : "reply";
    if (type === XS_TRANSACTION_START) this.starts.push(Number.parseInt(toText(payload), 10));
    const known = this.recorded.get(txId) ?? txId;
    const heard = { kind, ms: 0, conn: this.name, type, reqId, txId: known, payload } as const;
    (kind === "event" ? this.heard.events : this.heard.replies).push(heard);
  }
}

class Replay {
  #store: Store;
  #trace: readonly TraceRecord[];
  #speakers = new Map<string, Speaker>();
  #heard = new Map<string, Heard>();
  #recorded = new Map<string, number>();
  #requests = 0;

  constructor(store: Store, trace: readonly TraceRecord[]) {
    this.#store = store;
    this.#trace = trace;
    for (const { kind, conn } of trace) {
      if (kind === "reply") this.#recorded.set(conn, (this.#recorded.get(conn) ?? 0) + 1);
    }
  }

  async run(): Promise<Replayed> {
    for (let at = 0; at < this.#trace.length; ) at = await this.#step(at);
    for (const speaker of this.#speakers.values()) speaker.close();
    const result = { requests: this.#requests, replies: 0, events: 0 };
    const differences: Difference[] = [];
    for (const [conn, heard] of this.#heard) {
      const replies = this.#of(conn, "reply");
      const events = this.#of(conn, "event");
      result.replies += replies.length;
      result.events += events.length;
      differences.push(...compare(conn, replies, heard.replies));
      differences.push(...compare(conn, events, heard.events));
    }
    return { ...result, differences };
  }

  /** Does what one line says, or several that belong together. Returns the index of the next. */
  async #step(at: number): Promise<number> {
    const record = this.#trace[at] as TraceRecord;
    if ("note" in record) await this.#note(record);
    else if (record.kind === "request") return this.#send(at, record.conn);
    else if (record.type === XS_TRANSACTION_START) {
      this.#speakers.get(record.conn)?.pair(record.payload);
    }
    return at + 1;
  }

  /** Requests that stand one behind the other left with one write. */
  async #send(from: number, conn: string): Promise<number> {
    const run: TraceMessage[] = [];
    for (let at = from; at < this.#trace.length; at++) {
      const record = this.#trace[at] as TraceRecord;
      if (record.kind !== "request" || record.conn !== conn) break;
      run.push(record as TraceMessage);
    }
    const speaker = this.#speakers.get(conn) ?? (await this.#open(conn));
    for (const message of run) if (message.type === XS_INTRODUCE) this.#exist(message);
    speaker.send(run);
    this.#requests += run.length;
    await this.#answers(speaker);
    return from + run.length;
  }

  async #open(conn: string): Promise<Speaker> {
    const domid = /^D(\d+)/.exec(conn)?.[1] ?? "0";
    const readOnly = conn.startsWith("R");
    // Whoever speaks must be known; a domain that was introduced in the trace is left as it is.
    if (domid !== "0") await this.#store.guest(Number(domid), { home: "none", connect: false });
    const stream = this.#store.stream({ domid: Number(domid), readOnly });
    const heard = this.#heard.get(conn) ?? new Heard();
    this.#heard.set(conn, heard);
    const speaker = new Speaker(conn, stream, heard);
    this.#speakers.set(conn, speaker);
    return speaker;
  }

  /** A domain that is introduced is there, also if one with its number has ended before. */
  #exist({ payload }: TraceMessage): void {
    const domid = Number.parseInt(toText(payload), 10);
    if (this.#store instanceof LocalStore) this.#store.site.machine.domain(domid);
  }

  /** Waits for the replies that were recorded; what else comes of them comes in the same turns. */
  async #answers({ name, heard }: Speaker): Promise<void> {
    const wanted = () => Math.min(heard.sent, this.#recorded.get(name) ?? 0) - heard.replies.length;
    for (let turn = 0; turn < 8; turn++) await null;
    const endMs = performance.now() + PATIENCE_MS;
    while (wanted() > 0 && performance.now() < endMs) {
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }

  async #note({ kind, conn, note }: TraceNote): Promise<void> {
    const domid = Number(/^D(\d+)$/.exec(conn)?.[1] ?? 0);
    const ends = note === "destroyed" || (kind === "close" && note === "" && domid !== 0);
    if (domid && (ends || note === "shutdown")) {
      const guest = await this.#store.guest(domid, { home: "none", connect: false });
      await (ends ? guest.destroy() : guest.shutdown());
    }
    if (kind !== "close" && !ends) return;
    this.#speakers.get(conn)?.close();
    this.#speakers.delete(conn);
    await null;
  }

  #of(conn: string, kind: "reply" | "event"): Placed[] {
    const found: Placed[] = [];
    for (const [at, record] of this.#trace.entries()) {
      if (record.conn === conn && record.kind === kind) {
        found.push({ message: record as TraceMessage, at });
      }
    }
    return found;
  }
}

/** Messages that are looked at to find out whether one is missing, or one too many. */
const AHEAD = 32;

function* compare(
  conn: string,
  then: readonly Placed[],
  now: readonly TraceMessage[],
): Generator<Difference> {
  let n = 0;
  for (let at = 0; at < then.length || n < now.length; ) {
    const recorded = then[at];
    const got = now[n];
    const fits = recorded && got && same(recorded.message, got);
    const later = then.slice(at + 1, at + AHEAD);
    const missing = !got || later.some(({ message }) => same(message, got));
    const more =
      !recorded || now.slice(n + 1, n + AHEAD).some((one) => same(recorded.message, one));
    if (!fits) yield difference(conn, missing || !more ? recorded : null, missing ? null : got);
    if (fits || missing || !more) at += 1;
    if (fits || !missing) n += 1;
  }
}

function difference(
  conn: string,
  then: Placed | null | undefined,
  now: TraceMessage | null | undefined,
): Difference {
  const ms = then?.message.ms ?? 0;
  return {
    conn,
    at: then?.at ?? -1,
    recorded: then ? formatRecord(then.message) : null,
    got: now ? formatRecord({ ...now, ms }) : null,
  };
}

function same(a: TraceMessage, b: TraceMessage): boolean {
  if (a.type !== b.type || a.reqId !== b.reqId || a.txId !== b.txId) return false;
  const [then, now] = [plain(a), plain(b)];
  return then === now;
}

/** A payload as text of one character for each byte, without what is the store's own choice. */
function plain({ type, payload }: TraceMessage): string {
  let text = "";
  for (const byte of payload) text += String.fromCharCode(byte);
  const free = type === XS_TRANSACTION_START || type === XS_DIRECTORY_PART;
  return free ? text.replace(/^\d+\0/, "<number>\0") : text;
}
