// Ring notes: the file beside the socket in which ring notes outlive a process that is killed.
// Holds   its descriptor.
// Never   fails a daemon: where there can be no file, notes end with the process.
// Source  our own; a shared mapping's contents are the file's, whatever becomes of the process.

import fs from "node:fs";
import { XENSTORE_RING_PAGE } from "../../assembly/xs_wire.ts";
import { NOTE_WORDS, RingNotes } from "../shared/ring_notes.ts";
import type { MapFile } from "./file_page.ts";
import { reason } from "./log.ts";

export class NotesFile {
  readonly notes = new RingNotes((page) => this.#page(page));
  #path: string;
  #fd: number;
  #map: MapFile;
  #notice: (line: string) => void;

  /** See `takeNotes`. Throws the system's error. */
  constructor(path: string, map: MapFile, notice: (line: string) => void) {
    const { O_RDWR, O_CREAT, O_NOFOLLOW } = fs.constants;
    this.#path = path;
    this.#map = map;
    this.#notice = notice;
    this.#fd = fs.openSync(path, O_RDWR | O_CREAT | O_NOFOLLOW, 0o600);
  }

  /** All rings are at rest. The pages stay mapped: somebody may still write. */
  remove(): void {
    fs.rmSync(this.#path, { force: true });
    fs.closeSync(this.#fd);
  }

  #page(page: number): Int32Array {
    try {
      const end = (page + 1) * XENSTORE_RING_PAGE;
      const { size } = fs.fstatSync(this.#fd);
      // Zeros are written, not left out: mapped memory that finds no room ends the process.
      if (size < end) fs.writeSync(this.#fd, new Uint8Array(end - size), 0, end - size, size);
      if (fs.fstatSync(this.#fd).size < end) throw new Error("the disk is full");
      return new Int32Array(this.#map(this.#fd, page * XENSTORE_RING_PAGE).buffer);
    } catch (error) {
      this.#notice(failure(this.#path, error));
      return new Int32Array(NOTE_WORDS);
    }
  }
}

/**
 * Opens the notes; makes the file if there is none.
 * @param keep    whether what is there is of the rings that will go on
 * @param map     how to map a page of it; null: there are no notes
 * @param notice  told in one line why they can't be had
 */
export function takeNotes(
  path: string,
  keep: boolean,
  map: MapFile | null,
  notice: (line: string) => void,
): NotesFile | null {
  try {
    if (!keep) fs.rmSync(path, { force: true });
    return map && new NotesFile(path, map, notice);
  } catch (error) {
    notice(failure(path, error));
    return null;
  }
}

function failure(path: string, error: unknown): string {
  return `${path}: ${reason(error)}; a daemon that is killed may answer a guest's read twice`;
}
