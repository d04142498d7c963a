// Holder: which process has a socket or a pid file already, so that a second daemon can say so.
// Holds   nothing.
// Never   removes what a running process uses.
// Source  proc(5), /proc/net/unix.

import fs from "node:fs";
import path from "node:path";
import process from "node:process";
import { setTimeout } from "node:timers/promises";
import { makeFolder } from "./folder.ts";

/** How often, and after what time, to look whether another daemon has started. */
const LOCK_TRIES = 500;
const LOCK_WAIT_MS = 10;

/** The process that listens on a Unix socket, or 0 when it can't be told. */
export function socketHolder(socket: string): number {
  const inode = listeningInode(socket);
  if (!inode) return 0;
  return processes().find((pid) => descriptors(pid).includes(`socket:[${inode}]`)) ?? 0;
}

/**
 * Does something while no other daemon that starts does the same: looking whether a socket is
 * served, removing it and listening there are three steps, and two daemons in step would both pass.
 * @param socket  that is to be taken; meanwhile a link beside it names our process
 * @throws        Error when there can be no link, or another takes too long
 */
export async function alone(socket: string, action: () => Promise<void>): Promise<void> {
  const lock = `${socket}.lock`;
  for (let tries = 0; !taken(lock); tries++) {
    const holder = link(lock);
    if (tries === LOCK_TRIES) throw new Error(`${lock}: process ${holder} does not get done`);
    if (holder === "") continue;
    if (!isRunning(Number(holder))) fs.rmSync(lock, { force: true });
    else await setTimeout(LOCK_WAIT_MS);
  }
  try {
    await action();
  } finally {
    fs.rmSync(lock, { force: true });
  }
}

/** Gives up what `alone` has taken, when the action will never come to its end. */
export function abandon(socket: string): void {
  const lock = `${socket}.lock`;
  if (link(lock) === String(process.pid)) fs.rmSync(lock, { force: true });
}

/** A link is made in one step, with its text, and on a full disk too. */
function taken(lock: string): boolean {
  try {
    fs.symlinkSync(String(process.pid), lock);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EEXIST") return false;
    throw new Error(`${lock}: cannot be made: ${code}`);
  }
}

/** The running daemon that a pid file names, or 0: a file left behind names none. */
export function pidFileHolder(file: string): number {
  if (!isPlain(file)) return 0;
  const pid = Number.parseInt(read(file), 10);
  if (!(pid > 0) || pid === process.pid) return 0;
  return isDaemon(pid) ? pid : 0;
}

/**
 * Writes our process id, in place of a file left behind by a daemon that is gone.
 * @throws the system's error, EEXIST when somebody else was faster
 */
export function writePidFile(file: string): void {
  const folder = path.dirname(file);
  if (!fs.existsSync(folder)) makeFolder(folder, 0o755);
  removePidFile(file);
  const flag = fs.existsSync(file) ? "w" : "wx";
  fs.writeFileSync(file, `${process.pid}\n`, { flag, mode: 0o644 });
}

/** Removes a pid file; a device that was given for one stays. */
export function removePidFile(file: string): void {
  if (isPlain(file)) fs.rmSync(file);
}

function isPlain(file: string): boolean {
  try {
    return fs.lstatSync(file).isFile();
  } catch {
    return false;
  }
}

/** Lines of the table: Num: RefCount Protocol Flags Type St Inode Path; flag 10000 is listening. */
function listeningInode(socket: string): string {
  for (const line of read("/proc/net/unix").split("\n")) {
    const [, , , flags, , , inode, name] = line.trim().split(/\s+/);
    if (name === socket && flags === "00010000") return inode as string;
  }
  return "";
}

function processes(): number[] {
  try {
    return fs.readdirSync("/proc").map(Number).filter(Boolean);
  } catch {
    return [];
  }
}

function descriptors(pid: number): string[] {
  const folder = `/proc/${pid}/fd`;
  try {
    return fs.readdirSync(folder).map((fd) => link(`${folder}/${fd}`));
  } catch {
    return [];
  }
}

function link(file: string): string {
  try {
    return fs.readlinkSync(file);
  } catch {
    return "";
  }
}

/** A process id may have been given to another program since. */
function isDaemon(pid: number): boolean {
  if (!isRunning(pid)) return false;
  const command = read(`/proc/${pid}/cmdline`);
  return command === "" ? !fs.existsSync("/proc/self/cmdline") : command.includes("xenstored");
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

function read(file: string): string {
  try {
    return fs.readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
