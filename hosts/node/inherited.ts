// Inherited: whether the descriptors that a state names are in this process at all.
// Holds   nothing.
// Never   trusts a number alone: a state that is loaded by hand names descriptors of another process.
// Source  proc(5), /proc/net/unix.

import fs from "node:fs";

/** Flag of a socket that listens, in /proc/net/unix. */
const LISTENS = "00010000";

/** The system lists sockets piece by piece, and may leave one out while others come and go. */
const LOOKS = 5;

/** Named Unix sockets of this system: inode and whether it listens; null: can't be known here. */
function namedSockets(): Map<string, boolean> | null {
  try {
    const sockets = new Map<string, boolean>();
    for (let look = 0; look < LOOKS; look++) addNamedSockets(sockets);
    return sockets;
  } catch {
    return null;
  }
}

function addNamedSockets(sockets: Map<string, boolean>): void {
  for (const line of fs.readFileSync("/proc/net/unix", "utf8").split("\n")) {
    const [, , , flags, , , inode, name] = line.trim().split(/\s+/);
    if (name) sockets.set(`socket:[${inode}]`, flags === LISTENS);
  }
}

/** Answers, for one moment: is a descriptor a socket of ours that listens, or one of a client? */
export class Inherited {
  #sockets: Map<string, boolean> | null;

  /** @param sure  a process of ours has handed them over: they need not be looked for */
  constructor(sure: boolean) {
    this.#sockets = sure ? null : namedSockets();
  }

  /** @param listens  whether it must be one that listens, or one that was accepted there */
  isSocket(fd: number, listens: boolean): boolean {
    if (fd < 0) return false;
    return this.#sockets === null || this.#sockets.get(target(fd)) === listens;
  }
}

/** Is the descriptor a device or a pipe with a name, such as that of event channels? */
export function isNamedFile(fd: number): boolean {
  return fd >= 0 && target(fd).startsWith("/");
}

function target(fd: number): string {
  try {
    return fs.readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return "";
  }
}
