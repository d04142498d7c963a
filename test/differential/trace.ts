// Trace: what one daemon heard and said, one line for each message, as text.
// Holds   the format, read and written; nothing else knows it.
// Never   changes a message.
// Source  our own; traces of a Xen host are recorded in this form.
//
//   <ms> <connection> <direction> <TYPE> req=<id> tx=<id> "<payload>"
//   <ms> <connection> ! <note>
//
// Connections: S<n> is a socket client, D<id> the ring of a domain. Direction > is a request, < a
// reply or an event. Notes: "open" and "close" of a connection (of a ring: the domain is gone).
// In a payload \0 \n \r \t \" \\ stand for one byte, and \xNN for any other that is not printable.

import { type Message, typeName, typeNumber } from "../message.ts";

export type TraceLine =
  | { at: number; ms: number; conn: string; kind: "request"; message: Message }
  | { at: number; ms: number; conn: string; kind: "answer"; message: Message }
  | { at: number; ms: number; conn: string; kind: "note"; note: string };

const MESSAGE = /^(\d+) (\S+) ([<>]) (\S+) req=(\d+) tx=(\d+) "(.*)"$/;
const NOTE = /^(\d+) (\S+) ! (.*)$/;
const ESCAPES: Readonly<Record<string, string>> = {
  "0": "\0",
  n: "\n",
  r: "\r",
  t: "\t",
  '"': '"',
  "\\": "\\",
};

/** Reads a trace. Empty lines and lines that begin with # are skipped; `at` counts from 1. */
export function parseTrace(text: string): TraceLine[] {
  const lines: TraceLine[] = [];
  for (const [index, row] of text.split("\n").entries()) {
    if (row === "" || row.startsWith("#")) continue;
    lines.push(parseLine(row, index + 1));
  }
  return lines;
}

function parseLine(row: string, at: number): TraceLine {
  const note = NOTE.exec(row);
  if (note !== null) return { at, ms: Number(note[1]), conn: note[2], kind: "note", note: note[3] };
  const parts = MESSAGE.exec(row);
  if (parts === null) throw new Error(`line ${at} is not a line of a trace: ${row}`);
  const [, ms, conn, arrow, type, reqId, txId, payload] = parts;
  const message: Message = {
    type: typeNumber(type.replace(/^\?/, "")),
    reqId: Number(reqId),
    txId: Number(txId),
    payload: unquoted(payload),
  };
  return { at, ms: Number(ms), conn, kind: arrow === ">" ? "request" : "answer", message };
}

function unquoted(text: string): string {
  return text.replace(/\\(x([0-9a-f]{2})|.)/g, (_all, one: string, hex: string | undefined) =>
    hex === undefined ? (ESCAPES[one] ?? one) : String.fromCharCode(Number.parseInt(hex, 16)),
  );
}

/** Writes one message as a line of a trace. */
export function traceLine(ms: number, conn: string, arrow: "<" | ">", message: Message): string {
  const { type, reqId, txId, payload } = message;
  return `${ms} ${conn} ${arrow} ${typeName(type)} req=${reqId} tx=${txId} "${quoted(payload)}"`;
}

function quoted(payload: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the ones to be written.
  return payload.replace(/[\0-\x1f"\\\x7f-\xff]/g, (char) => {
    const short = Object.entries(ESCAPES).find(([, meaning]) => meaning === char);
    if (short !== undefined) return `\\${short[0]}`;
    return `\\x${char.charCodeAt(0).toString(16).padStart(2, "0")}`;
  });
}
