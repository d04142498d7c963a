// Packet words: what the fields of messages mean, in words.
// Holds   errors, permissions, domains, features, special paths.
// Never   takes a message apart: see packet.ts.
// Source  the XenStore protocol: Error names, Permissions, Domains, Ring.

import { splitStrings } from "../../entry/wire.ts";

const ERRORS: Readonly<Record<string, string>> = {
  EINVAL: "The request is not well formed: its strings, a path, a number or a name.",
  EACCES: "The sender may not do this here, or may not know whether there is such a node.",
  EEXIST: "It is there already.",
  EISDIR: "It is a directory.",
  ENOENT: "There is no such node, watch, transaction or domain.",
  ENOMEM: "The sender's quota of memory is used up, or the transaction had failed before.",
  ENOSPC: "A quota of the sender is used up: nodes, size of a node, watches or transactions.",
  EIO: "The store's database does not fit together.",
  ENOTEMPTY: "The directory is not empty.",
  ENOSYS: "The store knows no request of this type.",
  EROFS: "The connection is for reading only.",
  EBUSY: "The domain is in use as it is.",
  EAGAIN: "Others changed what the transaction had seen: nothing was applied. Run it once more.",
  EISCONN: "The domain is connected already.",
  E2BIG: "The reply would be longer than 4096 bytes.",
  EPERM: "Only a privileged sender may give a node to another owner.",
};

/** Where an error means something more precise for a request of one type. */
const PRECISE: Readonly<Record<string, string>> = {
  "ENOENT READ": "There is no such node.",
  "ENOENT DIRECTORY": "There is no such node.",
  "ENOENT DIRECTORY_PART": "There is no such node.",
  "ENOENT GET_PERMS": "There is no such node.",
  "ENOENT RM": "There is no such node, and none above it where it could be.",
  "ENOENT UNWATCH": "There is no watch with this path and token on this connection.",
  "ENOENT SET_PERMS": "There is no such node, or the domain that would own it does not exist.",
  "ENOENT TRANSACTION_START": "There is no transaction with this id on this connection.",
  "ENOENT TRANSACTION_END": "There is no transaction with this id on this connection.",
  "ENOENT RELEASE": "The domain is not connected.",
  "ENOENT RESUME": "The domain is not connected.",
  "ENOENT SET_TARGET": "One of the two domains is not connected.",
  "EEXIST WATCH": "The connection has a watch with this path and token already.",
  "EBUSY TRANSACTION_START": "A transaction can't begin inside another one.",
  "EBUSY SET_FEATURE": "The domain is connected: its features can't change any more.",
  "EINVAL RM": "The path is not well formed, or it is the root, which can't be removed.",
  "EACCES SET_PERMS": "Only the owner, or a privileged sender, may change permissions.",
  "ENOSPC WATCH": "The sender has as many watches as its quota allows.",
  "ENOSPC TRANSACTION_START": "The sender has as many transactions as its quota allows.",
  "ENOSPC SET_PERMS": "The list has more entries than the sender's quota allows.",
  "ENOMEM TRANSACTION_END": "A request in the transaction had failed for want of quota.",
};

/** What an error's code means; `request` is the type of the request that failed, if known. */
export function errorWords(code: string, request = ""): string {
  const words = PRECISE[`${code} ${request}`] ?? ERRORS[code];
  return words ?? "A code that the protocol does not know: clients take it for EINVAL.";
}

/** A domain's number as the daemon reads it; null: it is refused. Empty is 0. */
export function domidOf(text: string): number | null {
  const match = /^[ \t\n\v\f\r]*\+?(\d*)$/.exec(text);
  const domid = Number(match?.[1] || 0);
  return match === null || domid > 65535 ? null : domid;
}

const RESERVED: Readonly<Record<number, string>> = {
  32752: "the sender itself",
  32756: "no domain",
  32757: "every domain",
};

/** "domain 3" */
export function domainWords(text: string): string {
  const domid = domidOf(text);
  if (domid === null) return `"${text}"`;
  return RESERVED[domid] ?? `domain ${domid}`;
}

/** What is to be said of a domain's number beside its digits. */
export function domidNote(text: string): string {
  if (domidOf(text) === null) return "no number of a domain: EINVAL";
  if (text === "") return "empty, which is read as domain 0";
  return domainWords(text);
}

const RIGHTS: Readonly<Record<string, string>> = {
  n: "nothing",
  r: "read",
  w: "write",
  b: "read and write",
};

/** An entry of a permission list; the first one names the owner and what all others may. */
export function permWords(entry: string, first: boolean): string {
  const match = /^([nrwb])(\d{1,5})$/.exec(entry);
  if (match === null) return "no permission: a letter n, r, w or b and a domain, such as r3";
  const [, letter, domid] = match as unknown as [string, string, string];
  const who = domainWords(domid);
  const may = letter === "n" ? "may do nothing" : `may ${RIGHTS[letter]}`;
  return first ? `${who} owns it; everybody else ${may}` : `${who} ${may}`;
}

const FEATURES = [
  "reconnection of rings",
  "an error field",
  "depth of watches",
  "any domain in perms",
];

/** "14" in words: which bits of the features are set. */
export function featureWords(text: string): string {
  const bits = Number.parseInt(text, 10) || 0;
  const named = FEATURES.filter((_, bit) => (bits >> bit) & 1);
  if (bits >> FEATURES.length) named.push("bits that are not known");
  return named.length === 0 ? "no features" : named.join(", ");
}

/** What a path is about where it is no ordinary absolute one. */
export function pathNote(path: string, domid: number): string {
  if (path === "@introduceDomain") return "domains that are connected";
  if (path === "@releaseDomain") return "domains that shut down or are gone";
  if (path.startsWith("@releaseDomain/")) {
    return `${domainWords(path.slice("@releaseDomain/".length))} shutting down or going`;
  }
  if (path.startsWith("@")) return "a special path that is not known";
  if (path === "") return "empty: no path";
  if (path.startsWith("/")) return "";
  return `relative: /local/domain/${domid}/${path}`;
}

const CONTROL: Readonly<Record<string, string>> = {
  check: "check the database and repair it",
  log: "show or set what is logged",
  logfile: "log to another file",
  memreport: "report what memory is used for",
  print: "print a text to the log",
  quota: "show or set quotas",
  "quota-soft": "show or set soft quotas",
  "live-update": "replace the running daemon by a new one",
  help: "list the commands",
};

export function controlNote(command: string): string {
  return CONTROL[command] ?? "a command that is not known here";
}

/** What a WATCH with a depth hears of. */
export function depthNote(text: string): string {
  const depth = Number.parseInt(text, 10) || 0;
  if (depth < 0) return "below 0: EINVAL";
  if (depth === 0) return "only the node itself";
  return `the node and ${depth === 1 ? "one level" : `${depth} levels`} below it`;
}

/** The code in the payload of an ERROR. */
export function errorCode(payload: Uint8Array): string {
  return splitStrings(payload)[0] ?? "";
}
