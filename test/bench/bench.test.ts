// Bench tests: every workload at its smoke size, with every daemon that this machine has.
// Holds   no expectation of any speed: that figures are there, whole and of equal replies.
// Never   binds the test's own process to a processor.
// Source  our own.

import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { XS_READ } from "../../assembly/xs_wire.ts";
import { request } from "./connection.ts";
import type { Figure } from "./figures.ts";
import { contestants } from "./peers.ts";
import { jsonLines, table } from "./report.ts";
import { measureAll, type Plan } from "./run.ts";
import { loadSystem } from "./system.ts";
import { WORKLOADS, type Workload } from "./workload.ts";

const PROGRAM = resolve(import.meta.dirname, "../../build/test/bench.mjs");
const system = await loadSystem();
const { found, missing } =
  typeof system === "string"
    ? { found: [], missing: [`every workload: ${system}`] }
    : contestants(["c", "ocaml", "ours"], system, PROGRAM);
for (const reason of missing) console.log(`left out of the bench's tests, ${reason}`);
const able = typeof system !== "string" && found.length > 0;

const plan = (workloads: Workload[]): Plan => ({
  workloads,
  contestants: found,
  rounds: 1,
  effort: { span: { warmupMs: 0, measureMs: 0, ops: 40 }, smoke: true, loadMs: 60_000 },
  pin: "none",
  cpu: 0,
});

async function smoke(workload: Workload) {
  if (typeof system === "string") throw new Error(system);
  return measureAll(system, plan([workload]), () => {});
}

const leftOut = ` (left out: ${typeof system === "string" ? system : "no daemon can be had"})`;

describe.skipIf(!able)(`a workload at its smoke size${able ? "" : leftOut}`, () => {
  for (const workload of WORKLOADS) {
    it(`${workload.name} gives the same figures for every daemon`, async () => {
      const { figures, failures } = await smoke(workload);
      expect(failures).toEqual([]);
      expect(figures.length).toBeGreaterThan(0);
      const rates = figures.filter((figure) => figure.unit === "ops/s");
      for (const { name, offers } of found) {
        if (workload.needs && !offers.includes(workload.needs)) continue;
        const own = rates.filter((figure) => figure.peer === name).map((figure) => figure.name);
        expect(own).toEqual(namesOf(rates));
      }
      for (const { values } of rates) expect(Math.min(...values)).toBeGreaterThan(0);
    });
  }

  it("gets the same bytes as replies from every daemon", async () => {
    const { figures } = await smoke(WORKLOADS[0]);
    expect(figures).toHaveLength(found.length);
    expect(figures[0].hashed).toBeGreaterThan(40);
    expect(new Set(figures.map((figure) => figure.hash)).size).toBe(1);
  });

  it("becomes a line of JSON and a row of the table for each figure", async () => {
    const outcome = await smoke(WORKLOADS[0]);
    const lines = jsonLines(outcome, { date: "today" }).trimEnd().split("\n");
    expect(lines.map((line) => JSON.parse(line))).toMatchObject(
      found.map(({ name }) => ({ workload: WORKLOADS[0].name, peer: name, date: "today" })),
    );
    expect(table(outcome, found[0].name, true).split("\n")).toHaveLength(2 + found.length);
  });

  it("turns an error of a daemon into a failure with its name and ends nothing else", async () => {
    const outcome = await smoke({
      name: "missing-node",
      about: "reads what is not there",
      open(session) {
        const connection = session.connect();
        return { round: () => connection.call(request(XS_READ, ["/no/such/node"])) };
      },
    });
    const reason = "type 2 of /no/such/node| was answered with ENOENT";
    const expected = found.map(({ name }) => ({ workload: "missing-node", peer: name, reason }));
    expect(outcome.failures).toEqual(expected);
  });
});

function namesOf(figures: Figure[]): string[] {
  return [...new Set(figures.map((figure) => figure.name))];
}

const floorAble = typeof system !== "string" && existsSync(PROGRAM);
const noFloor = floorAble ? "" : " (left out: koffi or the bundle is missing)";

describe.skipIf(!floorAble)(`the server of fixed answers${noFloor}`, () => {
  it("takes part in the workloads that need no store, and only in those", async () => {
    if (typeof system === "string") throw new Error(system);
    const floor = contestants(["floor"], system, PROGRAM).found;
    const outcome = await measureAll(system, { ...plan(WORKLOADS), contestants: floor }, () => {});
    expect(outcome.failures).toEqual([]);
    const fixed = WORKLOADS.filter((workload) => workload.fixedAnswers).map(({ name }) => name);
    expect([...new Set(outcome.figures.map((figure) => figure.workload))]).toEqual(fixed);
  });
});
