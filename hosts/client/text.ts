// Text: strings to bytes and back; fast for what paths and most values are made of.
// Holds   the two loops for ASCII, and the runtime's own coders for the rest.
// Never   allocates an array for short text.
// Source  our own.

/** Above so many characters, or bytes, the runtime's own coders are faster than a loop. */
const LONG = 48;
const LONG_BYTES = 28;

/** The characters of ASCII. */
const CHARS = Array.from({ length: 128 }, (_, code) => String.fromCharCode(code));

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/**
 * Writes `text` as UTF-8; there must be room for 3 bytes for each of its UTF-16 units.
 * @returns where it ends
 */
export function encodeText(text: string, bytes: Uint8Array, start: number): number {
  const length = text.length;
  if (length > LONG) return start + encoder.encodeInto(text, bytes.subarray(start)).written;
  let at = start;
  for (let i = 0; i < length; i++) {
    const unit = text.charCodeAt(i);
    if (unit > 127) return start + encoder.encodeInto(text, bytes.subarray(start)).written;
    bytes[at++] = unit;
  }
  return at;
}

/** Bytes from `start` up to `end` as UTF-8; what is not UTF-8 becomes U+FFFD. */
export function decodeText(bytes: Uint8Array, start: number, end: number): string {
  if (end - start > LONG_BYTES) return decoder.decode(bytes.subarray(start, end));
  let text = "";
  let all = 0;
  let at = start;
  // Several at once: each step makes a string, and few steps make few.
  for (; at + 8 <= end; at += 8) {
    text += eightAt(bytes, at);
    all |= bitsOfEight(bytes, at);
  }
  for (; at < end; at++) {
    const byte = bytes[at] as number;
    all |= byte;
    text += CHARS[byte & 127];
  }
  return all > 127 ? decoder.decode(bytes.subarray(start, end)) : text;
}

function eightAt(bytes: Uint8Array, at: number): string {
  return String.fromCharCode(
    bytes[at] as number,
    bytes[at + 1] as number,
    bytes[at + 2] as number,
    bytes[at + 3] as number,
    bytes[at + 4] as number,
    bytes[at + 5] as number,
    bytes[at + 6] as number,
    bytes[at + 7] as number,
  );
}

function bitsOfEight(bytes: Uint8Array, at: number): number {
  return (
    (bytes[at] as number) |
    (bytes[at + 1] as number) |
    (bytes[at + 2] as number) |
    (bytes[at + 3] as number) |
    (bytes[at + 4] as number) |
    (bytes[at + 5] as number) |
    (bytes[at + 6] as number) |
    (bytes[at + 7] as number)
  );
}
