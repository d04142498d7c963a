// Outcome: what one step caused on one side, compared, filtered and written down.
// Holds   when two outcomes count as the same.
// Never   knows why two outcomes may differ: known.ts does.
// Source  our own.

import { XS_DIRECTORY_PART } from "../../assembly/xs_wire.ts";
import type { Received } from "../hub.ts";
import { type Message, WATCH_EVENT } from "../message.ts";
import { messageLine } from "../transcript.ts";
import type { Outcome } from "./side.ts";
import type { Act } from "./step.ts";

/** Whether two outcomes say the same; a generation is opaque, only its being there counts. */
export function equal(act: Act, peer: Outcome, ours: Outcome): boolean {
  if (peer.size !== ours.size) return false;
  const part = act.kind === "request" && act.type === XS_DIRECTORY_PART;
  for (const [conn, received] of peer) {
    const other = ours.get(conn);
    if (other === undefined || !sameReceived(received, other, part)) return false;
  }
  return true;
}

function sameReceived(a: Received, b: Received, part: boolean): boolean {
  if (a.closed !== b.closed || a.messages.length !== b.messages.length) return false;
  return a.messages.every((message, at) => sameMessage(message, b.messages[at], part));
}

function sameMessage(a: Message, b: Message, part: boolean): boolean {
  if (a.type !== b.type || a.reqId !== b.reqId || a.txId !== b.txId) return false;
  if (a.payload === b.payload) return true;
  return part && a.type === XS_DIRECTORY_PART && opaque(a.payload) === opaque(b.payload);
}

const opaque = (payload: string) => payload.replace(/^\d+\0/, "<number>\0");

export const isEvent = ({ type }: Message) => type === WATCH_EVENT;
export const isOfOneDomain = (message: Message) =>
  isEvent(message) && /^@(introduce|release)Domain\/\d+\0/.test(message.payload);

/** The part of an outcome whose messages pass; connections without any are absent. */
export function only(outcome: Outcome, passes: (message: Message) => boolean): Outcome {
  const rest: Outcome = new Map();
  for (const [conn, { messages, closed }] of outcome) {
    const left = messages.filter(passes);
    if (left.length > 0 || closed) rest.set(conn, { messages: left, closed });
  }
  return rest;
}

/** Writes an outcome as lines of a transcript. */
export function lines(outcome: Outcome): string[] {
  return [...outcome].flatMap(([conn, { messages, closed }]) => [
    ...messages.map((message) => messageLine(conn, message) + idsOf(message)),
    ...(closed ? [`${conn} < CLOSED`] : []),
  ]);
}

function idsOf({ type, reqId, txId }: Message): string {
  if (type === WATCH_EVENT) return reqId === 0 && txId === 0 ? "" : `   (ids ${reqId} ${txId})`;
  return txId === 0 ? "" : `   (transaction ${txId})`;
}

/**
 * Gives a reply the peer's number of the transaction, if it has ours.
 * @param sent  the request as our side got it
 * @param act   the request as the peer got it
 */
export function renumbered(outcome: Outcome, sent: Act, act: Act): Outcome {
  if (sent.kind !== "request" || act.kind !== "request" || sent.txId === act.txId) return outcome;
  for (const message of outcome.get(act.conn)?.messages ?? []) {
    if (!isEvent(message) && message.txId === sent.txId) message.txId = act.txId;
  }
  return outcome;
}
