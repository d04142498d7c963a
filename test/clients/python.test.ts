// Python's clients against our daemon: Xen's own module, pyxs, and the tests that pyxs has.
// Holds   which programs run, and which of pyxs's tests say nothing about a store.
// Never   holds those tests: PYXS_TESTS names the folder of Debian's source package python-pyxs.
// Source  our own.

import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect } from "vitest";
import { type Peer, startOurs, unavailable } from "../peers/peer.ts";
import { testUnless } from "../peers/unless.ts";
import { missingModule, PYTHON, run } from "./program.ts";

const built = unavailable("ours");
const dir = mkdtempSync(join(tmpdir(), "xenstore-python-"));
const script = (name: string) => join(import.meta.dirname, name);
let ours: Peer;

beforeAll(async () => {
  if (built === null) ours = await startOurs(dir);
});
afterAll(async () => {
  await ours?.stop();
  rmSync(dir, { recursive: true, force: true });
});

describe("Python", () => {
  const xs = built ?? missingModule("xen.lowlevel.xs", "xen-utils-4.17");
  testUnless(xs, "xen.lowlevel.xs does what a toolstack does", async () => {
    const { code, out, err } = await run(ours.socket, PYTHON, script("lowlevel.py"));
    expect([code, err, out]).toEqual([0, "", "done\n"]);
  });

  const pyxs = built ?? missingModule("pyxs", "python3-pyxs");
  testUnless(pyxs, "pyxs reads, writes, watches and commits", async () => {
    const { code, out, err } = await run(ours.socket, PYTHON, script("client.py"));
    expect([code, err, out]).toEqual([0, "", "done\n"]);
  });

  testUnless(pyxs ?? suiteMissing(), "pyxs passes its own tests", async () => {
    const suite = process.env.PYXS_TESTS as string;
    const { code, out } = await run(ours.socket, PYTHON, script("suite.py"), suite);
    expect(out).toMatch(/\d+ passed/);
    expect([code, out]).toEqual([0, out]);
  });
});

function suiteMissing(): string | null {
  const suite = process.env.PYXS_TESTS;
  if (suite === undefined) return "PYXS_TESTS does not name a folder with the tests of pyxs";
  if (!existsSync(suite)) return `PYXS_TESTS names ${suite}, which is not there`;
  return missingModule("pytest", "python3-pytest");
}
