// Kill: the process ends at every call of the storage, or the power goes, under a small load.
// Holds   nothing.
// Never   samples: each call there is, before it, within it and after it.
// Source  our own.

import { describe, expect, test } from "vitest";
import { type Call, type Fate, type Files, losses, ModelStorage } from "./model.ts";
import { dies, Rig, type Tree } from "./rig.ts";
import { COMPACT_MIN, Load, play, same } from "./script.ts";

/** Chance that is the same in every run. */
function chance(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

const NEW = new Rig(new ModelStorage()).tree();

interface End {
  readonly storage: ModelStorage;
  /** The load, or null when the process ended before it began. */
  readonly load: Load | null;
  readonly died: boolean;
}

/** Plays the load on what a process before has left, until the process ends. */
async function run(files: Files, disk: boolean, fate: (call: Call) => Fate): Promise<End> {
  const storage = new ModelStorage(files);
  storage.fate = fate;
  let load: Load | null = null;
  const died = await dies(async () => {
    const rig = new Rig(storage, { disk, compactMin: COMPACT_MIN });
    load = new Load(rig, NEW);
    await play(load);
  });
  // What fails within a promise that nobody waits for ends up in the clock.
  return { storage, load, died: died || storage.dead };
}

/** Starts anew on what was left: exactly what was acknowledged, perhaps with what was under way. */
function check(files: Files, load: Load | null, where: string, expected = / is cut off: /): void {
  const rig = new Rig(new ModelStorage(files));
  const tree = rig.tree();
  const wanted: Tree[] = load ? [load.tree] : [NEW];
  if (load?.next) wanted.push(load.next);
  const fits = wanted.some((one) => same(one, tree));
  expect(
    fits,
    `${where}: ${[...tree]
      .map((pair) => pair.join("="))
      .join(" ")
      .slice(0, 500)}`,
  ).toBe(true);
  const told = rig.notices.filter((line) => !expected.test(line));
  expect(told, where).toEqual([]);
}

const within = (call: Call) => call.length > 0;

describe("what was acknowledged is there", () => {
  for (const disk of [false, true]) {
    test(`after the process ended at any call${disk ? ", when all is synced" : ""}`, async () => {
      const whole = await run(new Map(), disk, () => "goes well");
      expect(whole.died).toBe(false);
      check(whole.storage.files(), whole.load, "at the end");
      const { calls } = whole.storage;
      expect(calls.filter(({ what }) => what === "rename").length).toBeGreaterThan(4);
      for (const { number, what, name, length } of calls) {
        for (const how of ["before", "within", "after"] as const) {
          if (how === "within" && length === 0) continue;
          const end = await run(new Map(), disk, (call) =>
            call.number === number ? { dies: how } : "goes well",
          );
          expect(end.died).toBe(true);
          check(end.storage.files(), end.load, `${how} call ${number}, ${what} ${name}`);
        }
      }
    });
  }

  test("after the power went at any call, whatever the disk has made of its writes", async () => {
    const random = chance(42);
    const { storage } = await run(new Map(), true, () => "goes well");
    let count = 0;
    for (const { number, what, name, length } of storage.calls) {
      for (const how of length ? (["before", "within"] as const) : (["before"] as const)) {
        const end = await run(new Map(), true, (call) =>
          call.number === number ? { dies: how } : "goes well",
        );
        for (const files of losses(end.storage, random)) {
          count++;
          // Of a change that was under way any part may be there.
          const where = `${how} call ${number}, ${what} ${name}`;
          check(files, end.load, where, /^tdb\/journal\.\d+: /);
        }
      }
    }
    expect(count).toBeGreaterThan(1000);
  });

  test("after the next process ended at any call of its start", async () => {
    // Left in the middle: unfinished files, two generations.
    const before = await run(new Map(), false, () => "goes well");
    const left = before.storage.files();
    const start = new ModelStorage(left);
    new Rig(start, { compactMin: COMPACT_MIN });
    for (const { number, what, name } of start.calls) {
      for (const how of ["before", "within", "after"] as const) {
        const storage = new ModelStorage(left);
        storage.fate = (call) => (call.number === number ? { dies: how } : "goes well");
        await dies(() => void new Rig(storage, { compactMin: COMPACT_MIN }));
        check(storage.files(), before.load, `${how} call ${number}, ${what} ${name}`);
      }
    }
  });
});

describe("the model", () => {
  test("finds a store that acknowledges before it is stored", async () => {
    const { storage } = await run(new Map(), true, () => "goes well");
    let found = false;
    for (const { number, what } of storage.calls.filter(within)) {
      if (what !== "append") continue;
      const end = await run(new Map(), false, (call) =>
        call.number === number ? { dies: "after" } : "goes well",
      );
      // Not synced, as if this were durable: some loss must show.
      for (const files of losses(end.storage, chance(1))) {
        const tree = new Rig(new ModelStorage(files)).tree();
        found ||= end.load !== null && !same(tree, end.load.tree);
        if (found) return;
      }
    }
    expect(found).toBe(true);
  });
});
