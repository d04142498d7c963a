// Database: which files a database has, and how one of them is read into a core.
// Holds   nothing.
// Never   writes, and never decides what a fault means.
// Source  our own; "The database" in ARCHITECTURE.md.
//
//   snapshot.N   everything that was changed before journal.N began
//   journal.N    what was changed from then on, until journal.N+1 begins

import {
  COUNT_FIRST,
  COUNT_FRAMES,
  COUNT_LOST,
  COUNT_NODES,
  COUNT_NUMBER,
  COUNT_SAME_BOOT,
  LOAD_CHECK,
  LOADED_DAMAGED,
} from "../../assembly/abi.ts";
import { type Core, CorePanic } from "./core.ts";
import { type Storage, StorageError, type Stored } from "./storage.ts";

/** What a file is called until it is whole. */
export const UNFINISHED = ".new";
/** A journal is a multiple of this long, zeros at its end: one that is not was cut short. */
export const JOURNAL_STEP = 65_536;
/** A number that nobody reaches: what has a larger one is not ours. */
const NUMBER_MAX = 4_000_000_000;
/** More than the head of a journal. */
const HEAD_SIZE = 128;
/** Bytes that are read at once. */
const PIECE = 1_048_576;

export const snapshotName = (number: number): string => `snapshot.${number}`;
export const journalName = (number: number): string => `journal.${number}`;

/** The files of a database by their numbers, in order. */
export interface Survey {
  readonly snapshots: Stored[];
  readonly journals: Stored[];
  /** What a process that is gone did not finish. */
  readonly unfinished: Stored[];
  /** The highest number in use; 0 for none. */
  readonly last: number;
}

/** Sorts the files of a folder; what has no name of ours is nobody's business here. */
export function survey(storage: Storage): Survey {
  const found: Survey = { snapshots: [], journals: [], unfinished: [], last: 0 };
  let last = 0;
  for (const file of storage.list()) {
    const [, kind, number, rest] = /^(snapshot|journal)\.(\d{1,10})(\.new)?$/.exec(file.name) ?? [];
    if (!kind || Number(number) >= NUMBER_MAX) continue;
    if (rest) {
      found.unfinished.push(file);
      continue;
    }
    last = Math.max(last, Number(number));
    (kind === "journal" ? found.journals : found.snapshots).push(file);
  }
  const byNumber = (a: Stored, b: Stored) => numberOf(a) - numberOf(b);
  found.snapshots.sort(byNumber);
  found.journals.sort(byNumber);
  return { ...found, last };
}

/** The number in a file's name. */
export function numberOf(file: Stored): number {
  return Number(file.name.split(".")[1]);
}

/** What became of reading a file into a core. */
export interface Loaded {
  /** LOADED_*. */
  readonly result: number;
  /** Where the fault begins, or what was written ends; bytes. */
  readonly offset: number;
  readonly nodes: number;
  readonly frames: number;
  readonly lost: number;
  readonly sameBoot: boolean;
  /** Number of the file, as it says itself; 0: that can't be read. */
  readonly number: number;
  /** Number of the frame that a journal begins with; 0: its head can't be read. */
  readonly first: number;
  /** What is wrong, in words, where that is not damage at `offset`; else empty. */
  readonly reason: string;
  /** The core failed: it must not be used any more. */
  readonly trapped: boolean;
}

/**
 * Reads a file into a core, in pieces.
 * @param file   with its size: no more is read
 * @param what   LOAD_*
 * @param more   zeros to be read as well, for a journal that is read while it grows
 * @yields       after each piece, so that whoever drives this may do something else in between
 * @returns      how it went; a core that trapped, and a medium that can't be read, count as damage
 */
export function* loading(
  storage: Storage,
  file: Stored,
  core: Core,
  what: number,
  piece = PIECE,
  more = 0,
): Generator<void, Loaded> {
  let at = 0;
  try {
    core.loadBegin(what);
    const bytes = new Uint8Array(Math.max(1, Math.min(piece, file.size)));
    while (at < file.size) {
      const len = storage.read(file.name, at, bytes.subarray(0, Math.min(piece, file.size - at)));
      if (len === 0) break;
      at += len;
      if (!core.load(bytes.subarray(0, len))) break;
      yield;
    }
    if (more) core.load(new Uint8Array(more));
    const loaded = { result: core.loadEnd(), ...figures(core), reason: "", trapped: false };
    const number = numberOf(file);
    if (loaded.number === 0 || loaded.number === number) return loaded;
    return { ...loaded, result: LOADED_DAMAGED, reason: `says that it is number ${loaded.number}` };
  } catch (error) {
    const reason = `${obstacle(error)} at byte ${at}`;
    // A core that has not failed counts what was read before, and must not wait for more.
    const trapped = error instanceof CorePanic || !ended(core);
    const seen = trapped ? NOTHING : figures(core);
    return { result: LOADED_DAMAGED, ...seen, offset: at, reason, trapped };
  }
}

/**
 * Has a core take a journal only up to where the next one begins: what is behind that could not be
 * stored in full, and was refused or stands in the next one. To be called before it is loaded.
 * @returns number of the frame that the next one begins with; 0: it can't be read
 */
export function endWhereNextBegins(storage: Storage, next: Stored, core: Core): number {
  const head = new Uint8Array(HEAD_SIZE);
  try {
    const len = storage.read(next.name, 0, head);
    if (len === 0) return 0;
    core.loadBegin(LOAD_CHECK);
    core.load(head.subarray(0, len));
    core.loadEnd();
    const first = core.loadCount(COUNT_FIRST);
    core.loadUntil(first);
    return first;
  } catch (error) {
    // It is told when that one is read.
    obstacle(error);
    return 0;
  }
}

/** As `loading`, in one go. */
export function load(storage: Storage, file: Stored, core: Core, what: number): Loaded {
  const pieces = loading(storage, file, core, what);
  for (;;) {
    const step = pieces.next();
    if (step.done) return step.value;
  }
}

const NOTHING = { nodes: 0, frames: 0, lost: 0, sameBoot: false, number: 0, first: 0 };

function figures(core: Core) {
  return {
    offset: core.loadOffset(),
    nodes: core.loadCount(COUNT_NODES),
    frames: core.loadCount(COUNT_FRAMES),
    lost: core.loadCount(COUNT_LOST),
    sameBoot: core.loadCount(COUNT_SAME_BOOT) === 1,
    number: core.loadCount(COUNT_NUMBER),
    first: core.loadCount(COUNT_FIRST),
  };
}

function obstacle(error: unknown): string {
  if (error instanceof StorageError) return `cannot be read (${error.code})`;
  if (error instanceof CorePanic) return `made the core fail: ${error.message}`;
  throw error;
}

function ended(core: Core): boolean {
  try {
    core.loadEnd();
    return true;
  } catch {
    return false;
  }
}
