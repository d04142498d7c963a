// Listing: what xenstore-ls prints, with -f, -p or as an indented tree; and exports as JSON.
// Holds   the reading and the writing of both.
// Never   stops at a line that makes no sense: it is named, and the others are taken.
// Source  the XenStore command line, ls and Escaping; docs/tools.md, export.

export interface ListedNode {
  readonly path: string;
  readonly value: Uint8Array;
  /** Such as "n0 r3"; null: those of its parent. */
  readonly perms: string | null;
}

/** A line that could not be read, and why. */
export interface ListingProblem {
  readonly line: number;
  readonly text: string;
  readonly why: string;
}

export interface Listing {
  readonly nodes: readonly ListedNode[];
  readonly problems: readonly ListingProblem[];
  readonly problemCount: number;
}

const PROBLEMS_MAX = 20;
const SHOWN = 80;
const PATH_MAX = 3072;
/** Bytes of a path, a NUL and a value: they go in one message. */
const MESSAGE_MAX = 4096;
/** What stands between a node's name and its value. */
const IS = ' = "';
/** What may follow the value: dots, where it was cut or up to a column, and permissions. */
const BEHIND = /^[ .]*(?:\(([^()]*)\))?\s*$/;
const PERMS = /^[nrwb]\d{1,5}([ ,]+[nrwb]\d{1,5})*$/;
const NAMES = /^(\/[A-Za-z0-9\-_@]+)+$/;
const BACKSLASH = 0x5c;
const NAMED: Readonly<Record<string, string>> = { t: "\t", n: "\n", r: "\r" };

/** Whether a text looks like what xenstore-ls prints, at least in one of its first lines. */
export function looksListed(text: string): boolean {
  return text
    .slice(0, 20_000)
    .split("\n")
    .some((line) => partsOf(line) !== null);
}

/** Reads what `xenstore-ls`, `-f`, `-p` or `-fp` printed. */
export function readListing(text: string): Listing {
  const nodes: ListedNode[] = [];
  const problems: ListingProblem[] = [];
  let problemCount = 0;
  /** Of an indented tree: the path of the last node on each level. */
  const above: string[] = [];
  let at = 0;
  for (const line of text.split("\n")) {
    at += 1;
    if (line === "" || line.trim() === "") continue;
    const found = nodeOf(line, above);
    if (typeof found !== "string") {
      nodes.push(found);
      continue;
    }
    problemCount += 1;
    if (problems.length >= PROBLEMS_MAX) continue;
    problems.push({ line: at, text: line.slice(0, SHOWN), why: found });
  }
  return { nodes, problems, problemCount };
}

function nodeOf(line: string, above: string[]): ListedNode | string {
  const parts = partsOf(line);
  if (!parts) return 'is not of the form /path = "value"   (n0,r3)';
  const { indent, name, value, perms } = parts;
  const path = name.startsWith("/") ? name : placed(indent, name, above);
  if (path === null) return "is indented deeper than a child of the line before";
  if (path !== "/" && (!NAMES.test(path) || path.length > PATH_MAX)) {
    return "has a path with characters that no store takes, or one that is too long";
  }
  if (perms !== undefined && !PERMS.test(perms.trim())) {
    return `has permissions that make no sense: (${perms})`;
  }
  const bytes = unescaped(value);
  if (path.length + 1 + bytes.length > MESSAGE_MAX) {
    return "has more than the 4096 bytes that path and value may have together";
  }
  return { path, value: bytes, perms: perms?.trim().split(/[ ,]+/).join(" ") ?? null };
}

/** A line taken apart; null when it has not the form. */
function partsOf(line: string) {
  const is = line.indexOf(IS);
  const end = line.lastIndexOf('"');
  if (is <= 0 || end < is + IS.length) return null;
  let indent = 0;
  while (line[indent] === " ") indent += 1;
  const name = line.slice(indent, is);
  const behind = BEHIND.exec(line.slice(end + 1));
  if (!behind || name === "" || name.includes(" ")) return null;
  return { indent, name, value: line.slice(is + IS.length, end), perms: behind[1] };
}

