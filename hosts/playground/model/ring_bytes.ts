// Ring bytes: what the bytes in a ring's queues are: whose, waiting or read, which field of what.
// Holds   positions, the search for where messages begin, the cutting of bytes into fields.
// Never   changes a ring.
// Source  the XenStore protocol, Header; ring (Layout, Moving bytes).

import {
  operationName,
  XENSTORE_PAYLOAD_MAX,
  XENSTORE_RING_SIZE,
  XS_HEADER_SIZE,
  XS_TYPE_COUNT,
} from "../../entry/wire.ts";
import { visibleText } from "./console_log.ts";

export { XENSTORE_RING_SIZE as QUEUE_SIZE } from "../../entry/wire.ts";

export interface Header {
  readonly type: number;
  readonly reqId: number;
  readonly txId: number;
  readonly len: number;
}

export type FieldName = "type" | "req_id" | "tx_id" | "len" | "payload";
export const FIELDS: readonly FieldName[] = ["type", "req_id", "tx_id", "len", "payload"];

/** A message of which at least a byte is there. */
export interface Piece {
  /** Where it begins: a position in the stream, or in the bytes that were cut. May be below 0. */
  readonly start: number;
  /** null: fewer than 16 bytes are there. */
  readonly header: Header | null;
  /** Bytes that are there, header included, and how many it will have (16 until that is known). */
  readonly have: number;
  readonly total: number;
  /** Its header announces more than any message may have: nothing behind it makes sense. */
  readonly tooLong: boolean;
  /** What is there of the payload. */
  readonly payload: Uint8Array;
}

/** How far a queue was followed: where the message begins that `cons` is in. */
export interface Track {
  readonly start: number;
  /** Known for as long as the message lasts, even when its bytes are overwritten. */
  readonly header: Header | null;
  readonly cons: number;
  readonly prod: number;
  /** False: nobody can say where a message begins. */
  readonly sure: boolean;
  /** Messages that were read, oldest first, as long as their bytes are not overwritten. */
  readonly past: readonly { readonly start: number; readonly header: Header }[];
}

/** A queue as it is drawn. */
export interface Queue {
  readonly bytes: Uint8Array;
  readonly cons: number;
  readonly prod: number;
  /** Bytes that wait; above 1024 the indexes make no sense. */
  readonly fill: number;
  readonly broken: boolean;
  /** The waiting part goes over the end of the buffer. */
  readonly wraps: boolean;
  /** Messages of which something waits, the one being read first. */
  readonly messages: readonly Piece[];
  /** Messages that were read and whose bytes are still there; the last may be only begun. */
  readonly read: readonly Piece[];
  readonly track: Track;
}

const HALF = 0x8000_0000;

/** How far position `a` lies behind `b` in the stream; positions run on modulo 2^32. */
export function distance(a: number, b: number): number {
  return (a - b) >>> 0;
}

/** The header in the first 16 bytes. */
export function readHeader(bytes: Uint8Array): Header | null {
  if (bytes.length < XS_HEADER_SIZE) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, XS_HEADER_SIZE);
  return {
    type: view.getUint32(0, true),
    reqId: view.getUint32(4, true),
    txId: view.getUint32(8, true),
    len: view.getUint32(12, true),
  };
}

/** `count` bytes of a queue from a position on. */
export function bytesAt(queue: Uint8Array, position: number, count: number): Uint8Array {
  const found = new Uint8Array(count);
  for (let i = 0; i < count; i++) found[i] = queue[(position + i) % XENSTORE_RING_SIZE];
  return found;
}

/** A queue with its messages; `before` is the track of the same queue when it was last seen. */
export function readQueue(
  bytes: Uint8Array,
  cons: number,
  prod: number,
  before: Track | null,
): Queue {
  const fill = distance(prod, cons);
  const broken = fill > XENSTORE_RING_SIZE;
  const track = broken
    ? { start: cons, header: null, cons, prod, sure: false, past: [] }
    : follow(bytes, cons, prod, before);
  const wraps = !broken && fill > 0 && (cons % XENSTORE_RING_SIZE) + fill > XENSTORE_RING_SIZE;
  const messages = track.sure ? messagesFrom(bytes, track) : [];
  const read = readBefore(bytes, track, messages.length === 0);
  return { bytes, cons, prod, fill, broken, wraps, messages, read, track };
}

