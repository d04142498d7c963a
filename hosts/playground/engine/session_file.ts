// Session file: a session as lines of text, for files, links and the browser's own storage.
// Holds   the format: a head with the tree at its beginning, then all that happened, line by line.
// Never   trusts a line: what makes no sense is named, with its number.
// Source  our own.
//
//   {"xenstore-playground":1, "name":..., "tree":..., ...}
//   ["q"|"p"|"e", ms, connection, type, request id, transaction, payload]   request, reply, event
//   ["o"|"x"|"n", ms, connection, note]                                     opened, closed, note
//   ["c", operation, kind, ...]                                             a change of the store
//   ["l", connection, label]    ["d", domain]    ["s", what the session says of itself]
//
// Bytes are written as text of one character for each.

import type { StoreChange, TraceMessage, TraceNote, TraceRecord } from "../../entry/browser.ts";
import type { Delta } from "./mirror.ts";
import type { Done } from "./operation.ts";

export const VERSION = 1;

/** A domain that a session begins with. */
export interface StartDomain {
  readonly domid: number;
  readonly name: string;
  readonly colour?: number | undefined;
  readonly state?: "running" | "shutdown" | "dead" | "forgotten" | undefined;
  readonly introduced?: boolean | undefined;
  readonly target?: number | null | undefined;
  /** What it finds at its home when it is made (none). */
  readonly home?: "own" | "xl" | "none" | undefined;
}

/** One thing that is kept of what happens. */
export type Input =
  | { readonly kind: "record"; readonly record: TraceRecord }
  | { readonly kind: "change"; readonly operation: number; readonly change: StoreChange }
  | { readonly kind: "label"; readonly conn: string; readonly label: string }
  | { readonly kind: "domain"; readonly domain: StartDomain }
  | { readonly kind: "session"; readonly facts: Facts };

/** What a session says of itself besides what happens in it. */
export interface Facts {
  readonly name: string;
  readonly stepsDone: number;
  readonly script: string;
}

/** A node of the head's tree: value, permissions, children. */
export type HeadNode = readonly [value: string, perms: string, children?: Record<string, HeadNode>];

export interface Head {
  readonly "xenstore-playground": number;
  readonly name: string;
  readonly scenario: string | null;
  readonly stepsDone: number;
  readonly script: string;
  readonly tree: HeadNode;
  readonly special: Readonly<Record<string, string>>;
  readonly domains: readonly StartDomain[];
  readonly quota: Readonly<Record<string, number>>;
  readonly labels: Readonly<Record<string, string>>;
  /** Number of the first operation behind the head. */
  readonly first: number;
}

const LETTERS = { request: "q", reply: "p", event: "e", open: "o", close: "x", note: "n" } as const;
const KINDS = new Map(Object.entries(LETTERS).map(([kind, letter]) => [letter as string, kind]));

/** One line, with its newline. */
export function lineOf(input: Input): string {
  return `${JSON.stringify(plain(input))}\n`;
}

function plain(input: Input): unknown {
  switch (input.kind) {
    case "record":
      return recordLine(input.record);
    case "change":
      return ["c", input.operation, ...changeLine(input.change)];
    case "label":
      return ["l", input.conn, input.label];
    case "domain":
      return ["d", input.domain];
    case "session":
      return ["s", input.facts];
  }
}

function recordLine(record: TraceRecord): unknown[] {
  const { kind, conn } = record;
  const head = [LETTERS[kind], Number(record.ms.toFixed(3)), conn];
  if ("note" in record) return [...head, record.note];
  const { type, reqId, txId, payload } = record;
  return [...head, type, reqId, txId, binary(payload)];
}

function changeLine(change: StoreChange): unknown[] {
  switch (change.kind) {
    case "create":
      return [change.kind, change.path, binary(change.value), change.perms];
    case "value":
      return [change.kind, change.path, binary(change.value)];
    case "perms":
      return [change.kind, change.path, change.perms];
    case "remove":
      return [change.kind, change.path];
    default:
      return [change.kind, change];
  }
}

/**
 * Reads one line behind the head.
 * @throws Error that says what is wrong with it
 */
export function inputOf(line: string): Input {
  const parts = JSON.parse(line) as unknown;
  if (!Array.isArray(parts)) throw new Error("is no list");
  const [letter, ...rest] = parts as [string, ...unknown[]];
  if (letter === "c") {
    const [operation, ...change] = rest;
    return { kind: "change", operation: number(operation), change: changeOf(change) };
  }
  if (letter === "l") return { kind: "label", conn: text(rest[0]), label: text(rest[1]) };
  if (letter === "d") return { kind: "domain", domain: domainOf(rest[0]) };
  if (letter === "s") return { kind: "session", facts: factsOf(rest[0]) };
  return { kind: "record", record: recordOf(letter, rest) };
}

