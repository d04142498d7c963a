// Check: what can't be sent is refused before it is, with the reason.
// Holds   the rules of paths, values, tokens and numbers.
// Never   knows whether a node exists.
// Source  the XenStore protocol, Paths (legal characters, canonical form) and Limits.

import { XENSTORE_ABS_PATH_MAX } from "../../assembly/xs_wire.ts";
import type { Value, WatchOptions } from "./api.ts";
import { InvalidRequestError } from "./errors.ts";

/** Most characters of a path that is relative to the caller's home. */
export const REL_PATH_MAX = 2048;
const DOMID_MAX = 65535;
const U32_MAX = 0xffffffff;
const U64_MAX = 0xffffffffffffffffn;

const SLASH = 0x2f;
const AT = 0x40;
const LEGAL = new Uint8Array(128);
for (const char of "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-/_@") {
  LEGAL[char.charCodeAt(0)] = 1;
}

const encoder = new TextEncoder();

/**
 * Says why a path can't be sent; null: it can.
 * @param special  whether a leading `@` is fine, as for watches and permissions
 */
export function pathProblem(path: string, special = false): string | null {
  return pathIsFine(path, special) ? null : whyNot(path, special);
}

/** Whether `path` is `top` or lies below it, by its text alone. */
export function isSubpath(top: string, path: string): boolean {
  return path === top || path.startsWith(top.endsWith("/") ? top : `${top}/`);
}

/** Throws InvalidRequestError for a path that can't be sent. */
export function checkPath(op: string, path: string, special = false): void {
  if (!pathIsFine(path, special)) throw badPath(op, path, special);
}

/** The error for a path that is not fine. */
export function badPath(op: string, path: string, special = false): InvalidRequestError {
  const reason = whyNot(path, special) ?? "can't be sent";
  const code = typeof path === "string" && tooLong(path) ? "ENAMETOOLONG" : "EINVAL";
  return new InvalidRequestError(code, reason, { op, path: shown(path) });
}

/** Whether a path can be sent: one pass, nothing allocated. */
export function pathIsFine(path: string, special = false): boolean {
  if (typeof path !== "string") return false;
  const length = path.length;
  if (length === 0 || length > REL_PATH_MAX) {
    if (length === 0 || tooLong(path)) return false;
  }
  let previous = 0;
  for (let at = 0; at < length; at++) {
    const char = path.charCodeAt(at);
    if (char > 127 || LEGAL[char] === 0) return false;
    if (char === SLASH && previous === SLASH) return false;
    previous = char;
  }
  if (previous === SLASH && length > 1) return false;
  return special || path.charCodeAt(0) !== AT;
}

function tooLong(path: string): boolean {
  const first = path.charCodeAt(0);
  const limit = first === SLASH || first === AT ? XENSTORE_ABS_PATH_MAX : REL_PATH_MAX;
  return path.length > limit;
}

function whyNot(path: unknown, special: boolean): string | null {
  if (typeof path !== "string") return `a path is a string, not ${kindOf(path)}`;
  if (path === "") return "a path can't be empty";
  const bad = /[^A-Za-z0-9\-/_@]/u.exec(path);
  if (bad !== null) {
    const char = JSON.stringify(bad[0]);
    return `${char} at position ${bad.index} of the path: only letters, digits and - / _ @ can be`;
  }
  if (tooLong(path)) {
    const kind = path.startsWith("/") || path.startsWith("@") ? "an absolute" : "a relative";
    const limit = kind === "a relative" ? REL_PATH_MAX : XENSTORE_ABS_PATH_MAX;
    return `the path has ${path.length} characters, ${kind} one at most ${limit}`;
  }
  const double = path.indexOf("//");
  if (double >= 0) return `an empty name at position ${double + 1} of the path`;
  if (path.length > 1 && path.endsWith("/")) return "a path can't end with /";
  if (path.startsWith("@") && !special) {
    return "a special path can be watched and have permissions, nothing else";
  }
  return null;
}

/** What an error shows of a path, however long it is. */
function shown(path: unknown): string {
  const text = String(path);
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}

/**
 * A value as it goes into a request.
 * @param room  bytes there are for it
 * Errors: EINVAL for a number that is no integer, E2BIG for more bytes than there is room.
 */
export function encodeValue(
  op: string,
  path: string,
  value: Value,
  room: number,
): string | Uint8Array {
  if (typeof value === "string") return checkText(op, path, value, room);
  if (value instanceof Uint8Array) {
    if (value.length > room) throw tooBig(op, path, value.length, room);
    return value;
  }
  if (typeof value === "bigint") return String(value);
  if (typeof value === "number" && Number.isSafeInteger(value)) return String(value);
  throw new InvalidRequestError("EINVAL", noValue(value), { op, path });
}

function noValue(value: unknown): string {
  if (typeof value !== "number") {
    return `a value is a string, a Uint8Array or an integer, not ${kindOf(value)}`;
  }
  if (!Number.isInteger(value)) return `${value} is no integer; write it as a string`;
  return `${value} is not exact as a number; write it as a bigint or a string`;
}

