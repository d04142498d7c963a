// Main: kills daemons under load for a while, npm run test:crash -- --minutes 5 --seed 1
// Holds   the command line, the order of the campaigns, and the exit code.
// Never   goes on after a complaint: the folder with the database is kept then.
// Source  our own.

import path from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { release } from "../host/rig.ts";
import { eachCall, eachFailure, fullDisk, random } from "./campaign.ts";
import { cannotMount } from "./full_disk.ts";
import type { Where } from "./killing_storage.ts";
import type { SiteOptions } from "./site.ts";

const USAGE = `usage: npm run test:crash -- [options] [CAMPAIGN...]
  CAMPAIGN     random, before, half, after, page, fail, full; without any: all, in turn
  --minutes    how long (5); each campaign that has begun is ended
  --seed       of the load and of the moments; other seeds follow it
  --sockets    clients on sockets (4)
  --guests     guests on rings (3)
  --moves      of each client between two kills at calls (12)
  --serve-ms   longest time of serving between two kills at random (800)
  --compact    bytes of journals from which on a snapshot is written; without it several, in turn
  --args       more arguments for the daemon, in one word
  --durability process or disk; without it both, in turn
  --quiet      one line for each campaign`;

const WHERES: readonly (Where | "page")[] = ["before", "half", "after", "page"];
const CAMPAIGNS = ["random", ...WHERES, "fail", "full"];
/** Part of the time that one campaign of kills at random takes. */
const SHARE = 0.25;
const FILLINGS = 4;
/** Bytes of journals from which on a snapshot is written. */
const COMPACT_MIN = ["3000", "20000", "1000000"];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    minutes: { type: "string", default: "5" },
    seed: { type: "string", default: String(Math.floor(Math.random() * 0x7fffffff)) },
    sockets: { type: "string", default: "4" },
    guests: { type: "string", default: "3" },
    moves: { type: "string", default: "12" },
    "serve-ms": { type: "string", default: "800" },
    compact: { type: "string" },
    args: { type: "string", default: "" },
    durability: { type: "string" },
    quiet: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});
const bundle = path.join(path.dirname(fileURLToPath(import.meta.url)), "daemon.mjs");
const lengthMs = Number(values.minutes) * 60_000;
const startMs = performance.now();
process.exitCode = await main();
await release();
// A pipe that is still open must not keep the process alive.
process.exit();

async function main(): Promise<number> {
  if (values.help || positionals.some((name) => !CAMPAIGNS.includes(name))) {
    console.log(USAGE);
    return values.help ? 0 : 2;
  }
  const names = positionals.length > 0 ? positionals : CAMPAIGNS;
  for (let count = 0; performance.now() - startMs < lengthMs; count++) {
    const name = names[count % names.length] as string;
    // Each of the modes with each of the campaigns, in the course of time.
    const durability =
      values.durability ?? (Math.floor(count / names.length) % 2 === 0 ? "process" : "disk");
    const seed = Number(values.seed) + count;
    console.log(`== ${name}, ${durability}, seed ${seed}`);
    try {
      console.log(await campaign(name, options(seed, durability)));
    } catch (error) {
      console.error(`${name}, ${durability}, seed ${seed}: ${(error as Error).message}`);
      return 1;
    }
  }
  return 0;
}

async function campaign(name: string, options: SiteOptions): Promise<string> {
  const told = (line: string) => void (values.quiet || console.log(line));
  const moves = Number(values.moves);
  if (name === "random") {
    const untilMs = performance.now() + lengthMs * (positionals.length === 1 ? 1 : SHARE);
    const more = () => performance.now() < untilMs;
    return JSON.stringify(await random(options, Number(values["serve-ms"]), more, told));
  }
  if (name === "full") {
    if (cannotMount()) return `left out: ${cannotMount()}`;
    await fullDisk(options, FILLINGS, told);
    return `filled ${FILLINGS} times`;
  }
  if (name === "fail") return `${await eachFailure(options, moves, told)} calls failed`;
  const counts = await eachCall(options, name as Where | "page", moves, told);
  return `killed at ${counts.inLoad} calls of a load, and at ${counts.inStart} of a start`;
}

function options(seed: number, durability: string): SiteOptions {
  return {
    seed,
    sockets: Number(values.sockets),
    guests: Number(values.guests),
    args: ["--durability", durability, ...values.args.split(" ").filter((word) => word !== "")],
    bundle,
    env: { XENSTORE_COMPACT_MIN: values.compact ?? COMPACT_MIN[seed % COMPACT_MIN.length] },
  };
}
