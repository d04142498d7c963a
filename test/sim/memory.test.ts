// Memory: random conversations in a store that has hardly any memory left, or no room for snapshots.
// Holds   conversations as in sim.test.ts, without the model: what is refused depends on bytes.
// Never   accepts a trap, a store that is not in order, or a commit after a snapshot was lost.
// Source  the XenStore protocol, Error names; our own limits.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { OPT_MEMORY_PAGES, OPT_UNDO_MAX } from "../../assembly/abi.ts";
import { Core, STAT_BYTES, STAT_FAULTS, STAT_MEMORY, STAT_UNDO_BYTES } from "../core.ts";
import { exchange, exchangeBytes } from "../exchange.ts";
import { Hub } from "../hub.ts";
import { storeProblems } from "../invariants.ts";
import { typeNumber } from "../message.ts";
import { CONNECTIONS, conversation, type Step } from "./workload.ts";

const seed = Number(process.env.SIM_SEED ?? 42);
const numRuns = Number(process.env.SIM_RUNS ?? 1500) / 10;

const SETUP = [
  "INTRODUCE 3|0|5|",
  "INTRODUCE 5|0|5|",
  "SET_TARGET 5|3|",
  "WRITE /a/b|v",
  "SET_PERMS /a|b0|",
  "MKDIR /local/domain/3|",
  "SET_PERMS /local/domain/3|n3|",
];

function start(option: number, value: number): Hub {
  const hub = new Hub(new Core());
  for (const text of SETUP) expect(exchange(hub, "dom0", text).error).toBe("");
  for (const name of CONNECTIONS) hub.open(name);
  hub.core.configure(option, value);
  return hub;
}

/** Sends the requests of a conversation; a transaction's number is guessed, as it may not exist. */
function talk(hub: Hub, steps: readonly Step[], grow: number): Map<string, number> {
  const errors = new Map<string, number>();
  for (const step of steps) {
    if (step.kind !== "request") continue;
    const value = step.name === "WRITE" ? "x".repeat(grow) : "";
    const { error } = exchangeBytes(
      hub,
      step.conn,
      typeNumber(step.name),
      step.payload + value,
      step.tx,
    );
    errors.set(error, (errors.get(error) ?? 0) + 1);
    hub.pass(500);
  }
  return errors;
}

/** Takes all memory there is, and returns how many nodes that were. */
function fill(hub: Hub): number {
  let count = 0;
  for (const size of [4000, 2000, 400, 40, 0]) {
    for (;;) {
      const payload = `/full/n${count}\0${"x".repeat(size)}`;
      if (exchangeBytes(hub, "dom0", typeNumber("WRITE"), payload).error !== "") break;
      count += 1;
    }
  }
  return count;
}

describe("a store without memory", () => {
  it("refuses with ENOMEM, stays in order, and serves again when there is some", () => {
    const pages = new Core().stat(STAT_MEMORY) / 65536 + 8;
    let refused = 0;
    fc.assert(
      fc.property(conversation, fc.integer({ min: 0, max: 30 }), (steps, holes) => {
        const hub = start(OPT_MEMORY_PAGES, pages);
        const before = hub.core.stat(STAT_BYTES);
        const count = fill(hub);
        expect(count).toBeGreaterThan(100);
        for (let n = 0; n < holes; n += 1) exchange(hub, "dom0", `RM /full/n${n * 7}|`);
        refused += talk(hub, steps, 100).get("ENOMEM") ?? 0;
        expect(hub.core.stat(STAT_FAULTS)).toBe(0);
        for (const name of hub.names()) exchange(hub, name, "RESET_WATCHES |");
        expect(exchange(hub, "dom0", "RM /full|").error).toBe("");
        expect(exchange(hub, "dom0", `WRITE /a/b|${"y".repeat(4000)}`).error).toBe("");
        expect(storeProblems(hub)).toEqual([]);
        expect(hub.core.stat(STAT_BYTES) - before).toBeLessThan(100_000);
      }),
      { numRuns: Math.min(numRuns, 60), seed },
    );
    expect(refused).toBeGreaterThan(0);
  });
});

describe("a store without room for snapshots", () => {
  it("gives snapshots up, never commits on a lost one, and stays in order", () => {
    fc.assert(
      fc.property(conversation, fc.integer({ min: 0, max: 3000 }), (steps, room) => {
        const hub = start(OPT_UNDO_MAX, room);
        talk(hub, steps, 0);
        expect(hub.core.stat(STAT_UNDO_BYTES)).toBeLessThanOrEqual(room);
        for (const name of hub.names()) exchange(hub, name, "RESET_WATCHES |");
        expect(hub.core.stat(STAT_UNDO_BYTES)).toBe(0);
        expect(storeProblems(hub)).toEqual([]);
      }),
      { numRuns, seed },
    );
  });

  it("answers EAGAIN at the end of a transaction whose snapshot is lost", () => {
    const hub = start(OPT_UNDO_MAX, 0);
    expect(exchange(hub, "dom0", "TRANSACTION_START |").answer).toBe("1\0");
    expect(exchange(hub, "dom0", "READ /a/b|", 1).answer).toBe("v");
    expect(exchange(hub, "dom0b", "WRITE /unrelated|x").error).toBe("");
    expect(exchange(hub, "dom0", "TRANSACTION_END T|", 1).error).toBe("EAGAIN");
    expect(exchange(hub, "dom0", "TRANSACTION_START |").answer).toBe("2\0");
    expect(exchange(hub, "dom0", "READ /unrelated|", 2).answer).toBe("x");
    expect(exchange(hub, "dom0", "TRANSACTION_END T|", 2).error).toBe("");
  });
});
