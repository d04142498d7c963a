// Check: the files of a running database are read again, and what is wrong with them is told.
// Holds   nothing.
// Never   changes a file, and never keeps a request waiting for more than one piece.
// Source  our own; "The database" in ARCHITECTURE.md.

import {
  LOAD_CHECK,
  LOAD_SNAPSHOT,
  LOADED,
  LOADED_NEWER,
  LOADED_NO_MEMORY,
  LOADED_TORN,
} from "../../assembly/abi.ts";
import type { Core } from "./core.ts";
import {
  endWhereNextBegins,
  type Loaded,
  loading,
  numberOf,
  type Survey,
  survey,
} from "./database.ts";
import { faultOf } from "./recovery.ts";
import type { Pause } from "./snapshot_file.ts";
import type { Storage, Stored } from "./storage.ts";

/** Bytes between two turns of the event loop. */
const PIECE = 131_072;
/** Zeros that are read behind what has been written so far. */
const TAIL = 64;

/** The journal that is being written. */
interface Open {
  readonly number: number;
  /** Bytes in it. */
  readonly size: number;
}

/**
 * Reads all files of a database.
 * @param makeCore  makes an instance to read into; the one that serves is left alone
 * @param open      the journal that is being written, if there is one
 * @returns         one line, and one more for each fault
 */
export async function checkDatabase(
  storage: Storage,
  makeCore: () => Core,
  open: Open | null,
  pause: Pause,
): Promise<string> {
  const files = survey(storage);
  const faults = missing(files, open);
  let nodes = 0;
  let changes = 0;
  for (const file of files.snapshots) {
    const loaded = await read(loading(storage, file, makeCore(), LOAD_SNAPSHOT, PIECE), pause);
    if (!loaded) return closed(storage);
    if (loaded.result === LOADED) nodes = loaded.nodes;
    else faults.push(`${storage.place}/${file.name}: ${inWords(loaded)}`);
  }
  let reader = makeCore();
  for (const [index, file] of files.journals.entries()) {
    const next = files.journals[index + 1];
    const begins = next ? endWhereNextBegins(storage, next, reader) : 0;
    const growing = open !== null && numberOf(file) === open.number;
    const part: Stored = growing ? { name: file.name, size: open.size } : file;
    const pieces = loading(storage, part, reader, LOAD_CHECK, PIECE, growing ? TAIL : 0);
    const loaded = await read(pieces, pause);
    if (!loaded) return closed(storage);
    if (loaded.trapped) reader = makeCore();
    changes += loaded.frames;
    // A torn end is none where the next journal goes on just there.
    const goesOn = loaded.result === LOADED_TORN && loaded.first + loaded.frames === begins;
    if (loaded.result !== LOADED && !goesOn)
      faults.push(`${storage.place}/${file.name}: ${inWords(loaded)}`);
  }
  const found = faults.length === 1 ? "1 fault" : `${faults.length || "no"} faults`;
  const snapshots = `${files.snapshots.length} snapshots (${nodes} nodes in the newest)`;
  const journals = `${files.journals.length} journals (${changes} changes)`;
  return [`${storage.place}: ${snapshots}, ${journals}: ${found}`, ...faults].join("\n");
}

/** Drives the reading; null: it is of no use any more. */
async function read(pieces: Generator<void, Loaded>, pause: Pause): Promise<Loaded | null> {
  for (;;) {
    const step = pieces.next();
    if (step.done) return step.value;
    if (!(await pause())) return null;
  }
}

/** Numbers that are not there although those before and after them are. */
function missing({ journals, snapshots }: Survey, open: Open | null): string[] {
  const there = new Set(journals.map(numberOf));
  const first = journals[0] ? numberOf(journals[0]) : 0;
  const last = open?.number ?? numberOf(journals.at(-1) ?? { name: "journal.0", size: 0 });
  const wanted = new Set(snapshots.map(numberOf));
  for (let number = first; number <= last; number++) wanted.add(number);
  return [...wanted]
    .filter((number) => number > 0 && !there.has(number))
    .map((number) => `journal.${number}: missing`);
}

function inWords(loaded: Loaded): string {
  if (loaded.result === LOADED_NEWER) return "was written by a newer version of this program";
  if (loaded.result === LOADED_NO_MEMORY) return "there is not enough memory to check it";
  const { lost } = loaded;
  const behind = loaded.result === LOADED_TORN || !lost ? "" : `, ${lost} pieces are of no use`;
  return `${faultOf(loaded)}${behind}`;
}

function closed(storage: Storage): string {
  return `${storage.place}: was closed before all of it was read`;
}
