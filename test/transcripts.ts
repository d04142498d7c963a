// Transcript files: where they are and how one is read with what is given in all of them.
// Holds   the blocks of spec/given.md, read once.
// Never   plays a transcript.
// Source  our own.

import { readFileSync } from "node:fs";
import { type Line, parse, parseGivens, type Transcript } from "./transcript.ts";

let givens: ReadonlyMap<string, Line[]> | undefined;

/** Reads the transcripts of one file; errors name the file. */
export function readTranscripts(path: string): Transcript[] {
  givens ??= parseGivens(readFileSync(new URL("spec/given.md", import.meta.url), "utf8"));
  try {
    return parse(readFileSync(path, "utf8"), givens);
  } catch (error) {
    throw new Error(`${path}: ${(error as Error).message}`);
  }
}
