// Ox dump: the text that oxenstored writes to restart from.
// Holds   its lines about nodes: path, permissions and value, each in hexadecimal.
// Never   reads anything else of it: sockets, domains and watches are not restored.
// Source  the XenStore protocol, live update, Live update and restart of ox.

import { latin1 } from "../records.ts";
import { type Backup, BackupError, Collection } from "./backup.ts";

/** What a dump begins with. */
export const OX_DUMP_START = "$xenstored-dump-format";

const NEWLINE = 10;
/** Between two entries of a list of permissions; 4.17 writes a NUL. */
const PERM_END = /[,\0]/;
/** Oxenstored keeps these as ordinary nodes. */
const SPECIAL = /^\/(@(?:introduceDomain|releaseDomain))$/;

/** Reads a dump. Throws BackupError. */
export function readOxDump(bytes: Uint8Array): Backup {
  const nodes = new Collection();
  for (let at = 0; at < bytes.length; ) {
    const end = bytes.indexOf(NEWLINE, at);
    // Nothing else shows that a file of lines was cut.
    if (end < 0) throw new BackupError("ends inside a line", bytes.length);
    try {
      takeLine(latin1(bytes.subarray(at, end)), at === 0, nodes);
    } catch (error) {
      throw error instanceof BackupError ? new BackupError(error.message, at) : error;
    }
    at = end + 1;
  }
  return nodes.backup;
}

function takeLine(line: string, first: boolean, nodes: Collection): void {
  if (first) {
    if (line !== OX_DUMP_START) throw new BackupError("is a dump of an unknown version");
    return;
  }
  const [what, path, perms, value] = line.split(",");
  if (what !== "store") return;
  if (value === undefined) throw new BackupError("has a line of a node without all its parts");
  const name = latin1(unhex(path));
  const list = latin1(unhex(perms)).split(PERM_END);
  nodes.add(SPECIAL.exec(name)?.[1] ?? name, unhex(value), list);
}

function unhex(text: string): Uint8Array {
  if (text.length % 2 !== 0 || !/^[0-9A-Fa-f]*$/.test(text)) {
    throw new BackupError("has a line of a node that is not hexadecimal");
  }
  const bytes = new Uint8Array(text.length / 2);
  for (let i = 0; i < bytes.length; i++) {
    bytes[i] = Number.parseInt(text.slice(2 * i, 2 * i + 2), 16);
  }
  return bytes;
}
