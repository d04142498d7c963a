// Rings life: stores that are killed again and again lose nothing of what domains have asked.
// Holds   how many runs there are; STATE_RUNS and STATE_SEED change it.
// Never   leaves out the host's part: the server, its rings, files and notes are those of a daemon.
// Source  the XenStore protocol, ring and domains; "What is kept" in ARCHITECTURE.md.

import { describe, expect, it } from "vitest";
import { encode, typeNumber } from "../message.ts";
import { Died } from "../storage/model.ts";
import { type Inhabitant, Life, World } from "./rings_life.ts";
import { Play } from "./rings_play.ts";
import { Speaker } from "./rings_speaker.ts";

const numRuns = Number(process.env.STATE_RUNS ?? 40);
const seed = Number(process.env.STATE_SEED ?? 1);
const SETTINGS = { compactMin: 1e9, fails: 0, unmapped: 0, options: [] };
const FOREVER = 1e9;

/** Asks on the socket. */
function say(life: Life, type: string, payload: string): void {
  const conn = life.client(() => {});
  const bytes = encode({ type: typeNumber(type), reqId: 1, txId: 0, payload });
  life.core.input(bytes.length).set(bytes);
  life.server.received(conn, bytes.length);
  life.pump();
}

/** The control domain asks once, with a store that is killed after so many changes. */
function askOnce(left: number, type: string, payload: string) {
  const world = new World(left);
  const control = new Speaker(world.domains.get(0) as Inhabitant);
  let killed = false;
  try {
    const life = new Life(world, SETTINGS, left, false);
    control.send(type, payload, 0, 1);
    life.notified(0);
  } catch (error) {
    if (!(error instanceof Died)) throw error;
    killed = true;
  }
  world.life?.kill();
  const next = new Life(world, SETTINGS, FOREVER, false);
  if (control.asked === 0) control.send(type, payload, 0, 1);
  next.notified(0);
  return { killed, wrong: control.take(1024), settled: control.settled };
}

describe("the control domain's ring", () => {
  it.each([
    ["a request that changes nothing", "READ", "/tool\0"],
    ["a request that the machine is asked about, in vain", "INTRODUCE", "7\x001\x002\0"],
    ["a change", "WRITE", "/a\0b"],
  ])("gets one reply to %s, whenever its store is killed", (_, type, payload) => {
    let killed = true;
    let left = 1;
    for (; killed; left++) {
      const outcome = askOnce(left, type, payload);
      expect({ left, ...outcome }).toMatchObject({ left, wrong: "", settled: true });
      killed = outcome.killed;
    }
    expect(left).toBeGreaterThan(8);
  });

  it("may hold, when a store begins, what ends a domain that is to go on", () => {
    const world = new World(1);
    const control = new Speaker(world.domains.get(0) as Inhabitant);
    const life = new Life(world, SETTINGS, FOREVER, false);
    world.create(1);
    say(life, "INTRODUCE", "1\x001\x002\0");
    expect(life.serves(1)).toBe(true);
    control.send("RELEASE", "1\0", 0, 1);
    life.kill();
    const next = new Life(world, SETTINGS, FOREVER, false);
    expect([...next.core.domains()]).toEqual([0]);
    expect(next.serves(1)).toBe(false);
    expect(control.take(1024)).toBe("");
    expect(control.settled).toBe(true);
  });
});

describe("domains that come, talk and go", () => {
  it(`are served on by each store (${numRuns} runs from seed ${seed})`, async () => {
    for (let one = seed; one < seed + numRuns; one++) {
      const play = new Play(one);
      const wrong = await play.run();
      if (wrong) expect(`seed ${one}: ${wrong}\n${play.log.join("\n")}`).toBe("");
    }
  });
});
