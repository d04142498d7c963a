// Record decode: the bodies of a stream's records, taken apart.
// Holds   the layout of each type's body; the two layouts of record 8.
// Never   looks at the frame around a body, or judges whether records fit together.
// Source  the XenStore protocol, live update, Records.

import {
  CONNECTION_HAS_UNIQUE_ID,
  CONNECTION_RING,
  CONNECTION_SOCKET,
  type ConnectionRecord,
  DEPTH_UNLIMITED,
  type DeepWatchRecord,
  type DomainRecord,
  type KnownRecord,
  latin1,
  type NodeRecord,
  PERM_INERT,
  type QuotaRecord,
  RECORD_CONNECTION,
  RECORD_DOMAIN,
  RECORD_END,
  RECORD_GLOBAL,
  RECORD_NODE,
  RECORD_QUOTA,
  RECORD_TRANSACTION,
  RECORD_WATCH,
  RECORD_WATCH_EXTENDED,
  roundUp,
  type StreamPerm,
  type WatchRecord,
} from "./records.ts";

/** What is wrong with a body, in words. */
export class BodyError extends Error {}

/** Takes a body apart from front to back; whatever lies behind its end is an error. */
class Body {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  u8(): number {
    return this.#bytes[this.#take(1)];
  }

  u16(): number {
    return this.#view.getUint16(this.#take(2), true);
  }

  u32(): number {
    return this.#view.getUint32(this.#take(4), true);
  }

  i32(): number {
    return this.#view.getInt32(this.#take(4), true);
  }

  u64(): bigint {
    return this.#view.getBigUint64(this.#take(8), true);
  }

  bytes(size: number): Uint8Array {
    const at = this.#take(size);
    return this.#bytes.subarray(at, at + size);
  }

  /** Text whose length counts its NUL. */
  text(what: string, size: number): string {
    const bytes = this.bytes(size);
    if (size === 0 || bytes.indexOf(0) !== size - 1) throw new BodyError(`${what} has no end`);
    return latin1(bytes.subarray(0, size - 1));
  }

  /** Text up to its NUL. */
  string(what: string): string {
    const nul = this.#bytes.indexOf(0, this.at);
    if (nul < 0) throw new BodyError(`${what} has no end`);
    return this.text(what, nul + 1 - this.at);
  }

  #take(size: number): number {
    const at = this.at;
    if (at + size > this.#bytes.length) {
      throw new BodyError(`needs ${at + size} bytes but has ${this.#bytes.length}`);
    }
    this.at += size;
    return at;
  }
}

/**
 * Reads a body. Returns the record, null for a type that is not known, and how many of the bytes
 * it takes up: fewer than there are where the writer's length is wrong (see `deepWatch`).
 * @param version  of the stream, 1 or 2
 * @throws         BodyError
 */
export function decodeBody(
  type: number,
  version: number,
  bytes: Uint8Array,
): { record: KnownRecord | null; size: number } {
  if (type === RECORD_WATCH_EXTENDED && version >= 2) return deepWatch(bytes);
  const body = new Body(bytes);
  const record = decode(type, version, body);
  if (record?.kind === "node" && roundUp(body.at) !== bytes.length) {
    throw new BodyError(`has ${bytes.length} bytes but its parts take ${body.at}`);
  }
  return { record, size: bytes.length };
}

function decode(type: number, version: number, body: Body): KnownRecord | null {
  switch (type) {
    case RECORD_END:
      return { kind: "end" };
    case RECORD_GLOBAL:
      return { kind: "global", socket: body.i32(), events: body.i32() };
    case RECORD_CONNECTION:
      return connection(body);
    case RECORD_WATCH:
      return watch(body);
    case RECORD_TRANSACTION:
      return { kind: "transaction", conn: body.u32(), txId: body.u32() };
    case RECORD_NODE:
      return node(body);
    case RECORD_QUOTA:
      return quota(body);
    case RECORD_DOMAIN:
      return domain(body, version);
    default:
      return null;
  }
}

