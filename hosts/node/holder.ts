// Holder: which process has a socket or a pid file already, so that a second daemon can say so.
// Holds   nothing.
// Never   removes what a running process uses.
// Source  proc(5), /proc/net/unix.

import fs from "node:fs";
import path from "node:path";
import process from "node:process";

/** The process that listens on a Unix socket, or 0 when it can't be told. */
export function socketHolder(socket: string): number {
  const inode = listeningInode(socket);
  if (!inode) return 0;
  return processes().find((pid) => descriptors(pid).includes(`socket:[${inode}]`)) ?? 0;
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
  fs.mkdirSync(path.dirname(file), { recursive: true, mode: 0o755 });
  removePidFile(file);
  const flag = fs.existsSync(file) ? "w" : "wx";
  fs.writeFileSync(file, `${process.pid}\n`, { flag, mode: 0o644 });
}

/** Removes a pid file; a device that was given for one stays. */
export function removePidFile(file: string): void {
  if (isPlain(file)) fs.rmSync(file);
}

function isPlain(file: string): boolean {
  return fs.lstatSync(file, { throwIfNoEntry: false })?.isFile() ?? false;
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
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EPERM") return false;
  }
  const command = read(`/proc/${pid}/cmdline`);
  return command === "" ? !fs.existsSync("/proc/self/cmdline") : command.includes("xenstored");
}

function read(file: string): string {
  try {
    return fs.readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
