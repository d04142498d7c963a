// Ls: xenstore ls, a tree with its values.
// Holds   the walk, and how a node becomes a line of so many columns.
// Never   asks for more than a few nodes ahead.
// Source  the XenStore command line, ls.

import { XENSTORE_PAYLOAD_MAX } from "../../../assembly/xs_wire.ts";
import { formatPerm, type Perm, type Store } from "../client.ts";
import { errorText, isXenstoreError, type XenstoreError } from "../errors.ts";
import { type Call, type Command, Failure, JSON_OPTION } from "./command.ts";
import { escapeValue } from "./escape.ts";
import { type ByteString, byteString, bytesOf, utf8 } from "./host.ts";
import { jsonLine, jsonText, jsonValue } from "./json.ts";

/** Columns where there is no terminal, and those a terminal has more than are used. */
const COLUMNS = 80;
const MARGIN = 2;
/** Columns that ` = "` and `\..."` take together. */
const TAG = 8;
/** Columns up to which dots lead to the permissions. */
const DOTS_TO = 60;
/** Siblings whose requests are under way at once. */
const AHEAD = 16;

/** What is known of a node: what was asked for, or why it can't be had. */
interface Found {
  path: ByteString;
  name: ByteString;
  value: Uint8Array | XenstoreError;
  perms: readonly Perm[] | XenstoreError | null;
  children: readonly string[] | XenstoreError;
}

export const ls: Command = {
  usage: "[-h] [-f] [-p] [-s] [path]",
  accepts: "fp",
  extra: [JSON_OPTION],
  fits: () => true,
  inTransaction: () => false,
  async run(store, call) {
    const width = widthOf(call);
    for (const path of call.operands.length > 0 ? call.operands : ["/"]) {
      const children = await orError(store.directory(bytesOf(path)));
      if (children instanceof Error) throw cannotList(call, path, children);
      await walk(store, call, { path, children, level: 0, width });
    }
  },
};

/** Columns a line may have; below 0 as many as it needs. */
function widthOf(call: Call): number {
  const columns = call.json ? null : call.host.columns();
  if (columns !== null) return columns - MARGIN;
  return call.flags.has("f") ? -1 : COLUMNS;
}

interface Directory {
  path: ByteString;
  children: readonly string[];
  /** Levels below the path that was asked for. */
  level: number;
  width: number;
}

/** Prints all below a node, depth first, in the store's order. */
async function walk(store: Store, call: Call, directory: Directory): Promise<void> {
  const { path, children, level, width } = directory;
  const asked: Promise<Found>[] = [];
  for (let at = 0; at < children.length; at++) {
    for (let next = asked.length; next < Math.min(at + AHEAD, children.length); next++) {
      asked.push(look(store, call, path, utf8(children[next])));
    }
    const found = await asked[at];
    delete asked[at];
    call.host.out(call.json ? jsonNode(found) : nodeLine(call, found, level, width));
    if (found.perms instanceof Error) sayNoPerms(call, found.name, found.perms);
    if (!call.json) call.host.out("\n");
    if (found.children instanceof Error) {
      // It may have been removed since its parent was read.
      if (found.children.code === "ENOENT") continue;
      throw cannotList(call, found.path, found.children);
    }
    await walk(store, call, {
      path: found.path,
      children: found.children,
      level: level + 1,
      width,
    });
  }
}

/** Asks for everything about one node. A path too long to be asked for counts as unreadable. */
async function look(
  store: Store,
  call: Call,
  parent: ByteString,
  name: ByteString,
): Promise<Found> {
  const path = `${parent}${parent.endsWith("/") ? "" : "/"}${name}`;
  const bytes = bytesOf(path);
  const wantPerms = call.flags.has("p");
  const tooLong = bytes.length >= XENSTORE_PAYLOAD_MAX;
  const [value, perms, children] = await Promise.all([
    orError(store.read(bytes)),
    wantPerms ? orError(store.getPerms(bytes)) : null,
    tooLong ? [] : orError(store.directory(bytes)),
  ]);
  return { path, name, value, perms, children };
}

async function orError<T>(request: Promise<T>): Promise<T | XenstoreError> {
  try {
    return await request;
  } catch (error) {
    if (isXenstoreError(error)) return error;
    throw error;
  }
}

function cannotList(call: Call, path: ByteString, error: XenstoreError): Failure {
  return new Failure(call, `xs_directory (${path}): ${errorText(error.code)}`);
}

function sayNoPerms(call: Call, name: ByteString, error: XenstoreError): void {
  const why = errorText(error.code);
  call.host.err(`${call.program}: \ncould not access permissions for ${name}: ${why}\n`);
}

/** A node's line, without the newline at its end. */
function nodeLine(call: Call, found: Found, level: number, width: number): ByteString {
  const flat = call.flags.has("f");
  const lead = flat ? found.path : leadOf(found.name, level, width);
  if (found.value instanceof Error) return `${lead}:\n${permsOf(found.perms)}`;
  const value = byteString(found.value);
  // With -f the path in front does not count.
  const used = flat ? 0 : lead.length;
  if (width >= 0 && width < used + TAG + value.length) {
    const shown = cut(escapeValue(value), width - TAG - used);
    return `${lead} = "${shown}\\..."${permsOf(found.perms)}`;
  }
  const line = `${lead} = "${escapeValue(value)}"`;
  if (found.perms === null) return line;
  return `${line} ${flat ? "" : dots(line.length + 1, width)}${permsOf(found.perms)}`;
}

/** Indent and name, cut so that value and quotes keep a little room. */
function leadOf(name: ByteString, level: number, width: number): ByteString {
  return " ".repeat(level) + cut(name, width - TAG - level);
}

/** The first `room` characters; all of them on a terminal so narrow that there is less than none. */
function cut(text: ByteString, room: number): ByteString {
  return room < 0 ? text : text.slice(0, room);
}

/** Dots and blanks from column `from` on. */
function dots(from: number, width: number): ByteString {
  let text = "";
  for (let column = from; column < Math.min(width, DOTS_TO); column++) {
    text += column % 2 === 1 ? "." : " ";
  }
  return text;
}

function permsOf(perms: Found["perms"]): ByteString {
  if (perms === null || perms instanceof Error) return "";
  return `  (${perms.map(formatPerm).join(",")})`;
}

function jsonNode({ path, value, perms }: Found): ByteString {
  return jsonLine({
    path: jsonText(path),
    value: value instanceof Error ? null : jsonValue(value),
    ...(perms === null ? {} : { perms: perms instanceof Error ? null : perms.map(formatPerm) }),
  });
}
