// Replay: the requests of a trace, sent in their order to a store, and how its answers differ.
// Holds   the playing: who speaks when, and what becomes of domains.
// Never   compares what is free: numbers of transactions, generations, times.
// Source  our own.

import { XS_INTRODUCE, XS_TRANSACTION_START, XS_WATCH_EVENT } from "../../assembly/xs_wire.ts";
import type { Guest, Store } from "../embed/api.ts";
import { LocalStore } from "../embed/store.ts";
import type { TraceMessage, TraceNote, TraceRecord } from "../embed/trace.ts";
import type { ByteStream } from "../shared/byte_stream.ts";
import { concat, encodeMessage, MessageReader, toText } from "../shared/wire.ts";
import { type Compared, compare, type Difference, type Placed } from "./compare.ts";
import { endsDomain, ringOf, shutdownsOf } from "./shutdowns.ts";

export type { Difference };

/** How a trace went that was played again. */
export interface Replayed {
  /** Requests that were sent, replies and events that were recorded. */
  readonly requests: number;
  readonly replies: number;
  readonly events: number;
  /**
   * Events that came now and did not then, since the recorded store had an equal one that had not
   * left yet. Not counted among the differences.
   */
  readonly merged: number;
  /** Replies and events behind the end of the trace or of a connection; no differences either. */
  readonly unread: number;
  /**
   * Domains that were shut down because of a `@releaseDomain` that nothing else in the trace
   * explains: on a real host the hypervisor tells, and there is no line for it.
   */
  readonly shutdowns: number;
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

/** All that connections of one name have said and heard, one after the other. */
class Heard {
  readonly replies: Placed[] = [];
  readonly events: Placed[] = [];
  sent = 0;
  /** It has hung up in the trace. */
  closed = false;
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
  #now: () => number;

  /** @param now  the index of the record that is played */
  constructor(name: string, stream: ByteStream, heard: Heard, now: () => number) {
    this.name = name;
    this.heard = heard;
    this.#now = now;
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
    const ids = { reqId, txId: known };
    const message = { kind, ms: 0, conn: this.name, type, ...ids, payload } as const;
    const placed = { message, at: this.#now() };
    (kind === "event" ? this.heard.events : this.heard.replies).push(placed);
  }
}

class Replay {
  #store: Store;
  #trace: readonly TraceRecord[];
  #speakers = new Map<string, Speaker>();
  #heard = new Map<string, Heard>();
  #recorded = new Map<string, number>();
  #shutdowns: Map<number, number>;
  #requests = 0;
  /** The index of the record that is played, and of the last request. */
  #at = 0;
  #last: number;

  constructor(store: Store, trace: readonly TraceRecord[]) {
    this.#store = store;
    this.#trace = trace;
    this.#shutdowns = shutdownsOf(trace);
    this.#last = trace.findLastIndex(({ kind }) => kind === "request");
    for (const { kind, conn } of trace) {
      if (kind === "reply") this.#recorded.set(conn, (this.#recorded.get(conn) ?? 0) + 1);
    }
  }

  async run(): Promise<Replayed> {
    for (let at = 0; at < this.#trace.length; ) at = await this.#step(at);
    for (const speaker of this.#speakers.values()) speaker.close();
    const counts = { requests: this.#requests, replies: 0, events: 0, merged: 0, unread: 0 };
    const differences: Difference[] = [];
    const take = (compared: Compared) => {
      counts.merged += compared.merged;
      counts.unread += compared.unread;
      differences.push(...compared.differences);
    };
    for (const [conn, heard] of this.#heard) {
      const replies = this.#of(conn, "reply");
      const events = this.#of(conn, "event");
      counts.replies += replies.length;
      counts.events += events.length;
      take(compare(conn, replies, heard.replies, () => true));
      take(compare(conn, events, heard.events, ({ at }) => heard.closed || at >= this.#last));
    }
    return { ...counts, shutdowns: this.#shutdowns.size, differences };
  }

  /** Does what one line says, or several that belong together. Returns the index of the next. */
  async #step(at: number): Promise<number> {
    this.#at = at;
    const record = this.#trace[at] as TraceRecord;
    const domid = this.#shutdowns.get(at);
    if (domid !== undefined) await (await this.#guest(domid)).shutdown();
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
    if (domid !== "0") await this.#guest(Number(domid));
    const stream = this.#store.stream({ domid: Number(domid), readOnly });
    const heard = this.#heard.get(conn) ?? new Heard();
    this.#heard.set(conn, heard);
    heard.closed = false;
    const speaker = new Speaker(conn, stream, heard, () => this.#at);
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

  async #note(line: TraceNote): Promise<void> {
    const { kind, conn, note } = line;
    const ends = endsDomain(line);
    if (ends) await (await this.#guest(ringOf(conn))).destroy();
    else if (note === "shutdown" && ringOf(conn))
      await (await this.#guest(ringOf(conn))).shutdown();
    if (kind !== "close" && !ends) return;
    this.#speakers.get(conn)?.close();
    this.#speakers.delete(conn);
    const heard = this.#heard.get(conn);
    if (heard) heard.closed = true;
    await null;
  }

  #guest(domid: number): Promise<Guest> {
    return this.#store.guest(domid, { home: "none", connect: false });
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