function connection(body: Body): ConnectionRecord {
  const conn = body.u32();
  const kind = body.u16();
  const flags = body.u16();
  let link: ConnectionRecord["link"];
  if (kind === CONNECTION_RING) {
    link = { kind: "ring", domid: body.u16(), target: body.u16(), port: body.u32() };
  } else if (kind === CONNECTION_SOCKET) {
    link = { kind: "socket", handle: body.i32() };
    body.u32();
  } else {
    throw new BodyError(`has the kind ${kind}, which there is none of`);
  }
  const inLen = body.u16();
  const resp = body.u16();
  const outLen = body.u32();
  if (conn === 0) throw new BodyError("has the number 0");
  if (resp > outLen) throw new BodyError(`has ${resp} of ${outLen} bytes to send`);
  const input = body.bytes(inLen);
  const output = body.bytes(outLen);
  let uniqueId: bigint | null = null;
  if ((flags & CONNECTION_HAS_UNIQUE_ID) !== 0) {
    body.bytes(roundUp(body.at) - body.at);
    uniqueId = body.u64();
  }
  return { kind: "connection", conn, link, input, output, resp, uniqueId };
}

function watch(body: Body): WatchRecord {
  const conn = body.u32();
  const pathLen = body.u16();
  const tokenLen = body.u16();
  const path = body.text("the path", pathLen);
  return { kind: "watch", conn, path, token: body.text("the token", tokenLen) };
}

/** A path of a watch begins so, whatever else it holds. */
const WATCHABLE = /^[A-Za-z0-9\-/_@]/;

/**
 * A watch with depth. The C daemon 4.22 leaves out depth and padding but counts them: its record
 * is then shorter than it says, and the depth is lost.
 */
function deepWatch(bytes: Uint8Array): { record: DeepWatchRecord; size: number } {
  const body = new Body(bytes);
  const conn = body.u32();
  const pathLen = body.u16();
  const tokenLen = body.u16();
  const depth = body.u16();
  const asWritten = depth === DEPTH_UNLIMITED ? null : depth;
  const whole = body.u16() === 0 ? watchText(bytes, 12, pathLen, tokenLen) : null;
  if (whole !== null) {
    const record = { kind: "deep-watch" as const, conn, ...whole, depth: asWritten };
    return { record, size: bytes.length };
  }
  const short = watchText(bytes, 8, pathLen, tokenLen);
  if (short === null) throw new BodyError("holds no path and token in any known layout");
  const record = { kind: "deep-watch" as const, conn, ...short, depth: null };
  return { record, size: roundUp(8 + pathLen + tokenLen) };
}

function watchText(bytes: Uint8Array, at: number, pathLen: number, tokenLen: number) {
  const body = new Body(bytes);
  try {
    body.bytes(at);
    const path = body.text("the path", pathLen);
    const token = body.text("the token", tokenLen);
    return WATCHABLE.test(path) ? { path, token } : null;
  } catch {
    return null;
  }
}

function node(body: Body): NodeRecord {
  const conn = body.u32();
  const txId = body.u32();
  const pathLen = body.u16();
  const valueLen = body.u16();
  const access = body.u16();
  const permCount = body.u16();
  const perms: StreamPerm[] = [];
  for (let i = 0; i < permCount; i++) {
    const letter = String.fromCharCode(body.u8());
    const inert = (body.u8() & PERM_INERT) !== 0;
    if (!"nrwb".includes(letter)) throw new BodyError(`has a permission that is none of n r w b`);
    perms.push({ access: letter, domid: body.u16(), inert });
  }
  const path = body.text("the path", pathLen);
  return { kind: "node", conn, txId, access, path, value: body.bytes(valueLen), perms };
}

function quota(body: Body): QuotaRecord {
  const perDomain = body.u16();
  const global = body.u16();
  const all = values(body, perDomain + global);
  return { kind: "quota", perDomain: all.slice(0, perDomain), global: all.slice(perDomain) };
}

function domain(body: Body, version: number): DomainRecord {
  const domid = body.u16();
  const count = body.u16();
  const features = body.u32();
  return {
    kind: "domain",
    domid,
    features: version === 1 ? 0 : features,
    quota: values(body, count),
  };
}

function values(body: Body, count: number): [string, number][] {
  const numbers = Array.from({ length: count }, () => body.u32());
  return numbers.map((value) => [body.string("a name"), value]);
}
