// Escape: values as printable text, and back.
// Holds   the escapes of the tools: \t \n \r \\, octal, hexadecimal.
// Never   looks at characters beyond single bytes.
// Source  the XenStore command line, Escaping.

import type { ByteString } from "./host.ts";

const NAMED: Readonly<Record<string, string>> = {
  "\t": "\\t",
  "\n": "\\n",
  "\r": "\\r",
  "\\": "\\\\",
};

/** A value for a terminal: printable ASCII, everything else escaped. */
export function escapeValue(value: ByteString): ByteString {
  return value.replace(/[^\x20-\x5b\x5d-\x7e]/g, (char) => {
    const code = char.charCodeAt(0);
    if (NAMED[char] !== undefined) return NAMED[char];
    if (code < 8) return `\\${code.toString(8).padStart(3, "0")}`;
    return `\\x${code.toString(16).padStart(2, "0")}`;
  });
}

/**
 * What may follow a backslash. Hexadecimal digits are read as C's scanf reads two characters:
 * blanks before them are skipped, a sign or a leading `0x` counts as part of the two.
 */
const ESCAPE = new RegExp(
  [
    "\\\\(?:x[ \\t\\n\\v\\f\\r]*(0[xX]|[+-][0-9a-fA-F]|[0-9a-fA-F]{1,2})",
    "([0-7]{1,3})",
    "([\\s\\S]|$))",
  ].join("|"),
  "g",
);

/**
 * The value that escaped text stands for: `\t \n \r`, `\x` and up to two hexadecimal digits,
 * `\` and up to three octal digits; before any other character the backslash is dropped, and at
 * the end of the text it stands for a NUL.
 */
export function unescapeValue(text: ByteString): ByteString {
  return text.replace(ESCAPE, (_all, hex, octal, char) => {
    if (hex !== undefined) return String.fromCharCode(Number.parseInt(hex, 16) & 0xff);
    if (octal !== undefined) return String.fromCharCode(Number.parseInt(octal, 8) & 0xff);
    if (char === "") return "\0";
    return { t: "\t", n: "\n", r: "\r" }[char as string] ?? char;
  });
}
