// Spec: every transcript of test/spec/ on a core of its own.
// Holds   the list of files; a transcript is a test, its title the test's name.
// Never   changes a transcript.
// Source  the XenStore protocol.

import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { storeProblems } from "./invariants.ts";
import { play } from "./play.ts";
import { CoreStage } from "./stages.ts";
import { parseLines, type Transcript } from "./transcript.ts";
import { readTranscripts } from "./transcripts.ts";

const folder = fileURLToPath(new URL("spec", import.meta.url));

for (const name of readdirSync(folder).filter((file) => file.endsWith(".md"))) {
  const transcripts = readTranscripts(`${folder}/${name}`);
  if (transcripts.length === 0) continue;
  describe(name, () => {
    for (const transcript of transcripts) {
      it(transcript.title, async () => {
        const stage = new CoreStage();
        await play(transcript, stage);
        expect(storeProblems(stage.hub)).toEqual([]);
      });
    }
  });
}

describe("the player itself", () => {
  const one = (text: string): Transcript => {
    return { title: "canary", source: "", at: 0, lines: parseLines(text) };
  };

  it("reports a wrong value", async () => {
    const wrong = one("dom0 > WRITE /a|v => OK\ndom0 > READ /a| => w");
    await expect(play(wrong, new CoreStage())).rejects.toThrow("expected dom0 < READ w");
  });

  it("reports an event that is missing", async () => {
    const wrong = one("dom0 > WATCH /a|t|\ndom0 < WATCH OK|\ndom0 < WATCH_EVENT /a|t|\n");
    await play(wrong, new CoreStage());
    const more = one("dom0 > WATCH /a|t| => OK");
    await expect(play(more, new CoreStage())).rejects.toThrow("not expected: dom0 < WATCH_EVENT");
  });

  it("reports a reply that never comes", async () => {
    const wrong = one("dom0 > READ /| => \ndom0 > RAW 02000000\ndom0 < READ v");
    await expect(play(wrong, new CoreStage())).rejects.toThrow("missing: dom0 < READ v");
  });

  it("reads every file of transcripts with a source for each", () => {
    for (const name of readdirSync(folder).filter((file) => file.endsWith(".md"))) {
      for (const transcript of readTranscripts(`${folder}/${name}`)) {
        expect(transcript.source, `${name}: ${transcript.title}`).not.toBe("");
      }
      expect(readFileSync(`${folder}/${name}`, "utf8")).not.toMatch(/\t/);
    }
  });
});
