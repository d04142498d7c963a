// Random kills: a site whose daemon is killed again and again at moments of chance.
// Holds   the rounds, and what they counted.
// Never   begins anew: one database and the same guests go through all rounds.
// Source  our own.

import { Random } from "../differential/random.ts";
import type { Check } from "./check.ts";
import { Complaint, type Site } from "./site.ts";

export interface Rounds {
  seed: number;
  /** Whether another round is to be made. */
  more(done: number): boolean;
  /** Longest time of serving between two kills. */
  serveMs: number;
  /** Told after each round. */
  told?: (line: string) => void;
}

export interface Tally {
  rounds: number;
  /** Kills while the daemon was starting or its guests were being served again. */
  early: number;
  answered: number;
  again: number;
  /** Answers that came twice, of the kind that `Writer.mayRepeat` allows. */
  repeated: number;
  nodes: number;
  /** Longest and sum, of starts until the daemon is ready. */
  startMsMost: number;
  startMsSum: number;
}

/** Runs rounds on a site that is populated and whose daemon runs. Throws at the first complaint. */
export async function killAtRandom(site: Site, check: Check, rounds: Rounds): Promise<Tally> {
  const random = new Random(rounds.seed);
  const tally: Tally = {
    rounds: 0,
    early: 0,
    answered: 0,
    again: 0,
    repeated: 0,
    nodes: 0,
    startMsMost: 0,
    startMsSum: 0,
  };
  while (rounds.more(tally.rounds)) {
    tally.rounds += 1;
    for (const driver of site.drivers) driver.resume();
    await Promise.race([pause(random.below(rounds.serveMs)), died(site), site.failure]);
    await site.kill();
    for (let more = random.chance(25) ? random.from(1, 3) : 0; more > 0; more--) {
      tally.early += 1;
      await killEarly(site, random);
    }
    const startMs = performance.now();
    await Promise.race([site.launch().ready(), site.failure]);
    const tookMs = performance.now() - startMs;
    tally.startMsMost = Math.max(tally.startMsMost, tookMs);
    tally.startMsSum += tookMs;
    await compare(site, check);
    tally.nodes = check.nodes;
    rounds.told?.(line(site, tally, tookMs));
  }
  for (const { writer } of site.drivers) {
    tally.answered += writer.counts.answered;
    tally.again += writer.counts.again;
    tally.repeated += writer.counts.repeated;
  }
  return tally;
}

/** Lets the guests finish, compares, and connects the others again. */
export async function compare(site: Site, check: Check): Promise<void> {
  await check.introduced();
  await site.progress(Promise.all(site.guests.map(({ driver }) => driver.pause())));
  await site.progress(Promise.all(site.guests.map((guest) => guest.caughtUp())));
  await check.run();
  await site.connect();
}

/** Starts a daemon and kills it soon, ready or not. */
async function killEarly(site: Site, random: Random): Promise<void> {
  const daemon = site.launch();
  const soon = random.chance(50)
    ? daemon.ready().then(() => pause(random.below(20)))
    : pause(random.below(250));
  await Promise.race([soon, site.failure]);
  await site.kill();
}

/** Rejects when the daemon ends by itself. */
async function died(site: Site): Promise<never> {
  const { daemon } = site;
  const ended = await daemon?.ended;
  if (daemon?.child.signalCode === "SIGKILL") return new Promise<never>(() => {});
  throw new Complaint(`the daemon has ended by itself:\n${ended?.err}`);
}

function line(site: Site, tally: Tally, tookMs: number): string {
  const again = site.drivers.reduce((sum, { writer }) => sum + writer.counts.again, 0);
  const figures = `${site.answered} answered, ${again} begun anew, count ${site.claims.highest}`;
  return `round ${tally.rounds}: ${figures}, ready in ${Math.round(tookMs)} ms`;
}

function pause(ms: number): Promise<void> {
  return new Promise((done) => setTimeout(done, ms));
}
