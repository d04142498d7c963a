// Packet text: arbitrary bytes as text that is safe to show.
// Holds   pieces of a payload, with each NUL and each byte that is no text told apart; hex dumps.
// Never   lets a control character, or one that turns the direction of text, through.
// Source  our own; Unicode, general categories.

/** A stretch of a payload: text, a NUL, or bytes that are no text, written \xNN or \uNNNN. */
export interface Piece {
  readonly kind: "text" | "nul" | "escape";
  readonly text: string;
}

/** Stands for a NUL wherever a payload is shown. */
export const NUL = "\\0";

const decoder = new TextDecoder("utf-8", { fatal: true });
/** Control, format, surrogate, private and unassigned characters, separators of lines. */
const HIDDEN = /[\p{C}\p{Zl}\p{Zp}]/u;

/** Bytes of the UTF-8 character that begins at `at`; 0: none does. */
function lengthOf(bytes: Uint8Array, at: number): number {
  const first = bytes[at] as number;
  if (first < 0x80) return 1;
  const size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc2 ? 2 : 0;
  return size > 0 && at + size <= bytes.length ? size : 0;
}

function characterAt(bytes: Uint8Array, at: number): { text: string; size: number } | null {
  const size = lengthOf(bytes, at);
  if (size === 0) return null;
  try {
    return { text: decoder.decode(bytes.subarray(at, at + size)), size };
  } catch {
    return null;
  }
}

function escapeOf(text: string): string {
  const code = text.codePointAt(0) as number;
  if (code < 0x100) return `\\x${code.toString(16).padStart(2, "0")}`;
  return `\\u${code.toString(16).padStart(4, "0")}`;
}

/** The payload cut into pieces, at most about `max` characters; `more` bytes were left out. */
export function pieces(bytes: Uint8Array, max = 4096): { pieces: Piece[]; more: number } {
  const found: Piece[] = [];
  let shown = 0;
  let at = 0;
  const add = (kind: Piece["kind"], text: string) => {
    const last = found.at(-1);
    if (kind !== "nul" && last?.kind === kind) {
      found[found.length - 1] = { kind, text: last.text + text };
    } else found.push({ kind, text });
    shown += text.length;
  };
  while (at < bytes.length && shown < max) {
    if (bytes[at] === 0) {
      add("nul", NUL);
      at++;
      continue;
    }
    const character = characterAt(bytes, at);
    if (character === null)
      add("escape", `\\x${(bytes[at] as number).toString(16).padStart(2, "0")}`);
    else if (HIDDEN.test(character.text)) add("escape", escapeOf(character.text));
    else add("text", character.text);
    at += character?.size ?? 1;
  }
  return { pieces: found, more: bytes.length - at };
}

/** As `pieces`, in one string, with "..." where something was left out. */
export function visible(bytes: Uint8Array, max = 4096): string {
  const { pieces: found, more } = pieces(bytes, max);
  return found.map(({ text }) => text).join("") + (more > 0 ? "..." : "");
}

/** All of it is text that can be shown as it is. */
export function isText(bytes: Uint8Array): boolean {
  return pieces(bytes, Number.POSITIVE_INFINITY).pieces.every(({ kind }) => kind === "text");
}

export const BYTES_IN_LINE = 16;

/** One byte as two digits. */
export function hexOf(byte: number): string {
  return byte.toString(16).padStart(2, "0");
}

/** "0b 00 00 00" */
export function hexBytes(bytes: Uint8Array): string {
  return Array.from(bytes, hexOf).join(" ");
}

/** What a hex dump shows for a byte in its column of text. */
export function asciiOf(byte: number): string {
  return byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : ".";
}

/** The usual dump: offset, bytes, text. */
export function hexDump(bytes: Uint8Array): string {
  const lines: string[] = [];
  for (let at = 0; at < bytes.length; at += BYTES_IN_LINE) {
    const part = bytes.subarray(at, at + BYTES_IN_LINE);
    const ascii = Array.from(part, asciiOf).join("");
    lines.push(`${at.toString(16).padStart(4, "0")}  ${hexBytes(part).padEnd(47)}  ${ascii}`);
  }
  return lines.join("\n");
}
