// Operation: one request with all that came of it, or something that the host did.
// Holds   what the history knows of it, and how a request is put in few words.
// Never   looks at another operation.
// Source  the XenStore protocol, Operations.

import type { StoreChange, TraceMessage } from "../../entry/browser.ts";
import {
  operationName,
  splitStrings,
  XS_CONTROL,
  XS_GET_QUOTA,
  XS_INTRODUCE,
  XS_SET_PERMS,
  XS_SET_QUOTA,
  XS_SET_TARGET,
  XS_TRANSACTION_END,
  XS_TRANSACTION_START,
  XS_UNWATCH,
  XS_WATCH,
  XS_WRITE,
} from "../../entry/wire.ts";
import type { Operation } from "../model/protocol.ts";
import { absoluteOf, domidOf } from "../model/words.ts";
import type { Delta } from "./mirror.ts";

/** Events whose hearers are kept by name; of the others only the number is. */
const HEARD_MAX = 64;
const DETAIL_MAX = 80;
const decoder = new TextDecoder();

export class Done implements Operation {
  n = 0;
  readonly conn: string;
  readonly domid: number;
  readonly ms: number;
  readonly type: string;
  readonly txId: number;
  readonly path: string;
  readonly detail: string;
  error: string | null = null;
  events = 0;
  readonly heard: { conn: string; path: string; token: string; record: number }[] = [];
  request = 0;
  reply = 0;
  readonly reqId: number;
  /** Of a watch; "" for others. */
  readonly token: string;
  /** Levels below its path that a watch hears of; null: all. */
  readonly depth: number | null;
  /** As in the protocol; -1: no request. */
  readonly code: number;
  deltas: Delta[] = [];
  /** What else it changed: domains and limits. */
  others: StoreChange[] = [];
  /** The operation that this one takes back or does again; 0: none. */
  undoes = 0;
  /** It was taken back. */
  undone = false;
  /** A watch's first event is still to come. */
  initial = false;
  /** Connections and tokens that an event was put down to. */
  served: Set<string> | null = null;

  constructor(parts: {
    conn: string;
    ms: number;
    type: string;
    code: number;
    txId?: number;
    reqId?: number;
    path?: string;
    detail?: string;
    token?: string;
    depth?: number | null;
  }) {
    this.conn = parts.conn;
    this.domid = domidOf(parts.conn);
    this.ms = parts.ms;
    this.type = parts.type;
    this.code = parts.code;
    this.txId = parts.txId ?? 0;
    this.reqId = parts.reqId ?? 0;
    this.token = parts.token ?? "";
    this.depth = parts.depth ?? null;
    this.path = parts.path ?? "";
    this.detail = parts.detail ?? "";
    this.initial = parts.code === XS_WATCH;
  }

  get changes(): number {
    return this.deltas.length;
  }

  hear(conn: string, path: string, token: string): void {
    this.events += 1;
    if (this.heard.length < HEARD_MAX) this.heard.push({ conn, path, token, record: 0 });
    this.served ??= new Set();
    this.served.add(`${conn} ${token}`);
  }

  /** The event that was heard last has this record. */
  heardAs(record: number): void {
    const last = this.heard.at(-1);
    if (last && this.events === this.heard.length) last.record = record;
  }

  /** As the page gets it. */
  plain(): Operation {
    const { n, conn, domid, ms, type, txId, path, detail, error, changes, events } = this;
    const { heard, request, reply } = this;
    return {
      ...{ n, conn, domid, ms, type, txId, path, detail, error, changes, events },
      ...{ heard: [...heard], request, reply },
    };
  }
}

/** The operation that a request begins. */
export function operationOf(message: TraceMessage): Done {
  const { conn, ms, type, reqId, txId, payload } = message;
  const strings = splitStrings(payload);
  const [first = "", second = ""] = strings;
  const parts = { conn, ms, code: type, type: operationName(type), txId, reqId };
  switch (type) {
    case XS_WRITE:
      return new Done({ ...parts, path: first, detail: shown(payload.subarray(first.length + 1)) });
    case XS_TRANSACTION_START:
      return new Done(parts);
    case XS_TRANSACTION_END:
      return new Done({ ...parts, detail: first === "T" ? "commit" : "abort" });
    case XS_WATCH:
    case XS_UNWATCH:
      return new Done({
        ...parts,
        path: first,
        detail: shown(second),
        token: second,
        depth: depthOf(strings),
      });
    case XS_SET_PERMS:
      return new Done({ ...parts, path: first, detail: strings.slice(1).join(" ") });
    case XS_INTRODUCE:
      return new Done({ ...parts, detail: `domain ${first}` });
    case XS_SET_TARGET:
      return new Done({ ...parts, detail: `domain ${first} acts for ${second}` });
    case XS_CONTROL:
    case XS_GET_QUOTA:
    case XS_SET_QUOTA:
      return new Done({ ...parts, detail: shown(strings.join(" ")) });
    default: {
      const isPath = /^[/@]|^[^0-9]/.test(first) || !/^\d*$/.test(first);
      const rest = isPath ? strings.slice(1).join(" ") : `domain ${strings.join(" ")}`;
      return new Done({ ...parts, path: isPath ? first : "", detail: first === "" ? "" : rest });
    }
  }
}

/** Of a WATCH, which may have it as its third string. */
function depthOf(strings: readonly string[]): number | null {
  const [, , depth = ""] = strings;
  return /^\d+$/.test(depth) ? Number(depth) : null;
}

/** The beginning of a value, for people. */
export function shown(value: Uint8Array | string): string {
  const text =
    typeof value === "string" ? value : decoder.decode(value.subarray(0, DETAIL_MAX * 2));
  const printable = text.replace(/[^\x20-\x7e\u00a0-\uffff]/g, "·");
  return printable.length > DETAIL_MAX ? `${printable.slice(0, DETAIL_MAX)}…` : printable;
}

/** An absolute path of what a connection means by it. */
export function absolute(conn: string, path: string): string {
  return absoluteOf(path, domidOf(conn));
}
