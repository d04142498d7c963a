// Record encode: the bodies of a stream's records, written.
// Holds   the layout of each type's body in version 2.
// Never   writes the frame around a body.
// Source  the XenStore protocol, live update, Records.

import {
  ALIGNMENT,
  CONNECTION_HAS_UNIQUE_ID,
  CONNECTION_RING,
  CONNECTION_SOCKET,
  type ConnectionRecord,
  DEPTH_UNLIMITED,
  type KnownRecord,
  type NodeRecord,
  PERM_INERT,
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
} from "./records.ts";

/** Writes a body, front to back. */
class Draft {
  readonly #parts: number[] = [];

  u8(value: number): this {
    this.#parts.push(value & 0xff);
    return this;
  }

  u16(value: number): this {
    return this.u8(value).u8(value >>> 8);
  }

  u32(value: number): this {
    return this.u16(value).u16(value >>> 16);
  }

  bytes(bytes: Uint8Array): this {
    for (const byte of bytes) this.#parts.push(byte);
    return this;
  }

  /** With its NUL. */
  text(text: string): this {
    for (let i = 0; i < text.length; i++) this.u8(text.charCodeAt(i));
    return this.u8(0);
  }

  values(pairs: readonly (readonly [string, number])[]): this {
    for (const [, value] of pairs) this.u32(value);
    for (const [name] of pairs) this.text(name);
    return this;
  }

  align(): this {
    while (this.#parts.length % ALIGNMENT !== 0) this.#parts.push(0);
    return this;
  }

  done(): Uint8Array {
    return Uint8Array.from(this.align().#parts);
  }
}

/** The type of a record, and its body in version 2, padded to a multiple of 8 bytes. */
export function encodeBody(record: KnownRecord): [type: number, body: Uint8Array] {
  const draft = new Draft();
  switch (record.kind) {
    case "end":
      return [RECORD_END, draft.done()];
    case "global":
      return [RECORD_GLOBAL, draft.u32(record.socket).u32(record.events).done()];
    case "connection":
      return [RECORD_CONNECTION, connectionBody(draft, record)];
    case "watch":
      draft
        .u32(record.conn)
        .u16(record.path.length + 1)
        .u16(record.token.length + 1);
      return [RECORD_WATCH, draft.text(record.path).text(record.token).done()];
    case "deep-watch":
      draft
        .u32(record.conn)
        .u16(record.path.length + 1)
        .u16(record.token.length + 1);
      draft.u16(record.depth ?? DEPTH_UNLIMITED).u16(0);
      return [RECORD_WATCH_EXTENDED, draft.text(record.path).text(record.token).done()];
    case "transaction":
      return [RECORD_TRANSACTION, draft.u32(record.conn).u32(record.txId).done()];
    case "node":
      return [RECORD_NODE, nodeBody(record)];
    case "quota":
      draft.u16(record.perDomain.length).u16(record.global.length);
      return [RECORD_QUOTA, draft.values([...record.perDomain, ...record.global]).done()];
    case "domain":
      draft.u16(record.domid).u16(record.quota.length).u32(record.features);
      return [RECORD_DOMAIN, draft.values(record.quota).done()];
  }
}

function connectionBody(draft: Draft, record: ConnectionRecord): Uint8Array {
  const { link, input, output, uniqueId } = record;
  draft.u32(record.conn).u16(link.kind === "ring" ? CONNECTION_RING : CONNECTION_SOCKET);
  draft.u16(uniqueId === null ? 0 : CONNECTION_HAS_UNIQUE_ID);
  if (link.kind === "ring") draft.u16(link.domid).u16(link.target).u32(link.port);
  else draft.u32(link.handle).u32(0);
  draft.u16(input.length).u16(record.resp).u32(output.length).bytes(input).bytes(output).align();
  if (uniqueId === null) return draft.done();
  const low = Number(uniqueId & 0xffffffffn);
  return draft
    .u32(low)
    .u32(Number(uniqueId >> 32n))
    .done();
}

/** Of these there may be millions, so it is written in one go. */
function nodeBody(record: NodeRecord): Uint8Array {
  const { path, value, perms } = record;
  const bytes = new Uint8Array(roundUp(16 + 4 * perms.length + path.length + 1 + value.length));
  const view = new DataView(bytes.buffer);
  view.setUint32(0, record.conn, true);
  view.setUint32(4, record.txId, true);
  view.setUint16(8, path.length + 1, true);
  view.setUint16(10, value.length, true);
  view.setUint16(12, record.access, true);
  view.setUint16(14, perms.length, true);
  let at = 16;
  for (const { access, domid, inert } of perms) {
    bytes[at] = access.charCodeAt(0);
    bytes[at + 1] = inert ? PERM_INERT : 0;
    view.setUint16(at + 2, domid, true);
    at += 4;
  }
  for (let i = 0; i < path.length; i++) bytes[at + i] = path.charCodeAt(i);
  bytes.set(value, at + path.length + 1);
  return bytes;
}
