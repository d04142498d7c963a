// Replay: recorded conversations of a host, played again.
// Holds   a small trace that was recorded from our core, and whatever XENSTORE_TRACE names.
// Never   holds a trace of a real host: those are large, and given from outside.
// Source  our own; trace.ts tells the format.

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { WASM_PATH } from "../core.ts";
import { unavailable } from "../peers/peer.ts";
import { testUnless } from "../peers/unless.ts";
import { single } from "./arena.ts";
import { type Replayed, replay, replaySummary } from "./replay.ts";
import { parseTrace, type TraceLine, traceLine } from "./trace.ts";

const GUEST = readFileSync(join(import.meta.dirname, "traces/guest.txt"), "utf8");
const core = existsSync(WASM_PATH) ? null : "build/xenstore.wasm is not built";

/** Plays a trace on one fresh store. */
async function played(which: "core" | "c", trace: readonly TraceLine[]): Promise<Replayed> {
  const { side, stop } = await single(which);
  try {
    return await replay(trace, side);
  } finally {
    await stop();
  }
}

describe("a recorded trace", () => {
  testUnless(core, "of a guest's life gets the same answers again", async () => {
    const { mismatches, known, replies, events } = await played("core", parseTrace(GUEST));
    expect(mismatches).toEqual([]);
    expect([...known]).toEqual([]);
    expect([replies, events]).toEqual(answersIn(GUEST));
  });

  testUnless(unavailable("c"), "of a guest's life gets the same answers from C 4.17", async () => {
    const { mismatches, known } = await played("c", parseTrace(GUEST));
    expect(mismatches).toEqual([]);
    expect([...known]).toEqual([]);
  });

  testUnless(core, "with one answer changed is noticed, whichever it is", async () => {
    const trace = parseTrace(GUEST);
    for (const [at, line] of trace.entries()) {
      if (line.kind !== "answer" || at % 7 !== 0) continue;
      const changed = {
        ...line,
        message: { ...line.message, payload: `${line.message.payload}x` },
      };
      const spoiled = trace.map((one, index) => (index === at ? changed : one));
      const { mismatches } = await played("core", spoiled);
      expect(mismatches.length, `line ${line.at}`).toBeGreaterThan(0);
    }
  });

  testUnless(core, "with one answer missing is noticed", async () => {
    const trace = parseTrace(GUEST);
    const last = trace.findLastIndex(({ kind, conn }) => kind === "answer" && conn === "S1");
    const { mismatches } = await played(
      "core",
      trace.filter((_line, at) => at !== last),
    );
    expect(mismatches.length).toBe(1);
  });

  const given = process.env.XENSTORE_TRACE;
  const why = core ?? (given === undefined ? "XENSTORE_TRACE names none" : null);
  testUnless(why, "of a real host gets the recorded answers", async () => {
    const result = await played("core", parseTrace(readFileSync(given as string, "utf8")));
    console.log(replaySummary(result));
    expect(result.mismatches).toEqual([]);
    expect(result.requests).toBeGreaterThan(0);
  });

  test("is written as it was read", () => {
    for (const row of GUEST.split("\n").filter((text) => / [<>] /.test(text))) {
      const [line] = parseTrace(row);
      if (line.kind === "note") throw new Error(row);
      const arrow = line.kind === "request" ? ">" : "<";
      expect(traceLine(line.ms, line.conn, arrow, line.message)).toBe(row);
    }
  });
});

/** How many replies and how many events a trace holds. */
function answersIn(text: string): [number, number] {
  const answers = parseTrace(text).filter(({ kind }) => kind === "answer");
  const events = text.match(/^\d+ \S+ < WATCH_EVENT /gm)?.length ?? 0;
  return [answers.length - events, events];
}
