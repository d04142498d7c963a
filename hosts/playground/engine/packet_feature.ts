// Packet feature: windows of the records and of the operations that the page looks at.
// Holds   which records a filter lets through, as far as they were looked at.
// Never   goes through all records for a frame: it goes on where it stopped.
// Source  our own.

import type { TraceMessage } from "../../entry/browser.ts";
import { operationName, XS_ERROR } from "../../entry/wire.ts";
import type {
  Look,
  PacketFilter,
  PacketRow,
  PacketWindow,
  TimelineWindow,
} from "../model/protocol.ts";
import { domidOf } from "../model/words.ts";
import type { Context } from "./engine.ts";
import type { Feature } from "./feature.ts";
import type { Entry, History } from "./history.ts";
import type { Done } from "./operation.ts";

const ROWS_MAX = 500;
const OPERATIONS_MAX = 400;
/** Records that are looked at in one go. */
const SCAN = 20_000;
const NOTHING = new Uint8Array(0);
const decoder = new TextDecoder();

export function packetFeature(context: Context): Feature {
  const sieve = new Sieve();
  return {
    ops: {
      "packets.one": ({ n }) => {
        const entry = context.session.history.records.get(n);
        return entry ? rowOf(entry) : null;
      },
    },
    sections: [
      {
        name: "packets",
        stamp: ({ packets }: Look) =>
          packets
            ? `${context.session.id} ${context.session.history.version} ${sieve.behind} ` +
              JSON.stringify(packets)
            : null,
        make: ({ packets }: Look) => {
          if (!packets) return undefined;
          const { history, labels } = context.session;
          const window = sieve.window(history, packets, labels);
          // There is more to look at: with the next frame.
          if (sieve.behind > 0) queueMicrotask(() => context.changed());
          return window;
        },
      },
      {
        name: "timeline",
        stamp: ({ timeline }: Look) =>
          timeline
            ? `${context.session.id} ${context.session.history.version} ${JSON.stringify(timeline)}`
            : null,
        make: ({ timeline }: Look) => (timeline ? timelineOf(context, timeline) : undefined),
      },
    ],
    opened: () => sieve.reset(),
  };
}

type PacketLook = NonNullable<Look["packets"]>;

/** The records that a filter lets through. */
class Sieve {
  /** Records that were not looked at yet. */
  behind = 0;
  #history: History | null = null;
  #filter = "";
  /** Numbers of records, and how far they go; null: the filter lets all through. */
  #found: number[] | null = null;
  #to = 0;
  #conns = new Set<string>();
  #connsTo = 0;

  reset(): void {
    this.#history = null;
  }

  window(history: History, look: PacketLook, names: ReadonlyMap<string, string>): PacketWindow {
    this.#update(history, look.filter);
    const { first, last } = history.records;
    const all = last - first + 1;
    const found = this.#found;
    const total = found ? found.length : all;
    const count = Math.max(1, Math.min(look.count, ROWS_MAX));
    const from = look.follow
      ? Math.max(0, total - count)
      : Math.max(0, Math.min(look.from, total - 1));
    const rows: PacketRow[] = [];
    for (let at = from; at < Math.min(total, from + count); at++) {
      const entry = history.records.get(found ? (found[at] as number) : first + at);
      if (entry) rows.push(rowOf(entry));
    }
    const labels: Record<string, string> = {};
    for (const { conn } of rows) {
      const name = names.get(conn);
      if (name !== undefined) labels[conn] = name;
    }
    return { from, total, all, rows, conns: [...this.#conns], labels };
  }

  #update(history: History, filter: PacketFilter): void {
    const key = JSON.stringify(filter);
    if (history !== this.#history) {
      this.#conns.clear();
      this.#connsTo = 0;
    }
    if (history !== this.#history || key !== this.#filter) {
      this.#history = history;
      this.#filter = key;
      const open = filter.text === "" && filter.conn === "" && filter.type === "";
      this.#found = open && filter.kinds.length === 4 ? null : [];
      this.#to = 0;
    }
    const { first, last } = history.records;
    for (let n = Math.max(this.#connsTo + 1, first); n <= last; n++) {
      this.#conns.add((history.records.get(n) as Entry).record.conn);
    }
    this.#connsTo = last;
    const found = this.#found;
    this.behind = 0;
    if (!found) return;
    // What was dropped is not found any more.
    let gone = 0;
    while (gone < found.length && (found[gone] as number) < first) gone += 1;
    if (gone > 0) found.splice(0, gone);
    const fits = fitter(filter);
    const end = Math.min(last, Math.max(this.#to, first - 1) + SCAN);
    for (let n = Math.max(this.#to + 1, first); n <= end; n++) {
      if (fits(history.records.get(n) as Entry)) found.push(n);
    }
    this.#to = end;
    this.behind = last - end;
  }
}

function fitter(filter: PacketFilter): (entry: Entry) => boolean {
  const { conn, type } = filter;
  const text = filter.text.toLowerCase();
  const kinds = new Set<string>(filter.kinds);
  return ({ record }) => {
    if (conn !== "" && record.conn !== conn) return false;
    const note = "note" in record;
    if (!kinds.has(note ? "note" : record.kind)) return false;
    if (note) return type === "" && record.note.toLowerCase().includes(text);
    if (type !== "" && operationName(record.type) !== type) return false;
    return text === "" || decoder.decode(record.payload).toLowerCase().includes(text);
  };
}

/** A record as the page gets it. */
export function rowOf({ n, record, operation }: Entry): PacketRow {
  const { ms, conn } = record;
  const place = { n, ms, conn, domid: domidOf(conn), operation };
  if ("note" in record) {
    const words = record.kind === "note" ? record.note : `${record.kind} ${record.note}`.trim();
    const none = { type: "", reqId: 0, txId: 0, payload: NOTHING };
    return { ...place, kind: "note", ...none, text: words };
  }
  const { kind, type, reqId, txId, payload } = record as TraceMessage;
  const name = type === XS_ERROR ? "ERROR" : operationName(type);
  return { ...place, kind, type: name, reqId, txId, payload, text: "" };
}

type TimelineLook = NonNullable<Look["timeline"]>;

function timelineOf({ session }: Context, look: TimelineLook): TimelineWindow {
  const { history, labels, domains } = session;
  const to = Math.min(look.to ?? history.last, history.last);
  const count = Math.max(1, Math.min(look.count, OPERATIONS_MAX));
  const operations: Done[] = [];
  for (let n = Math.max(history.first + 1, to - count + 1); n <= to; n++) {
    const done = history.operation(n);
    if (done) operations.push(done);
  }
  const conns = new Set<string>();
  for (const done of operations) {
    conns.add(done.conn);
    for (const { conn } of done.heard) conns.add(conn);
  }
  const label = (conn: string) =>
    labels.get(conn) ?? (conn === "S0" ? "the host" : (domains.get(domidOf(conn))?.name ?? ""));
  const lanes = [...conns]
    .map((conn) => ({ conn, domid: domidOf(conn), label: label(conn) }))
    .sort((a, b) => a.domid - b.domid || order(a.conn, b.conn));
  return { operations: operations.map((done) => done.plain()), lanes };
}

/** S2 before S10, D7 before D7.1. */
function order(a: string, b: string): number {
  return a.localeCompare(b, "en", { numeric: true });
}
