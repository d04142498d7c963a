// Campaign: what can be done to a store, each by its name, on a site of its own.
// Holds   how each begins and ends.
// Never   removes the folder of a site that has a complaint.
// Source  our own.

import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { loadLibc } from "../../hosts/node/libc.ts";
import { Check } from "./check.ts";
import { failInLoad, killInLoad, killInStart } from "./each_call.ts";
import { SmallDisk, workAfterwards, workWhileFull } from "./full_disk.ts";
import type { Where } from "./killing_storage.ts";
import { compare, killAtRandom } from "./random_kills.ts";
import { Reader } from "./reader.ts";
import { CUT_OFF, Site, type SiteOptions, STORING } from "./site.ts";

export type Told = (line: string) => void;

/** Runs `work` on a site whose store has just begun and is populated. */
export async function onSite<T>(
  options: SiteOptions,
  work: (site: Site, check: Check) => Promise<T>,
  folder = newFolder(),
): Promise<T> {
  const result = await begun(options, work, folder);
  fs.rmSync(folder, { recursive: true, force: true });
  return result;
}

function newFolder(): string {
  return fs.mkdtempSync(path.join(os.tmpdir(), "xenstore-crash-"));
}

/** As onSite, but the folder stays. */
async function begun<T>(
  options: SiteOptions,
  work: (site: Site, check: Check) => Promise<T>,
  folder: string,
): Promise<T> {
  const site = new Site(folder, options);
  try {
    await site.launch().ready();
    await site.populate();
    await site.connect();
    const check = new Check(site);
    await check.begin();
    return await work(site, check);
  } catch (error) {
    const report = path.join(folder, "report.txt");
    const accounts = await accountsOf(site).catch((why: Error) => why.message);
    fs.writeFileSync(report, [error, site.describe(), accounts, site.reports()].join("\n"));
    (error as Error).message += `\nsee ${report}`;
    throw error;
  } finally {
    await site.close();
  }
}

/** What the store says of its guests, for a report. */
async function accountsOf(site: Site): Promise<string> {
  if (!site.daemon) return "no daemon runs";
  const reader = await Reader.open(site.socket);
  const texts = [await reader.answer("CONTROL", "watches\0")];
  for (const { domid } of site.guests) {
    texts.push(await reader.answer("CONTROL", `quota\0${domid}\0`));
  }
  reader.close();
  return texts.join("\n");
}

/** Kills at moments of chance until `more` says no. */
export async function random(
  options: SiteOptions,
  serveMs: number,
  more: () => boolean,
  told: Told,
) {
  const notes = (await loadLibc()) !== null;
  return onSite({ ...options, mayReport: [CUT_OFF] }, (site, check) => {
    for (const { driver } of site.guests) driver.writer.mayRepeat = !notes;
    return killAtRandom(site, check, { seed: options.seed, more, serveMs, told });
  });
}

/**
 * Kills at each call of the storage that a load makes, then at each that a start makes which finds
 * a load broken off, then compares once more. Returns the numbers of calls.
 */
export function eachCall(options: SiteOptions, where: Where | "page", moves: number, told: Told) {
  const mayReport = where === "half" ? [CUT_OFF] : [];
  return onSite({ ...options, mayReport }, async (site, check) => {
    await site.kill();
    const inLoad = await killInLoad(site, check, { where, moves, told });
    for (const driver of site.drivers) driver.resume();
    await site.kill();
    const inStart = await killInStart(site, check, { where, moves: 0, told });
    await again(site, check);
    return { inLoad, inStart };
  });
}

/** Lets each call of the storage fail that a load makes, and a few that follow. */
export function eachFailure(options: SiteOptions, moves: number, told: Told) {
  return onSite({ ...options, mayReport: [CUT_OFF, STORING] }, async (site, check) => {
    for (const { writer } of site.drivers) writer.mayRefuse = true;
    await site.kill();
    const calls = await failInLoad(site, check, { where: "fail", moves, told });
    await again(site, check);
    return calls;
  });
}

/** Fills the disk below the database and empties it again, with a kill now and then. */
export async function fullDisk(options: SiteOptions, rounds: number, told: Told): Promise<void> {
  const folder = newFolder();
  const disk = new SmallDisk(path.join(folder, "root"));
  const work = async (site: Site, check: Check) => {
    for (const { writer } of site.drivers) writer.mayRefuse = true;
    for (let round = 1; round <= rounds; round++) {
      await workWhileFull(site, check, disk);
      if (round % 2 === 0) await again(site, check);
      await workAfterwards(site, check, disk);
      await again(site, check);
      told(`filled ${round} times: ${site.answered} answered`);
    }
  };
  try {
    await begun({ ...options, mayReport: [STORING] }, work, folder);
  } finally {
    disk.unmount();
  }
  fs.rmSync(folder, { recursive: true, force: true });
}

/** Ends the daemon, if it runs, when nobody waits for anything; starts it again and compares. */
async function again(site: Site, check: Check): Promise<void> {
  if (site.daemon) await site.kill();
  await site.progress(site.launch().ready());
  await compare(site, check);
}
