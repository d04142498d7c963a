// OPFS header: what stands in front of each pooled file: which file of the database it is.
// Holds   the form of a header, and the check that tells a whole one from a torn one.
// Never   opens, reads or writes anything.
// Source  our own; CRC-32 as in IEEE 802.3.
//
//   byte 0      header, or what a crash left of it
//   byte 4096   header, or what a crash left of it
//   byte 8192   the file's own bytes, up to the end
//
// The whole header with the higher number counts; the next one is written over the other.

/** Where the two headers begin: on sectors of their own, so that one write tears only one. */
export const SLOTS: readonly [number, number] = [0, 4096];
/** Where the file's own bytes begin. */
export const DATA_AT = 8192;
/** Bytes of a header. */
export const HEADER_SIZE = 512;
/** Bytes of a name, at most. */
export const NAME_MAX = 255;

const MAGIC = 0x66_73_78_01;
const NUMBERS_AT = 8;
const NAME_AT = 36;

/** What a pooled file is. All numbers are integers below 2^53. */
export interface Header {
  /** The name in the database; empty: the file is free. */
  readonly name: string;
  /** Counts all headers that were ever written in this folder. */
  readonly sequence: number;
  /** Which file this is: a new number whenever one is made. */
  readonly serial: number;
  /** The serial number of the file that this one was copied from; 0: of none. */
  readonly copyOf: number;
}

/** HEADER_SIZE bytes. */
export function encodeHeader({ name, sequence, serial, copyOf }: Header): Uint8Array {
  const bytes = new Uint8Array(HEADER_SIZE);
  const text = new TextEncoder().encode(name);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, MAGIC);
  for (const [index, value] of [sequence, serial, copyOf].entries()) {
    view.setFloat64(NUMBERS_AT + 8 * index, value);
  }
  view.setUint32(NAME_AT - 4, text.length);
  bytes.set(text, NAME_AT);
  view.setUint32(4, crc32(bytes.subarray(NUMBERS_AT)));
  return bytes;
}

/** Returns null for what is no whole header. */
export function decodeHeader(bytes: Uint8Array): Header | null {
  if (bytes.length < HEADER_SIZE) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, HEADER_SIZE);
  if (view.getUint32(0) !== MAGIC) return null;
  if (view.getUint32(4) !== crc32(bytes.subarray(NUMBERS_AT, HEADER_SIZE))) return null;
  const length = view.getUint32(NAME_AT - 4);
  if (length > NAME_MAX) return null;
  return {
    name: new TextDecoder().decode(bytes.subarray(NAME_AT, NAME_AT + length)),
    sequence: view.getFloat64(NUMBERS_AT),
    serial: view.getFloat64(NUMBERS_AT + 8),
    copyOf: view.getFloat64(NUMBERS_AT + 16),
  };
}

/** Whether a file of the database may have this name. */
export function isName(name: string): boolean {
  return name !== "" && new TextEncoder().encode(name).length <= NAME_MAX;
}

function crc32(bytes: Uint8Array): number {
  let crc = 0xffff_ffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb8_8320 : crc >>> 1;
  }
  return ~crc >>> 0;
}
