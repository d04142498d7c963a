// Transcripts: conversations in the protocol's own notation, read and written.
// Holds   the grammar below; a transcript is a title, a source and a list of lines.
// Never   plays one: that is play.ts.
// Source  our own, after the notation in the protocol's description.
//
//   ## A title is a sentence in the present
//   Source: where the rule comes from
//   Given: the name of a "## given ..." block whose lines come first
//
//       dom0 > WRITE /a|hello            a request; `|` is a NUL
//       dom0 < WRITE OK|                 what the same connection receives, in order
//       dom0 > READ@1 /a|                in transaction 1; the reply's ids are always compared
//       dom0 < ERROR ENOENT|
//       dom0 > READ /a| => hello         both in a line: => OK, => an error's name, or => a payload
//       dom0 > RAW 02000000 0100         bytes in hexadecimal
//       dom0 < CLOSED                    the daemon hangs up
//       host: domain 3 dies              something happens; see play.ts for the list
//
// Connections: dom0, dom0b, dom0c ... are sockets, ro and rob read-only ones, dom3 is the guest 3.
// In a payload: \xNN and \\; "x"*2031 is a run; "n#|"*1..600 is n1|n2|...n600|; <number> and <text>
// in an expected payload stand for any digits and any bytes. A {1..9} in a request repeats it,
// with the lines that answer it, nine times; in another line it repeats that line.

import { ERROR, type Message, typeName, typeNumber } from "./message.ts";

export type Line =
  | { kind: "request"; at: number; conn: string; type: number; txId: number; payload: string }
  | { kind: "raw"; at: number; conn: string; bytes: Uint8Array }
  | { kind: "message"; at: number; conn: string; type: number; payload: string | RegExp }
  | { kind: "closed"; at: number; conn: string }
  | { kind: "host"; at: number; words: string };

/** One conversation. `at` numbers are lines of the file. */
export type Transcript = { title: string; source: string; at: number; lines: Line[] };

type Block = { title: string; source: string; given: string[]; at: number; rows: Row[] };
type Row = { at: number; text: string };

/**
 * Reads a file of transcripts.
 * @param text    the file
 * @param givens  blocks titled "given ...", shared by all files, by the words behind "given"
 * @returns       the transcripts, with the lines of their "Given:" put in front
 */
export function parse(text: string, givens: ReadonlyMap<string, Line[]>): Transcript[] {
  const transcripts: Transcript[] = [];
  for (const block of blocks(text)) {
    if (block.title.startsWith("given ") || block.rows.length === 0) continue;
    const before = block.given.flatMap((name) => {
      const lines = givens.get(name);
      if (lines === undefined) throw new Error(`line ${block.at}: nothing is given as "${name}"`);
      return lines;
    });
    const lines = [...before, ...parseRows(block.rows)];
    transcripts.push({ title: block.title, source: block.source, at: block.at, lines });
  }
  return transcripts;
}

/** Reads the "## given ..." blocks of a file. */
export function parseGivens(text: string): Map<string, Line[]> {
  const givens = new Map<string, Line[]>();
  for (const block of blocks(text)) {
    if (block.title.startsWith("given ")) givens.set(block.title.slice(6), parseRows(block.rows));
  }
  return givens;
}

/** Reads the indented lines of one transcript, without their indentation. */
export function parseLines(text: string): Line[] {
  const rows = text.split("\n").map((row, index) => ({ at: index + 1, text: row.trimStart() }));
  return parseRows(rows.filter((row) => row.text !== ""));
}

function blocks(text: string): Block[] {
  const found: Block[] = [];
  text.split("\n").forEach((row, index) => {
    const at = index + 1;
    const block = found.at(-1);
    if (row.startsWith("## ")) {
      found.push({ title: row.slice(3).trim(), source: "", given: [], at, rows: [] });
    } else if (block === undefined) {
      return;
    } else if (row.startsWith("Source: ")) {
      block.source = row.slice(8);
    } else if (row.startsWith("Given: ")) {
      block.given.push(row.slice(7).trim());
    } else if (row.startsWith("    ") && row.trim() !== "") {
      block.rows.push({ at, text: row.trimStart() });
    }
  });
  return found;
}

function parseRows(rows: Row[]): Line[] {
  const lines: Line[] = [];
  for (let index = 0; index < rows.length; ) {
    let end = index + 1;
    const range = / ([<>]) .*\{(\d+)\.\.(\d+)\}/.exec(rows[index].text);
    if (range === null) {
      lines.push(...parseRow(rows[index]));
    } else {
      const isRequest = range[1] === ">";
      while (isRequest && end < rows.length && rows[end].text.includes(" < ")) end += 1;
      for (let n = Number(range[2]); n <= Number(range[3]); n += 1) {
        const fill = (row: Row) => row.text.replace(/\{\d+\.\.\d+\}/g, String(n));
        for (const row of rows.slice(index, end)) {
          lines.push(...parseRow({ at: row.at, text: fill(row) }));
        }
      }
    }
    index = end;
  }
  return lines;
}

