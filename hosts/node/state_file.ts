// State file: the whole state of a daemon, on its way to the process that takes its place.
// Holds   nothing.
// Never   leaves half a state under the name that a successor looks for.
// Source  the XenStore protocol, live-update; C's daemon for the name state_dump.

import fs from "node:fs";
import {
  DUMP_UPDATE,
  LOAD_UPDATE,
  LOADED,
  LOADED_FOREIGN,
  LOADED_NEWER,
  LOADED_NO_MEMORY,
} from "../../assembly/abi.ts";
import type { Core } from "../shared/core.ts";
import { reason } from "./log.ts";

/** Bytes read at once. */
const PIECE = 1 << 20;
const MODE = 0o600;

/**
 * Writes the state in one go; nothing may be served meanwhile.
 * @throws Error of one line that names the file
 */
export function writeState(core: Core, file: string): void {
  const temporary = `${file}.new`;
  if (!core.dumpBegin(DUMP_UPDATE)) throw new Error("no memory to write the state down");
  try {
    // Whoever could make a link there could read the store.
    fs.rmSync(temporary, { force: true });
    const fd = fs.openSync(temporary, "wx", MODE);
    try {
      writeAll(core, fd);
    } finally {
      fs.closeSync(fd);
    }
    if (core.dumpLost()) throw new Error("no memory");
    fs.renameSync(temporary, file);
  } catch (error) {
    discardState(temporary);
    throw new Error(`${file}: the state cannot be written there: ${reason(error)}`);
  } finally {
    core.dumpEnd();
  }
}

/** Removes a state that nobody needs any more, if it is there. */
export function discardState(file: string): void {
  try {
    fs.rmSync(file, { force: true });
  } catch {
    // Something else has that name; then it was in the way before.
  }
}

function writeAll(core: Core, fd: number): void {
  for (let bytes = core.dumpNext(); bytes.length > 0; bytes = core.dumpNext()) {
    for (let at = 0; at < bytes.length; ) at += fs.writeSync(fd, bytes, at);
  }
}

/**
 * Loads a state into a new core.
 * @throws Error of one line that names the file and the reason
 */
export function loadState(core: Core, file: string): void {
  const fd = openState(file);
  try {
    const piece = Buffer.alloc(PIECE);
    core.loadBegin(LOAD_UPDATE);
    for (;;) {
      const len = fs.readSync(fd, piece, 0, PIECE, null);
      if (len === 0 || !core.load(piece.subarray(0, len))) break;
    }
    const loaded = core.loadEnd();
    if (loaded !== LOADED) throw new Error(`${file}: ${faultOf(loaded, core.loadOffset())}`);
  } finally {
    fs.closeSync(fd);
  }
}

function openState(file: string): number {
  try {
    return fs.openSync(file, "r");
  } catch (error) {
    const why = reason(error);
    throw new Error(
      `-U: ${file}: no state to take over (${why}); without -U the daemon starts anew`,
    );
  }
}

function faultOf(loaded: number, offset: number): string {
  if (loaded === LOADED_NEWER) return "written by a version of xenstored that is newer than this";
  if (loaded === LOADED_FOREIGN) return "this is no state of a xenstored";
  if (loaded === LOADED_NO_MEMORY) return "not enough memory for what is in there";
  return `damaged at byte ${offset}`;
}
