// Bench: npm run bench, the project's load generator and comparison.
// Holds   the order of things: options, run, table, verdicts, lines of JSON.
// Never   measures by itself.
// Source  our own.

import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { CORE_WORKLOADS, measureCore } from "./core.ts";
import { serveFixedAnswers } from "./floor.ts";
import { helpText, type Options, parseOptions } from "./options.ts";
import { contestants } from "./peers.ts";
import { jsonLines, table } from "./report.ts";
import { measureAll, type Outcome } from "./run.ts";
import { loadSystem, type System } from "./system.ts";
import { verdicts } from "./targets.ts";
import { WORKLOADS } from "./workload.ts";

try {
  process.exitCode = await main(parseOptions(process.argv.slice(2)));
} catch (error) {
  console.error(`bench: ${(error as Error).message}`);
  process.exitCode = 1;
}

/** @returns the exit code: 1 when a peer failed at something */
async function main(options: Options): Promise<number> {
  if (options.help) {
    console.log(helpText());
    return 0;
  }
  const system = await loadSystem();
  if (options.floor !== null) {
    if (typeof system === "string") throw new Error(system);
    serveFixedAnswers(system, options.floor);
  }
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => stop.abort());
  const outcome: Outcome = { figures: [], failures: [] };
  const daemons = WORKLOADS.filter(({ name }) => options.workloads.includes(name));
  if (daemons.length && typeof system === "string") say(`skipped, all daemons: ${system}`);
  else if (daemons.length) {
    add(outcome, await withDaemons(system as System, options, stop.signal));
  }
  const core = CORE_WORKLOADS.filter(({ name }) => options.workloads.includes(name));
  if (!stop.signal.aborted) {
    const measureMs = options.smoke ? 0 : options.seconds * 1000;
    const rounds = options.smoke ? 1 : options.rounds;
    add(outcome, measureCore(core, { rounds, measureMs, smoke: options.smoke }, say));
  }
  finish(outcome, options);
  return outcome.failures.length || stop.signal.aborted ? 1 : 0;
}

async function withDaemons(system: System, options: Options, signal: AbortSignal) {
  const program = fileURLToPath(import.meta.url);
  const { found, missing } = contestants(options.peers, system, program, options);
  for (const reason of missing) say(`left out, ${reason}`);
  const workloads = WORKLOADS.filter(({ name }) => options.workloads.includes(name));
  return measureAll(
    system,
    {
      workloads,
      contestants: found,
      rounds: options.smoke ? 1 : options.rounds,
      effort: {
        span: {
          warmupMs: options.smoke ? 0 : options.warmup * 1000,
          measureMs: options.seconds * 1000,
          ops: options.smoke ? 40 : undefined,
        },
        smoke: options.smoke,
        loadMs: options.loadSeconds * 1000,
      },
      pin: options.pin,
      cpu: options.cpu ?? os.cpus().length - 1,
    },
    say,
    signal,
  );
}

function add(to: Outcome, more: Outcome): void {
  to.figures.push(...more.figures);
  to.failures.push(...more.failures);
}

function finish(outcome: Outcome, options: Options): void {
  if (!outcome.figures.length && !outcome.failures.length) {
    say("nothing was measured");
    return;
  }
  const base = options.peers[0].split("=")[0];
  console.log(table(outcome, base, options.markdown));
  const { figures } = outcome;
  const met = options.smoke ? null : verdicts(figures, options.markdown, options.durability);
  if (met) console.log(`\n${met}`);
  const { rounds, seconds, pin, smoke, durability } = options;
  const run = {
    date: new Date().toISOString(),
    ...{ rounds, seconds, pin, smoke, durability },
    node: process.version,
    system: `${os.type()} ${os.release()} ${os.arch()}`,
    processor: `${os.cpus().length} × ${os.cpus()[0]?.model ?? "unknown"}`,
  };
  fs.mkdirSync(path.dirname(options.out), { recursive: true });
  fs.writeFileSync(options.out, jsonLines(outcome, run));
  say(`figures: ${options.out}`);
}

/** Says what goes on, apart from the table. */
function say(text: string): void {
  process.stderr.write(`${text}\n`);
}
