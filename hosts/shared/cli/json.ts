// JSON: what the tools print with --json.
// Holds   one object per line; values without loss.
// Never   escapes for a terminal.
// Source  our own; docs/tools.md describes it.

import { type ByteString, byteString, bytesOf, utf8 } from "./host.ts";

/** A value in JSON: text when its bytes are UTF-8, else an object with their base64. */
export type JsonValue = string | { base64: string };

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export function jsonValue(value: Uint8Array): JsonValue {
  try {
    return decoder.decode(value);
  } catch {
    return { base64: btoa(byteString(value)) };
  }
}

/** The same for a byte string, such as a path from the command line. */
export function jsonText(text: ByteString): JsonValue {
  return jsonValue(bytesOf(text));
}

/** One line of output. */
export function jsonLine(object: unknown): ByteString {
  return utf8(`${JSON.stringify(object)}\n`);
}
