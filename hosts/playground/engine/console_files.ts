// Console files: files for dump, export, restore and import, in memory.
// Holds   the files of each session by name.
// Never   outlives the session, and never grows without bound.
// Source  our own.

import type { ToolFiles } from "../../entry/tools.ts";
import { number } from "../model/quota_words.ts";
import type { Session } from "./session.ts";

const FILES_MAX = 50;
const BYTES_MAX = 64 * 1024 * 1024;

export class ConsoleFiles implements ToolFiles {
  readonly #files = new Map<string, Uint8Array>();

  get names(): string[] {
    return [...this.#files.keys()].sort();
  }

  read(name: string): Uint8Array | undefined {
    return this.#files.get(name);
  }

  write(name: string, bytes: Uint8Array): void {
    const others = [...this.#files].filter(([other]) => other !== name);
    const size = others.reduce((sum, [, { length }]) => sum + length, bytes.length);
    if (others.length >= FILES_MAX) {
      throw new Error(`there are ${FILES_MAX} files already; use the name of one of them`);
    }
    if (size > BYTES_MAX) throw new Error("the files of this session have 64 MB already");
    this.#files.set(name, bytes);
  }

  /** As the command `files` prints them. */
  list(): string {
    if (this.#files.size === 0) return "There are no files yet: dump and export make some.\n";
    return this.names
      .map((name) => `${number(this.#files.get(name)?.length ?? 0)} bytes  ${name}\n`)
      .join("");
  }
}

const bySession = new WeakMap<Session, ConsoleFiles>();

/** All domains of a session share them. */
export function filesOf(session: Session): ConsoleFiles {
  let found = bySession.get(session);
  if (!found) {
    found = new ConsoleFiles();
    bySession.set(session, found);
  }
  return found;
}
