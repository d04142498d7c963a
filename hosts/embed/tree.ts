// Tree: what a store begins with: a tree as data or as a listing, put into it node by node.
// Holds   the reading of `xenstore-ls -fp`.
// Never   guesses: what can't be put in is named, with its line.
// Source  the XenStore command line, ls; Escaping.

import { XS_SET_PERMS, XS_WRITE } from "../../assembly/xs_wire.ts";
import type { TreeNode } from "../client/api.ts";
import { unescapeValue } from "../shared/cli/escape.ts";
import { isXenstoreError } from "../shared/errors.ts";
import { strings, toBytes } from "../shared/wire.ts";
import type { Site } from "./site.ts";

/** A node to be put. */
export interface Planted {
  readonly path: string;
  readonly value: Uint8Array;
  /** Such as `n0 r3`; null: those of its parent. */
  readonly perms: string | null;
}

const LINE = /^(\/\S*) = "(.*?)"(?: +\(([nrwb0-9,]+)\))?$/;

/**
 * Reads what `xenstore-ls -f` or `-fp` prints.
 * @throws Error that names the line
 */
export function parseListing(text: string): Planted[] {
  const found: Planted[] = [];
  for (const [index, line] of text.split("\n").entries()) {
    if (line.trim() === "") continue;
    const match = LINE.exec(line.trimEnd());
    if (!match) {
      const what = 'is none of "xenstore-ls -fp", such as /a = "1"   (n0,r3)';
      throw new Error(`tree, line ${index + 1} ${what}: ${line}`);
    }
    const [, path, value, perms] = match;
    const bytes = Uint8Array.from(unescapeValue(value as string), (char) => char.charCodeAt(0));
    found.push({ path: path as string, value: bytes, perms: perms?.replaceAll(",", " ") ?? null });
  }
  return found;
}

/** The nodes of a tree whose root is `path`, parents first. */
export function* flatten(tree: TreeNode, path = "/"): Generator<Planted> {
  const value = tree.base64 === undefined ? toBytes(tree.value ?? "") : fromBase64(tree.base64);
  yield { path, value, perms: tree.perms ?? null };
  const above = path === "/" ? "" : path;
  for (const [name, child] of Object.entries(tree.children ?? {})) {
    yield* flatten(child, `${above}/${name}`);
  }
}

function fromBase64(text: string): Uint8Array {
  return Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
}

/**
 * Puts nodes into a store, in their order.
 * @throws Error that names the node and why it can't be put
 */
export function plant(site: Site, nodes: Iterable<Planted>): void {
  for (const { path, value, perms } of nodes) {
    try {
      const head = strings(path);
      const payload = new Uint8Array(head.length + value.length);
      payload.set(head);
      payload.set(value, head.length);
      // The root of a store that is new has no value, and none can be given to it in vain.
      if (path !== "/" || value.length > 0) site.ask(XS_WRITE, payload, { op: "WRITE", path });
      const entries = perms?.split(/[\s,]+/).filter((entry) => entry !== "");
      if (!entries?.length) continue;
      site.ask(XS_SET_PERMS, strings(path, ...entries), { op: "SET_PERMS", path });
    } catch (error) {
      if (!isXenstoreError(error)) throw error;
      throw new Error(`tree: ${error.message}`, { cause: error });
    }
  }
}
