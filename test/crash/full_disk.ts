// Full disk: a small file system of its own below a site's database, filled and emptied again.
// Holds   the mount, and the file that takes the room.
// Never   leaves the mount behind.
// Source  our own; tmpfs(5).

import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import process from "node:process";
import type { Check } from "./check.ts";
import type { Driver } from "./driver.ts";
import { compare } from "./random_kills.ts";
import type { Site } from "./site.ts";

/** Room of the file system; a database of these tests needs less. */
const SIZE_KIB = 4096;
/** What each writer does when there is room again. */
const MOVES = 50;
/** Refusals after which a writer has seen enough. */
const REFUSALS = 5;

/** Why no file system can be mounted here; "": it can. */
export function cannotMount(): string {
  if (process.platform !== "linux") return "only Linux has tmpfs";
  return process.getuid?.() === 0 ? "" : "only root may mount";
}

export class SmallDisk {
  readonly folder: string;
  #ballast: string;

  /** Mounts it on a folder, which is made. Throws with what mount says. */
  constructor(folder: string) {
    this.folder = folder;
    this.#ballast = path.join(folder, "ballast");
    fs.mkdirSync(folder, { recursive: true });
    const args = ["-t", "tmpfs", "-o", `size=${SIZE_KIB}k`, "tmpfs", folder];
    const done = spawnSync("mount", args, { encoding: "utf8" });
    if (done.status !== 0) throw new Error(`no tmpfs could be mounted: ${done.stderr.trim()}`);
  }

  /** Takes all the room there is. */
  fill(): void {
    const fd = fs.openSync(this.#ballast, "a");
    try {
      for (const page = Buffer.alloc(4096); ; ) fs.writeSync(fd, page);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
    } finally {
      fs.closeSync(fd);
    }
  }

  /** Gives the room back. */
  empty(): void {
    fs.rmSync(this.#ballast, { force: true });
  }

  unmount(): void {
    spawnSync("umount", ["-l", this.folder]);
  }
}

/** Lets all writers work while there is no room, until each was refused; then compares. */
export async function workWhileFull(site: Site, check: Check, disk: SmallDisk): Promise<void> {
  disk.fill();
  resume(site);
  await site.progress(Promise.all(site.drivers.map((driver) => until(driver, refused(driver)))));
  await settle(site, check);
}

/** Gives the room back, and waits until changes are taken again; then none is refused. */
export async function workAfterwards(site: Site, check: Check, disk: SmallDisk): Promise<void> {
  disk.empty();
  await worksAgain(site, check);
  for (const { writer } of site.drivers) writer.mayRefuse = false;
  resume(site, MOVES);
  await site.progress(Promise.all(site.drivers.map((driver) => driver.idle())));
  await settle(site, check);
  for (const { writer } of site.drivers) writer.mayRefuse = true;
}

/** Lets all writers work until the changes of each are taken, and compares. */
export async function worksAgain(site: Site, check: Check): Promise<void> {
  resume(site);
  await site.progress(Promise.all(site.drivers.map((driver) => until(driver, accepted(driver)))));
  await settle(site, check);
}

function resume(site: Site, budget = Number.POSITIVE_INFINITY): void {
  for (const driver of site.drivers) {
    driver.budget = budget;
    driver.resume();
  }
}

/** Pauses everybody and compares; nobody was killed, so nothing is open to question. */
async function settle(site: Site, check: Check): Promise<void> {
  await site.progress(Promise.all(site.socketDrivers.map((driver) => driver.pause())));
  await compare(site, check);
}

function refused(driver: Driver): () => boolean {
  const before = driver.writer.counts.refused;
  return () => driver.writer.counts.refused >= before + REFUSALS;
}

/** REFUSALS changes in a row without a refusal between. */
function accepted(driver: Driver): () => boolean {
  const { counts } = driver.writer;
  let [refusals, since] = [counts.refused, counts.changed];
  return () => {
    if (counts.refused !== refusals) [refusals, since] = [counts.refused, counts.changed];
    return counts.changed >= since + REFUSALS;
  };
}

/** Resolves after the answer at which `enough` says so. */
function until(driver: Driver, enough: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    const before = driver.writer.onAnswer;
    driver.writer.onAnswer = () => {
      before();
      if (!enough()) return;
      driver.writer.onAnswer = before;
      resolve();
    };
  });
}
