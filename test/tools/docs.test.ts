// Docs: the examples of docs/tools.md give what is written there.
// Holds   how commands and their output are taken from the page.
// Never   repeats the page's texts.
// Source  docs/tools.md.

import { spawn } from "node:child_process";
import { mkdirSync, readFileSync, symlinkSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { COMMANDS } from "../../hosts/shared/cli/tool.ts";
import { startC, startOurs, unavailable } from "../peers/peer.ts";
import { bundleMissing } from "./tools.ts";

const ROOT = resolve(import.meta.dirname, "../..");

/** Commands after `$ `, each with the lines that follow it. */
function examples(page: string): { command: string; output: string }[] {
  const blocks = [...page.matchAll(/^```console\n([\s\S]*?)^```/gm)].map((match) => match[1]);
  const commands = blocks.join("").split(/^\$ /m).slice(1);
  return commands.map((text) => {
    const end = text.indexOf("\n");
    return { command: text.slice(0, end), output: text.slice(end + 1) };
  });
}

/** What a line for a shell prints, errors too. */
function shell(line: string, env: Record<string, string | undefined>): Promise<string> {
  const child = spawn("bash", ["-c", line], { env, stdio: ["ignore", "pipe", "pipe"] });
  let text = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (part: string) => {
      text += part;
    });
  }
  return new Promise((done) => child.once("close", () => done(text)));
}

describe.each([
  { name: "our daemon", kind: "ours", start: startOurs },
  { name: "the C daemon", kind: "c", start: startC },
] as const)("the page about the tools, on $name", ({ kind, start }) => {
  const missing = bundleMissing() ?? unavailable(kind);
  const why = missing === null ? "" : ` (left out: ${missing})`;
  it.skipIf(missing !== null)(`shows what the tools print${why}`, async () => {
    const list = examples(readFileSync(join(ROOT, "docs/tools.md"), "utf8"));
    expect(list.length).toBeGreaterThan(5);
    const dir = await mkdtemp(join(tmpdir(), "xs-docs-"));
    const peer = await start(join(dir, "store"));
    try {
      mkdirSync(join(dir, "bin"));
      for (const tool of [...COMMANDS, "replay"]) {
        symlinkSync(join(ROOT, "build/hosts/xenstore.mjs"), join(dir, `bin/xenstore-${tool}`));
      }
      const PATH = `${join(dir, "bin")}:${process.env.PATH}`;
      for (const { command, output } of list) {
        const printed = await shell(command, {
          ...process.env,
          PATH,
          XENSTORED_PATH: peer.socket,
        });
        expect(printed, command).toBe(output);
      }
    } finally {
      await peer.stop();
      await rm(dir, { recursive: true, force: true });
    }
  });
});
