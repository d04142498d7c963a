// Trace text: a trace as lines that people can read, compare and keep beside a test.
// Holds   the format; nothing else knows it.
// Never   changes a byte of a payload.
// Source  our own; traces of Xen hosts are recorded in this form.
//
//   <ms> <connection> > <TYPE> req=<id> tx=<id> "<payload>"     a request
//   <ms> <connection> < <TYPE> req=<id> tx=<id> "<payload>"     a reply or an event
//   <ms> <connection> ! open | close | <anything else>          what happened to the connection
//
// Connections: S<n> a privileged client, R<n> one that only reads, D<domid> the ring of a domain,
// D<domid>.<n> a further client of it. In a payload \0 \n \r \t \" \\ stand for one byte, and \xNN
// for any other that is not printable ASCII. Empty lines and lines that begin with # are skipped.

import { XS_TYPE_COUNT, XS_WATCH_EVENT } from "../../assembly/xs_wire.ts";
import { operationName } from "../client/operations.ts";
import type { TraceMessage, TraceNote, TraceRecord } from "../embed/trace.ts";

/** Characters of a line that an error shows. */
const SHOWN = 120;
const MESSAGE = /^(\d+(?:\.\d+)?) (\S+) ([<>]) \??([A-Z_]+|\d+) req=(\d+) tx=(\d+) "(.*)"$/;
const NOTE = /^(\d+(?:\.\d+)?) (\S+) ! (.*)$/;
const ESCAPES: Readonly<Record<string, string>> = {
  "0": "\0",
  n: "\n",
  r: "\r",
  t: "\t",
  '"': '"',
  "\\": "\\",
};
const SHORT = new Map(Object.entries(ESCAPES).map(([short, char]) => [char, short]));
const TYPES = new Map(
  Array.from({ length: XS_TYPE_COUNT }, (_, type) => [operationName(type), type] as const),
);

/**
 * Reads a trace.
 * @throws Error that names the line
 */
export function readTrace(text: string): TraceRecord[] {
  const records: TraceRecord[] = [];
  for (const [index, line] of text.split("\n").entries()) {
    if (line === "" || line.startsWith("#")) continue;
    const record = message(line) ?? note(line);
    if (!record) throw new Error(`line ${index + 1} is no line of a trace: ${shown(line)}`);
    records.push(record);
  }
  return records;
}

/** What an error shows of a line. */
function shown(line: string): string {
  return line.length > SHOWN ? `${line.slice(0, SHOWN)}...` : line;
}

/** Writes a trace, one line for each record; `readTrace` gives the same records again. */
export function formatTrace(records: Iterable<TraceRecord>): string {
  let text = "";
  for (const record of records) text += `${formatRecord(record)}\n`;
  return text;
}

/** One record as a line, without the newline. */
export function formatRecord(record: TraceRecord): string {
  const { ms, conn } = record;
  const head = `${Number(ms.toFixed(3))} ${conn}`;
  if ("note" in record) {
    const words = record.kind === "note" ? [record.note] : [record.kind, record.note];
    return `${head} ! ${words.filter((word) => word !== "").join(" ")}`;
  }
  const { kind, type, reqId, txId, payload } = record;
  const name = type < XS_TYPE_COUNT ? operationName(type) : type;
  const arrow = kind === "request" ? ">" : "<";
  return `${head} ${arrow} ${name} req=${reqId} tx=${txId} "${quoted(payload)}"`;
}

function message(line: string): TraceMessage | null {
  const parts = MESSAGE.exec(line);
  if (!parts) return null;
  const [, ms, conn = "", arrow, name = "", reqId, txId, text = ""] = parts;
  const type = /^\d+$/.test(name) ? Number(name) : TYPES.get(name);
  if (type === undefined) return null;
  const answer = type === XS_WATCH_EVENT ? "event" : "reply";
  return {
    kind: arrow === ">" ? "request" : answer,
    ms: Number(ms),
    conn,
    type,
    reqId: Number(reqId),
    txId: Number(txId),
    payload: unquoted(text),
  };
}

function note(line: string): TraceNote | null {
  const parts = NOTE.exec(line);
  if (!parts) return null;
  const [, ms, conn = "", words = ""] = parts;
  const [first = "", rest = ""] = /^(open|close)(?: (.*))?$/.exec(words)?.slice(1) ?? [];
  const kind = first === "open" || first === "close" ? first : "note";
  return { kind, ms: Number(ms), conn, note: kind === "note" ? words : rest };
}

function quoted(payload: Uint8Array): string {
  let text = "";
  for (const byte of payload) {
    const char = String.fromCharCode(byte);
    const short = SHORT.get(char);
    if (short !== undefined) text += `\\${short}`;
    else if (byte < 0x20 || byte > 0x7e) text += `\\x${byte.toString(16).padStart(2, "0")}`;
    else text += char;
  }
  return text;
}

function unquoted(text: string): Uint8Array {
  const plain = text.replace(/\\(?:x([0-9a-fA-F]{2})|(.))/g, (_all, hex, char: string) =>
    hex === undefined ? (ESCAPES[char] ?? char) : String.fromCharCode(Number.parseInt(hex, 16)),
  );
  return Uint8Array.from(plain, (char) => char.charCodeAt(0));
}
