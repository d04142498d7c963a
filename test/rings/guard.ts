// Guard: keeps the core's changes in memory, and sees whatever leaves before it is kept.
// Holds   the frames, in order, and what has left too early.
// Never   lets such a thing pass in silence: `leaks` names it.
// Source  our own; "The boundary" in ARCHITECTURE.md.

import {
  DOMAIN_RUNNING,
  LOAD_JOURNAL,
  LOADED,
  OPT_JOURNAL,
  STORAGE_OK,
  WANT_STORE,
} from "../../assembly/abi.ts";
import { DOMID_FIRST_RESERVED } from "../../assembly/xs_wire.ts";
import type { Core } from "../../hosts/shared/core.ts";
import type { Page, Ring } from "../../hosts/shared/machine.ts";
import { LocalMachine } from "../../hosts/shared/machine_local.ts";
import { NOTE_WORDS, RingNotes } from "../../hosts/shared/ring_notes.ts";
import type { Keeper } from "../../hosts/shared/runtime.ts";

/** Zeros behind the last frame of a journal. */
const ROOM = 4096;

/** The store's process ended. */
export class Killed extends Error {
  override name = "Killed";
}

export class Guard implements Keeper {
  slow = false;
  /** How storing goes: STORAGE_*. */
  status: number = STORAGE_OK;
  readonly frames: Uint8Array[] = [];
  /** What has left while a change waited to be stored. */
  readonly leaks: string[] = [];
  /** The store's process ends (Killed is thrown) when so much has left or was stored. */
  killAt = Number.POSITIVE_INFINITY;
  /** How much that was so far. */
  moments = 0;
  #core: Core | null = null;
  #journals: { head: Uint8Array; frames: Uint8Array[] }[] = [];

  /** Loads what was stored before into a new core, and has it put down its changes. */
  begin(core: Core): void {
    this.#core = core;
    for (const { head, frames } of this.#journals) {
      core.loadBegin(LOAD_JOURNAL);
      for (const bytes of [head, ...frames, new Uint8Array(ROOM)]) core.load(bytes);
      const end = core.loadEnd();
      if (end !== LOADED) throw new Error(`what was stored can't be loaded: ${end}`);
    }
    const head = core.journalHead(this.#journals.length + 1).slice();
    this.#journals.push({ head, frames: [] });
    core.configure(OPT_JOURNAL, 1);
  }

  keep(): number {
    const core = this.#core as Core;
    const frame = core.journalTake().slice();
    if (frame.length > 0) this.moment();
    if (frame.length > 0 && this.status === STORAGE_OK) {
      this.frames.push(frame);
      this.#journals.at(-1)?.frames.push(frame);
    }
    const bits = core.journalDone(this.status);
    if (frame.length > 0) this.moment();
    return bits;
  }

  /** Something happens that a process may have done, or not, when it ends. */
  moment(): void {
    this.moments += 1;
    if (this.moments === this.killAt) throw new Killed();
  }

  /** Something leaves now. */
  leaves(what: string): void {
    if (!this.#core) return;
    this.moment();
    // No domain can have this number: nothing happens but that the core says what it wants.
    const bits = this.#core.domainState(DOMID_FIRST_RESERVED, DOMAIN_RUNNING);
    if (bits & WANT_STORE) this.leaks.push(what);
  }
}

/** Notes that outlive the store of a world; it may end before one, within it, or behind it. */
export class GuardedNotes extends RingNotes {
  #guard: Guard;
  #page: (page: number) => Int32Array;

  constructor(guard: Guard) {
    const pages: Int32Array[] = [];
    const page = (number: number) => {
      pages[number] ??= new Int32Array(NOTE_WORDS);
      return pages[number];
    };
    super(page);
    this.#guard = guard;
    this.#page = page;
  }

  override note(domid: number, rspProd: number, reqCons: number): void {
    this.#guard.moment();
    const words = this.#page(Math.floor((domid * 2) / NOTE_WORDS));
    const second = ((domid * 2) % NOTE_WORDS) + 1;
    const before = words[second] as number;
    super.note(domid, rspProd, reqCons);
    const after = words[second] as number;
    words[second] = before;
    this.#guard.moment();
    words[second] = after;
  }
}

/** A machine that shows what the store puts into pages, and the events it raises. */
export class GuardedMachine extends LocalMachine {
  /** Told of each, before it is done. */
  onLeave: (what: string) => void = () => {};

  override map(domid: number, port: number): Ring | null {
    const ring = super.map(domid, port);
    return ring && this.#guarded(ring, domid);
  }

  #guarded(ring: Ring, domid: number): Ring {
    const say = (what: string) => this.onLeave(`${what} of domain ${domid}`);
    const { page } = ring;
    const guarded: Page = {
      whole: () => page.whole(),
      load: (offset, words) => page.load(offset, words),
      read: (offset, bytes) => page.read(offset, bytes),
      store: (offset, words) => {
        say("words");
        page.store(offset, words);
      },
      write: (offset, bytes) => {
        say("bytes");
        page.write(offset, bytes);
      },
    };
    return {
      page: guarded,
      rebind: (port) => ring.rebind(port),
      notify: () => {
        say("event");
        ring.notify();
      },
      unmap: () => ring.unmap(),
    };
  }
}
