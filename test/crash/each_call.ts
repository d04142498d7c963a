// Each call: a site whose daemon is killed at every call of its storage, or at every write into a
// page, one after the other.
// Holds   the number of the call.
// Never   leaves a number out, but begins the next one where the kill before it left the database.
// Source  our own.

import type { Check } from "./check.ts";
import { worksAgain } from "./full_disk.ts";
import { SPRUNG, type Where } from "./killing_storage.ts";
import { compare } from "./random_kills.ts";
import { Complaint, type Site } from "./site.ts";

export interface Calls {
  /** `page`: at every write into a page that is shared with a guest. */
  where: Where | "page";
  /** Moves of each writer after a start; 0: only the start counts. */
  moves: number;
  /** Told after each kill. */
  told?: (line: string) => void;
}

/** A start takes fewer calls, or something grows with each of them. */
const START_CALLS_MAX = 300;

/**
 * Kills at the first call of the load, at the second and so on, until the load has ended without a
 * kill; the daemon runs then. Returns how many calls there were.
 */
export async function killInLoad(site: Site, check: Check, calls: Calls): Promise<number> {
  for (let at = 1; ; at++) {
    const trap = calls.where === "page" ? `page:${at}` : `${calls.where}:${at}:ready`;
    if (await attempt(site, check, trap, calls)) return at - 1;
  }
}

/**
 * Lets each call of the load fail, and those behind it, until a load has ended that made fewer; the
 * daemon is killed after each. Returns how many calls there were.
 */
export async function failInLoad(site: Site, check: Check, calls: Calls): Promise<number> {
  for (let at = 1; ; at++) {
    await attempt(site, check, `fail:${at}:ready`, calls);
    const sprung = site.daemon?.out.includes(SPRUNG);
    await worksAgain(site, check);
    await site.kill();
    if (!sprung) return at - 1;
  }
}

/** The same from the first call of a start on, until the daemon was ready without a kill. */
export async function killInStart(site: Site, check: Check, calls: Calls): Promise<number> {
  for (let at = 1; at < START_CALLS_MAX; at++) {
    if (await attempt(site, check, `${calls.where}:${at}`, calls)) return at - 1;
  }
  throw new Complaint(`${calls.where}: ${START_CALLS_MAX} calls were not enough for a start`);
}

/** Starts with a trap; returns whether all that was to be done was done without a kill. */
async function attempt(site: Site, check: Check, trap: string, calls: Calls): Promise<boolean> {
  const daemon = site.launch({ XENSTORE_CRASH: trap });
  const done = await loaded(site, check, calls.moves).catch(async (error) => {
    if (error instanceof Complaint) throw new Complaint(`${trap}: ${error.message}`);
    // What else went wrong did so because the daemon has ended, or is no business of a kill.
    const ended = await site.progress(daemon.ended);
    if (daemon.child.signalCode === "SIGKILL") return false;
    throw new Complaint(`${trap}: ${ended.err || error.message}`);
  });
  if (!done) await site.gone();
  calls.told?.(`${trap}: ${site.answered} answered`);
  return done;
}

/** Starts, compares, and lets all writers make their moves. */
async function loaded(site: Site, check: Check, moves: number): Promise<boolean> {
  const { daemon } = site;
  if (!daemon) throw new Error("there is no daemon");
  const ended = daemon.ended.then(() => {
    throw new Error("the daemon has ended");
  });
  ended.catch(() => {});
  await Promise.race([daemon.ready(), site.failure]);
  await Promise.race([compare(site, check), ended]);
  for (const driver of site.drivers) {
    driver.budget = moves;
    driver.resume();
  }
  const all = Promise.all(site.drivers.map((driver) => driver.idle()));
  await site.progress(Promise.race([all, ended]));
  return true;
}
