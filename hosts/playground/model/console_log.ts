// Console log: what a domain's console shows, from the lines that come out of its commands.
// Holds   blocks in the order in which things were printed, bounded in lines.
// Never   changes a log it was given: each batch makes a new one, which shares all that stays.
// Source  our own.

import type { ConsoleLine } from "./protocol.ts";

/** A run of text that came at once; never empty. */
export interface ConsolePiece {
  readonly key: number;
  readonly error: boolean;
  readonly text: string;
  readonly lines: number;
}

/** What one command printed without another one in between. */
export interface ConsoleBlock {
  readonly key: number;
  readonly run: number;
  /** The command line. */
  readonly line: string;
  /**
   * `start`: it begins with the command line; `again`: a command that was begun further up goes on;
   * `same`: it goes on right below.
   */
  readonly begins: "start" | "again" | "same";
  readonly pieces: readonly ConsolePiece[];
  /** The exit code, where the command ended in this block; null: it did not. */
  readonly code: string | null;
}

export interface ConsoleLog {
  readonly blocks: readonly ConsoleBlock[];
  /** Lines in all blocks, command lines included. */
  readonly lines: number;
  /** Lines that were dropped at the top. */
  readonly dropped: number;
  /** Command lines of those that have not ended. */
  readonly runs: ReadonlyMap<number, string>;
  readonly nextKey: number;
}

/** Lines a console keeps. */
export const LINES_MAX = 2000;
/** Lines of one piece, and pieces of one block: what is drawn anew for a line is small. */
export const PIECE_LINES = 100;
export const BLOCK_PIECES = 40;
/** Characters of one line: longer ones are cut into pieces of their own. */
const PIECE_CHARS = 20_000;

export const EMPTY_LOG: ConsoleLog = {
  blocks: [],
  lines: 0,
  dropped: 0,
  runs: new Map(),
  nextKey: 1,
};

/** The log after these lines. */
export function addLines(log: ConsoleLog, batch: readonly ConsoleLine[]): ConsoleLog {
  const draft = new Draft(log);
  for (const line of batch) draft.add(line);
  return draft.done();
}

/** The log without what it shows; commands that run go on. */
export function clearLog(log: ConsoleLog): ConsoleLog {
  return { ...EMPTY_LOG, runs: log.runs, nextKey: log.nextKey };
}

class Draft {
  #blocks: ConsoleBlock[];
  #lines: number;
  #dropped: number;
  #runs: Map<number, string>;
  #nextKey: number;
  /** Key of the first piece of this batch. */
  #first: number;

  constructor(log: ConsoleLog) {
    this.#blocks = [...log.blocks];
    this.#lines = log.lines;
    this.#dropped = log.dropped;
    this.#runs = new Map(log.runs);
    this.#nextKey = log.nextKey;
    this.#first = log.nextKey;
  }

