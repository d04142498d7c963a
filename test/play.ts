// Play: a transcript acted out on a stage, with every message compared.
// Holds   the order of things: lines that do something, then all that they cause, by connection.
// Never   knows what a stage is made of: a core in this process, or a daemon behind a socket.
// Source  our own.

import type { Received } from "./hub.ts";
import { ERROR, encode, type Message, WATCH_EVENT } from "./message.ts";
import {
  expectedLine,
  type Line,
  messageLine,
  requestLine,
  type Transcript,
} from "./transcript.ts";

/** Where a transcript is played. */
export type Stage = {
  /** Sends bytes on a connection, which is opened by its first use. */
  send(conn: string, bytes: Uint8Array): void | Promise<void>;
  /** Makes something happen; see the list in stages.ts. Throws if it cannot. */
  host(words: string): void | Promise<void>;
  /** Returns what every connection has received when nothing more can come. */
  collect(): Map<string, Received> | Promise<Map<string, Received>>;
};

type Action = Extract<Line, { kind: "request" | "raw" | "host" }>;
type Expected = Extract<Line, { kind: "message" | "closed" }>;
type Step = { actions: Action[]; expected: Expected[] };
type Sent = { type: number; reqId: number; txId: number };

/** Plays a transcript and throws an Error that shows the first difference in its context. */
export async function play(transcript: Transcript, stage: Stage): Promise<void> {
  const outstanding = new Map<string, Sent[]>();
  let reqId = 0;
  for (const step of steps(transcript.lines)) {
    const sent: string[] = [];
    for (const [conn, actions] of grouped(step.actions)) {
      const parts: Uint8Array[] = [];
      for (const action of actions) {
        if (action.kind === "host") await stage.host(action.words);
        else if (action.kind === "raw") parts.push(action.bytes);
        else {
          reqId += 1;
          const { type, txId, payload } = action;
          parts.push(encode({ type, reqId, txId, payload }));
          outstanding.set(conn, [...(outstanding.get(conn) ?? []), { type, reqId, txId }]);
        }
        sent.push(describe(action));
      }
      if (parts.length > 0) await stage.send(conn, Buffer.concat(parts));
    }
    const news = await stage.collect();
    const problem = compare(step.expected, news) ?? checkIds(news, outstanding);
    if (problem !== undefined) throw new Error(report(transcript, step, sent, news, problem));
  }
}

function steps(lines: Line[]): Step[] {
  const found: Step[] = [];
  for (const line of lines) {
    if (line.kind === "message" || line.kind === "closed") {
      found.at(-1)?.expected.push(line);
      continue;
    }
    const last = found.at(-1);
    if (last === undefined || last.expected.length > 0) found.push({ actions: [], expected: [] });
    found.at(-1)?.actions.push(line);
  }
  return found;
}

/** Neighbouring requests of one connection travel in one piece. */
function grouped(actions: Action[]): [string, Action[]][] {
  const groups: [string, Action[]][] = [];
  for (const action of actions) {
    const conn = action.kind === "host" ? "" : action.conn;
    const last = groups.at(-1);
    if (last !== undefined && last[0] === conn) last[1].push(action);
    else groups.push([conn, [action]]);
  }
  return groups;
}

function compare(expected: Expected[], news: Map<string, Received>): string | undefined {
  const conns = new Set([...expected.map((line) => line.conn), ...news.keys()]);
  for (const conn of conns) {
    const want = expected.filter((line) => line.conn === conn);
    const got = news.get(conn) ?? { messages: [], closed: false };
    const wantClosed = want.some((line) => line.kind === "closed");
    const messages = want.filter((line) => line.kind === "message");
    for (let n = 0; n < Math.max(messages.length, got.messages.length); n += 1) {
      if (n >= messages.length) return `not expected: ${messageLine(conn, got.messages[n])}`;
      if (n >= got.messages.length) return `missing: ${expectedLine(messages[n])}`;
      if (!matches(messages[n], got.messages[n])) {
        return `expected ${expectedLine(messages[n])}\n  but got  ${messageLine(conn, got.messages[n])}`;
      }
    }
    if (wantClosed && !got.closed) return `missing: ${conn} < CLOSED`;
    if (!wantClosed && got.closed) return `not expected: ${conn} < CLOSED`;
  }
  return undefined;
}

function matches(line: Expected, message: Message): boolean {
  if (line.kind !== "message" || line.type !== message.type) return false;
  if (typeof line.payload === "string") return line.payload === message.payload;
  return line.payload.test(message.payload);
}

/** Replies come in the order of the requests and carry their ids; events carry none. */
function checkIds(
  news: Map<string, Received>,
  outstanding: Map<string, Sent[]>,
): string | undefined {
  for (const [conn, received] of news) {
    const queue = outstanding.get(conn) ?? [];
    for (const message of received.messages) {
      const text = messageLine(conn, message);
      if (message.type === WATCH_EVENT) {
        if (message.reqId !== 0 || message.txId !== 0) return `an event with ids: ${text}`;
        continue;
      }
      const sent = queue.shift();
      if (sent === undefined) return `a reply without a request: ${text}`;
      if (message.reqId !== sent.reqId) return `req_id ${message.reqId} of ${text}`;
      if (message.txId !== sent.txId) return `tx_id ${message.txId} of ${text}`;
      if (message.type !== sent.type && message.type !== ERROR) return `type of ${text}`;
    }
    if (received.closed) outstanding.delete(conn);
  }
  return undefined;
}

function describe(action: Action): string {
  if (action.kind === "request") return requestLine(action.conn, action);
  if (action.kind === "host") return `host: ${action.words}`;
  return `${action.conn} > RAW ${Buffer.from(action.bytes).toString("hex")}`;
}

function report(
  transcript: Transcript,
  step: Step,
  sent: string[],
  news: Map<string, Received>,
  problem: string,
): string {
  const got = [...news].flatMap(([conn, received]) => [
    ...received.messages.map((message) => `    ${messageLine(conn, message)}`),
    ...(received.closed ? [`    ${conn} < CLOSED`] : []),
  ]);
  const at = step.actions[0]?.at ?? step.expected[0]?.at ?? transcript.at;
  const shown = sent.length > 12 ? [...sent.slice(0, 6), "...", ...sent.slice(-6)] : sent;
  return [
    `"${transcript.title}", line ${at}: ${problem}`,
    `  source: ${transcript.source}`,
    "  in full:",
    ...shown.map((line) => `    ${line}`),
    ...got.slice(0, 40),
  ].join("\n");
}
