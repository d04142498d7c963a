// Crash: daemons that are killed under load, and what is there afterwards.
// Holds   the short campaigns; npm run test:crash has the long ones.
// Never   lets a test pass because nothing was killed: the rounds are counted.
// Source  our own.

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { loadLibc } from "../../hosts/node/libc.ts";
import { release } from "../host/rig.ts";
import { bundleDaemon } from "./bundle.ts";
import { eachCall, eachFailure, fullDisk, onSite, random } from "./campaign.ts";
import { cannotMount } from "./full_disk.ts";
import type { Where } from "./killing_storage.ts";
import { compare, killAtRandom } from "./random_kills.ts";
import { Complaint, type SiteOptions } from "./site.ts";

const MODES = ["process", "disk"] as const;
const silent = () => {};
let bundle = "";

beforeAll(async () => {
  bundle = await bundleDaemon();
});
afterAll(release);

function options(durability: string, seed = 1): SiteOptions {
  return { seed, sockets: 2, guests: 2, args: ["--durability", durability], bundle };
}

/** As few as there can be, for what is done many times. */
function few(durability: string): SiteOptions {
  return { ...options(durability), sockets: 1, guests: 1 };
}

describe.each(MODES)("with --durability %s", (durability) => {
  it("a daemon that is killed at any moment has what it acknowledged", async () => {
    let left = 4;
    const tally = await random(options(durability), 150, () => left-- > 0, silent);
    expect(tally.rounds).toBe(4);
    expect(tally.answered).toBeGreaterThan(100);
  });
});

describe("what was acknowledged is there", () => {
  it.each<[string, Where | "page", string]>([
    ["before each call of its storage", "before", "process"],
    ["in the middle of each call", "half", "process"],
    ["after each call", "after", "disk"],
  ])("when a daemon is killed %s", async (_when, where, durability) => {
    const { inLoad, inStart } = await eachCall(few(durability), where, 2, silent);
    expect(inLoad).toBeGreaterThan(1);
    expect(inStart).toBeGreaterThan(1);
  });

  it("when a daemon is killed before each write into the page of a guest", async (ctx) => {
    if (!(await loadLibc())) ctx.skip("the package koffi can't be loaded: pages are not mapped");
    const { inLoad, inStart } = await eachCall(few("process"), "page", 1, silent);
    expect(inLoad).toBeGreaterThan(1);
    expect(inStart).toBeGreaterThan(1);
  });
});

it("calls of the storage that fail are errors for those who asked, and for nobody else", async () => {
  expect(await eachFailure(few("process"), 1, silent)).toBeGreaterThan(1);
});

it("a full disk is an error for those who change something, until there is room again", async (ctx) => {
  if (cannotMount()) ctx.skip(cannotMount());
  await fullDisk(few("process"), 1, silent);
});

describe("the killer finds", () => {
  const rounds = (site: { options: SiteOptions }) => {
    let left = 5;
    return { seed: site.options.seed, serveMs: 200, more: () => left-- > 0 };
  };

  it("a storage that leaves an append out", async () => {
    const planted = { ...options("process"), env: { XENSTORE_CRASH: "drop:20" } };
    const work = onSite(planted, (site, check) => killAtRandom(site, check, rounds(site)));
    await expect(work).rejects.toThrow(Complaint);
  });

  it("a storage that says so before it has stored", async () => {
    const planted = { ...options("process"), env: { XENSTORE_CRASH: "late:1" } };
    const work = onSite(planted, (site, check) => killAtRandom(site, check, rounds(site)));
    await expect(work).rejects.toThrow(Complaint);
  });

  it("a store that keeps nothing", async () => {
    const planted = options("off");
    const work = onSite(planted, async (site, check) => {
      await site.kill();
      await site.launch().ready();
      await compare(site, check);
    });
    await expect(work).rejects.toThrow(Complaint);
  });
});
