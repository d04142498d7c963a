// Differential: generated sequences on our store and on Xen's own daemons, all answers compared.
// Holds   a short campaign of each pairing, and canaries that must be noticed.
// Never   runs the long campaign: that is npm run differential.
// Source  our own; differences with a name and a reason stand in known.ts.

import { existsSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { WASM_PATH } from "../core.ts";
import { WATCH_EVENT } from "../message.ts";
import { unavailable } from "../peers/peer.ts";
import { testUnless } from "../peers/unless.ts";
import * as arena from "./arena.ts";
import { campaign, sequence, summary, TURNS } from "./campaign.ts";
import { C417, OX417 } from "./known.ts";
import { run } from "./run.ts";
import type { Outcome, Side } from "./side.ts";

const SEED = 1;
const core = existsSync(WASM_PATH) ? null : "build/xenstore.wasm is not built";
const c = unavailable("c");

/** Runs a campaign, prints its sums and expects no difference without a name. */
async function expectAgreement(pairings: readonly arena.Pairing[], operations: number) {
  const totals = await campaign({ seed: SEED, operations, pairings });
  console.log(`${pairings[0].name}: ${summary(totals)}`);
  expect(totals.differences).toEqual([]);
  expect(totals.operations).toBeGreaterThanOrEqual(operations);
}

describe("the harness", () => {
  testUnless(c, "two C daemons agree on everything", async () => {
    await expectAgreement([arena.TWINS], 2000);
  });

  testUnless(c, "a changed value is noticed", async () => {
    await expectNoticed((outcome) => change(outcome, ({ payload }) => payload === "1", "2"));
  });

  testUnless(c, "a changed error is noticed", async () => {
    const enoent = ({ payload }: { payload: string }) => payload === "ENOENT\0";
    await expectNoticed((outcome) => change(outcome, enoent, "EACCES\0"));
  });

  testUnless(c, "a lost event is noticed", async () => {
    await expectNoticed((outcome) => {
      for (const [conn, { messages }] of outcome) {
        const at = messages.findIndex(({ type }) => type === WATCH_EVENT);
        if (at < 0) continue;
        messages.splice(at, 1);
        if (messages.length === 0) outcome.delete(conn);
        return true;
      }
      return false;
    });
  });

  testUnless(c, "two events in the wrong order are noticed", async () => {
    await expectNoticed((outcome) => {
      for (const { messages } of outcome.values()) {
        const events = messages.filter(({ type }) => type === WATCH_EVENT);
        const [first, second] = events;
        if (second === undefined || first.payload === second.payload) continue;
        [first.payload, second.payload] = [second.payload, first.payload];
        return true;
      }
      return false;
    });
  });

  test("every known difference has a name of its own and a reason", () => {
    const rules = [...C417, ...OX417];
    expect(new Set(rules.map(({ name }) => name)).size).toBe(rules.length);
    for (const { reason } of rules) expect(reason.length).toBeGreaterThan(40);
  });
});

describe("ours and C 4.17", () => {
  testUnless(c ?? core, "answer 10,000 generated operations alike", async () => {
    await expectAgreement(TURNS, 10_000);
  });

  testUnless(c ?? unavailable("ours"), "answer guests alike over their rings", async () => {
    await expectAgreement([arena.RINGS], 3000);
  });

  const daemon = c ?? unavailable("ours");
  testUnless(daemon, "answer alike when ours is a daemon on its socket", async () => {
    await expectAgreement([arena.DAEMON], 2000);
  });
});

describe("ours and oxenstored 4.17", () => {
  const why = unavailable("ocaml") ?? core;
  testUnless(why, "read the same snapshots and commit nothing that a replay denies", async () => {
    await expectAgreement([arena.SNAPSHOTS], 3000);
  });
});

type Shown = { payload: string; type: number };

/** Plays sequences with one spoiled outcome until that was possible, and expects a difference. */
async function expectNoticed(spoil: (outcome: Outcome) => boolean) {
  for (let number = 1; number < 50; number += 1) {
    const { peer, ours, stop } = await arena.pair(arena.TWINS);
    const spoiler = new Spoiler(ours, spoil);
    try {
      const steps = sequence(number, arena.TWINS);
      const { difference } = await run(steps, peer, spoiler, [], true);
      expect(difference !== null).toBe(spoiler.spoiled);
    } finally {
      await stop();
    }
    if (spoiler.spoiled) return;
  }
  throw new Error("no sequence had anything to spoil");
}

class Spoiler implements Side {
  readonly name = "spoiled";
  spoiled = false;
  readonly #side: Side;
  readonly #spoil: (outcome: Outcome) => boolean;

  constructor(side: Side, spoil: (outcome: Outcome) => boolean) {
    this.#side = side;
    this.#spoil = spoil;
  }

  async act(act: Parameters<Side["act"]>[0]): Promise<Outcome> {
    const outcome = await this.#side.act(act);
    if (!this.spoiled) this.spoiled = this.#spoil(outcome);
    return outcome;
  }

  async stop(): Promise<void> {}
}

function change(outcome: Outcome, which: (message: Shown) => boolean, payload: string): boolean {
  for (const { messages } of outcome.values()) {
    const message = messages.find(which);
    if (message === undefined) continue;
    message.payload = payload;
    return true;
  }
  return false;
}
