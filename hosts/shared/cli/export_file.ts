// Export file: a tree as JSON, for people and scripts.
// Holds   the schema: its name, its version, one node in each line.
// Never   relies on lines: any JSON of the schema is read.
// Source  our own; docs/tools.md describes it.

import { toBytes } from "../wire.ts";
import { type Backup, BackupError, type BackupNode, Collection } from "./backup.ts";
import { bytesOf } from "./host.ts";
import { jsonValue } from "./json.ts";

const FORMAT = "xenstore-export";
const VERSION = 1;
/** U+FFFD, which stands for bytes that are no UTF-8, and its own bytes. */
const REPLACEMENT = "\ufffd";
const REPLACEMENT_BYTES = [0xef, 0xbf, 0xbd];

/** The first line. */
export function exportHead(root: string): Uint8Array {
  const head = JSON.stringify({ format: FORMAT, version: VERSION, root });
  return toBytes(`${head.slice(0, -1)},"nodes":[\n`);
}

/** A node's line; every one but the first begins with a comma. */
export function exportNode({ path, value, perms }: BackupNode, first: boolean): Uint8Array {
  const line = JSON.stringify({ path, value: jsonValue(value), perms });
  return toBytes(`${first ? " " : ","}${line}\n`);
}

/** The last line. */
export function exportTail(): Uint8Array {
  return toBytes("]}\n");
}

/** Reads an export. Throws BackupError. */
export function readExport(bytes: Uint8Array): Backup {
  const whole = parse(bytes);
  if (!isObject(whole) || whole.format !== FORMAT) {
    throw new BackupError(`is JSON, but its "format" is not "${FORMAT}"`);
  }
  if (whole.version !== VERSION) {
    const version = JSON.stringify(whole.version);
    throw new BackupError(`is an export of version ${version}; only ${VERSION} can be read`);
  }
  if (!Array.isArray(whole.nodes)) throw new BackupError('has no list "nodes"');
  const nodes = new Collection();
  for (const [i, one] of whole.nodes.entries()) {
    const { path, value, perms } = nodeOf(one, i + 1);
    nodes.add(path, value, perms);
  }
  return nodes.backup;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function parse(bytes: Uint8Array): unknown {
  const text = decode(bytes);
  try {
    return JSON.parse(text);
  } catch (error) {
    const at = /at position (\d+)/.exec((error as Error).message)?.[1];
    const chars = at === undefined ? text.length : Number(at);
    const what = chars >= text.trimEnd().length ? "ends too early" : "is no JSON";
    throw new BackupError(what, toBytes(text.slice(0, chars)).length);
  }
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    const offset = notUtf8(bytes);
    if (offset === null)
      throw new BackupError("is too long for JSON; dump and restore have no limit");
    throw new BackupError("is no UTF-8", offset);
  }
}

/** Offset of the first byte that belongs to no character; null when it can't be told. */
function notUtf8(bytes: Uint8Array): number | null {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
  } catch {
    return null;
  }
  let offset = 0;
  let from = 0;
  for (let at = text.indexOf(REPLACEMENT); at >= 0; at = text.indexOf(REPLACEMENT, from)) {
    offset += toBytes(text.slice(from, at)).length;
    if (!REPLACEMENT_BYTES.every((byte, i) => bytes[offset + i] === byte)) return offset;
    offset += REPLACEMENT_BYTES.length;
    from = at + 1;
  }
  return null;
}

function nodeOf(one: unknown, number: number): BackupNode {
  if (!isObject(one)) throw new BackupError(`node ${number} is no object`);
  const { path, value, perms } = one;
  if (typeof path !== "string") throw new BackupError(`node ${number} has no "path"`);
  if (!Array.isArray(perms) || perms.some((perm) => typeof perm !== "string")) {
    throw new BackupError(`node ${number}, ${path}, has no "perms" such as ["n0","r3"]`);
  }
  return { path, value: bytesOfValue(value, `node ${number}, ${path},`), perms };
}

function bytesOfValue(value: unknown, who: string): Uint8Array {
  if (typeof value === "string") return toBytes(value);
  const base64 = isObject(value) ? value.base64 : undefined;
  if (typeof base64 !== "string") {
    throw new BackupError(`${who} has no "value": a string or {"base64":"…"}`);
  }
  try {
    return bytesOf(atob(base64));
  } catch {
    throw new BackupError(`${who} has a value that is no base64`);
  }
}
