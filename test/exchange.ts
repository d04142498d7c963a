// Exchange: one request and its reply, for tests that need no transcript.
// Holds   the text form of a request: its name, a blank, and a payload in the notation.
// Never   hides an event: what came besides the reply is returned, too.
// Source  our own.

import type { Hub } from "./hub.ts";
import { ERROR, encode, typeNumber, WATCH_EVENT } from "./message.ts";
import { unquote } from "./transcript.ts";

/** A reply: `error` is the error's name or empty, `answer` the payload of what is no error. */
export type Exchange = { error: string; answer: string; events: string[] };

/**
 * Sends one request and returns its reply.
 * @param text  as in a transcript, "READ /a|"
 * @returns     events are those of this connection alone, "path|token|" with NULs
 */
export function exchange(hub: Hub, conn: string, text: string, txId = 0): Exchange {
  const [, name, rest = ""] = /^(\w+)(?: (.*))?$/s.exec(text) ?? [];
  return exchangeBytes(hub, conn, typeNumber(name), unquote(rest), txId);
}

/** The same for a type and a payload of any bytes. */
export function exchangeBytes(
  hub: Hub,
  conn: string,
  type: number,
  payload: string,
  txId = 0,
): Exchange {
  hub.send(conn, encode({ type, reqId: 77, txId, payload }));
  const messages = hub.collect().get(conn)?.messages ?? [];
  const replies = messages.filter((message) => message.type !== WATCH_EVENT);
  const events = messages.filter((message) => message.type === WATCH_EVENT);
  if (replies.length !== 1) throw new Error(`${replies.length} replies to type ${type} of ${conn}`);
  const [reply] = replies;
  const isError = reply.type === ERROR;
  return {
    error: isError ? reply.payload.replace(/\0$/, "") : "",
    answer: isError ? "" : reply.payload,
    events: events.map((event) => event.payload),
  };
}
