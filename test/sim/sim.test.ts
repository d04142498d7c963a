// Sim: random conversations of four connections, on the core and on the simplest model.
// Holds   how many there are and how long; SIM_RUNS and SIM_SEED change it.
// Never   accepts a difference; what fails is printed as a transcript.
// Source  the XenStore protocol.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { STAT_BYTES, STAT_NODES, STAT_UNDO_BYTES } from "../core.ts";
import { exchange, exchangeBytes } from "../exchange.ts";
import { storeProblems } from "../invariants.ts";
import { typeNumber } from "../message.ts";
import { Run } from "./run.ts";
import { conversation, type Step } from "./workload.ts";

const numRuns = Number(process.env.SIM_RUNS ?? 1500);
const seed = Number(process.env.SIM_SEED ?? 42);

function write(conn: string, payload: string, tx = 0): Step {
  return { kind: "request", conn, tx, name: "WRITE", payload };
}

describe("a random conversation", () => {
  it(`goes as the model says (${numRuns} from seed ${seed})`, () => {
    fc.assert(
      fc.property(conversation, (steps) => {
        const run = new Run();
        for (const step of steps) run.step(step);
        expect(storeProblems(run.hub)).toEqual([]);
      }),
      { numRuns, seed },
    );
  });

  it("says the same on two instances", () => {
    fc.assert(
      fc.property(conversation, (steps) => {
        const [one, two] = [new Run(), new Run()];
        for (const step of steps) {
          one.step(step);
          two.step(step);
        }
        expect(one.transcript).toEqual(two.transcript);
      }),
      { numRuns: 60, seed },
    );
  });

  it("leaves no memory behind when everything is removed", () => {
    const transcripts = fc.sample(conversation, { numRuns: 40, seed });
    const run = new Run();
    const clear = () => {
      for (const name of run.hub.names()) exchange(run.hub, name, "RESET_WATCHES |");
      for (const path of ["a", "b", "n", "local/domain/3/x", "local/domain/5/x"]) {
        exchange(run.hub, "dom0", `RM /${path}|`);
      }
      for (const path of ["local/domain/0", "local/domain/3", "local/domain/5"]) {
        exchange(run.hub, "dom0", `RM /${path}|`);
      }
      exchange(run.hub, "dom0", "SET_PERMS /|n0|");
      exchange(run.hub, "dom0", "SET_PERMS @introduceDomain|n0|");
      exchange(run.hub, "dom0", "SET_PERMS @releaseDomain|n0|r32757|");
      exchange(run.hub, "dom0", "WRITE /|");
      exchange(run.hub, "dom0", "WRITE /local/domain/3|");
      exchange(run.hub, "dom0", "WRITE /local/domain/5|");
      return { bytes: run.hub.core.stat(STAT_BYTES), nodes: run.hub.core.stat(STAT_NODES) };
    };
    const talk = () => {
      for (const steps of transcripts) {
        for (const step of steps) {
          if (step.kind !== "request") continue;
          exchangeBytes(run.hub, step.conn, typeNumber(step.name), step.payload);
          run.hub.pass(100);
        }
      }
    };
    // Buffers that stay for the next use are there after the first time.
    talk();
    const start = clear();
    talk();
    expect(clear()).toEqual(start);
    expect(run.hub.core.stat(STAT_UNDO_BYTES)).toBe(0);
  });
});

describe("the comparison itself", () => {
  it("finds a value that differs", () => {
    const run = new Run();
    run.spoil("/a/b", "spoiled");
    const read: Step = { kind: "request", conn: "dom0", tx: 0, name: "READ", payload: "/a/b\0" };
    expect(() => run.step(read)).toThrow("dom0 > READ /a/b|");
  });

  it("finds an event that is missing", () => {
    const run = new Run();
    const watch = { kind: "request", conn: "dom0b", tx: 0, name: "WATCH" } as const;
    run.step({ ...watch, payload: "/a\0t\0" });
    run.model.serve(
      { conn: "dom0b", txId: 0, name: "UNWATCH", payload: "/a\0t\0" },
      {
        error: "",
        payload: "OK\0",
      },
    );
    expect(() => run.step(write("dom0", "/a\0w"))).toThrow("dom0b must receive");
  });

  it("finds a commit that should have conflicted", () => {
    const run = new Run();
    const ask = { kind: "request", conn: "dom0", tx: 1 } as const;
    run.step({ ...ask, tx: 0, name: "TRANSACTION_START", payload: "\0" });
    run.step({ ...ask, name: "READ", payload: "/a/b\0" });
    run.spoil("/a/b", "changed behind its back");
    const end: Step = { ...ask, name: "TRANSACTION_END", payload: "T\0" };
    expect(() => run.step(end)).toThrow("ERROR EAGAIN|");
  });
});
