// Reader: cuts the bytes that come in into messages, and looks whether they can be any.
// Holds   the message that has not come whole yet.
// Never   copies a message that came in one piece.
// Source  the XenStore protocol, Header.

import { XENSTORE_PAYLOAD_MAX, XS_HEADER_SIZE, XS_TYPE_COUNT } from "../../assembly/xs_wire.ts";
import { nameOnTheWire, XenstoreError } from "../shared/errors.ts";
import { ProtocolError } from "./errors.ts";
import { operationName } from "./operations.ts";
import { decodeText } from "./text.ts";

/** Payload bytes that an error shows. */
const SHOWN = 32;

/** Takes messages; the bytes are good during the call only. */
export interface Receiver {
  /** @returns whether it wants more of what has come */
  message(type: number, reqId: number, bytes: Uint8Array, start: number, end: number): boolean;
}

export class Reader {
  readonly #receiver: Receiver;
  readonly #kept = new Uint8Array(XS_HEADER_SIZE + XENSTORE_PAYLOAD_MAX);
  #keptLen = 0;

  constructor(receiver: Receiver) {
    this.#receiver = receiver;
  }

  /** Bytes of a message whose rest has not come. */
  get open(): number {
    return this.#keptLen;
  }

  /** Takes the next bytes. Throws a ProtocolError for a header that can't be one. */
  push(bytes: Uint8Array): void {
    let at = this.#keptLen === 0 ? 0 : this.#complete(bytes);
    const end = bytes.length;
    while (end - at >= XS_HEADER_SIZE) {
      const start = at + XS_HEADER_SIZE;
      const next = start + payloadLenAt(bytes, at, end);
      if (next > end) break;
      at = next;
      const type = bytes[start - XS_HEADER_SIZE] as number;
      if (!this.#receiver.message(type, word(bytes, start - 12), bytes, start, next)) return;
    }
    if (at < end) this.#keep(bytes, at, end);
  }

  /** Says what has come of the message that is not whole; empty when there is none. */
  describeOpen(): string {
    const len = this.#keptLen;
    if (len === 0) return "";
    const bytes = this.#kept;
    if (len < XS_HEADER_SIZE) return `${len} bytes of a header (${hex(bytes, 0, len)})`;
    const whole = XS_HEADER_SIZE + payloadLenAt(bytes, 0, len);
    return `${len} of the ${whole} bytes of a message (${describe(bytes, 0, len)})`;
  }

  /** Fills up the kept message. @returns where the next one begins */
  #complete(bytes: Uint8Array): number {
    let at = 0;
    if (this.#keptLen < XS_HEADER_SIZE) {
      at = this.#keep(bytes, 0, Math.min(bytes.length, XS_HEADER_SIZE - this.#keptLen));
      if (this.#keptLen < XS_HEADER_SIZE) return at;
    }
    const kept = this.#kept;
    const whole = XS_HEADER_SIZE + payloadLenAt(kept, 0, XS_HEADER_SIZE);
    at = this.#keep(bytes, at, Math.min(bytes.length, at + whole - this.#keptLen));
    if (this.#keptLen < whole) return at;
    this.#keptLen = 0;
    const more = this.#receiver.message(
      kept[0] as number,
      word(kept, 4),
      kept,
      XS_HEADER_SIZE,
      whole,
    );
    return more ? at : bytes.length;
  }

  #keep(bytes: Uint8Array, from: number, to: number): number {
    this.#kept.set(bytes.subarray(from, to), this.#keptLen);
    this.#keptLen += to - from;
    if (this.#keptLen >= XS_HEADER_SIZE) payloadLenAt(this.#kept, 0, this.#keptLen);
    return to;
  }
}

/** The length of a payload, by the header at `at`. Throws when it is none of a server. */
function payloadLenAt(bytes: Uint8Array, at: number, end: number): number {
  const len = word(bytes, at + 12);
  if (len > XENSTORE_PAYLOAD_MAX) {
    const what = `a message of ${len} bytes, above the most of ${XENSTORE_PAYLOAD_MAX}`;
    throw broken(what, bytes, at + XS_HEADER_SIZE, end);
  }
  const type = word(bytes, at);
  if (type >= XS_TYPE_COUNT)
    throw broken(`a message of the unknown type ${type}`, bytes, at + XS_HEADER_SIZE, end);
  return len;
}

/**
 * The error that an ERROR tells of; EINVAL for a name that the protocol doesn't have.
 * Throws a ProtocolError for what is no name at all.
 */
export function errorOf(
  bytes: Uint8Array,
  start: number,
  end: number,
  op: string,
  path: string,
): XenstoreError {
  const nul = bytes.indexOf(0, start);
  const text = decodeText(bytes, start, nul < 0 || nul > end ? end : nul);
  if (/^E[A-Z0-9]{1,30}$/.test(text)) return new XenstoreError(nameOnTheWire(text), { op, path });
  throw broken("an ERROR whose payload is no error name", bytes, start, end);
}

/** Hands the two strings of a watch event on. Throws a ProtocolError for anything else. */
export function readEvent(
  bytes: Uint8Array,
  start: number,
  end: number,
  take: (path: string, token: string) => void,
): void {
  const nul = bytes.indexOf(0, start);
  // No NUL, or one behind the end, makes `second` the same as `nul` or later than the last byte.
  const second = nul < 0 ? -1 : bytes.indexOf(0, nul + 1);
  if (second < 0 || second !== end - 1) {
    throw broken("a WATCH_EVENT that is not two strings", bytes, start, end);
  }
  take(decodeText(bytes, start, nul), decodeText(bytes, nul + 1, second));
}

/** What came, as an error that ends the connection: a message whose payload begins at `start`. */
export function broken(what: string, bytes: Uint8Array, start: number, end: number): ProtocolError {
  const came = describe(bytes, start - XS_HEADER_SIZE, end);
  return new ProtocolError(`the store sent ${what} (${came})`);
}

function describe(bytes: Uint8Array, at: number, end: number): string {
  const type = word(bytes, at);
  const name = type < XS_TYPE_COUNT ? `type ${type} ${operationName(type)}` : `type ${type}`;
  const ids = `req_id ${word(bytes, at + 4)}, tx_id ${word(bytes, at + 8)}`;
  const start = at + XS_HEADER_SIZE;
  const shown = hex(bytes, start, Math.min(end, start + SHOWN));
  return `${name}, ${ids}, length ${word(bytes, at + 12)}, payload ${shown || "empty"}`;
}

function hex(bytes: Uint8Array, from: number, to: number): string {
  return [...bytes.subarray(from, to)].map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
}

function word(bytes: Uint8Array, at: number): number {
  return (
    ((bytes[at] as number) |
      ((bytes[at + 1] as number) << 8) |
      ((bytes[at + 2] as number) << 16) |
      ((bytes[at + 3] as number) << 24)) >>>
    0
  );
}