function parseRow({ at, text }: Row): Line[] {
  const host = /^host: (.*)$/.exec(text);
  if (host !== null) return [{ kind: "host", at, words: host[1].trim() }];
  const parts = /^(dom\d+[a-z]?|ro[a-z]?) ([<>]) (\w+)(?:@(\d+))?(?: (.*))?$/.exec(text);
  if (parts === null) throw new Error(`line ${at} is not a line of a transcript: ${text}`);
  const [, conn, arrow, word, tx, rest = ""] = parts;
  if (arrow === "<") {
    if (word === "CLOSED") return [{ kind: "closed", at, conn }];
    return [{ kind: "message", at, conn, type: typeNumber(word), payload: pattern(rest) }];
  }
  if (word === "RAW") {
    return [{ kind: "raw", at, conn, bytes: Buffer.from(rest.replace(/\s/g, ""), "hex") }];
  }
  const [asked, answer] = splitAnswer(rest);
  const type = typeNumber(word);
  const payload = unquote(asked);
  const request: Line = { kind: "request", at, conn, type, txId: Number(tx ?? 0), payload };
  return answer === undefined ? [request] : [request, shortAnswer(at, conn, type, answer)];
}

function splitAnswer(text: string): [string, string | undefined] {
  const parts = /^(?:(.*) )?=>(?: (.*))?$/.exec(text);
  return parts === null ? [text, undefined] : [parts[1] ?? "", parts[2] ?? ""];
}

function shortAnswer(at: number, conn: string, type: number, answer: string): Line {
  if (answer === "OK") return { kind: "message", at, conn, type, payload: "OK\0" };
  if (/^E[A-Z0-9]+$/.test(answer)) {
    return { kind: "message", at, conn, type: ERROR, payload: `${answer}\0` };
  }
  return { kind: "message", at, conn, type, payload: pattern(answer) };
}

function pattern(text: string): string | RegExp {
  if (!/<(number|text)>/.test(text)) return unquote(text);
  const source = text
    .split(/(<number>|<text>)/)
    .map((part) => {
      if (part === "<number>") return "\\d+";
      if (part === "<text>") return "[^]*";
      return unquote(part).replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
    })
    .join("");
  return new RegExp(`^${source}$`);
}

/** Returns the bytes (one character each) that the notation of a payload stands for. */
export function unquote(text: string): string {
  const runs = text.replace(/"([^"]*)"\*(\d+)(?:\.\.(\d+))?/g, (_all, run, from, to) => {
    if (to === undefined) return run.repeat(Number(from));
    const numbers: string[] = [];
    for (let n = Number(from); n <= Number(to); n += 1) numbers.push(run.replaceAll("#", `${n}`));
    return numbers.join("");
  });
  return runs.replace(/\\x([0-9a-f]{2})|\\n|\\\\|\|/gi, (all, hex) => {
    if (hex !== undefined) return String.fromCharCode(Number.parseInt(hex, 16));
    if (all === "|") return "\0";
    return all === "\\n" ? "\n" : "\\";
  });
}

/** Returns the notation of a payload: what `unquote` reads back. */
export function quote(payload: string): string {
  let out = "";
  for (let at = 0; at < payload.length; ) {
    let end = at + 1;
    while (end < payload.length && payload[end] === payload[at]) end += 1;
    const one = quoteByte(payload.charCodeAt(at));
    out += end - at > 24 ? `"${one}"*${end - at}` : one.repeat(end - at);
    at = end;
  }
  return out.endsWith(" ") ? `${out.slice(0, -1)}\\x20` : out;
}

function quoteByte(byte: number): string {
  if (byte === 0) return "|";
  const char = String.fromCharCode(byte);
  if (byte > 32 && byte < 127 && !'"\\|{<'.includes(char)) return char;
  if (byte === 32) return char;
  return `\\x${byte.toString(16).padStart(2, "0")}`;
}

/** Writes a request as a line of a transcript. */
export function requestLine(conn: string, message: Omit<Message, "reqId">): string {
  const tx = message.txId === 0 ? "" : `@${message.txId}`;
  return `${conn} > ${typeName(message.type)}${tx} ${quote(message.payload)}`.trimEnd();
}

/** Writes something received as a line of a transcript. */
export function messageLine(conn: string, message: Pick<Message, "type" | "payload">): string {
  return `${conn} < ${typeName(message.type)} ${quote(message.payload)}`.trimEnd();
}

/** Writes what a line expects, for the report of a difference. */
export function expectedLine(line: Line): string {
  if (line.kind === "closed") return `${line.conn} < CLOSED`;
  if (line.kind !== "message") return "";
  if (typeof line.payload === "string") {
    return messageLine(line.conn, { type: line.type, payload: line.payload });
  }
  return `${line.conn} < ${typeName(line.type)} ${line.payload}`;
}
