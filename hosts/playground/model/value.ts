// Value: a node's value as text, as hexadecimal digits and as a number, and back.
// Holds   the escapes that stand for bytes that can't be printed, and how much a value may have.
// Never   changes a byte: what is shown and typed back is what it was.
// Source  the XenStore protocol, Messages; the XenStore command line, Escaping.

/** Bytes that a message's payload may have: of a WRITE the path, a NUL and the value. */
const PAYLOAD_MAX = 4096;

/** A run of a value: characters as they are, or escapes such as \x00. */
export interface Piece {
  readonly text: string;
  readonly escaped: boolean;
}

const NAMED: Readonly<Record<number, string>> = { 9: "\\t", 10: "\\n", 13: "\\r", 92: "\\\\" };
const BACK: Readonly<Record<string, number>> = { t: 9, n: 10, r: 13, "\\": 92 };
/** What is drawn as itself; not what only steers, hides or looks like a blank. */
const VISIBLE = /^[\p{L}\p{M}\p{N}\p{P}\p{S}]$/u;
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();

/** The value in pieces: UTF-8 where it can be seen, escapes for all other bytes. */
export function pieces(value: Uint8Array, lines = false): Piece[] {
  const found: { text: string; escaped: boolean }[] = [];
  const add = (text: string, escaped: boolean) => {
    const last = found.at(-1);
    if (last?.escaped === escaped) last.text += text;
    else found.push({ text, escaped });
  };
  for (let at = 0; at < value.length; ) {
    const byte = value[at];
    const plain = (byte >= 0x20 && byte < 0x7f && byte !== 92) || (lines && byte === 10);
    const char = plain ? String.fromCharCode(byte) : characterAt(value, at);
    if (char !== "") add(char, false);
    else add(NAMED[byte] ?? `\\x${byte.toString(16).padStart(2, "0")}`, true);
    at += char === "" ? 1 : lengthOf(byte);
  }
  return found;
}

/** Bytes of a character by its first one. */
function lengthOf(byte: number): number {
  return byte < 0xc0 ? 1 : byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
}

/** The character beyond ASCII that begins here; "" where there is none to be seen. */
function characterAt(value: Uint8Array, at: number): string {
  if (value[at] < 0xc2 || value[at] > 0xf4) return "";
  try {
    const char = decoder.decode(value.subarray(at, at + lengthOf(value[at])));
    return VISIBLE.test(char) ? char : "";
  } catch {
    return "";
  }
}

/** The value as text that `fromText` reads; with `lines` a newline is one. */
export function toText(value: Uint8Array, lines = false): string {
  return pieces(value, lines)
    .map(({ text }) => text)
    .join("");
}

const ESCAPE = /\\(?:x([0-9a-fA-F]{2})|([0-3][0-7]{2})|([tnr\\]))/y;

/** The bytes that text with escapes stands for. Throws an Error of one line. */
export function fromText(text: string): Uint8Array<ArrayBuffer> {
  const bytes: number[] = [];
  for (let at = 0; at < text.length; ) {
    const next = text.indexOf("\\", at);
    const end = next < 0 ? text.length : next;
    for (const byte of encoder.encode(text.slice(at, end))) bytes.push(byte);
    if (next < 0) break;
    ESCAPE.lastIndex = next;
    const match = ESCAPE.exec(text);
    if (!match) {
      const wrong = text.slice(next, next + (text[next + 1] === "x" ? 4 : 2));
      throw new Error(
        `"${wrong}" is no escape: there are \\n \\r \\t \\x1b, and \\\\ for a backslash.`,
      );
    }
    const [all, hex, octal, name] = match;
    bytes.push(hex ? Number.parseInt(hex, 16) : octal ? Number.parseInt(octal, 8) : BACK[name]);
    at = next + all.length;
  }
  return Uint8Array.from(bytes);
}

/** Pairs of hexadecimal digits, sixteen in a line. */
export function toHex(value: Uint8Array, perLine = 16): string {
  let text = "";
  for (let at = 0; at < value.length; at++) {
    if (at > 0) text += at % perLine === 0 ? "\n" : " ";
    text += value[at].toString(16).padStart(2, "0");
  }
  return text;
}

/** Bytes from hexadecimal digits; blanks, commas, 0x don't count. Throws an Error of one line. */
export function fromHex(text: string): Uint8Array<ArrayBuffer> {
  const digits = text.replace(/\b0x/gi, "").replace(/[\s,]+/g, "");
  const wrong = /[^0-9a-f]/i.exec(digits);
  if (wrong) throw new Error(`"${wrong[0]}" is no hexadecimal digit: those are 0 to 9 and a to f.`);
  if (digits.length % 2 === 1) {
    throw new Error(`A byte has two hexadecimal digits: ${digits.length} of them are one too few.`);
  }
  return Uint8Array.from(digits.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

/** How a number stands in a value. */
export type NumberForm = "decimal" | "hex";

/** The number that a value is, and how it is written; null: it is none. */
export function numberOf(
  value: Uint8Array,
): { readonly n: bigint; readonly form: NumberForm } | null {
  if (value.length === 0 || value.length > 21) return null;
  const text = String.fromCharCode(...value);
  if (/^-?(?:0|[1-9]\d{0,19})$/.test(text)) return { n: BigInt(text), form: "decimal" };
  if (/^0x[0-9a-f]{1,16}$/i.test(text)) return { n: BigInt(text), form: "hex" };
  return null;
}

export function numberText(n: bigint, form: NumberForm): string {
  if (form === "decimal") return n.toString();
  return n < 0n ? `-0x${(-n).toString(16)}` : `0x${n.toString(16)}`;
}

/** A number that was typed. Throws an Error of one line. */
export function parseNumber(text: string, form: NumberForm): bigint {
  const trimmed = text.trim().replace(/[_,]/g, "");
  if (form === "decimal") {
    if (/^[-+]?\d{1,20}$/.test(trimmed)) return BigInt(trimmed.replace("+", ""));
    throw new Error("A decimal number has digits from 0 to 9 only, at most 20 of them.");
  }
  const match = /^(-?)(?:0x)?([0-9a-f]{1,16})$/i.exec(trimmed);
  if (!match) {
    throw new Error("A hexadecimal number has digits 0 to 9 and a to f only, at most 16 of them.");
  }
  const n = BigInt(`0x${match[2]}`);
  return match[1] === "" ? n : -n;
}

/** Why a value of so many bytes can't be written to a path; "": it can. */
export function sizeProblem(path: string, length: number): string {
  const most = PAYLOAD_MAX - path.length - 1;
  if (length <= most) return "";
  return `Too long: with this path a message has room for ${most} bytes, these are ${length}.`;
}

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a === b || (a.length === b.length && a.every((byte, at) => byte === b[at]));
}

/** Why a name can't be a new node's; "": it can. Slashes make nodes within nodes. */
export function nameProblem(name: string): string {
  if (name === "") return "A node has a name.";
  if (/^\/|\/$|\/\//.test(name)) return "A slash stands between two names only.";
  const wrong = /[^A-Za-z0-9\-/_@]/.exec(name);
  if (wrong) return `"${wrong[0]}" can't be in a name: letters, digits and - _ @ can.`;
  return "";
}
