// Spec over rings: the transcripts in which guests speak, once more, through their rings.
// Holds   a world for each transcript, since each begins with a fresh store.
// Never   plays what has no meaning for a ring.
// Source  the XenStore protocol.

import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { STAT_FAULTS } from "../../assembly/abi.ts";
import { play } from "../play.ts";
import { parseLines, type Transcript } from "../transcript.ts";
import { readTranscripts } from "../transcripts.ts";
import { isForRings, RingStage } from "./stage.ts";

const folder = fileURLToPath(new URL("../spec", import.meta.url));

for (const name of readdirSync(folder).filter((file) => file.endsWith(".md"))) {
  const transcripts = readTranscripts(`${folder}/${name}`).filter(isForRings);
  if (transcripts.length === 0) continue;
  describe(`${name} over rings`, () => {
    for (const transcript of transcripts) {
      it(transcript.title, async () => {
        const stage = new RingStage();
        await play(transcript, stage);
        expect(stage.world.core.stat(STAT_FAULTS)).toBe(0);
      });
      if (asksForCheck(transcript)) continue;
      it(`${transcript.title}, with all changes stored before they are told`, async () => {
        const stage = new RingStage(true);
        await play(transcript, stage);
        expect(stage.world.guard.leaks).toEqual([]);
      });
    }
  });
}

/** Where changes are stored the answer to "check" has more to say than "OK". */
function asksForCheck({ lines }: Transcript): boolean {
  return lines.some((line) => line.kind === "request" && line.payload === "check\0");
}

describe("the stage itself", () => {
  it("reports an event that a guest did not expect", async () => {
    const lines = parseLines("dom0 > INTRODUCE 3|0|5| => OK\ndom3 > WATCH /a|t| => OK");
    const wrong = { title: "canary", source: "", at: 0, lines };
    await expect(play(wrong, new RingStage())).rejects.toThrow("not expected: dom3 < WATCH_EVENT");
  });
});
