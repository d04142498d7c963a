// Compare: what a connection heard when a trace was recorded, and what it heard now.
// Holds   how the two are laid side by side, and what is free.
// Never   knows how either came about.
// Source  our own; the XenStore protocol, Watches (events that wait may be merged).

import { XS_DIRECTORY_PART, XS_TRANSACTION_START } from "../../assembly/xs_wire.ts";
import type { TraceMessage } from "../embed/trace.ts";
import { formatRecord } from "./trace_text.ts";

/** Something that a connection heard then and not now, or the other way round. */
export interface Difference {
  readonly conn: string;
  /** Index of the recorded message in the trace; -1: there is none. */
  readonly at: number;
  /** As lines of a trace; null: nothing. */
  readonly recorded: string | null;
  readonly got: string | null;
}

/** A message and the index of the record that it is, or during which it came. */
export interface Placed {
  readonly message: TraceMessage;
  readonly at: number;
}

export interface Compared {
  readonly differences: Difference[];
  /** Events that came now and were one with an equal event before when the trace was recorded. */
  merged: number;
  /** What came now behind the end of what was recorded: nobody read it then. */
  unread: number;
}

/** Messages that are looked at to find out whether one is missing, or one too many. */
const AHEAD = 32;

/**
 * Compares replies, or events, of one connection.
 * @param unread  says of a message behind all that were recorded whether that is no difference
 */
export function compare(
  conn: string,
  then: readonly Placed[],
  now: readonly Placed[],
  unread: (got: Placed) => boolean,
): Compared {
  const found: Compared = { differences: [], merged: 0, unread: 0 };
  /** The recorded message that was found last, and what came for it. */
  let last: Placed | null = null;
  let n = 0;
  for (let at = 0; at < then.length || n < now.length; ) {
    const [recorded, got] = [then[at], now[n]];
    if (recorded && got && same(recorded.message, got.message)) {
      last = recorded;
      at += 1;
      n += 1;
    } else if (got && last && isMerged(last, got)) {
      found.merged += 1;
      n += 1;
    } else if (!recorded && got && unread(got)) {
      found.unread += 1;
      n += 1;
    } else {
      const missing = !got || comes(then, at + 1, got);
      const more = !recorded || comes(now, n + 1, recorded);
      const [old, own] = [missing || !more ? recorded : null, missing ? null : got];
      found.differences.push(difference(conn, old, own));
      if (missing || !more) at += 1;
      if (!missing) n += 1;
    }
  }
  return found;
}

/** Whether an equal message is among the next ones. */
function comes(messages: readonly Placed[], from: number, { message }: Placed): boolean {
  return messages.slice(from, from + AHEAD).some((one) => same(one.message, message));
}

/** The reason for the second event was there before the first one had left, so one was enough. */
function isMerged(last: Placed, got: Placed): boolean {
  return got.message.kind === "event" && got.at < last.at && same(last.message, got.message);
}

function difference(
  conn: string,
  then: Placed | null | undefined,
  now: Placed | null | undefined,
): Difference {
  const ms = then?.message.ms ?? 0;
  return {
    conn,
    at: then?.at ?? -1,
    recorded: then ? formatRecord(then.message) : null,
    got: now ? formatRecord({ ...now.message, ms }) : null,
  };
}

function same(a: TraceMessage, b: TraceMessage): boolean {
  if (a.type !== b.type || a.reqId !== b.reqId || a.txId !== b.txId) return false;
  const [then, now] = [plain(a), plain(b)];
  return then === now;
}

/** A payload as text of one character for each byte, without what is the store's own choice. */
function plain({ type, payload }: TraceMessage): string {
  let text = "";
  for (const byte of payload) text += String.fromCharCode(byte);
  const free = type === XS_TRANSACTION_START || type === XS_DIRECTORY_PART;
  return free ? text.replace(/^\d+\0/, "<number>\0") : text;
}
