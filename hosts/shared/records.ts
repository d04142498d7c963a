// Records: what the records of Xen's migration stream hold, as objects.
// Holds   types; the numbers that stand in records.
// Never   knows where in a record something lies.
// Source  the XenStore protocol, live update, Records.

/** Types of records. */
export const RECORD_END = 0;
export const RECORD_GLOBAL = 1;
export const RECORD_CONNECTION = 2;
export const RECORD_WATCH = 3;
export const RECORD_TRANSACTION = 4;
export const RECORD_NODE = 5;
export const RECORD_QUOTA = 6;
export const RECORD_DOMAIN = 7;
export const RECORD_WATCH_EXTENDED = 8;
/** From here on types are private to the program that wrote them. */
export const RECORD_PRIVATE = 0xffff0000;

/** Descriptors of the daemon; -1 is none. */
export interface GlobalRecord {
  kind: "global";
  socket: number;
  events: number;
}

/** A connection, and what was on its way. */
export interface ConnectionRecord {
  kind: "connection";
  conn: number;
  link:
    | { kind: "ring"; domid: number; target: number; port: number }
    | { kind: "socket"; handle: number };
  /** Received and not served. */
  input: Uint8Array;
  /** Waits to be sent; its first `resp` bytes end a message already begun. */
  output: Uint8Array;
  resp: number;
  /** Tells holders of one domid apart; null where the writer knew none. */
  uniqueId: bigint | null;
}

/** A watch. Text has one character for each byte. */
export interface WatchRecord {
  kind: "watch";
  conn: number;
  path: string;
  token: string;
}

/** A watch with a depth; null is without limit. */
export interface DeepWatchRecord {
  kind: "deep-watch";
  conn: number;
  path: string;
  token: string;
  depth: number | null;
}

export interface TransactionRecord {
  kind: "transaction";
  conn: number;
  txId: number;
}

/** One entry of a node's list: letter and domid; one that is inert grants nothing. */
export interface StreamPerm {
  access: string;
  domid: number;
  inert: boolean;
}

/** A node of the store (`conn` and `txId` 0), or as a transaction sees it. */
export interface NodeRecord {
  kind: "node";
  conn: number;
  txId: number;
  /** In a transaction: bit 0 read, bit 1 written. */
  access: number;
  path: string;
  value: Uint8Array;
  /** None: deleted in the transaction. */
  perms: readonly StreamPerm[];
}

/** Values by name. */
export interface QuotaRecord {
  kind: "quota";
  /** Those that each domain has. */
  perDomain: readonly (readonly [name: string, value: number])[];
  global: readonly (readonly [name: string, value: number])[];
}

export interface DomainRecord {
  kind: "domain";
  domid: number;
  features: number;
  quota: readonly (readonly [name: string, value: number])[];
}

export interface EndRecord {
  kind: "end";
}

/** A type that this program doesn't know, or a private one. */
export interface SkippedRecord {
  kind: "skipped";
  type: number;
  length: number;
}

export type KnownRecord =
  | GlobalRecord
  | ConnectionRecord
  | WatchRecord
  | DeepWatchRecord
  | TransactionRecord
  | NodeRecord
  | QuotaRecord
  | DomainRecord
  | EndRecord;

export type StreamRecord = KnownRecord | SkippedRecord;

/** Values of fields. */
export const CONNECTION_RING = 0;
export const CONNECTION_SOCKET = 1;
export const CONNECTION_HAS_UNIQUE_ID = 1;
export const PERM_INERT = 1;
export const DEPTH_UNLIMITED = 0xffff;

/** Everything begins at a multiple of so many bytes. */
export const ALIGNMENT = 8;

export const roundUp = (size: number) => Math.ceil(size / ALIGNMENT) * ALIGNMENT;

/** Text of one character for each byte. */
export function latin1(bytes: Uint8Array): string {
  let text = "";
  for (let i = 0; i < bytes.length; i++) text += String.fromCharCode(bytes[i]);
  return text;
}