function recordOf(letter: string, parts: readonly unknown[]): TraceRecord {
  const kind = KINDS.get(letter);
  if (!kind) throw new Error(`has an unknown kind "${letter}"`);
  const [ms, conn, a, b, c, d] = parts;
  const place = { ms: number(ms), conn: text(conn) };
  if (kind === "open" || kind === "close" || kind === "note") {
    return { kind, ...place, note: text(a) } satisfies TraceNote;
  }
  const ids = { type: number(a), reqId: number(b), txId: number(c) };
  return { kind: kind as TraceMessage["kind"], ...place, ...ids, payload: bytesOf(text(d)) };
}

function changeOf([kind, a, b, c]: readonly unknown[]): StoreChange {
  switch (kind) {
    case "create":
      return { kind, path: path(a), value: bytesOf(text(b)), perms: text(c) };
    case "value":
      return { kind, path: path(a), value: bytesOf(text(b)) };
    case "perms":
      return { kind, path: path(a), perms: text(b) };
    case "remove":
      return { kind, path: path(a) };
    case "end":
    case "forget":
    case "domain":
    case "quota": {
      const change = a as Record<string, unknown>;
      if (typeof change !== "object" || change?.kind !== kind) throw new Error("has no change");
      if (kind !== "quota") number(change.domid);
      return change as unknown as StoreChange;
    }
    default:
      throw new Error(`has an unknown change "${kind}"`);
  }
}

const STATES = ["running", "shutdown", "dead", "forgotten"] as const;

/** Checks what a file says of a domain. */
export function domainOf(given: unknown): StartDomain {
  const { domid, name, colour, state, introduced, target } = (given ?? {}) as StartDomain;
  if (!Number.isInteger(domid) || domid < 0 || domid >= 0x7ff0) throw new Error("has no domain");
  return {
    ...{ domid, name: typeof name === "string" ? name.slice(0, 64) : `domain ${domid}` },
    colour: Number.isInteger(colour) ? (colour as number) & 7 : undefined,
    state: STATES.find((known) => known === state) ?? "running",
    introduced: introduced !== false,
    target: Number.isInteger(target) ? target : null,
    home: "none",
  };
}

/** Checks what a file says of its session. */
export function factsOf(given: unknown): Facts {
  const { name, stepsDone, script } = (given ?? {}) as Facts;
  return {
    name: typeof name === "string" && name !== "" ? name.slice(0, 80) : "A session",
    stepsDone: Number.isInteger(stepsDone) && stepsDone > 0 ? stepsDone : 0,
    script: typeof script === "string" ? script : "",
  };
}

/** The changes that lead through some steps of the tree. */
export function changesOf({ deltas, others }: Done): StoreChange[] {
  return [...deltas.flatMap(changesOfDelta), ...others];
}

function changesOfDelta(delta: Delta): StoreChange[] {
  const { path } = delta;
  if (delta.kind === "gone") return [{ kind: "remove", path }];
  if (delta.kind === "made") return [{ kind: "create", path, ...delta.after }];
  const changes: StoreChange[] = [];
  const { before, after } = delta;
  if (before.perms !== after.perms) changes.push({ kind: "perms", path, perms: after.perms });
  if (before.value !== after.value || changes.length === 0) {
    changes.push({ kind: "value", path, value: after.value });
  }
  return changes;
}

function number(value: unknown): number {
  if (typeof value === "number" && Number.isFinite(value) && value >= 0) return value;
  throw new Error("has something else where a number should be");
}

function text(value: unknown): string {
  if (typeof value === "string") return value;
  throw new Error("has something else where a text should be");
}

function path(value: unknown): string {
  const found = text(value);
  if (found.startsWith("/") || found.startsWith("@")) return found;
  throw new Error("has something else where a path should be");
}

/** Bytes as text of one character for each. */
export function binary(bytes: Uint8Array): string {
  if (bytes.length < 8192) return String.fromCharCode(...bytes);
  let all = "";
  for (let at = 0; at < bytes.length; at += 8192) {
    all += String.fromCharCode(...bytes.subarray(at, at + 8192));
  }
  return all;
}

export function bytesOf(chars: string): Uint8Array {
  const bytes = new Uint8Array(chars.length);
  for (let at = 0; at < chars.length; at++) bytes[at] = chars.charCodeAt(at);
  return bytes;
}

/**
 * What a change does to what is known of domains.
 * @param done  what it is due to: a domain that is released lives on
 */
export function followDomain(
  domains: Map<number, StartDomain>,
  change: StoreChange,
  done: Pick<Done, "type">,
): void {
  if (change.kind === "end") {
    const known = domains.get(change.domid);
    const state = done.type === "destroyed" ? { state: "dead" as const } : {};
    if (known) domains.set(change.domid, { ...known, introduced: false, ...state });
  }
  if (change.kind !== "domain" || change.domid === 0) return;
  const { domid, introduced, shutdown, target } = change;
  const known = domains.get(domid) ?? { domid, name: `domain ${domid}` };
  const state = shutdown ? "shutdown" : "running";
  domains.set(domid, { ...known, introduced, target, state, home: "none" });
}
