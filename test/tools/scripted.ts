// Scripted store: answers requests as a test tells it to, in memory or over a socket.
// Holds   rules of the form "TYPE payload" → replies, and a log of what was asked.
// Never   remembers a value: what no rule covers gets the dullest answer there is.
// Source  the XenStore protocol, Message types.

import net from "node:net";
import * as xs from "../../assembly/xs_wire.ts";
import type { ByteStream, StreamSink } from "../../hosts/shared/byte_stream.ts";
import { encodeMessage, type Message, MessageReader } from "../../hosts/shared/wire.ts";

/** Hangs up instead of answering. */
export const HANG_UP = Symbol("hang up");

/**
 * A reply: text is the payload of an ordinary one, `!NAME` an ERROR; messages go out as they are,
 * with the request's id where theirs is undefined.
 */
export type Reply = string | typeof HANG_UP | readonly Partial<Message>[];

/**
 * Replies by what a request begins with, such as `READ /a` (| is a NUL); the first that fits
 * counts. Each request takes the next reply, the last one again and again.
 */
export type Rules = Readonly<Record<string, Reply | readonly Reply[]>>;

const NAMES = Object.entries(xs)
  .filter(([name]) => /^XS_(?!HEADER|TYPE)/.test(name))
  .map(([name, type]) => [type, name.slice(3)] as const);
const nameOf = new Map(NAMES);
export const typeOf = new Map(NAMES.map(([type, name]) => [name, type]));

const DULL: Readonly<Record<string, string>> = {
  READ: "",
  DIRECTORY: "",
  GET_PERMS: "n0|",
  TRANSACTION_START: "7|",
};

export class ScriptedStore {
  /** Requests so far, as `READ /a|` with the transaction's id behind if there is one. */
  readonly log: string[] = [];
  readonly #rules: Rules;
  readonly #used = new Map<string, number>();

  constructor(rules: Rules = {}) {
    this.#rules = rules;
  }

  /** The messages that answer a request; null to hang up. */
  answer(request: Message): Message[] | null {
    const name = nameOf.get(request.type) ?? String(request.type);
    const text = `${name} ${latin1(request.payload).replaceAll("\0", "|")}`;
    this.log.push(request.txId === 0 ? text : `${text} tx ${request.txId}`);
    const reply = this.#pick(text) ?? DULL[name] ?? "OK|";
    if (reply === HANG_UP) return null;
    const { type, reqId, txId } = request;
    if (typeof reply !== "string") {
      return reply.map((message) => ({ type, reqId, txId, payload: payload(""), ...message }));
    }
    const failed = reply.startsWith("!");
    const answer = failed
      ? { type: xs.XS_ERROR, reqId, txId, payload: payload(`${reply.slice(1)}|`) }
      : { type, reqId, txId, payload: payload(reply) };
    if (name !== "WATCH" || failed) return [answer];
    const [path, token] = latin1(request.payload).split("\0");
    return [answer, event(`${path}|${token}|`)];
  }

  #pick(text: string): Reply | undefined {
    const rule = Object.keys(this.#rules).find((start) => text.startsWith(start));
    if (rule === undefined) return undefined;
    const replies = this.#rules[rule];
    if (typeof replies === "string" || typeof replies === "symbol") return replies;
    if (!isList(replies)) return replies;
    const used = this.#used.get(rule) ?? 0;
    this.#used.set(rule, used + 1);
    return replies[Math.min(used, replies.length - 1)];
  }
}

/** A list of replies, not one reply made of messages. */
function isList(replies: readonly (Reply | Partial<Message>)[]): replies is readonly Reply[] {
  return replies.every((one) => typeof one !== "object" || Array.isArray(one));
}

/** A payload written with | for NUL, one character for each byte. */
export function payload(text: string): Uint8Array {
  return Uint8Array.from(text.replaceAll("|", "\0"), (char) => char.charCodeAt(0));
}

/** A watch event of the payload `path|token|`. */
export function event(text: string): Message {
  return { type: xs.XS_WATCH_EVENT, reqId: 0, txId: 0, payload: payload(text) };
}

const latin1 = (bytes: Uint8Array) => Buffer.from(bytes).toString("latin1");

/** A client's stream to a scripted store in the same process. */
export class ScriptedStream implements ByteStream {
  payloadMax: number = xs.XENSTORE_PAYLOAD_MAX;
  passesDepth = true;
  /** Bytes of one delivery; everything at once unless set. */
  chunk = Number.POSITIVE_INFINITY;
  /** Answers are kept while this is true, until `release`. */
  holding = false;
  paused = false;
  closed = false;
  readonly #store: ScriptedStore;
  readonly #reader = new MessageReader();
  #sink: StreamSink | null = null;
  #held: Uint8Array[] = [];

  constructor(store: ScriptedStore) {
    this.#store = store;
  }

  start(sink: StreamSink): void {
    this.#sink = sink;
  }

  write(messages: Uint8Array): boolean {
    for (const message of this.#reader.push(messages)) {
      const answers = this.#store.answer(message);
      if (answers === null) queueMicrotask(() => this.hangUp());
      else for (const answer of answers) this.deliver(answer);
    }
    return true;
  }

  /** Sends a message to the client, soon. */
  deliver(message: Message): void {
    this.#held.push(encodeMessage(message));
    if (!this.holding) this.release();
  }

  /** Sends what was held, oldest first or, if told so, last first. */
  release(reversed = false): void {
    this.holding = false;
    const held = reversed ? this.#held.reverse() : this.#held;
    this.#held = [];
    for (const bytes of held) queueMicrotask(() => this.#cut(bytes));
  }

  /** Ends the stream from the store's side. */
  hangUp(): void {
    this.#sink?.end();
  }

  pause(paused: boolean): void {
    this.paused = paused;
  }

  close(): void {
    this.closed = true;
    this.#sink = null;
  }

  #cut(bytes: Uint8Array): void {
    const step = Math.min(this.chunk, bytes.length);
    for (let at = 0; at < bytes.length; at += step) this.#sink?.data(bytes.slice(at, at + step));
  }
}

/** Serves scripted stores on a Unix socket: `next()` makes one for each client. */
export async function serve(path: string, next: () => ScriptedStore): Promise<net.Server> {
  const server = net.createServer((socket) => {
    const store = next();
    const reader = new MessageReader();
    socket.on("error", () => {});
    socket.on("data", (bytes) => {
      for (const message of reader.push(bytes)) {
        const answers = store.answer(message);
        if (answers === null) {
          socket.destroy();
          return;
        }
        for (const answer of answers) socket.write(encodeMessage(answer));
      }
    });
  });
  await new Promise<void>((ready) => server.listen(path, ready));
  return server;
}
