// Snapshots: when a snapshot is written, beside the service, and that there is one at a time.
// Holds   whether one is being written, and when the next may begin.
// Never   keeps a request waiting for more than one piece, and never begins a journal itself.
// Source  our own; "The database" in ARCHITECTURE.md.

import { DUMP_SNAPSHOT } from "../../assembly/abi.ts";
import type { Core } from "./core.ts";
import type { Generations } from "./generations.ts";
import type { Clock } from "./runtime.ts";
import { writeSnapshot } from "./snapshot_file.ts";
import { type Storage, storageError } from "./storage.ts";

/** How long a snapshot that could not be written is left for later. */
const AGAIN_MS = 30_000;
/** The event loop has its turn between two pieces of a snapshot. */
const PIECE_WAIT_MS = 1;

/** What snapshots are made of, and who is told. */
export interface SnapshotParts {
  readonly core: Core;
  readonly storage: Storage;
  readonly generations: Generations;
  readonly clock: Clock;
  readonly notice: (line: string) => void;
  /** Told the WANT_* bits of what is done between requests. */
  readonly wants: (bits: number) => void;
  /**
   * Stores what waits and begins the next journal, which the snapshot comes before.
   * Returns its number; 0: there can be none now. Throws StorageError.
   */
  readonly next: () => number;
}

export class Snapshots {
  #parts: SnapshotParts;
  #busy = false;
  /** Another one is wanted after the one that is being written. */
  #again = false;
  #dumping = false;
  #closed = false;
  #notBeforeMs = Number.NEGATIVE_INFINITY;
  #failed = false;

  constructor(parts: SnapshotParts) {
    this.#parts = parts;
  }

  /** Something is being done that only one may do at a time. */
  get busy(): boolean {
    return this.#busy;
  }

  /** Writes a snapshot as soon as may be. */
  soon(): void {
    const { clock } = this.#parts;
    this.#again = this.#busy;
    if (this.#busy || this.#closed || clock.nowMs() < this.#notBeforeMs) return;
    this.#busy = true;
    clock.after(0, () => {
      this.#snapshot()
        .catch((error) => this.#later(error))
        .finally(() => {
          this.#busy = false;
          if (this.#again) this.soon();
        })
        // Nobody can handle this, it is a bug: the process must hear of it.
        .catch((error) => clock.after(0, () => fail(error)));
    });
  }

  /** Does something while no snapshot is written. Returns null: the files were let go of. */
  async alone<T>(action: () => Promise<T>): Promise<T | null> {
    while (this.#busy) if (!(await this.pause())) return null;
    if (this.#closed) return null;
    this.#busy = true;
    try {
      return await action();
    } finally {
      this.#busy = false;
    }
  }

  /** Writes the present state, without giving it its name. Returns its size, or 0. */
  async dump(number: number): Promise<number> {
    const { core, storage } = this.#parts;
    if (!core.dumpBegin(DUMP_SNAPSHOT, number)) return 0;
    this.#dumping = true;
    try {
      return await writeSnapshot(core, storage, number, () => this.pause());
    } finally {
      this.#endDump();
    }
  }

  /** Resolves when the event loop has had its turn; false: the files were let go of meanwhile. */
  pause(): Promise<boolean> {
    return new Promise((resolve) => {
      this.#parts.clock.after(PIECE_WAIT_MS, () => resolve(!this.#closed));
    });
  }

  /** The files are let go of: what is being written is of no use. */
  close(): void {
    this.#closed = true;
    this.#again = false;
    this.#endDump();
  }

  async #snapshot(): Promise<void> {
    if (this.#closed) return;
    const { storage, generations, clock } = this.#parts;
    const number = this.#parts.next();
    if (number === 0) return;
    const bytes = await this.dump(number);
    if (bytes === 0) {
      this.#notBeforeMs = clock.nowMs() + AGAIN_MS;
      return;
    }
    generations.publish(number);
    await storage.syncNamesLater();
    this.#failed = false;
    if (this.#closed) return;
    for (const name of generations.published(number, bytes)) await storage.removeLater(name);
  }

  #later(error: unknown): void {
    const { code, file } = storageError(error);
    const { clock, notice } = this.#parts;
    this.#notBeforeMs = clock.nowMs() + AGAIN_MS;
    if (this.#failed || this.#closed) return;
    this.#failed = true;
    notice(`${file}: no snapshot can be written (${code}): the journal grows`);
  }

  /** Once: somebody else may be writing something else by now. */
  #endDump(): void {
    if (!this.#dumping) return;
    this.#dumping = false;
    this.#parts.wants(this.#parts.core.dumpEnd());
  }
}

function fail(error: unknown): never {
  throw error;
}
