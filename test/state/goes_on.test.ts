// Goes on: a store that is replaced in the middle of its work answers as if it had never stopped.
// Holds   how many conversations there are; STATE_RUNS and STATE_SEED change it.
// Never   accepts a byte that differs.
// Source  the XenStore protocol, live update (ours).

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  OPT_QUOTA_MEMORY,
  OPT_QUOTA_NODE_SIZE,
  OPT_QUOTA_NODES,
  OPT_QUOTA_OUTSTANDING,
  OPT_QUOTA_TRANSACTIONS,
  OPT_QUOTA_WATCHES,
  OPT_STRICT_CONFLICTS,
  OPT_TIMEOUT_WATCH_EVENT,
} from "../../assembly/abi.ts";
import { STAT_FAULTS } from "../core.ts";
import { HEADER_SIZE, textOf } from "../message.ts";
import { type Action, action, Player, prepare } from "./script.ts";
import { type Settings, Site } from "./site.ts";

const numRuns = Number(process.env.STATE_RUNS ?? 400);
const seed = Number(process.env.STATE_SEED ?? 4);

type Replacement = { kind: "replace"; pieces: number[] } | { kind: "dump" };

const pieces: fc.Arbitrary<number[]> = fc.oneof(
  fc.constant<number[]>([65536]),
  fc.array(fc.constantFrom<number[]>(1, 3, 8, 13, 64, 1000), { minLength: 1, maxLength: 3 }),
);
const replacement: fc.Arbitrary<Replacement> = fc.oneof(
  {
    weight: 4,
    arbitrary: pieces.map((sizes): Replacement => ({ kind: "replace", pieces: sizes })),
  },
  { weight: 1, arbitrary: fc.constant<Replacement>({ kind: "dump" }) },
);
const conversation = fc.array(
  fc.oneof({ weight: 15, arbitrary: action }, { weight: 1, arbitrary: replacement }),
  { minLength: 1, maxLength: 120, size: "max" },
);

const settings: fc.Arbitrary<Settings> = fc
  .record({
    strict: fc.constantFrom(0, 0, 1),
    tight: fc.boolean(),
    timeout: fc.constantFrom(20000, 2000),
    rings: fc.constantFrom(["dom3"], ["dom3", "dom5"], []),
    journal: fc.boolean(),
  })
  .map(({ strict, tight, timeout, rings, journal }) => {
    const quotas: (readonly [number, number])[] = tight
      ? [
          [OPT_QUOTA_NODES, 5],
          [OPT_QUOTA_WATCHES, 4],
          [OPT_QUOTA_OUTSTANDING, 3],
          [OPT_QUOTA_MEMORY, 3000],
          [OPT_QUOTA_TRANSACTIONS, 2],
        ]
      : [];
    const options: (readonly [number, number])[] = [
      [OPT_STRICT_CONFLICTS, strict],
      [OPT_TIMEOUT_WATCH_EVENT, timeout],
      ...quotas,
    ];
    return { options, rings, journal };
  });

/** Plays a conversation at two sites, of which one gets fresh cores. */
function compare(how: Settings, steps: readonly (Action | Replacement)[]): void {
  const still = new Site(how);
  const moved = new Site(how);
  const player = new Player(still, moved);
  const same = () => {
    const [got, wanted] = [moved.view(), still.view()];
    if (got.join("\n") !== wanted.join("\n")) expect(got).toEqual(wanted);
  };
  prepare(player);
  for (const one of steps) {
    if (one.kind === "replace" || one.kind === "dump") {
      // A fresh core looks at once at what was held back.
      if (one.kind === "replace") moved.replace(one.pieces);
      else moved.dump();
      player.play({ kind: "pass", ms: 0 });
    } else player.play(one);
    same();
  }
  expect(listings(moved)).toEqual(listings(still));
  for (const site of [still, moved]) {
    site.drain();
    expect(site.core.stat(STAT_FAULTS)).toBe(0);
  }
  same();
}

/** What CONTROL lists, with names in the place of numbers of connections. */
function listings(site: Site): string[] {
  const asks = new Player(site);
  const lines: string[] = [];
  const words = ["quota\x003", "quota\x005", "quota\x009", "quota\0max"];
  for (const payload of [...words, "watches", "domains", "transactions"]) {
    asks.ask("dom0z", "CONTROL", `${payload}\0`);
    site.read("dom0z");
    const text = site.taken("dom0z").toString("latin1", 16);
    const named = text.replace(/ conn (\d+) /g, (_all, conn) => {
      return ` ${site.names().find((name) => site.link(name).conn === Number(conn))} `;
    });
    lines.push(...(payload === "watches" ? named.split("\n").sort() : named.split("\n")));
  }
  site.close("dom0z");
  return lines;
}

describe("a transaction that has failed", () => {
  it("ends with the same error in the core that goes on with it", () => {
    const site = new Site({ options: [[OPT_QUOTA_NODE_SIZE, 60]], rings: [] });
    const player = new Player(site);
    prepare(player);
    player.ask("dom3", "TRANSACTION_START", "\0");
    player.ask("dom3", "WRITE", `x\0${"v".repeat(100)}`, 1);
    site.drain();
    site.taken("dom3");
    site.replace([65536]);
    player.ask("dom3", "TRANSACTION_END", "T\0", 1);
    site.drain();
    expect(textOf(site.taken("dom3")).slice(HEADER_SIZE)).toBe("ENOSPC\0");
  });
});

describe("a store that is replaced", () => {
  it(`goes on as if it had not been (${numRuns} from seed ${seed})`, () => {
    fc.assert(fc.property(settings, conversation, compare), { numRuns, seed });
  });
});
