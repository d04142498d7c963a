// Vault: what a host stores of a site: a snapshot, and the journals since.
// Holds   the bytes, in memory.
// Never   stores anything the core did not hand out.
// Source  "The database" in ARCHITECTURE.md.

import {
  DUMP_SNAPSHOT,
  LOAD_JOURNAL,
  LOAD_SNAPSHOT,
  LOADED,
  STORAGE_OK,
} from "../../assembly/abi.ts";
import { Core } from "../core.ts";
import { BOOT, type Options, type Site } from "./site.ts";

/** A journal's file: its head and the frames behind it. */
export type Journal = { head: Uint8Array; frames: Uint8Array[] };

/** The files as they were at some moment. */
export type Files = { snapshot: Uint8Array | null; journals: Journal[] };

export class Vault {
  readonly site: Site;
  #snapshot: Uint8Array | null = null;
  #journals: Journal[];
  #number = 1;
  #chunks: Uint8Array[] | null = null;
  #since = 0;

  /** Stores what this site changes from now on. */
  constructor(site: Site) {
    this.site = site;
    this.#journals = [{ head: site.core.journalHead(1), frames: [] }];
    const fails = site.storing;
    site.storing = (frame) => {
      const status = fails(frame);
      if (status === STORAGE_OK) this.#journals.at(-1)?.frames.push(frame);
      return status;
    };
  }

  /** Begins a snapshot and its journal; what waits belongs into the journal before. */
  begin(): void {
    if (this.#chunks) return;
    this.site.store();
    this.#number += 1;
    this.#since = this.#journals.length;
    this.#journals.push({ head: this.site.core.journalHead(this.#number), frames: [] });
    if (!this.site.core.dumpBegin(DUMP_SNAPSHOT, this.#number)) throw new Error("no snapshot");
    this.#chunks = [];
  }

  /** The next piece of the snapshot, if one is being written. */
  next(): void {
    if (!this.#chunks) return;
    const chunk = this.site.core.dumpNext();
    if (chunk.length > 0) {
      this.#chunks.push(chunk);
      return;
    }
    const lost = this.site.core.raw.dump_lost() !== 0;
    this.site.core.dumpEnd();
    if (!lost) {
      this.#snapshot = Buffer.concat(this.#chunks);
      this.#journals = this.#journals.slice(this.#since);
    }
    this.#chunks = null;
  }

  /** Writes a snapshot as a whole. */
  snapshot(): void {
    this.finish();
    this.begin();
    this.finish();
  }

  /** Writes the rest of the snapshot. */
  finish(): void {
    while (this.#chunks) this.next();
  }

  /** The files as they are now. */
  files(): Files {
    const journals = this.#journals.map(({ head, frames }) => ({ head, frames: [...frames] }));
    return { snapshot: this.#snapshot, journals };
  }
}

/** The bytes of a journal's file. */
export function journalBytes({ head, frames }: Journal, ahead = 4096): Uint8Array {
  return Buffer.concat([head, ...frames, Buffer.alloc(ahead)]);
}

/** A fresh core that begins with what was stored. Throws when something of it is damaged. */
export function restored(files: Files, options: Options = [], pieces?: readonly number[]): Core {
  const core = new Core(options, BOOT);
  const steps: [number, Uint8Array][] = files.journals.map((one) => [
    LOAD_JOURNAL,
    journalBytes(one),
  ]);
  if (files.snapshot) steps.unshift([LOAD_SNAPSHOT, files.snapshot]);
  for (const [what, bytes] of steps) {
    const result = core.load(what, bytes, pieces);
    if (result === LOADED) continue;
    const at = core.raw.load_offset();
    throw new Error(`${what === LOAD_JOURNAL ? "journal" : "snapshot"}: ${result} at ${at}`);
  }
  return core;
}
