// History: all that happened, as records and as operations, in order.
// Holds   the newest records and operations, which requests wait for a reply, who watches what.
// Never   grows without bound: the oldest are dropped, their numbers stay.
// Source  our own; "The playground" in ARCHITECTURE.md.

import type { StoreChange, TraceMessage, TraceRecord } from "../../entry/browser.ts";
import { firstString, splitStrings, XS_ERROR, XS_WATCH } from "../../entry/wire.ts";
import type { WatchInfo } from "../model/protocol.ts";
import { Causes } from "./causes.ts";
import { Log } from "./log.ts";
import type { Delta } from "./mirror.ts";
import { Done, operationOf } from "./operation.ts";
import { Watching } from "./watching.ts";

/** Records that are kept; operations are fewer. */
export const RECORDS_MAX = 150_000;
const OPERATIONS_MAX = 60_000;
/** Paths whose last change is known. */
const CHANGES_MAX = 300_000;

/** A record with the operation that it belongs to. */
export interface Entry {
  n: number;
  readonly record: TraceRecord;
  /** 0: none. */
  readonly operation: number;
}

const decoder = new TextDecoder();

export class History {
  readonly records = new Log<Entry>(RECORDS_MAX);
  readonly operations = new Log<Done>(OPERATIONS_MAX);
  /** Counts everything that was heard. */
  version = 0;
  readonly #causes = new Causes(this.operations);
  readonly #watching = new Watching();
  /** By connection, requests without a reply, oldest first. */
  #pending = new Map<string, Done[]>();

  /** By path, the newest operation that changed it. */
  #lastChanges = new Map<string, number>();

  /** Number of the newest operation. */
  get last(): number {
    return this.operations.last;
  }

  /** The moment before the oldest operation that is known. */
  get first(): number {
    return this.operations.first - 1;
  }

  operation(n: number): Done | undefined {
    return this.operations.get(n);
  }

  /** Takes the next record. */
  hear(record: TraceRecord): void {
    this.version += 1;
    const done = this.#operation(record);
    const entry = { n: 0, record, operation: done?.n ?? 0 };
    entry.n = this.records.push(entry);
    if (!done) return;
    if (record.kind === "request" || record.kind === "note") done.request = entry.n;
    else if (record.kind === "reply") done.reply = entry.n;
    else if (record.kind === "event") done.heardAs(entry.n);
  }

  /** A change was made, and the tree took these steps. Returns the operation that it is due to. */
  changed(change: StoreChange, deltas: readonly Delta[], maker?: Done): Done {
    const done = maker ?? this.#causes.maker(change, this.#waiting()) ?? this.#host(change);
    for (const delta of deltas) {
      done.deltas.push(delta);
      this.#lastChanges.set(delta.path, done.n);
    }
    if (this.#lastChanges.size > CHANGES_MAX) this.#forgetChanges();
    if (!("path" in change)) done.others.push(change);
    return done;
  }

  watches(): readonly WatchInfo[] {
    return this.#watching.list();
  }

  /** Operations from number `from` on that changed exactly this node. */
  changedSince(from: number, path: string): readonly Done[] {
    const found: Done[] = [];
    for (const done of this.operations.from(from)) {
      const own = (delta: Delta) =>
        delta.path === path || (delta.kind === "gone" && path.startsWith(`${delta.path}/`));
      if (done.deltas.some(own)) found.push(done);
    }
    return found;
  }

  /** The newest operation that changed this node; 0: none that is known. */
  lastChange(path: string): number {
    const n = this.#lastChanges.get(path) ?? 0;
    return n > this.first ? n : 0;
  }

  #operation(record: TraceRecord): Done | null {
    if (record.kind === "request") return this.#request(record as TraceMessage);
    if (record.kind === "reply") return this.#reply(record as TraceMessage);
    if (record.kind === "event") return this.#event(record as TraceMessage);
    if (record.kind === "close") this.#closed(record.conn);
    if (record.kind !== "note") return null;
    const { note, conn, ms } = record as Extract<TraceRecord, { note: string }>;
    if (note === "destroyed") this.#watching.domainEnded(conn);
    if (note !== "destroyed" && note !== "shutdown") return null;
    const done = new Done({ conn, ms, type: note, code: -1 });
    done.error = "";
    return this.#add(done);
  }

  #request(message: TraceMessage): Done {
    const done = this.#add(operationOf(message));
    if (done.code === XS_WATCH) this.#causes.watched(done);
    const waiting = this.#pending.get(message.conn);
    if (waiting) waiting.push(done);
    else this.#pending.set(message.conn, [done]);
    return done;
  }

  #reply(message: TraceMessage): Done | null {
    const { conn, reqId, type, payload } = message;
    const waiting = this.#pending.get(conn);
    const at = waiting?.findIndex((done) => done.reqId === reqId) ?? -1;
    if (!waiting || at < 0) return null;
    const [done] = waiting.splice(at, 1) as [Done];
    if (waiting.length === 0) this.#pending.delete(conn);
    done.error = type === XS_ERROR ? decoder.decode(firstString(payload)) : "";
    if (done.error === "") this.#watching.done(done);
    return done;
  }

  #event({ conn, payload }: TraceMessage): Done | null {
    const [path = "", token = ""] = splitStrings(payload);
    this.#watching.heard(conn, token);
    return this.#causes.of(conn, path, token);
  }

  #closed(conn: string): void {
    this.#watching.closed(conn);
    this.#causes.closed(conn);
    for (const done of this.#pending.get(conn) ?? []) done.error = "no reply";
    this.#pending.delete(conn);
  }

  *#waiting(): Generator<Done> {
    for (const list of this.#pending.values()) yield* list;
  }

  /** Something that no request did, such as what a restored domain brings along. */
  #host(change: StoreChange): Done {
    const done = new Done({ conn: "S0", ms: 0, type: change.kind, code: -1 });
    done.error = "";
    return this.#add(done);
  }

  #forgetChanges(): void {
    for (const [path, n] of this.#lastChanges) {
      if (n <= this.last - OPERATIONS_MAX / 2) this.#lastChanges.delete(path);
    }
    if (this.#lastChanges.size > CHANGES_MAX) this.#lastChanges.clear();
  }

  #add(done: Done): Done {
    done.n = this.operations.push(done);
    return done;
  }
}
