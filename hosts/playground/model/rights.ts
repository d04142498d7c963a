// Rights: what a domain may do with a node, and why, in words.
// Holds   the access check: owner, then the first entry that fits, then everybody else.
// Never   asks a store.
// Source  the XenStore protocol, Permissions (access check).

import type { Right } from "./protocol.ts";
import type { Perm } from "./words.ts";

/** An entry with this number fits every domain. */
const ANY_DOMAIN = 32757;

/** What the letters give. */
const GIVES: Readonly<Record<Perm["access"], { read: boolean; write: boolean }>> = {
  n: { read: false, write: false },
  r: { read: true, write: false },
  w: { read: false, write: true },
  b: { read: true, write: true },
};

export interface Rights {
  readonly read: Right;
  readonly write: Right;
}

/**
 * What a domain may do with a node itself.
 * @param perms   the node's list as GET_PERMS gives it
 * @param target  the domain it acts for; null: none
 */
export function rightsOf(perms: readonly Perm[], domid: number, target: number | null): Rights {
  if (domid === 0) return all("Domain 0 may do everything.");
  const [first, ...rest] = perms;
  if (first === undefined) return none("Its list of permissions is not known.");
  if (first.domid === domid) return all(`Domain ${domid} owns it.`);
  if (first.domid === target) {
    return all(`It acts for domain ${target}, its target, which owns it.`);
  }
  const fitting = rest.filter((entry) => fits(entry, domid, target));
  const [entry, ...later] = fitting;
  if (entry) return byEntry(entry, later, domid, target);
  return byDefault(first, domid, target);
}

function fits(entry: Perm, domid: number, target: number | null): boolean {
  return entry.domid === domid || entry.domid === target || entry.domid === ANY_DOMAIN;
}

/** The first entry that fits is the only one that counts. */
function byEntry(entry: Perm, later: readonly Perm[], domid: number, target: number | null) {
  const whose = whoseEntry(entry, domid, target);
  const others = later.filter((other) => other.access !== entry.access).map(text);
  const ignored =
    others.length === 0 ? "" : ` Only the first entry that fits counts, not ${list(others)}.`;
  return each(entry, (what) => `The entry ${text(entry)}${whose} ${what}.${ignored}`, "it");
}

function whoseEntry(entry: Perm, domid: number, target: number | null): string {
  if (entry.domid === domid) return "";
  if (entry.domid === target) return ` of its target, domain ${target},`;
  return ", which is for every domain,";
}

function byDefault(first: Perm, domid: number, target: number | null): Rights {
  const who =
    target === null ? `domain ${domid}` : `domain ${domid} or its target, domain ${target}`;
  const start = `No entry names ${who}, and the first entry ${text(first)}`;
  return each(first, (what) => `${start} ${what}.`, "everybody else");
}

/** Both rights that an entry's letter gives, with what is said of each. */
function each({ access }: Perm, say: (what: string) => string, whom: string): Rights {
  const { read, write } = GIVES[access];
  const nothing = whom === "it" ? "shuts it out" : `gives ${whom} nothing`;
  const only = (may: string, not: string) => `lets ${whom} ${may}, but not ${not}`;
  return {
    read: {
      ok: read,
      why: say(read ? `lets ${whom} read` : write ? only("write", "read") : nothing),
    },
    write: {
      ok: write,
      why: say(write ? `lets ${whom} write` : read ? only("read", "write") : nothing),
    },
  };
}

function all(why: string): Rights {
  return { read: { ok: true, why }, write: { ok: true, why } };
}

function none(why: string): Rights {
  return { read: { ok: false, why }, write: { ok: false, why } };
}

function text({ access, domid }: Perm): string {
  return `${access}${domid}`;
}

function list(words: readonly string[]): string {
  const last = words.at(-1) ?? "";
  return words.length < 2 ? last : `${words.slice(0, -1).join(", ")} or ${last}`;
}
