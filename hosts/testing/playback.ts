// Playback: a trace in the place of a store: a program under test gets the recorded answers.
// Holds   the recorded exchanges of one connection, and which of them were used.
// Never   makes an answer up: what was not recorded ends the connection, with its name.
// Source  our own.

import {
  XS_DIRECTORY,
  XS_GET_PERMS,
  XS_READ,
  XS_UNWATCH,
  XS_WATCH,
} from "../../assembly/xs_wire.ts";
import type { Client, ClientOptions } from "../client/api.ts";
import { openClient } from "../client/client.ts";
import { ReasonedError } from "../client/errors.ts";
import type { TraceMessage, TraceRecord } from "../embed/trace.ts";
import type { ByteStream, StreamSink } from "../shared/byte_stream.ts";
import { concat, encodeMessage, type Message, MessageReader } from "../shared/wire.ts";
import { formatRecord } from "./trace_text.ts";

export interface PlaybackOptions extends ClientOptions {
  /** The connection whose side is played; by default the first that sent anything. */
  readonly conn?: string | undefined;
}

/** A client whose other end is a trace. */
export interface Playback {
  readonly client: Client;
  /** Recorded requests that were not made (yet), as lines of a trace. */
  unused(): string[];
}

/** A recorded request and what came of it. */
interface Exchange {
  readonly request: TraceMessage;
  readonly key: string;
  reply: TraceMessage | null;
  /** Events before its reply, and behind it until the next request. */
  readonly before: TraceMessage[];
  readonly after: TraceMessage[];
  used: boolean;
}

/** Requests that may be made more often than they were: they get the last answer again. */
const REPEATABLE = [XS_READ, XS_DIRECTORY, XS_GET_PERMS];

/**
 * Opens a client that gets the answers of a trace, without any store: to test a program against
 * what a real host once said. Each request gets the answer of the first equal one (operation,
 * path, value, transaction) that was not used yet; tokens of watches may differ. Reads, listings
 * and permissions may be asked for more often than recorded. A request that was not recorded ends
 * the connection with an error that names it.
 * @throws Error when nothing was sent on the connection
 */
export async function playTrace(
  trace: Iterable<TraceRecord>,
  options: PlaybackOptions = {},
): Promise<Playback> {
  const records = [...trace];
  const first = records.find(({ kind, conn }) => kind === "request" && conn !== "S0");
  const { conn = first?.conn, ...rest } = options;
  const exchanges = exchangesOf(records.filter((record) => record.conn === conn));
  if (exchanges.length === 0) throw new Error(`the trace has no request of ${conn ?? "anybody"}`);
  const open = async () => new PlaybackStream(exchanges);
  const client = await openClient({ name: `trace:${conn}`, reconnects: false, open }, rest);
  const unused = () =>
    exchanges.filter(({ used }) => !used).map(({ request }) => formatRecord(request));
  return { client, unused };
}

function exchangesOf(records: readonly TraceRecord[]): Exchange[] {
  const all: Exchange[] = [];
  const waiting: Exchange[] = [];
  let events: TraceMessage[] = [];
  for (const record of records) {
    if (record.kind === "request") {
      const request = record as TraceMessage;
      const one: Exchange = {
        request,
        key: keyOf(request),
        reply: null,
        before: [],
        after: [],
        used: false,
      };
      all.push(one);
      waiting.push(one);
    } else if (record.kind === "event") {
      const last = all.at(-1);
      if (waiting.length > 0 || !last) events.push(record as TraceMessage);
      else last.after.push(record as TraceMessage);
    } else if (record.kind === "reply") {
      const one = waiting.shift();
      if (!one) continue;
      one.reply = record as TraceMessage;
      one.before.push(...events);
      events = [];
    }
  }
  return all;
}

/** What must be equal; a watch is known by its path. */
function keyOf({ type, txId, payload }: Pick<Message, "type" | "txId" | "payload">): string {
  const end = type === XS_WATCH || type === XS_UNWATCH ? payload.indexOf(0) : payload.length;
  return `${type} ${txId} ${latin1(payload.subarray(0, end))}`;
}

function latin1(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}

class PlaybackStream implements ByteStream {
  readonly payloadMax = 4096;
  readonly passesDepth = true;
  #exchanges: readonly Exchange[];
  #reader = new MessageReader();
  #sink: StreamSink | null = null;
  /** Recorded tokens and the ones that stand for them now. */
  #tokens = new Map<string, string>();

  constructor(exchanges: readonly Exchange[]) {
    this.#exchanges = exchanges;
  }

  start(sink: StreamSink): void {
    this.#sink = sink;
  }

  write(messages: Uint8Array): boolean {
    for (const request of this.#reader.push(messages)) {
      const bytes = this.#answer(request);
      queueMicrotask(() => {
        if (bytes) this.#sink?.data(bytes);
        else this.#refuse(request);
      });
    }
    return true;
  }

  pause(): void {}

  close(): void {
    this.#sink = null;
  }

  #answer(request: Message): Uint8Array | null {
    const key = keyOf(request);
    const equal = this.#exchanges.filter((one) => one.key === key && one.reply);
    const fresh = equal.find(({ used }) => !used);
    const one = fresh ?? (REPEATABLE.includes(request.type) ? equal.at(-1) : undefined);
    if (!one?.reply) return null;
    if (request.type === XS_WATCH) this.#tokens.set(tokenOf(one.request), tokenOf(request));
    one.used = true;
    const { type, payload } = one.reply;
    const { reqId, txId } = request;
    const reply = encodeMessage({ type, reqId, txId, payload });
    // Events come once.
    const [before, after] = fresh ? [one.before, one.after] : [[], []];
    return concat([
      ...before.map((e) => this.#event(e)),
      reply,
      ...after.map((e) => this.#event(e)),
    ]);
  }

  #event({ type, payload }: TraceMessage): Uint8Array {
    const [path = "", token = ""] = latin1(payload).split("\0");
    const now = this.#tokens.get(token) ?? token;
    const bytes = Uint8Array.from(`${path}\0${now}\0`, (char) => char.charCodeAt(0));
    return encodeMessage({ type, reqId: 0, txId: 0, payload: bytes });
  }

  #refuse({ type, reqId, txId, payload }: Message): void {
    const sink = this.#sink;
    this.#sink = null;
    const line = formatRecord({ kind: "request", ms: 0, conn: "-", type, reqId, txId, payload });
    sink?.end(new ReasonedError("EPROTO", `the trace has no such request: ${line.slice(4)}`));
  }
}

function tokenOf({ payload }: Pick<Message, "payload">): string {
  return latin1(payload).split("\0")[1] ?? "";
}
