// Perms: permission lists as text, as entries, and as they go over the wire.
// Holds   both directions, and what is refused.
// Never   decides what a list means.
// Source  the XenStore protocol, Permissions.

import { XenstoreError } from "../shared/errors.ts";
import type { Access, Perm, Perms } from "./api.ts";

/** Highest number of a domain that a permission list can name. */
const DOMID_MAX = 65535;

/** An entry as text, such as `r3`. */
export function formatPerm(perm: Perm): string {
  return `${perm.access}${perm.domid}`;
}

/** A list as text, such as `n0 r3`. */
export function formatPerms(perms: readonly Perm[]): string {
  return perms.map(formatPerm).join(" ");
}

/** An entry that a store sent. Errors: EINVAL for another form. */
export function parsePerm(entry: string): Perm {
  const match = /^([nrwb])\s*([+-]?\d+)/.exec(entry);
  if (match !== null) return { access: match[1] as Access, domid: Number(match[2]) };
  const cause = new Error(`${JSON.stringify(entry)} is no entry of a permission list`);
  throw new XenstoreError("EINVAL", { op: "GET_PERMS", cause });
}

/**
 * A list to be sent, each entry followed by a NUL; or why it can't be.
 * @returns `tail` for the payload, or `problem` in words
 */
export function encodePerms(perms: Perms): { tail: string } | { problem: string } {
  const list = typeof perms === "string" ? perms.split(/[\s,]+/).filter((one) => one) : perms;
  if (!Array.isArray(list)) return { problem: "permissions are a text or an array of entries" };
  if (list.length === 0) return { problem: "the list of permissions has no entry" };
  let tail = "";
  for (const entry of list) {
    const text = typeof entry === "string" ? entry : formatPerm(entry);
    const match = /^[nrwb](\d{1,5})$/.exec(text);
    if (match === null || Number(match[1]) > DOMID_MAX) {
      const what = typeof entry === "string" ? text : show(entry);
      return { problem: `${JSON.stringify(what)} is none of n, r, w, b and a domid, such as "r3"` };
    }
    tail += `${text}\0`;
  }
  return { tail };
}

function show(entry: Perm): string {
  return typeof entry === "object" && entry !== null ? formatPerm(entry) : String(entry);
}
