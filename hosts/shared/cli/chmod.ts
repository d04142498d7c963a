// Chmod: xenstore chmod, permissions of a node and of those above and below.
// Holds   how modes are read, and the order in which nodes are reached.
// Never   changes a list in part: it is replaced as a whole.
// Source  the XenStore command line, chmod.

import type { Access, Perm, Store } from "../client.ts";
import { errorText, isXenstoreError } from "../errors.ts";
import { type Call, type Command, Failure } from "./command.ts";
import { type ByteString, bytesOf, looseInt, utf8 } from "./host.ts";

export const chmod: Command = {
  usage: "[-h] [-u] [-r] [-s] key <mode [modes...]>",
  accepts: "ur",
  fits: (count) => count >= 1,
  inTransaction: () => true,
  async run(store, call) {
    const [path, ...modes] = call.operands;
    const perms = modes.map((mode) => readMode(call, mode));
    if (path === "") return;
    await set(store, call, path, perms);
    if (call.flags.has("u")) await setUpwards(store, call, path, perms);
    if (call.flags.has("r")) await setBelow(store, call, path, perms);
  },
};

/** A letter of r w b n and a domid; no digits mean 0. */
function readMode(call: Call, mode: ByteString): Perm {
  const access = mode.charAt(0);
  if (access === "" || !"rwbn".includes(access)) {
    const shown = access === "" ? "\0" : access;
    throw new Failure(call, `Invalid permission specification: '${shown}'`, true);
  }
  return { access: access as Access, domid: looseInt(mode.slice(1)) };
}

async function set(store: Store, call: Call, path: ByteString, perms: Perm[]): Promise<void> {
  try {
    await store.setPerms(bytesOf(path), perms);
  } catch (error) {
    if (!isXenstoreError(error)) throw error;
    const why = errorText(error.code);
    throw new Failure(call, `Error occurred setting permissions on '${path}': ${why}`, true);
  }
}

/** All ancestors but the root, nearest first. */
async function setUpwards(store: Store, call: Call, path: ByteString, perms: Perm[]) {
  for (;;) {
    const slash = path.lastIndexOf("/");
    if (slash < 0) {
      throw new Failure(call, `Unable to locate path separator '/' in '${path}'`, true);
    }
    path = path.slice(0, slash);
    if (path === "") return;
    await set(store, call, path, perms);
  }
}

/** All descendants, depth first; a node whose children can't be listed counts as a leaf. */
async function setBelow(store: Store, call: Call, path: ByteString, perms: Perm[]): Promise<void> {
  const names = await store.directory(bytesOf(path)).catch(() => []);
  for (const name of names) {
    const child = `${path}/${utf8(name)}`;
    await set(store, call, child, perms);
    await setBelow(store, call, child, perms);
  }
}