  add({ run, kind, text }: ConsoleLine): void {
    if (kind === "begin") {
      const line = visibleText(text);
      this.#runs.set(run, line);
      this.#push({ run, line, begins: "start", pieces: [], code: null });
      this.#lines++;
    } else if (kind === "end") {
      this.#end(run, text);
    } else {
      for (const part of parts(visibleText(text))) this.#print(run, kind === "err", part);
    }
    // A batch may be long: what is dropped in the end must not pile up before.
    if (this.#lines > 2 * LINES_MAX) this.#trim();
  }

  done(): ConsoleLog {
    this.#trim();
    return {
      blocks: this.#blocks,
      lines: this.#lines,
      dropped: this.#dropped,
      runs: this.#runs,
      nextKey: this.#nextKey,
    };
  }

  #end(run: number, code: string): void {
    if (!this.#runs.has(run)) return;
    const last = this.#blocks.at(-1);
    if (last?.run === run) this.#blocks[this.#blocks.length - 1] = { ...last, code };
    else {
      const line = this.#runs.get(run) ?? "";
      this.#push({ run, line, begins: "again", pieces: [], code });
      this.#lines++;
    }
    this.#runs.delete(run);
  }

  #print(run: number, error: boolean, text: string): void {
    const lines = countLines(text);
    const last = this.#blocks.at(-1);
    const piece = { key: this.#nextKey++, error, text, lines };
    if (last?.run === run && last.pieces.length < BLOCK_PIECES) {
      const pieces = joined(last.pieces, piece, this.#first);
      this.#lines += linesIn(pieces) - linesIn(last.pieces);
      this.#blocks[this.#blocks.length - 1] = { ...last, pieces };
      return;
    }
    this.#lines += lines;
    const begins = last?.run === run ? "same" : "again";
    if (begins === "again") this.#lines++;
    const line = this.#runs.get(run) ?? "";
    this.#push({ run, line, begins, pieces: [piece], code: null });
  }

  #push(block: Omit<ConsoleBlock, "key">): void {
    this.#blocks.push({ key: this.#nextKey++, ...block });
  }

  /** Drops whole pieces and blocks at the top until the rest is within bounds. */
  #trim(): void {
    let excess = this.#lines - LINES_MAX;
    if (excess <= 0) return;
    let drop = 0;
    for (; drop < this.#blocks.length - 1; drop++) {
      const lines = linesOf(this.#blocks[drop]);
      if (lines > excess) break;
      excess -= lines;
      this.#count(lines);
    }
    this.#blocks.splice(0, drop);
    const [first] = this.#blocks;
    let cut = 0;
    while (cut < first.pieces.length - 1 && first.pieces[cut].lines <= excess) {
      excess -= first.pieces[cut].lines;
      this.#count(first.pieces[cut].lines);
      cut++;
    }
    if (cut > 0) this.#blocks[0] = { ...first, pieces: first.pieces.slice(cut) };
  }

  #count(lines: number): void {
    this.#lines -= lines;
    this.#dropped += lines;
  }
}

/** Pieces that came in one batch, from the key `first` on, and are small become one. */
function joined(
  pieces: readonly ConsolePiece[],
  piece: ConsolePiece,
  first: number,
): readonly ConsolePiece[] {
  const last = pieces.at(-1);
  if (!last || last.error !== piece.error) return [...pieces, piece];
  // The rest of a line belongs to its beginning, whenever it came.
  const open = !last.text.endsWith("\n");
  const near = last.key >= first && last.lines + piece.lines <= PIECE_LINES;
  if (!open && !near) return [...pieces, piece];
  if (last.text.length + piece.text.length > PIECE_CHARS) return [...pieces, piece];
  const lines = last.lines + piece.lines - (open ? 1 : 0);
  return [...pieces.slice(0, -1), { ...piece, text: last.text + piece.text, lines }];
}

function linesOf(block: ConsoleBlock): number {
  const own = block.begins === "same" ? 0 : 1;
  return own + linesIn(block.pieces);
}

function linesIn(pieces: readonly ConsolePiece[]): number {
  return pieces.reduce((sum, { lines }) => sum + lines, 0);
}

function countLines(text: string): number {
  let lines = text.endsWith("\n") ? 0 : 1;
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) lines++;
  return lines;
}

/** Cuts a long text behind the ends of lines. */
function parts(text: string): string[] {
  if (text.length <= 4000) return text === "" ? [] : [text];
  const found: string[] = [];
  let start = 0;
  while (start < text.length) {
    let end = start;
    for (let n = 0; n < PIECE_LINES && end < text.length; n++) {
      const next = text.indexOf("\n", end);
      end = next < 0 ? text.length : next + 1;
      if (end - start >= PIECE_CHARS) break;
    }
    end = Math.min(end, start + PIECE_CHARS);
    found.push(text.slice(start, end));
    start = end;
  }
  return found;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const UNSEEN = /[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

/** The text with what can't be seen, or turns the rest around, in words: "\x1b", "\u202e". */
export function visibleText(text: string): string {
  return text.replace(UNSEEN, (char) => {
    const code = char.charCodeAt(0);
    if (code === 0) return "\\0";
    const hex = code.toString(16);
    return code < 256 ? `\\x${hex.padStart(2, "0")}` : `\\u${hex.padStart(4, "0")}`;
  });
}
