// Report: what was measured, as lines of JSON and as a table.
// Holds   medians, ratios to the first peer, the columns.
// Never   rounds what goes into the JSON.
// Source  our own.

import type { Figure, Unit } from "./figures.ts";
import { SEED } from "./random.ts";
import type { Failure, Outcome } from "./run.ts";

/** The middle value; of an even number of values the mean of the two middle ones. */
export function median(values: number[]): number {
  if (!values.length) return Number.NaN;
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** One line of JSON for each figure; `run` is what all of them have in common. */
export function jsonLines(outcome: Outcome, run: Record<string, unknown>): string {
  const lines = outcome.figures.map((figure) => JSON.stringify(jsonOf(figure, run)));
  return lines.map((line) => `${line}\n`).join("");
}

function jsonOf(figure: Figure, run: Record<string, unknown>) {
  const { workload, name, peer, unit, values, latency, hash, hashed, notes } = figure;
  const timed = latency.count > 0;
  return {
    ...{ workload, figure: name, peer, unit, values },
    ...{ min: Math.min(...values), median: median(values), max: Math.max(...values) },
    ...(timed && {
      p50Us: latency.quantile(0.5) / 1000,
      p99Us: latency.quantile(0.99) / 1000,
      maxUs: latency.maxNs / 1000,
    }),
    ...(figure.daemonUs.length && {
      perCpuSecond: figure.perCpu,
      daemonUsPerOp: figure.daemonUs,
      clientShare: figure.clientShare,
      residentBytes: figure.resident,
    }),
    ...(hash && { hash, hashedReplies: hashed }),
    ...(notes.length && { notes }),
    seed: SEED,
    ...run,
  };
}

const HEAD = [
  "workload",
  "figure",
  "peer",
  "median",
  "min",
  "max",
  "unit",
  "ratio",
  "ratio (cpu)",
  "p50 us",
  "p99 us",
  "daemon us",
  "client cpu",
  "note",
];
/** Columns of words; the others are numbers and stand to the right. */
const WORDS = new Set([
  ...["workload", "figure", "peer", "unit", "note"],
  ...["target", "wanted", "measured", "met"],
]);

/**
 * The table, one row for each figure and peer. A ratio above 1 is better than `base`.
 * @param base  the peer that the others are compared with
 */
export function table(outcome: Outcome, base: string, markdown: boolean): string {
  const order = new Map<string, Figure[]>();
  for (const figure of outcome.figures) {
    const key = `${figure.workload}\0${figure.name}`;
    order.set(key, [...(order.get(key) ?? []), figure]);
  }
  const rows = [...order.values()].flatMap((group) => {
    const against = group.find((figure) => figure.peer === base);
    return group.map((figure) => row(figure, against));
  });
  rows.push(...outcome.failures.map(failureRow));
  return layOut(HEAD, rows, markdown);
}

function row(figure: Figure, against: Figure | undefined): string[] {
  const { values, latency, unit } = figure;
  const notes = [...figure.notes];
  if (against && differ(figure, against)) notes.push("replies differ from the first peer's");
  return [
    figure.workload,
    figure.name,
    figure.peer,
    ...[median(values), Math.min(...values), Math.max(...values)].map(number),
    unit,
    against ? number(ratio(unit, values, against.values)) : "-",
    against?.perCpu.length ? number(median(figure.perCpu) / median(against.perCpu)) : "-",
    latency.count ? number(latency.quantile(0.5) / 1000) : "-",
    latency.count ? number(latency.quantile(0.99) / 1000) : "-",
    number(median(figure.daemonUs)),
    number(median(figure.clientShare)),
    notes.join("; "),
  ];
}

function differ(a: Figure, b: Figure): boolean {
  return a.hash !== null && a.hashed === b.hashed && a.hash !== b.hash;
}

function failureRow({ workload, peer, reason }: Failure): string[] {
  const blank = HEAD.slice(3, -1).map(() => "-");
  return [workload, "-", peer, ...blank, `failed: ${reason}`];
}

/** How many times as good as `base`: of rates the quotient, of times and bytes its inverse. */
export function ratio(unit: Unit, values: number[], base: number[]): number {
  const quotient = median(values) / median(base);
  return unit === "ops/s" ? quotient : 1 / quotient;
}

/** Two or three significant digits; thousands grouped. */
export function number(value: number): string {
  if (!Number.isFinite(value)) return "-";
  if (value >= 100) return Math.round(value).toLocaleString("en-US");
  if (value >= 10) return value.toFixed(1);
  return value >= 1 || value === 0 ? value.toFixed(2) : value.toPrecision(2);
}

/** Puts rows under a head, padded for a terminal or as Markdown. */
export function layOut(head: string[], rows: string[][], markdown: boolean): string {
  const words = head.map((name) => WORDS.has(name));
  if (markdown) {
    const rule = words.map((left) => (left ? "---" : "--:"));
    return [head, rule, ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
  }
  const widths = head.map((name, i) => Math.max(name.length, ...rows.map((r) => r[i].length)));
  const pad = (cell: string, i: number) =>
    words[i] ? cell.padEnd(widths[i]) : cell.padStart(widths[i]);
  return [head, ...rows].map((cells) => cells.map(pad).join("  ").trimEnd()).join("\n");
}