function checkText(op: string, path: string, value: string, room: number): string {
  // Each unit of UTF-16 becomes three bytes at most.
  if (value.length * 3 > room && (value.length > room || utf8Size(value) > room)) {
    throw tooBig(op, path, utf8Size(value), room);
  }
  const lone = loneSurrogate(value);
  if (lone < 0) return value;
  const reason = `half a character at position ${lone} of the value has no UTF-8`;
  throw new InvalidRequestError("EINVAL", reason, { op, path });
}

function tooBig(op: string, path: string, size: number, room: number): InvalidRequestError {
  const reason = `the value has ${size} bytes; with this path at most ${room} can be sent`;
  return new InvalidRequestError("E2BIG", reason, { op, path });
}

function utf8Size(text: string): number {
  return encoder.encode(text).length;
}

/** Where a surrogate without its other half is; -1 if nowhere. */
function loneSurrogate(value: string): number {
  for (let at = 0; at < value.length; at++) {
    const unit = value.charCodeAt(at);
    if (unit < 0xd800 || unit > 0xdfff) continue;
    const next = value.charCodeAt(at + 1);
    if (unit > 0xdbff || !(next >= 0xdc00 && next <= 0xdfff)) return at;
    at++;
  }
  return -1;
}

/** Words of a request, each followed by a NUL. Errors: EINVAL for a word that holds one. */
export function encodeWords(op: string, words: readonly (string | Uint8Array)[]): Uint8Array {
  const parts = words.map((word, index) => {
    const bytes = typeof word === "string" ? encoder.encode(word) : word;
    if (!(bytes instanceof Uint8Array)) {
      throw invalid(op, `word ${index} is ${kindOf(word)}, not a string or a Uint8Array`);
    }
    const nul = bytes.indexOf(0);
    if (nul >= 0)
      throw invalid(op, `a NUL at position ${nul} of word ${index} would cut it in two`);
    return bytes;
  });
  const whole = new Uint8Array(parts.reduce((size, one) => size + one.length + 1, 0));
  let at = 0;
  for (const one of parts) {
    whole.set(one, at);
    at += one.length + 1;
  }
  return whole;
}

/** Throws unless a token can be sent: any text without NUL. */
function checkToken(path: string, token: string): void {
  const reason =
    typeof token !== "string" ? `a token is a string, not ${kindOf(token)}` : badToken(token);
  if (reason !== null) throw new InvalidRequestError("EINVAL", reason, { op: "WATCH", path });
}

/** Throws unless a watch can be set, and tells: there must be room for its path and its token. */
export function checkWatch(path: string, token: string, options: WatchOptions, max: number): void {
  const { depth, buffer = 1, overflow = "error" } = options;
  checkPath("WATCH", path, true);
  checkToken(path, token);
  if (!(buffer >= 1)) throw refusal("WATCH", path, `buffer is 1 or more, not ${buffer}`);
  if (overflow !== "error" && overflow !== "coalesce") {
    throw refusal("WATCH", path, `overflow is "error" or "coalesce", not ${String(overflow)}`);
  }
  if (depth !== undefined) checkNumber("WATCH", "a depth", depth, 0x7fffffff);
  const room = max - path.length - 1 - (depth === undefined ? 1 : String(depth).length + 2);
  const size = utf8Size(token);
  if (size <= room) return;
  const reason = `the token has ${size} bytes; with this path at most ${room} can be sent`;
  throw new InvalidRequestError("E2BIG", reason, { op: "WATCH", path });
}

function badToken(token: string): string | null {
  const nul = token.indexOf("\0");
  if (nul >= 0) return `a NUL at position ${nul} of the token would cut it in two`;
  return loneSurrogate(token) >= 0 ? "half a character in the token has no UTF-8" : null;
}

/** Throws unless this is a domain's number. */
export function checkDomid(op: string, domid: number): void {
  checkNumber(op, "a domid", domid, DOMID_MAX);
}

/** Throws unless `value` is an integer from 0 to `max` (4294967295). */
export function checkNumber(op: string, what: string, value: number, max: number = U32_MAX): void {
  if (Number.isInteger(value) && value >= 0 && value <= max) return;
  throw invalid(op, `${what} is an integer from 0 to ${max}, not ${String(value)}`);
}

/** A frame number in decimal. Throws unless it is an integer from 0 to 64 bits. */
export function encodeFrame(op: string, gfn: number | bigint): string {
  const fine =
    typeof gfn === "bigint" ? gfn >= 0n && gfn <= U64_MAX : Number.isSafeInteger(gfn) && gfn >= 0;
  if (!fine) throw invalid(op, `a frame number is an integer from 0 on, not ${String(gfn)}`);
  return String(gfn);
}

/** The error for a request about a path that can't be sent. */
export function refusal(op: string, path: string, reason: string): InvalidRequestError {
  return new InvalidRequestError("EINVAL", reason, { op, path: shown(path) });
}

/** The error for an argument that is not about a path. */
export function invalid(op: string, reason: string): InvalidRequestError {
  return new InvalidRequestError("EINVAL", reason, { op });
}

function kindOf(value: unknown): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "an array" : typeof value;
}