/** Goes on from where the last message began to the one that `cons` is in. */
function follow(bytes: Uint8Array, cons: number, prod: number, before: Track | null): Track {
  const valid =
    before?.sure && distance(cons, before.cons) < HALF && distance(prod, before.prod) < HALF;
  if (!valid) return guess(bytes, cons, prod);
  let { start, header } = before;
  const past = [...before.past];
  for (;;) {
    const there = distance(prod, start);
    if (!header && there > XENSTORE_RING_SIZE) return guess(bytes, cons, prod);
    if (!header && there >= XS_HEADER_SIZE) header = readHeader(bytesAt(bytes, start, 16));
    if (!header || header.len > XENSTORE_PAYLOAD_MAX) break;
    const end = (start + XS_HEADER_SIZE + header.len) >>> 0;
    if (distance(cons, end) >= HALF) break;
    past.push({ start, header });
    start = end;
    header = null;
  }
  // What was read is never ahead of where its message begins.
  if (distance(cons, start) >= HALF) return guess(bytes, cons, prod);
  const kept = past.filter((one) => distance(prod, one.start) <= XENSTORE_RING_SIZE);
  return { start, header, cons, prod, sure: true, past: kept };
}

/** A queue that is seen for the first time: most likely a message begins where reading goes on. */
function guess(bytes: Uint8Array, cons: number, prod: number): Track {
  const fill = distance(prod, cons);
  const header = fill >= XS_HEADER_SIZE ? readHeader(bytesAt(bytes, cons, 16)) : null;
  // An oversized length is believed where the rest looks like a header: it is one on purpose.
  const sure = fill === 0 || (header ? header.type < 0x10000 : bytes[cons % 1024] < XS_TYPE_COUNT);
  return { start: cons, header: sure ? header : null, cons, prod, sure, past: [] };
}

/** `begun`: the message that reading is in may be read as far as it is there. */
function readBefore(bytes: Uint8Array, track: Track, begun: boolean): Piece[] {
  const found = track.past.map(({ start, header }) => {
    const total = XS_HEADER_SIZE + header.len;
    return pieceOf(start, header, total, (from, count) => bytesAt(bytes, start + from, count));
  });
  const have = distance(track.prod, track.start);
  if (begun && track.sure && have > 0 && have <= XENSTORE_RING_SIZE) {
    const { start, header } = track;
    found.push(pieceOf(start, header, have, (from, count) => bytesAt(bytes, start + from, count)));
  }
  return found;
}

function messagesFrom(bytes: Uint8Array, track: Track): Piece[] {
  const found: Piece[] = [];
  let { start, header } = track;
  while (distance(track.prod, start) > 0 && distance(track.prod, start) < HALF) {
    const have = distance(track.prod, start);
    header ??= have >= XS_HEADER_SIZE ? readHeader(bytesAt(bytes, start, 16)) : null;
    const piece = pieceOf(start, header, have, (from, count) => {
      // Bytes that were overwritten are not shown as if they were the message's.
      const lost = Math.max(0, have - XENSTORE_RING_SIZE - from);
      return bytesAt(bytes, start + from + lost, Math.max(0, count - lost));
    });
    const end = (start + piece.have) >>> 0;
    if (distance(end, track.cons) > 0 && distance(end, track.cons) < HALF) found.push(piece);
    if (piece.tooLong || piece.have < piece.total) break;
    start = end;
    header = null;
  }
  return found;
}

function pieceOf(
  start: number,
  header: Header | null,
  there: number,
  read: (from: number, count: number) => Uint8Array,
): Piece {
  const tooLong = header !== null && header.len > XENSTORE_PAYLOAD_MAX;
  const total = XS_HEADER_SIZE + (header?.len ?? 0);
  const have = Math.min(there, total);
  const payload = header ? read(XS_HEADER_SIZE, have - XS_HEADER_SIZE) : new Uint8Array(0);
  return { start, header, have, total, tooLong, payload };
}

/** The end of a queue's last message, where it is not all there yet: what follows belongs to it. */
export function openEnd(queue: Queue): Piece | null {
  const last = queue.messages.at(-1);
  if (last) return last.have < last.total || !last.header ? last : null;
  const { track } = queue;
  const have = distance(queue.prod, track.start);
  if (!track.sure || have === 0 || have >= HALF) return null;
  const header = track.header;
  return pieceOf(track.start, header, have, () => new Uint8Array(0));
}

