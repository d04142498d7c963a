// Words: types and names that page and engine share.
// Holds   permissions as data, aspects of a node, the eight colours' number.
// Never   imports anything.
// Source  the XenStore protocol, Permissions.

/** What of a node a transaction's request depended on. */
export type Aspect = "existence" | "value" | "perms" | "children";

/** An entry of a permission list: n nothing, r reading, w writing, b both. */
export interface Perm {
  readonly access: "n" | "r" | "w" | "b";
  readonly domid: number;
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