/** The path of a node in an indented tree. */
function placed(indent: number, name: string, above: string[]): string | null {
  if (indent > above.length) return null;
  above.length = indent;
  const path = `${above[indent - 1] ?? ""}/${name}`;
  above.push(path);
  return path;
}

const ESCAPE = /\\(?:x([0-9a-fA-F]{1,2})|([0-7]{1,3})|(.))/g;

/** The bytes that escaped text stands for: what is not ASCII in it is UTF-8. */
function unescaped(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === BACKSLASH || code > 0x7f) return unescapedSlowly(text);
    bytes[at] = code;
  }
  return bytes;
}

function unescapedSlowly(text: string): Uint8Array {
  const binary = Array.from(new TextEncoder().encode(text), (byte) => String.fromCharCode(byte))
    .join("")
    .replace(ESCAPE, (_all, hex, octal, char) => {
      if (hex !== undefined) return String.fromCharCode(Number.parseInt(hex, 16));
      if (octal !== undefined) return String.fromCharCode(Number.parseInt(octal, 8) & 0xff);
      return NAMED[char as string] ?? char;
    });
  return Uint8Array.from(binary, (char) => char.charCodeAt(0));
}

/** One line, as `xenstore-ls -fp` prints it. */
export function listingLine({ path, value, perms }: ListedNode): string {
  let text = "";
  for (const byte of value) text += escaped(byte);
  return `${path} = "${text}"   (${(perms ?? "n0").replaceAll(" ", ",")})\n`;
}

function escaped(byte: number): string {
  const char = String.fromCharCode(byte);
  if (char === "\\") return "\\\\";
  if (byte >= 0x20 && byte < 0x7f) return char;
  const named = { 9: "\\t", 10: "\\n", 13: "\\r" }[byte];
  if (named) return named;
  if (byte < 8) return `\\${byte.toString(8).padStart(3, "0")}`;
  return `\\x${byte.toString(16).padStart(2, "0")}`;
}

/**
 * Reads what `xenstore export --json` wrote.
 * @throws Error of one sentence when it is none
 */
export function readExport(text: string): Listing {
  let whole: { format?: unknown; nodes?: unknown };
  try {
    whole = JSON.parse(text);
  } catch {
    throw new Error("The JSON ends too early or is damaged: export it again.");
  }
  if (whole?.format !== "xenstore-export" || !Array.isArray(whole.nodes)) {
    throw new Error(
      'This is JSON, but no export of a store: its "format" is not "xenstore-export".',
    );
  }
  const nodes: ListedNode[] = [];
  const problems: ListingProblem[] = [];
  let problemCount = 0;
  for (const [index, one] of whole.nodes.entries()) {
    const found = exported(one);
    if (found) {
      nodes.push(found);
      continue;
    }
    problemCount += 1;
    const shown = JSON.stringify(one).slice(0, SHOWN);
    const why = "is no node with a path, a value and permissions";
    if (problems.length < PROBLEMS_MAX) problems.push({ line: index + 1, text: shown, why });
  }
  return { nodes, problems, problemCount };
}

function exported(one: unknown): ListedNode | null {
  const { path, value, perms } = (one ?? {}) as Record<string, unknown>;
  if (typeof path !== "string" || (path !== "/" && !NAMES.test(path)) || path.length > PATH_MAX) {
    return null;
  }
  if (!Array.isArray(perms) || !PERMS.test(perms.join(" "))) return null;
  const base64 = (value as { base64?: unknown })?.base64;
  try {
    const bytes =
      typeof base64 === "string"
        ? Uint8Array.from(atob(base64), (char) => char.charCodeAt(0))
        : new TextEncoder().encode(value as string);
    if (typeof value !== "string" && typeof base64 !== "string") return null;
    if (path.length + 1 + bytes.length > MESSAGE_MAX) return null;
    return { path, value: bytes, perms: perms.join(" ") };
  } catch {
    return null;
  }
}