/**
 * Cuts bytes that follow each other into messages.
 * @param begun  the first bytes go on with this message, of whose header `head` was there before
 */
export function cutMessages(bytes: Uint8Array, begun: Piece | null, head?: Uint8Array): Piece[] {
  const found: Piece[] = [];
  let at = 0;
  if (begun && bytes.length > 0) {
    const known = Math.min(begun.have, XS_HEADER_SIZE);
    const rest = bytes.subarray(0, Math.max(0, XS_HEADER_SIZE - known));
    const header = begun.header ?? (head ? readHeader(joined(head, rest)) : null);
    const there = begun.have + bytes.length;
    const piece = pieceOf(-begun.have, header, there, (from, count) => {
      const first = Math.max(0, from - begun.have);
      return bytes.slice(first, Math.max(first, from + count - begun.have));
    });
    found.push(piece);
    if (!header || piece.tooLong) return found;
    at = piece.start + piece.have;
  }
  while (at < bytes.length) {
    const start = at;
    const header = readHeader(bytes.subarray(start));
    const piece = pieceOf(start, header, bytes.length - start, (from, count) =>
      bytes.slice(start + from, start + from + count),
    );
    found.push(piece);
    if (!header || piece.tooLong) break;
    at += piece.have;
  }
  return found;
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  const whole = new Uint8Array(a.length + b.length);
  whole.set(a);
  whole.set(b, a.length);
  return whole;
}

/** Which field the byte `offset` of a message is in. */
export function fieldAt(offset: number): FieldName {
  return FIELDS[Math.min(4, offset >> 2)];
}

/** What one byte of a queue is. */
export interface ByteAt {
  readonly index: number;
  /** Position in the stream: of all positions with this index the newest that was written. */
  readonly position: number;
  readonly value: number;
  readonly waits: boolean;
  readonly message: Piece | null;
  readonly field: FieldName | null;
  /** Place in its message. */
  readonly offset: number;
}

export function byteAt(queue: Queue, index: number): ByteAt {
  const back = distance(queue.prod - 1, index) % XENSTORE_RING_SIZE;
  const position = (queue.prod - 1 - back) >>> 0;
  const waits = !queue.broken && back < queue.fill;
  const has = ({ start, have }: Piece) => distance(position, start) < have;
  const message = queue.messages.find(has) ?? queue.read.find(has) ?? null;
  const offset = message ? distance(position, message.start) : 0;
  const field = message ? fieldAt(offset) : null;
  return { index, position, value: queue.bytes[index], waits, message, field, offset };
}

/** Name of a message's type, such as WRITE; "?" as long as its header is not all there. */
export function typeName(header: Header | null): string {
  return header ? operationName(header.type) : "?";
}

/** A byte as one character: what can be seen as it is, a NUL as a small dot, others as a large. */
export function byteChar(value: number): string {
  if (value === 0) return "\u00b7";
  return value >= 0x20 && value < 0x7f ? String.fromCharCode(value) : "\u2022";
}

const decoder = new TextDecoder();

/** A payload for people, cut after so many bytes: a NUL as \\0. */
export function payloadText(payload: Uint8Array, max = 120): string {
  const text = visibleText(decoder.decode(payload.subarray(0, max))).replaceAll("\n", "\\n");
  return payload.length > max ? `${text}\u2026` : text;
}

/** A byte in words, for the line below the queue and for screen readers. */
export function byteWords(at: ByteAt, reader: "store" | "guest"): string {
  const value = `0x${at.value.toString(16).padStart(2, "0")}`;
  const seen =
    at.value === 0
      ? ", a NUL"
      : at.value > 0x20 && at.value < 0x7f
        ? `, "${byteChar(at.value)}"`
        : "";
  const place = `Byte ${at.index} is ${value}${seen}`;
  const state = at.waits ? `waits for the ${reader}` : "is not waiting: what was there before";
  if (!at.message) return `${place}; it ${state}.`;
  const { header } = at.message;
  const name = header
    ? `${typeName(header)}, req_id ${header.reqId}`
    : "a message that has just begun";
  const read = at.waits ? state : `was read by the ${reader}`;
  const what =
    at.field === "payload"
      ? `payload, byte ${at.offset - XS_HEADER_SIZE} of ${header?.len ?? "?"}`
      : `header, ${at.field}, byte ${at.offset % 4} of 4`;
  return `${place}; ${what}, of ${name}; it ${read}.`;
}
