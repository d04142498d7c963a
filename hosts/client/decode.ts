// Decode: payloads of replies as values: text, numbers, names, permissions.
// Holds   one function for each form of reply.
// Never   keeps the bytes it is given: they are valid during the call only.
// Source  the XenStore protocol, Message types and Payload syntax.

import type { Perm } from "./api.ts";
import { ReasonedError } from "./errors.ts";
import { parsePerm } from "./perms.ts";
import { decodeText } from "./text.ts";

const strict = new TextDecoder("utf-8", { ignoreBOM: true, fatal: true });

/** Bytes `start` to `end` as UTF-8; what is none becomes U+FFFD. */
export const text = decodeText;

/** The text of `bytes` if they are UTF-8, else null. */
export function exactText(bytes: Uint8Array): string | null {
  try {
    return strict.decode(bytes);
  } catch {
    return null;
  }
}

/** A copy of the bytes. */
export function copy(bytes: Uint8Array, start: number, end: number): Uint8Array {
  return bytes.slice(start, end);
}

/** For replies that say no more than that it is done, in whatever words. */
export function nothing(): void {}

/** For replies of which only the arrival counts. */
export function yes(): true {
  return true;
}

/** A value was to be read as an integer, and is none (EINVAL). */
export class NotAnIntegerError extends ReasonedError {
  constructor(value: string, path: string) {
    const shown = JSON.stringify(value.length > 40 ? `${value.slice(0, 37)}...` : value);
    super("EINVAL", `${shown} is no integer`, { op: "READ", path });
  }
}

/** Decodes decimal digits, or hexadecimal ones behind `0x`; throws NotAnIntegerError else. */
export function intAt(path: string): (bytes: Uint8Array, start: number, end: number) => number {
  return (bytes, start, end) => {
    const found = text(bytes, start, end);
    const value = /^([+-]?\d+|0[xX][\da-fA-F]+)$/.test(found) ? Number(found) : Number.NaN;
    if (Number.isSafeInteger(value)) return value;
    throw new NotAnIntegerError(found, path);
  };
}

/** What stands before the first NUL, or all of it. */
export function first(bytes: Uint8Array, start: number, end: number): string {
  const nul = bytes.indexOf(0, start);
  return text(bytes, start, nul < 0 || nul > end ? end : nul);
}

/** The number at the start of the payload; 0 if there is none. */
export function count(bytes: Uint8Array, start: number, end: number): number {
  return Number.parseInt(first(bytes, start, end), 10) || 0;
}

/** The strings of a payload: what stands before each NUL; bytes behind the last are dropped. */
export function names(bytes: Uint8Array, start: number, end: number): string[] {
  const found: string[] = [];
  let from = start;
  for (let nul = bytes.indexOf(0, from); nul >= 0 && nul < end; nul = bytes.indexOf(0, from)) {
    found.push(text(bytes, from, nul));
    from = nul + 1;
  }
  return found;
}

/** The first string, cut at blanks. */
export function words(bytes: Uint8Array, start: number, end: number): string[] {
  return first(bytes, start, end)
    .split(/\s+/)
    .filter((word) => word !== "");
}

/** Whether the first string is another than `F`. */
export function notF(bytes: Uint8Array, start: number, end: number): boolean {
  return first(bytes, start, end) !== "F";
}

/** A permission list. Throws EINVAL for an entry of another form. */
export function perms(bytes: Uint8Array, start: number, end: number): Perm[] {
  return names(bytes, start, end).map(parsePerm);
}

/** A part of a long directory. */
export interface Part {
  readonly generation: string;
  readonly names: string[];
  /** Bytes that the names take up: added to the offset they give that of the next part. */
  readonly size: number;
  readonly last: boolean;
}

/** A reply to DIRECTORY_PART: the generation, names, and one NUL more at the end of the list. */
export function part(bytes: Uint8Array, start: number, end: number): Part {
  const nul = bytes.indexOf(0, start);
  const from = nul < 0 || nul >= end ? end : nul + 1;
  const last = from < end && bytes[end - 1] === 0 && (end - from === 1 || bytes[end - 2] === 0);
  const to = last ? end - 1 : end;
  return {
    generation: text(bytes, start, Math.max(start, from - 1)),
    names: names(bytes, from, to),
    size: to - from,
    last,
  };
}
