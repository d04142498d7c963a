// Console log: what a console shows of commands that run side by side, within bounds.
// Holds   attribution, batches, bounds, text that can't be seen.
// Never   needs a page.
// Source  our own.

import { describe, expect, test } from "vitest";
import {
  addLines,
  BLOCK_PIECES,
  type ConsoleLog,
  clearLog,
  EMPTY_LOG,
  LINES_MAX,
  PIECE_LINES,
  visibleText,
} from "../../hosts/playground/model/console_log.ts";
import type { ConsoleLine } from "../../hosts/playground/model/protocol.ts";

function line(run: number, kind: ConsoleLine["kind"], text: string): ConsoleLine {
  return { domid: 1, run, kind, text };
}

/** As it is read from top to bottom. */
function shown({ blocks }: ConsoleLog): string[] {
  return blocks.flatMap(({ begins, line: command, pieces, code }) => [
    ...(begins === "start" ? [`$ ${command}`] : begins === "again" ? [`from ${command}`] : []),
    ...pieces.map(({ error, text }) => `${error ? "err" : "out"} ${JSON.stringify(text)}`),
    ...(code === null ? [] : [`code ${code}`]),
  ]);
}

describe("blocks", () => {
  test("a command, what it prints, and its end", () => {
    const log = addLines(EMPTY_LOG, [
      line(1, "begin", "read x"),
      line(1, "out", "1\n"),
      line(1, "err", "no\n"),
      line(1, "end", "1"),
    ]);
    expect(shown(log)).toEqual(["$ read x", 'out "1\\n"', 'err "no\\n"', "code 1"]);
    expect(log.lines).toBe(3);
    expect(log.runs.size).toBe(0);
  });

  test("events of a watch stand where they came, and say whose they are", () => {
    let log = addLines(EMPTY_LOG, [line(1, "begin", "watch a"), line(1, "out", "a\n")]);
    log = addLines(log, [line(2, "begin", "ls"), line(2, "out", "b\n"), line(2, "end", "0")]);
    log = addLines(log, [line(1, "out", "a/b\n")]);
    log = addLines(log, [line(1, "end", "130")]);
    expect(shown(log)).toEqual([
      "$ watch a",
      'out "a\\n"',
      "$ ls",
      'out "b\\n"',
      "code 0",
      "from watch a",
      'out "a/b\\n"',
      "code 130",
    ]);
  });

  test("what came before is shared, so that it is not drawn again", () => {
    const before = addLines(EMPTY_LOG, [line(1, "begin", "a"), line(2, "begin", "b")]);
    const after = addLines(before, [line(2, "out", "x\n")]);
    expect(after.blocks[0]).toBe(before.blocks[0]);
    expect(after.blocks[1]).not.toBe(before.blocks[1]);
    expect(before.blocks[1].pieces).toEqual([]);
  });

  test("lines of one batch become one piece, those of another a new one", () => {
    let log = addLines(EMPTY_LOG, [line(1, "begin", "watch")]);
    log = addLines(log, [line(1, "out", "a\n"), line(1, "out", "b\n")]);
    log = addLines(log, [line(1, "out", "c\n")]);
    expect(log.blocks[0].pieces.map(({ text }) => text)).toEqual(["a\nb\n", "c\n"]);
    const keys = log.blocks[0].pieces.map(({ key }) => key);
    expect(new Set(keys).size).toBe(2);
  });

  test("the rest of a line goes on where it began", () => {
    let log = addLines(EMPTY_LOG, [line(1, "begin", "read"), line(1, "out", "ab")]);
    log = addLines(log, [line(1, "out", "cd\n")]);
    expect(shown(log)).toEqual(["$ read", 'out "abcd\\n"']);
    expect(log.lines).toBe(2);
  });

  test("an end of what is not known, or twice, is no block", () => {
    const log = addLines(EMPTY_LOG, [line(9, "end", "0")]);
    expect(log.blocks).toEqual([]);
  });

  test("cleared: what runs is known still", () => {
    const log = clearLog(addLines(EMPTY_LOG, [line(1, "begin", "watch a")]));
    expect(log.blocks).toEqual([]);
    const later = addLines(log, [line(1, "out", "a/b\n"), line(1, "end", "0")]);
    expect(shown(later)).toEqual(["from watch a", 'out "a/b\\n"', "code 0"]);
  });
});

describe("bounds", () => {
  test("a storm, line by line", () => {
    let log = addLines(EMPTY_LOG, [line(1, "begin", "watch /")]);
    for (let at = 0; at < 3 * LINES_MAX; at++) log = addLines(log, [line(1, "out", `${at}\n`)]);
    expect(log.lines).toBeLessThanOrEqual(LINES_MAX + PIECE_LINES);
    expect(log.lines + log.dropped).toBe(3 * LINES_MAX + 1);
    for (const { pieces } of log.blocks) expect(pieces.length).toBeLessThanOrEqual(BLOCK_PIECES);
    expect(log.blocks.at(-1)?.pieces.at(-1)?.text).toBe(`${3 * LINES_MAX - 1}\n`);
  });

  test("one huge batch and one huge text", () => {
    const many = Array.from({ length: 50_000 }, (_, at) => line(1, "out", `${at}\n`));
    const log = addLines(EMPTY_LOG, [line(1, "begin", "watch /"), ...many]);
    expect(log.lines).toBeLessThanOrEqual(LINES_MAX + PIECE_LINES);
    const text = Array.from({ length: 20_000 }, (_, at) => `node${at}\n`).join("");
    const ls = addLines(EMPTY_LOG, [line(2, "begin", "ls"), line(2, "out", text)]);
    expect(ls.lines).toBeLessThanOrEqual(LINES_MAX + PIECE_LINES);
    expect(ls.lines + ls.dropped).toBe(20_001);
    expect(ls.blocks.at(-1)?.pieces.at(-1)?.text.endsWith("node19999\n")).toBe(true);
  });

  test("a long line without an end is cut, and nothing of it is lost", () => {
    const text = "x".repeat(50_000);
    const log = addLines(EMPTY_LOG, [line(1, "begin", "read"), line(1, "out", text)]);
    const pieces = log.blocks.flatMap((block) => block.pieces);
    expect(pieces.length).toBeGreaterThan(1);
    expect(pieces.map((piece) => piece.text).join("")).toBe(text);
  });
});

test("what can't be seen is said", () => {
  expect(visibleText("a\0b\x1b[31m\u202ec\td\n")).toBe("a\\0b\\x1b[31m\\u202ec\td\n");
});
