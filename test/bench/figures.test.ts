// Figures tests: quantiles, medians, ratios, verdicts and the command line, on made-up numbers.
// Holds   what needs no daemon.
// Never   measures anything.
// Source  our own.

import { describe, expect, it } from "vitest";
import { emptyFigure, type Figure, type Unit } from "./figures.ts";
import { Histogram } from "./meter.ts";
import { helpText, parseOptions } from "./options.ts";
import { median, number, ratio, table } from "./report.ts";
import { verdicts } from "./targets.ts";
import { WORKLOADS } from "./workload.ts";

describe("a histogram", () => {
  it("finds quantiles within two percent", () => {
    const histogram = new Histogram();
    for (let ns = 1; ns <= 100_000; ns++) histogram.add(ns);
    for (const part of [0.001, 0.1, 0.5, 0.9, 0.99, 1]) {
      const exact = part * 100_000;
      expect(Math.abs(histogram.quantile(part) - exact)).toBeLessThanOrEqual(exact * 0.02);
    }
  });

  it("keeps small and very large values apart", () => {
    const histogram = new Histogram();
    for (const ns of [0, 1, 63, 64, 5e9]) histogram.add(ns);
    expect(histogram.quantile(0.2)).toBe(0);
    expect(histogram.quantile(0.4)).toBe(1);
    expect(histogram.quantile(0.6)).toBe(63);
    expect(histogram.quantile(1)).toBeGreaterThan(4e9);
    expect(histogram.maxNs).toBe(5e9);
  });

  it("has no quantile without values", () => {
    expect(new Histogram().quantile(0.5)).toBeNaN();
  });
});

describe("a report", () => {
  it("takes the middle value, or the mean of the two in the middle", () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 2, 3])).toBe(2.5);
    expect(median([])).toBeNaN();
  });

  it("calls more a second, and fewer bytes, better", () => {
    expect(ratio("ops/s", [200], [100])).toBe(2);
    expect(ratio("bytes", [200], [100])).toBe(0.5);
  });

  it("shows as many digits of a number as mean something", () => {
    expect([0, 0.012345, 1.2345, 12.345, 123.45, 1234.5, Number.NaN].map(number)).toEqual([
      "0.00",
      "0.012",
      "1.23",
      "12.3",
      "123",
      "1,235",
      "-",
    ]);
  });

  it("says when replies differ from those of the first peer", () => {
    const [c, ours] = ["c", "ours"].map((peer) => made(peer, "pingpong-read", "requests", [1]));
    Object.assign(c, { hash: "00000001", hashed: 5 });
    Object.assign(ours, { hash: "00000002", hashed: 5 });
    const rows = table({ figures: [c, ours], failures: [] }, "c", true).split("\n");
    expect(rows[2]).not.toContain("differ");
    expect(rows[3]).toContain("replies differ from the first peer's");
  });
});

function made(peer: string, workload: string, name: string, values: number[], unit?: Unit): Figure {
  return { ...emptyFigure(workload, name, peer, unit ?? "ops/s"), values, perCpu: values };
}

describe("a verdict", () => {
  const pingpong = (peer: string, rate: number) => made(peer, "pingpong-read", "requests", [rate]);

  it("is yes when a target is reached and no when it is missed", () => {
    expect(verdicts([pingpong("c", 100), pingpong("ours", 121)], true)).toMatch(/1\.21 × C \| yes/);
    expect(verdicts([pingpong("c", 100), pingpong("ours", 119)], true)).toMatch(/1\.19 × C \| no/);
  });

  it("compares our own rates round by round", () => {
    const figures = [
      made("ours", "watch-scale", "WRITE, no watches", [100, 200, 300]),
      made("ours", "watch-scale", "WRITE, many watches", [90, 150, 270]),
    ];
    expect(verdicts(figures, true)).toMatch(/90 % \| yes/);
  });

  it("holds what is promised for the way in which changes were stored", () => {
    const write = (peer: string, rate: number) => made(peer, "pingpong-write", "requests", [rate]);
    const figures = [write("c", 100), write("ours", 110)];
    expect(verdicts(figures, true, "process")).toMatch(/ 1 × C \| 1\.10 × C \| yes/);
    expect(verdicts(figures, true, "off")).toMatch(/ 1\.2 × C \| 1\.10 × C \| no/);
    expect(verdicts(figures, true, "disk")).toBeNull();
  });

  it("takes the worst round where a wait is promised to be short", () => {
    const waits = (ms: number[]) => made("ours", "compaction", "longest wait", ms, "ms");
    expect(verdicts([waits([3, 19.5, 4])], true)).toMatch(/19\.5 ms \| yes/);
    expect(verdicts([waits([3, 21, 4])], true)).toMatch(/21\.0 ms \| no/);
  });

  it("is silent about what was not measured", () => {
    expect(verdicts([pingpong("ours", 121)], false)).toBeNull();
  });

  it("speaks of workloads that exist", () => {
    const bytes = made("ours", "nodes", "memory for each node", [119], "bytes");
    expect(verdicts([bytes], true)).toMatch(/119 bytes \| yes/);
    expect(WORKLOADS.map(({ name }) => name)).toEqual(
      expect.arrayContaining(["pingpong-read", "clients-32", "pipelined-write", "watch-scale"]),
    );
  });
});

describe("the command line", () => {
  it("chooses workloads by name or by the beginning of a name", () => {
    expect(parseOptions(["pipelined"]).workloads).toEqual(["pipelined-read", "pipelined-write"]);
    expect(parseOptions(["nodes"]).workloads).toEqual(["nodes"]);
    expect(parseOptions([]).workloads).toEqual(expect.arrayContaining(["churn", "core-nodes"]));
  });

  it("names the option, what was given and what is allowed", () => {
    expect(() => parseOptions(["--rounds", "0"])).toThrow(
      '--rounds: "0" is not a whole number, 1 to 1000',
    );
    expect(() => parseOptions(["--pin", "loose"])).toThrow(
      '--pin: "loose" is none of same, split, none',
    );
    expect(() => parseOptions(["--durability", "maybe"])).toThrow(
      '--durability: "maybe" is none of off, process, disk',
    );
    expect(() => parseOptions(["no-such"])).toThrow('workload "no-such" is none of pingpong-read');
    expect(() => parseOptions(["--seconds", "x"])).toThrow("0.01 to 600");
  });

  it("explains every workload", () => {
    for (const { name, about } of WORKLOADS)
      expect(helpText()).toContain(`${name.padEnd(18)}${about}`);
  });
});
