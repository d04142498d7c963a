// Exec: another program in this process's place, and the descriptors it finds open.
// Holds   nothing.
// Never   leaves a descriptor open for other programs: a successor closes them to its children.
// Source  execve(2), fcntl(2).

import fs from "node:fs";
import { errnoName, type Libc } from "./libc.ts";

const F_SETFD = 2;
const F_GETFL = 3;
const F_SETFL = 4;
const FD_CLOEXEC = 1;
const STANDARD = [0, 1, 2];

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Puts a program in this process's place; the process id stays, and so do `fds`.
 * @param command  the program's file and its arguments
 * @param fds      descriptors that it is to find open, besides 0, 1 and 2
 * @returns        the system's name of the reason, when that can't be; nothing has changed then
 */
export function execute(
  libc: Libc,
  command: readonly string[],
  env: Environment,
  fds: readonly number[],
): string {
  const kept = [...STANDARD, ...fds];
  // Not every runtime closes all of its own at an exec.
  for (const fd of openDescriptors()) libc.fcntl(fd, F_SETFD, FD_CLOEXEC);
  for (const fd of kept) libc.fcntl(fd, F_SETFD, 0);
  const words = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  libc.execve(command[0] as string, [...command, null], [...words, null]);
  const reason = errnoName(libc.errno());
  for (const fd of kept) libc.fcntl(fd, F_SETFD, FD_CLOEXEC);
  return reason;
}

function openDescriptors(): number[] {
  try {
    return fs.readdirSync("/proc/self/fd").map(Number);
  } catch {
    return [];
  }
}

/**
 * Makes a descriptor that a process before left open like those that this one opens: it does not
 * wait, and programs started here do not get it. Throws an Error when it is not open.
 */
export function adoptDescriptor(libc: Libc | null, fd: number): void {
  const code = faultOf(libc, fd);
  if (code) throw new Error(`descriptor ${fd}, which the daemon before handed over: ${code}`);
  if (!libc) return;
  libc.fcntl(fd, F_SETFD, FD_CLOEXEC);
  libc.fcntl(fd, F_SETFL, libc.fcntl(fd, F_GETFL, 0) | fs.constants.O_NONBLOCK);
}

/** Closes a descriptor that a process before left open. */
export function closeHanded(libc: Libc | null, fd: number): void {
  if (libc) libc.close(fd);
  else fs.closeSync(fd);
}

/** Why a descriptor can't be used; "": it can. */
function faultOf(libc: Libc | null, fd: number): string {
  // Deno's own calls know only what it has opened itself.
  if (libc) return libc.fcntl(fd, F_GETFL, 0) < 0 ? errnoName(libc.errno()) : "";
  try {
    fs.fstatSync(fd);
    return "";
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? "EIO";
  }
}
