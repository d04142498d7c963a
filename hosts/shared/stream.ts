// Stream: Xen's migration stream, cut into records as its bytes come in, and written.
// Holds   the header, the frame around each record, the checks that every reader makes.
// Never   knows what becomes of a record.
// Source  the XenStore protocol, live update, Stream.

import { BodyError, decodeBody } from "./record_decode.ts";
import { encodeBody } from "./record_encode.ts";
import {
  type KnownRecord,
  latin1,
  RECORD_CONNECTION,
  RECORD_WATCH_EXTENDED,
  roundUp,
  type StreamRecord,
} from "./records.ts";
import { concat } from "./wire.ts";

/** What every stream begins with. */
export const STREAM_MAGIC = "xenstore";
export const STREAM_HEADER_SIZE = 16;
/** The highest version that is read, and the one that is written. */
export const STREAM_VERSION = 2;

const FLAG_BIG_ENDIAN = 1;
const RECORD_HEADER_SIZE = 8;
/** Bodies above this are damage: a node takes half a megabyte at most. */
const BODY_MAX = 1 << 20;
/** Output that waits for a connection is bounded by 32 MiB. */
const CONNECTION_MAX = 1 << 26;

const NAMES = [
  "END",
  "GLOBAL_DATA",
  "CONNECTION_DATA",
  "WATCH_DATA",
  "TRANSACTION_DATA",
  "NODE_DATA",
  "GLOBAL_QUOTA_DATA",
  "DOMAIN_DATA",
  "WATCH_DATA_EXTENDED",
];

/** A stream that can't be read on, and where: an offset in bytes. */
export class StreamError extends Error {
  readonly offset: number;
  /** True when bytes are missing at the end, and what there is may be right. */
  readonly cut: boolean;

  constructor(offset: number, what: string, cut = false) {
    super(what);
    this.name = "StreamError";
    this.offset = offset;
    this.cut = cut;
  }
}

/** A record, and the offset at which it begins. */
export type PlacedRecord = StreamRecord & { at: number };

/** Reads a stream piece by piece, however it was divided. */
export class StreamReader {
  /** Of the stream; 0 until its header has been read. */
  version = 0;
  /** END has been read. */
  ended = false;
  /** Bytes of a record that is not whole yet, in pieces, and how many they must become. */
  #kept: Uint8Array[] = [];
  #size = 0;
  #need = 0;
  /** Offset of the first of the kept bytes. */
  #offset = 0;
  /** Bytes of a record that nobody wants which are still to come. */
  #skip = 0;

