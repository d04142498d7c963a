// Words: types and names that page and engine share.
// Holds   permissions as text and data, paths as a domain means them, the eight colours' number.
// Never   imports more of the package than its types: a page loads the rest later.
// Source  the XenStore protocol, Permissions and Paths.

import type { Perm } from "../../entry/browser.ts";

export type { Aspect, Perm } from "../../entry/browser.ts";

/** Where a domain's relative paths begin. */
export function homeOf(domid: number): string {
  return `/local/domain/${domid}`;
}

/** The absolute path of what a domain calls so; special paths are the same for all. */
export function absoluteOf(path: string, domid: number): string {
  if (path.startsWith("/") || path.startsWith("@")) return path;
  return path === "" ? homeOf(domid) : `${homeOf(domid)}/${path}`;
}

/** Whose connection it is, by its name: D7 and D7.2 are domain 7's; those of sockets are 0's. */
export function domidOf(conn: string): number {
  return conn.startsWith("D") ? Number.parseInt(conn.slice(1), 10) || 0 : 0;
}

/** Colours that domains have in the page. */
export const COLOURS = 8;

/** Entries of a list such as "n0 r3" or "(n0,r3)". Throws an Error of one line. */
export function parsePerms(text: string): Perm[] {
  const entries = text.split(/[\s,()]+/).filter((entry) => entry !== "");
  if (entries.length === 0)
    throw new Error("A permission list has at least one entry, such as n0.");
  return entries.map((entry) => {
    const match = /^([nrwb])(\d{1,5})$/.exec(entry);
    if (!match) {
      throw new Error(
        `"${entry}" is no permission: a letter n, r, w or b and a domain, such as r3.`,
      );
    }
    return { access: match[1] as Perm["access"], domid: Number(match[2]) };
  });
}

/** The list as tools take it: "n0 r3". */
export function formatPerms(perms: readonly Perm[]): string {
  return perms.map(({ access, domid }) => `${access}${domid}`).join(" ");
}
