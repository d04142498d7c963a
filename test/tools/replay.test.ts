// Replay tool: traces sent again by the command line, and what is said of them.
// Holds   the texts and exit codes, in this process and of the built program.
// Never   needs a daemon.
// Source  docs/tools.md, Replay.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { createStore } from "../../hosts/embed/store.ts";
import { ToolExit } from "../../hosts/shared/cli/host.ts";
import type { Replayer } from "../../hosts/shared/cli/replay.ts";
import { runTool } from "../../hosts/shared/cli/tool.ts";
import { replay } from "../../hosts/testing/replay.ts";
import { readTrace } from "../../hosts/testing/trace_text.ts";
import { wasmModule } from "../core.ts";
import { bundleMissing, type Call, runBuilt } from "./tools.ts";

const GUEST = readFileSync(new URL("../differential/traces/guest.txt", import.meta.url), "utf8");

const replayer: Replayer<ReturnType<typeof readTrace>[number]> = {
  readTrace,
  async replay(trace) {
    const store = await createStore({ module: wasmModule() });
    const done = await replay(store, trace);
    await store.close();
    return done;
  },
};

/** Replays a text that a file holds. */
async function run(text: string, args: readonly string[] = ["t.txt"], offers = true) {
  let out = "";
  let err = "";
  const never = () => {
    throw new Error("not needed");
  };
  const exit = await runTool("xenstore-replay", args, {
    env: {},
    columns: () => null,
    errColumns: () => null,
    nowMs: () => 0,
    flush() {},
    out: (more) => {
      out += more;
    },
    err: (more) => {
      err += more;
    },
    connect: never,
    readFile: never,
    draft: never,
    interruption: never,
    async *pieces(path) {
      if (path === "none") throw new ToolExit(9);
      const bytes = new TextEncoder().encode(text);
      for (let at = 0; at < bytes.length; at += 100) yield bytes.subarray(at, at + 100);
    },
    ...(offers ? { replayer: async () => replayer as Replayer } : {}),
  });
  return { out, err, exit };
}

describe("xenstore replay", () => {
  it("says how much came as it was recorded", async () => {
    expect(await run(GUEST)).toEqual({
      out: "61 requests, 61 replies and 17 events as recorded\n",
      err: "",
      exit: 0,
    });
  });

  it("shows what differs, with its line", async () => {
    const text = GUEST.replace('"poweroff"', '"reboot"').replace(/^# .*\n/, "# one\n\n# two\n");
    const { out, exit } = await run(text);
    expect(exit).toBe(1);
    const line = text.split("\n").findIndex((one) => one.includes("reboot"));
    expect(out.split("\n")).toEqual([
      "61 requests, 60 replies and 17 events as recorded; 1 differ",
      "",
      `line ${line + 1}, D1:`,
      expect.stringMatching(/^ {2}recorded \d+ D1 < READ req=12 tx=0 "reboot"$/),
      expect.stringMatching(/^ {2}got {6}\d+ D1 < READ req=12 tx=0 "poweroff"$/),
      "",
    ]);
    const json = (await run(text, ["--json", "t.txt"])).out.trimEnd().split("\n");
    expect(json.map((one) => JSON.parse(one))).toMatchObject([
      { line: line + 1, conn: "D1" },
      { requests: 61, replies: 61, events: 17, merged: 0, unread: 0, differences: 1 },
    ]);
  });

  it("shows what is missing and what is too much", async () => {
    const lines = GUEST.split("\n");
    const event = lines.findIndex((line) => line.includes("WATCH_EVENT"));
    const less = lines.toSpliced(event, 1).join("\n");
    const { out } = await run(less);
    expect(out).toContain("; 1 differ\n");
    expect(out).toMatch(/\nnot recorded, D0:\n {2}recorded nothing\n {2}got {6}0 D0 < WATCH_EVENT/);
    const more = lines.toSpliced(event, 0, (lines[event] as string).replace("\\0", "/x\\0"));
    expect((await run(more.join("\n"))).out).toMatch(/\nline \d+, D0:\n.*\n {2}got {6}nothing\n$/);
  });

  it("takes a trace that ends early for what it is", async () => {
    const lines = GUEST.split("\n");
    for (let length = 10; length < lines.length; length += 7) {
      const { exit, out } = await run(`${lines.slice(0, length).join("\n")}\n`);
      expect({ exit, out }, `${length} lines`).toMatchObject({ exit: 0 });
    }
  });

  it("refuses what is no trace, by line", async () => {
    expect(await run('1 S1 ! open\n\n2 S1 > REED req=0 tx=0 ""\n')).toEqual({
      out: "",
      err: 'xenstore-replay: t.txt: line 3 is no line of a trace: 2 S1 > REED req=0 tx=0 ""\n',
      exit: 2,
    });
    const cut = await run(GUEST.slice(0, 5000));
    expect(cut.err).toMatch(
      /line \d+ is no line of a trace: .*; the trace ends in the middle of this line: remove it\n$/,
    );
    expect(cut.exit).toBe(2);
    const middle = await run(`${"x".repeat(500)}\n1 S1 ! open\n`);
    expect(middle.err).toMatch(/line 1 is no line of a trace: x{120}\.\.\.\n$/);
    for (const nothing of ["", "# nothing\n\n"]) {
      expect((await run(nothing)).err).toBe("xenstore-replay: t.txt holds no line of a trace\n");
    }
  });

  it("has a usage, and says where it can't be had", async () => {
    const usage = "xenstore-replay: Usage: xenstore-replay [-h] [--json] FILE\n";
    expect(await run("", [])).toEqual({ out: "", err: usage, exit: 1 });
    expect((await run("", ["-h", "x"])).err).toBe(usage);
    expect((await run("", ["-x", "x"])).err).toContain(usage);
    expect(await run(GUEST, ["x"], false)).toEqual({
      out: "",
      err: "xenstore-replay: traces can't be replayed here\n",
      exit: 2,
    });
  });
});

const missing = process.platform === "win32" ? "Windows" : bundleMissing();
const why = missing === null ? "" : ` (left out: ${missing})`;

describe.skipIf(missing !== null)(`the built xenstore replay${why}`, () => {
  const folder = mkdtempSync(join(tmpdir(), "xenstore-replay-"));
  afterAll(() => rmSync(folder, { recursive: true }));
  const built = (call: Call) => runBuilt(call, join(folder, "bin"));

  it("replays a file with the library beside it", async () => {
    const file = join(folder, "guest.txt");
    writeFileSync(file, GUEST);
    const wanted = { out: "61 requests, 61 replies and 17 events as recorded\n", err: "", exit: 0 };
    expect(await built({ argv: ["xenstore-replay", file] })).toEqual(wanted);
    expect(await built({ argv: ["xenstore", "replay", file] })).toEqual(wanted);
    writeFileSync(file, GUEST.replace("poweroff", "reboot"));
    expect(await built({ argv: ["xenstore-replay", file] })).toMatchObject({ exit: 1 });
  });

  it("says why it can't", async () => {
    expect(await built({ argv: ["xenstore-replay", "/none"] })).toEqual({
      out: "",
      err: "xenstore-replay: /none can't be read: No such file or directory\n",
      exit: 2,
    });
    // Nothing comes from standard input here.
    expect((await built({ argv: ["xenstore-replay", "-"] })).err).toBe(
      "xenstore-replay: standard input holds no line of a trace\n",
    );
  });
});
