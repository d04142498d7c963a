// Rings: a guest loses no reply and no event when its store ends and another begins, at any moment.
// Holds   how many conversations there are; STATE_RUNS and STATE_SEED change it.
// Never   leaves out a moment at which the page or the files have changed.
// Source  the XenStore protocol, ring; "The database" in ARCHITECTURE.md.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { OPT_QUOTA_OUTSTANDING, OPT_TIMEOUT_WATCH_EVENT } from "../../assembly/abi.ts";
import { type Deed, GUESTS, Kill } from "./kill.ts";
import type { Options } from "./site.ts";

const numRuns = Number(process.env.STATE_RUNS ?? 40);
const seed = Number(process.env.STATE_SEED ?? 6);

const guest = fc.constantFrom(...GUESTS);
const share = fc.constantFrom(1, 1, 1, 0.2, 0.7);
const what = fc.constantFrom(
  ...(["write", "write", "write", "large", "read", "start", "end"] as const),
);
const deed: fc.Arbitrary<Deed> = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.tuple(guest, what, share).map(([one, thing, part]): Deed => {
      return { kind: "ask", guest: one, what: thing, share: part };
    }),
  },
  {
    weight: 5,
    arbitrary: fc.tuple(guest, fc.constantFrom(1e9, 1, 16, 300)).map(([one, max]): Deed => {
      return { kind: "take", guest: one, max };
    }),
  },
  { weight: 4, arbitrary: fc.constant<Deed>({ kind: "tell" }) },
  {
    weight: 2,
    arbitrary: fc
      .tuple(fc.constantFrom("pass" as const, "wait" as const), fc.constantFrom(100, 400))
      .map(([kind, ms]): Deed => ({ kind, ms })),
  },
  { weight: 1, arbitrary: fc.constant<Deed>({ kind: "snapshot" }) },
);
const failing = fc.oneof(
  { weight: 8, arbitrary: deed },
  { weight: 1, arbitrary: fc.constantFrom<Deed>({ kind: "full" }, { kind: "works" }) },
);
const deeds = fc.oneof(listOf(deed), listOf(failing));

function listOf(one: fc.Arbitrary<Deed>): fc.Arbitrary<Deed[]> {
  return fc.array(one, { minLength: 1, maxLength: 40, size: "max" });
}
const options = fc.constantFrom<Options>(
  [[OPT_TIMEOUT_WATCH_EVENT, 0]],
  [[OPT_TIMEOUT_WATCH_EVENT, 300]],
  [
    [OPT_TIMEOUT_WATCH_EVENT, 0],
    [OPT_QUOTA_OUTSTANDING, 2],
  ],
);

describe("a guest", () => {
  it("gets whole messages though an event in front of others was dropped in time", () => {
    const kill = new Kill([[OPT_TIMEOUT_WATCH_EVENT, 300]]);
    const ask = { kind: "ask", guest: "dom3", share: 1 } as const;
    kill.do({ ...ask, what: "large" });
    kill.do({ kind: "take", guest: "dom3", max: 1024 });
    kill.do({ kind: "tell" });
    kill.do({ ...ask, what: "write" });
    kill.do({ kind: "wait", ms: 400 });
    kill.do({ kind: "take", guest: "dom3", max: 1e9 });
    kill.do({ kind: "take", guest: "dom3", max: 1e9 });
    expect(kill.moments.flatMap((moment) => kill.judge(moment))).toEqual([]);
  });

  it(`gets every reply and event once (${numRuns} from seed ${seed})`, () => {
    const once = (how: Options, all: readonly Deed[]) => {
      const kill = new Kill(how);
      for (const one of all) kill.do(one);
      for (const moment of kill.moments) {
        const problems = kill.judge(moment);
        if (problems.length > 0) expect(problems).toEqual([]);
      }
    };
    fc.assert(fc.property(options, deeds, once), { numRuns, seed });
  });
});
