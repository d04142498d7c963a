// Sockets: the transcripts that need no guest, once more, on the daemon behind its sockets.
// Holds   a daemon for each transcript, since each begins with a fresh store.
// Never   plays what the host alone can make happen.
// Source  the XenStore protocol.

import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { Daemon, release, temporaryFolder } from "./host/rig.ts";
import { play } from "./play.ts";
import { isForSockets, SocketStage } from "./sockets.ts";
import { parseLines } from "./transcript.ts";
import { readTranscripts } from "./transcripts.ts";

const folder = fileURLToPath(new URL("spec", import.meta.url));

/** Files whose transcripts say something about a host; the others are about the core alone. */
const FILES = readdirSync(folder).filter((file) => file.endsWith(".md"));

afterAll(release);

async function onDaemon(body: (stage: SocketStage) => Promise<void>): Promise<void> {
  // The transcripts know nothing of a database, which CONTROL check would tell of.
  const daemon = await new Daemon(temporaryFolder(), ["--internal-db"]).ready();
  const stage = new SocketStage(daemon.socket);
  try {
    await body(stage);
  } finally {
    stage.close();
    await daemon.stop();
  }
}

for (const name of FILES) {
  const transcripts = readTranscripts(`${folder}/${name}`).filter(isForSockets);
  if (transcripts.length === 0) continue;
  describe.concurrent(`${name} over sockets`, () => {
    for (const transcript of transcripts) {
      it(transcript.title, () => onDaemon((stage) => play(transcript, stage)));
    }
  });
}

describe("the stage itself", () => {
  it("reports an event that was not expected", async () => {
    const lines = parseLines("dom0 > WATCH /a|t| => OK");
    const wrong = { title: "canary", source: "", at: 0, lines };
    await onDaemon(async (stage) => {
      await expect(play(wrong, stage)).rejects.toThrow("not expected: dom0 < WATCH_EVENT");
    });
  });
});
