// Backup: what a file holds that a store can be restored from.
// Holds   its nodes, the checks that each must pass, and how a file is refused.
// Never   knows a format.
// Source  our own; the XenStore protocol, Paths and Permissions.

import { XENSTORE_ABS_PATH_MAX, XENSTORE_PAYLOAD_MAX } from "../../../assembly/xs_wire.ts";

/** A node with everything that a client can see of it. */
export interface BackupNode {
  path: string;
  value: Uint8Array;
  /** Entries such as `n0`, the owner's first. */
  perms: readonly string[];
}

/** What a file holds. */
export interface Backup {
  /** Nodes of the tree, parents before children where both are there. */
  nodes: BackupNode[];
  /** Special nodes, such as `@releaseDomain`: their permissions count. */
  special: BackupNode[];
  /** What is odd about the file though it can be used, each in one line. */
  notes: string[];
}

/** A file that can't be used: why, and the offset in bytes if there is one. */
export class BackupError extends Error {
  readonly offset: number | null;

  constructor(what: string, offset: number | null = null) {
    super(what);
    this.offset = offset;
  }
}

const PATH = /^(\/|(\/[A-Za-z0-9\-_@]+)+)$/;
const SPECIAL = /^@(introduceDomain|releaseDomain)(\/\d{1,5})?$/;
const PERM = /^[nrwb](\d{1,5})$/;
const DOMID_MAX = 0xffff;
/** Characters of a path that a message shows. */
const SHOWN = 100;

export const isTreePath = (path: string) => PATH.test(path);
export const isSpecialPath = (path: string) => path.startsWith("@");

/** The path of the node above; `/` for those on top. */
export function parentOf(path: string): string {
  return path.slice(0, Math.max(path.lastIndexOf("/"), 1));
}

/** Is `path` the node `root` or below it? */
export function isWithin(path: string, root: string): boolean {
  return root === "/" || path === root || path.startsWith(`${root}/`);
}

/** A request's payload: a path, which is ASCII, its NUL, and what follows. */
export function payloadOf(path: string, rest?: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(path.length + 1 + (rest?.length ?? 0));
  for (let i = 0; i < path.length; i++) bytes[i] = path.charCodeAt(i);
  if (rest !== undefined) bytes.set(rest, path.length + 1);
  return bytes;
}

/** Refuses what no store would take. Throws BackupError. */
export function checkNode({ path, value, perms }: BackupNode): void {
  const shown = path.length > SHOWN ? `${path.slice(0, SHOWN)}…` : path;
  if (!PATH.test(path) && !SPECIAL.test(path)) {
    throw new BackupError(`${JSON.stringify(shown)} is no path of a node`);
  }
  if (path.length > XENSTORE_ABS_PATH_MAX) {
    throw new BackupError(`the path ${shown} has ${path.length} characters: too many`);
  }
  if (path.length + 1 + value.length > XENSTORE_PAYLOAD_MAX) {
    throw new BackupError(`the value of ${shown} has ${value.length} bytes: too long to write it`);
  }
  if (perms.length === 0) throw new BackupError(`${shown} has no permissions`);
  for (const perm of perms) {
    const domid = PERM.exec(perm)?.[1];
    if (domid === undefined || Number(domid) > DOMID_MAX) {
      throw new BackupError(`${shown} has a permission that is none: ${JSON.stringify(perm)}`);
    }
  }
}

/** Collects the nodes of a file; refuses one that comes twice. */
export class Collection {
  readonly backup: Backup = { nodes: [], special: [], notes: [] };
  readonly #paths = new Set<string>();
  readonly #lists = new Map<string, readonly string[]>();

  /** Throws BackupError. */
  add(path: string, value: Uint8Array, perms: readonly string[]): void {
    const node = { path, value, perms: this.#shared(perms) };
    checkNode(node);
    if (this.#paths.has(path)) throw new BackupError(`${path} is there twice`);
    this.#paths.add(path);
    (isSpecialPath(path) ? this.backup.special : this.backup.nodes).push(node);
  }

  has(path: string): boolean {
    return this.#paths.has(path);
  }

  /** Lists that are alike become one. */
  #shared(perms: readonly string[]): readonly string[] {
    const key = perms.join(",");
    const known = this.#lists.get(key);
    if (known !== undefined) return known;
    this.#lists.set(key, perms);
    return perms;
  }
}
