// Campaign: many sequences, one after the other, until so many operations were compared.
// Holds   which pairing and which kind of sequence a number stands for, and the sums.
// Never   hides a difference: the first one is shrunk and ends the campaign, unless asked not to.
// Source  our own.

import type { Pair, Pairing } from "./arena.ts";
import * as arena from "./arena.ts";
import { type Flavour, generate, prologue } from "./generate.ts";
import { Random } from "./random.ts";
import { report, run, type Verdict } from "./run.ts";
import { shrink } from "./shrink.ts";
import { actLine, type Step } from "./step.ts";

/** What a campaign has done. */
export type Totals = {
  sequences: number;
  operations: number;
  /** Compared steps by the name of their operation. */
  compared: Map<string, number>;
  known: Map<string, number>;
  /** Nodes looked at in both stores after the sequences. */
  looked: number;
  /** Sequences that a lost peer cut short, with the reason. */
  notCompared: string[];
  /** Reports of differences without a name. */
  differences: string[];
};

export type CampaignOptions = {
  seed: number;
  operations: number;
  /** The pairings that take turns. */
  pairings: readonly Pairing[];
  /** Differences after which to stop; 1 unless given. */
  differences?: number;
  /** Called after every sequence. */
  progress?: (totals: Totals) => void;
};

const SHRINK_TRIES = 400;

/** Turns of the C daemon's pairings: three strict ones without limits, two with, one observed. */
export const TURNS: readonly Pairing[] = [
  arena.STRICT_RAISED,
  arena.STRICT_LOW,
  arena.STRICT_RAISED,
  arena.OBSERVED,
  arena.STRICT_DEFAULT,
  arena.STRICT_LOW,
  arena.STRICT_RAISED,
];

/** Runs sequences until enough operations were compared or a difference was found. */
export async function campaign(options: CampaignOptions): Promise<Totals> {
  const totals: Totals = {
    sequences: 0,
    operations: 0,
    compared: new Map(),
    known: new Map(),
    looked: 0,
    notCompared: [],
    differences: [],
  };
  const turn = (n: number) => options.pairings[n % options.pairings.length];
  // The next pair is started while this one works.
  let next = arena.pair(turn(0));
  try {
    while (totals.operations < options.operations) {
      const number = options.seed + totals.sequences;
      const pairing = turn(totals.sequences);
      const stores = await next;
      next = arena.pair(turn(totals.sequences + 1));
      const steps = sequence(number, pairing);
      add(totals, await played(steps, stores, pairing), `sequence ${number}`);
      const difference = totals.differences.length > 0 && totals.differences.at(-1) === "";
      if (difference) totals.differences.splice(-1, 1, await minimal(number, steps, pairing));
      options.progress?.(totals);
      if (totals.differences.length >= (options.differences ?? 1)) break;
    }
  } finally {
    await (await next).stop();
  }
  return totals;
}

/** Returns the steps of a sequence; the same number and pairing give the same steps. */
export function sequence(number: number, pairing: Pairing): Step[] {
  return generate(number, flavourOf(number, pairing));
}

function flavourOf(number: number, pairing: Pairing): Flavour {
  const random = new Random(number ^ 0x5bd1e995);
  const sockets = pairing.other === "daemon" || pairing.peer === "ocaml";
  return {
    length: random.pick([50, 80, 100, 120, 150, 200]),
    guests: sockets ? [] : random.pick([[], [1], [1, 2], [1, 2, 3]]),
    wide: random.chance(5) && pairing.peer === "c",
    inside: random.pick([0, 30, 60, 90]),
    transactionsOnly: pairing.peer === "ocaml",
  };
}

async function played(steps: readonly Step[], stores: Pair, pairing: Pairing): Promise<Verdict> {
  try {
    return await run(steps, stores.peer, stores.ours, pairing.rules, pairing.strict);
  } finally {
    await stores.stop();
  }
}

function add(totals: Totals, verdict: Verdict, name: string): void {
  totals.sequences += 1;
  if (verdict.lost !== null) {
    totals.notCompared.push(`${name}: ${verdict.lost}`);
    return;
  }
  for (const [type, n] of verdict.compared) {
    totals.operations += n;
    totals.compared.set(type, (totals.compared.get(type) ?? 0) + n);
  }
  for (const [rule, n] of verdict.known) totals.known.set(rule, (totals.known.get(rule) ?? 0) + n);
  totals.looked += verdict.looked;
  if (verdict.difference !== null) totals.differences.push("");
}

/** Plays shorter and shorter sequences and reports the shortest that still differs. */
async function minimal(number: number, steps: Step[], pairing: Pairing): Promise<string> {
  const once = async (some: readonly Step[]) => played(some, await arena.pair(pairing), pairing);
  const differs = async (some: readonly Step[]) => (await once(some)).difference !== null;
  if (!(await differs(steps))) return `sequence ${number} (${pairing.name}): differs at times only`;
  // The stores of oxenstored and ours become alike only by the first steps.
  const kept = pairing.peer === "ocaml" ? prologue(flavourOf(number, pairing)).length : 0;
  const first = steps.slice(0, kept);
  const rest = await shrink(
    steps.slice(kept),
    (some) => differs([...first, ...some]),
    SHRINK_TRIES,
  );
  const short = [...first, ...rest];
  const { difference } = await once(short);
  const title = `sequence ${number} (${pairing.name}), ${short.length} steps:`;
  const before = short.map((step) => `  ${stepLine(step)}`);
  const last = difference === null ? "differs at times only" : report(difference, pairing.name);
  return [title, ...before, "differs at:", last].join("\n");
}

export function stepLine(step: Step): string {
  if (step.kind !== "request") return actLine(step);
  const opens = step.opens === undefined ? "" : `   (opens ${step.opens})`;
  const tx = step.tx === 0 ? "" : `   (transaction ${step.tx})`;
  return `${actLine({ ...step, txId: 0 })}${tx}${opens}`;
}

/** Writes the sums for a person. */
export function summary(totals: Totals): string {
  const rows = (title: string, table: Map<string, number>) => [
    title,
    ...[...table].sort().map(([name, n]) => `  ${String(n).padStart(9)} ${name}`),
  ];
  return [
    `${totals.operations} operations compared in ${totals.sequences} sequences, ` +
      `${totals.looked} nodes looked at after them`,
    ...rows("by operation:", totals.compared),
    ...rows("known differences met:", totals.known),
    `sequences not compared because a peer was lost: ${totals.notCompared.length}`,
    ...totals.notCompared.slice(0, 10).map((why) => `  ${why}`),
    `differences without a name: ${totals.differences.length}`,
    ...totals.differences,
  ].join("\n");
}
