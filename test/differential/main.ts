// Main: the long differential run, npm run differential -- --operations 1000000.
// Holds   the command line and the exit code: 1 for any difference without a name.
// Never   decides what is compared.
// Source  our own.

import { readFileSync, writeFileSync } from "node:fs";
import process from "node:process";
import { parseArgs } from "node:util";
import { unavailable } from "../peers/peer.ts";
import * as arena from "./arena.ts";
import { campaign, summary, type Totals, TURNS } from "./campaign.ts";
import { replay, replaySummary } from "./replay.ts";
import { parseTrace } from "./trace.ts";

const USAGE = `usage: differential [--operations N] [--seed N] [--differences N] [--pairing NAME]
       differential --trace FILE [--on core|c] [--record FILE]
  --operations   how many requests to compare (10000)
  --seed         number of the first sequence (1)
  --differences  how many differences to collect before the run stops (1)
  --trace        play the requests of this trace instead, and compare with what it recorded
  --on           who answers them: core (ours, as it is) or c (the C daemon)
  --record       file for the same requests with the answers that came
  --pairing      strict-raised, strict-default, strict-low, observed, daemon, rings, twins,
                 snapshots;
                 without it the first four take turns`;

const PAIRINGS: Readonly<Record<string, arena.Pairing>> = {
  "strict-raised": arena.STRICT_RAISED,
  "strict-default": arena.STRICT_DEFAULT,
  "strict-low": arena.STRICT_LOW,
  observed: arena.OBSERVED,
  daemon: arena.DAEMON,
  rings: arena.RINGS,
  twins: arena.TWINS,
  snapshots: arena.SNAPSHOTS,
};
const PROGRESS_EVERY = 20_000;

const { values } = parseArgs({
  options: {
    operations: { type: "string", default: "10000" },
    seed: { type: "string", default: "1" },
    differences: { type: "string", default: "1" },
    pairing: { type: "string" },
    trace: { type: "string" },
    on: { type: "string", default: "core" },
    record: { type: "string" },
    help: { type: "boolean", short: "h" },
  },
});
process.exitCode = await main();

async function main(): Promise<number> {
  const named = values.pairing === undefined ? null : PAIRINGS[values.pairing];
  if (values.help || named === undefined) {
    console.log(USAGE);
    return values.help ? 0 : 2;
  }
  if (values.trace !== undefined) return await playTrace(values.trace);
  const why = unavailable(named?.peer ?? "c");
  if (why !== null) {
    console.error(`differential: no peer to compare with: ${why}`);
    return 1;
  }
  const totals = await campaign({
    seed: Number(values.seed),
    operations: Number(values.operations),
    differences: Number(values.differences),
    pairings: named === null ? TURNS : [named],
    progress: progress(),
  });
  console.log(summary(totals));
  return totals.differences.length === 0 ? 0 : 1;
}

async function playTrace(file: string): Promise<number> {
  const { side, stop } = await arena.single(values.on === "c" ? "c" : "core");
  try {
    const played = await replay(parseTrace(readFileSync(file, "utf8")), side);
    if (values.record !== undefined) writeFileSync(values.record, `${played.lines.join("\n")}\n`);
    console.log(replaySummary(played));
    return played.mismatches.length === 0 ? 0 : 1;
  } finally {
    await stop();
  }
}

function progress(): (totals: Totals) => void {
  let next = PROGRESS_EVERY;
  return ({ operations, sequences }) => {
    if (operations < next) return;
    next += PROGRESS_EVERY;
    console.log(`${operations} operations in ${sequences} sequences`);
  };
}