  /**
   * Takes the next bytes and returns the records they complete, in order. Bodies are views.
   * @throws StreamError for a stream that is damaged or of another kind
   */
  push(chunk: Uint8Array): PlacedRecord[] {
    this.#kept.push(chunk);
    this.#size += chunk.length;
    if (this.#size < this.#need) return [];
    const bytes = this.#kept.length === 1 ? chunk : concat(this.#kept);
    this.#need = 0;
    const records: PlacedRecord[] = [];
    let at = this.version === 0 ? this.#readHeader(bytes) : 0;
    while (this.version !== 0 && at < bytes.length && this.#need === 0) {
      if (this.#skip > 0) {
        const size = Math.min(this.#skip, bytes.length - at);
        this.#skip -= size;
        at += size;
        continue;
      }
      if (this.ended) throw new StreamError(this.#offset + at, "something follows the END record");
      const size = this.#readRecord(bytes, at, records);
      if (size === 0) break;
      at += size;
    }
    this.#kept = at < bytes.length ? [bytes.slice(at)] : [];
    this.#size = bytes.length - at;
    this.#offset += at;
    return records;
  }

  /** Nothing follows. Throws StreamError if something is missing. */
  end(): void {
    if (this.ended) return;
    const at = this.#offset + this.#size;
    throw new StreamError(at, `ends ${this.#where()}`, true);
  }

  #where(): string {
    if (this.version === 0) return "inside the header";
    if (this.#skip > 0) return "inside a record";
    return this.#size > 0 ? `inside the record at ${this.#offset}` : "before the END record";
  }

  /** Returns the bytes it takes up; 0 while there are too few. */
  #readHeader(bytes: Uint8Array): number {
    const start = latin1(bytes.subarray(0, STREAM_MAGIC.length));
    if (!STREAM_MAGIC.startsWith(start)) throw new StreamError(0, "is no XenStore stream");
    if (bytes.length < STREAM_HEADER_SIZE) return 0;
    const view = new DataView(bytes.buffer, bytes.byteOffset, STREAM_HEADER_SIZE);
    const version = view.getUint32(8);
    const flags = view.getUint32(12);
    if (version === 0 || version > STREAM_VERSION) {
      throw new StreamError(8, `has version ${version}; 1 to ${STREAM_VERSION} can be read`);
    }
    if (flags === FLAG_BIG_ENDIAN) throw new StreamError(12, "was written in big endian order");
    if (flags !== 0) throw new StreamError(12, `has unknown flags 0x${flags.toString(16)}`);
    this.version = version;
    return STREAM_HEADER_SIZE;
  }

  /** Returns the bytes the record takes up; 0 while there are too few. */
  #readRecord(bytes: Uint8Array, at: number, records: PlacedRecord[]): number {
    if (bytes.length - at < RECORD_HEADER_SIZE) return 0;
    const view = new DataView(bytes.buffer, bytes.byteOffset + at, RECORD_HEADER_SIZE);
    const type = view.getUint32(0, true);
    const length = view.getUint32(4, true);
    const place = this.#offset + at;
    if (!known(type, this.version)) {
      records.push({ kind: "skipped", type, length, at: place });
      this.#skip = roundUp(length);
      return RECORD_HEADER_SIZE;
    }
    const name = NAMES[type];
    const max = type === RECORD_CONNECTION ? CONNECTION_MAX : BODY_MAX;
    if (length > max) throw new StreamError(place, `${name} claims ${length} bytes`);
    const start = at + RECORD_HEADER_SIZE;
    const end = start + roundUp(length);
    if (end > bytes.length) {
      this.#need = end - at;
      return 0;
    }
    try {
      const { record, size } = decodeBody(type, this.version, bytes.subarray(start, end));
      if (record === null) throw new BodyError("is of no known type");
      this.ended = record.kind === "end";
      records.push(Object.assign(record, { at: place }));
      return RECORD_HEADER_SIZE + size;
    } catch (error) {
      if (!(error instanceof BodyError)) throw error;
      throw new StreamError(place, `${name} ${error.message}`);
    }
  }
}

function known(type: number, version: number): boolean {
  return type < NAMES.length && (type !== RECORD_WATCH_EXTENDED || version >= 2);
}

/** Reads a stream as it comes. Throws StreamError at its first fault, also if it is cut short. */
export async function* readStream(
  pieces: AsyncIterable<Uint8Array>,
): AsyncGenerator<PlacedRecord, void> {
  const reader = new StreamReader();
  for await (const piece of pieces) yield* reader.push(piece);
  reader.end();
}

/** The header of a stream of version 2. */
export function streamHeader(): Uint8Array {
  const bytes = new Uint8Array(STREAM_HEADER_SIZE);
  for (let i = 0; i < STREAM_MAGIC.length; i++) bytes[i] = STREAM_MAGIC.charCodeAt(i);
  new DataView(bytes.buffer).setUint32(8, STREAM_VERSION);
  return bytes;
}

/** One record with its frame. As with C, its length counts the padding. */
export function encodeRecord(record: KnownRecord): Uint8Array {
  const [type, body] = encodeBody(record);
  const bytes = new Uint8Array(RECORD_HEADER_SIZE + body.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, type, true);
  view.setUint32(4, body.length, true);
  bytes.set(body, RECORD_HEADER_SIZE);
  return bytes;
}
