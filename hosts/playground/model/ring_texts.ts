// Ring texts: what the words of a ring's page mean, and what breaks it, in words.
// Holds   texts for people, and which requests can be composed by hand.
// Never   looks at a ring.
// Source  the XenStore protocol, ring; wire (Message types, Order of checks).

import type { RingFault, RingWords } from "./protocol.ts";

/** A word of the page: its name in the protocol, who writes it, what it is for. */
export interface WordText {
  readonly word: keyof RingWords;
  readonly name: string;
  readonly writer: string;
  readonly text: string;
}

export const WORDS: readonly WordText[] = [
  { word: "reqCons", name: "req_cons", writer: "store", text: "How far the store has read." },
  { word: "reqProd", name: "req_prod", writer: "guest", text: "How far the guest has written." },
  { word: "rspCons", name: "rsp_cons", writer: "guest", text: "How far the guest has read." },
  { word: "rspProd", name: "rsp_prod", writer: "store", text: "How far the store has written." },
  { word: "features", name: "server_features", writer: "store", text: "What the store can do." },
  {
    word: "connection",
    name: "connection",
    writer: "guest 0 to 1, store 1 to 0",
    text: "Whether the guest asks for a new connection.",
  },
  { word: "error", name: "error", writer: "store", text: "Why the ring is not served any more." },
];

const FEATURES: readonly (readonly [number, string])[] = [
  [1, "reconnection"],
  [2, "the error word is valid"],
  [4, "watches with a depth"],
  [8, "permissions for any domain"],
];

/** The features of a server, in words. */
export function featureWords(bits: number): string {
  const known = FEATURES.filter(([bit]) => bits & bit).map(([bit, text]) => `${bit} ${text}`);
  const rest = (bits & ~15) >>> 0;
  if (rest !== 0) known.push(`${rest} unknown`);
  return known.length === 0 ? "none" : known.join(", ");
}

export function connectionWords(value: number): string {
  if (value === 0) return "connected";
  if (value === 1) return "the guest asks for a new connection and waits";
  return "a value that has no meaning";
}

export function errorWords(value: number): string {
  const known = [
    "none: the ring is served",
    "communication: the page or the event channel is lost",
    "bad indexes: more than 1024 bytes would wait in a queue",
    "protocol: a message announced more than 4096 bytes",
  ];
  return known[value] ?? "an error that has no name";
}

/** What a word of the page says, in words. */
export function wordWords(word: keyof RingWords, value: number): string {
  if (word === "features") return featureWords(value);
  if (word === "connection") return connectionWords(value);
  if (word === "error") return errorWords(value);
  return `byte ${value % 1024} of the queue`;
}

/** A way to break a ring: what a guest would hope for, and what the store does about it. */
export interface FaultText {
  readonly how: RingFault;
  readonly label: string;
  readonly guest: string;
  readonly store: string;
}

export const FAULTS: readonly FaultText[] = [
  {
    how: "req-index",
    label: "Bad request index",
    guest:
      "A guest sets req_prod more than 1024 ahead, in the hope that the store reads memory behind " +
      "the queue.",
    store:
      "The store reads the index once and checks the difference: it stops serving this ring, drops " +
      "the domain's watches and transactions, and writes error 2.",
  },
  {
    how: "rsp-index",
    label: "Bad reply index",
    guest:
      "A guest moves rsp_cons past what was written, in the hope that the store overwrites memory " +
      "behind the queue.",
    store: "The same check on the other queue: error 2, and not a byte is written.",
  },
  {
    how: "oversize",
    label: "Oversized message",
    guest:
      "A guest sends a header whose len is above 4096, in the hope that the store reserves memory " +
      "without end or overruns a buffer.",
    store:
      "Nothing behind such a header can be trusted, so the store does not read on: it stops " +
      "serving the ring and writes error 3.",
  },
  {
    how: "unknown-type",
    label: "Unknown type",
    guest: "A guest sends a message type that there isn't, in the hope of a bug in the dispatch.",
    store: "The store answers ENOSYS, and the ring goes on as if nothing had been.",
  },
  {
    how: "no-nul",
    label: "Missing NUL",
    guest:
      "A guest sends a path without the NUL at its end, in the hope that the store reads on behind " +
      "the payload.",
    store: "The store knows the payload's length: it answers EINVAL, and the ring goes on.",
  },
];

/** How a guest gets a ring back, one step each. */
export const RECONNECTION: readonly string[] = [
  "The guest writes 1 into connection and notifies. From now on it ignores every other word.",
  "The store drops what it has not read, replies not taken, and this connection's watches and " +
    "open transactions.",
  "It sets all four indexes to 0 and clears error.",
  "It writes 0 into connection and notifies: the guest begins anew.",
  "Nothing in the tree changes, no watch of others fires, and the domain's target stays.",
];

/** A request that can be composed by hand: what its fields are called; null: it has none. */
export interface RequestText {
  readonly type: string;
  readonly path: string | null;
  readonly value: string | null;
  /** What stands in the fields at first. */
  readonly example: readonly [path: string, value: string];
}

export const REQUESTS: readonly RequestText[] = [
  { type: "READ", path: "Path", value: null, example: ["name", ""] },
  { type: "WRITE", path: "Path", value: "Value", example: ["data/hello", "world"] },
  { type: "DIRECTORY", path: "Path", value: null, example: ["data", ""] },
  { type: "MKDIR", path: "Path", value: null, example: ["data/new", ""] },
  { type: "RM", path: "Path", value: null, example: ["data/hello", ""] },
  { type: "GET_PERMS", path: "Path", value: null, example: ["data", ""] },
  { type: "SET_PERMS", path: "Path", value: "Permissions", example: ["data", "n0 r0"] },
  { type: "WATCH", path: "Path", value: "Token", example: ["data", "mine"] },
  { type: "UNWATCH", path: "Path", value: "Token", example: ["data", "mine"] },
  { type: "TRANSACTION_START", path: null, value: null, example: ["", ""] },
  { type: "TRANSACTION_END", path: null, value: "T to commit, F to give up", example: ["", "T"] },
  { type: "GET_DOMAIN_PATH", path: "Domid", value: null, example: ["0", ""] },
  { type: "RESET_WATCHES", path: null, value: null, example: ["", ""] },
  { type: "GET_FEATURE", path: null, value: null, example: ["", ""] },
];
