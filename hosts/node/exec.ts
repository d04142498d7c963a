// Exec: another program in this process's place, and the descriptors it finds open.
// Holds   nothing.
// Never   leaves a descriptor open for other programs: a successor closes them to its children.
// Source  execve(2), fcntl(2).

import fs from "node:fs";
import process from "node:process";
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
  for (const fd of kept) libc.fcntl(fd, F_SETFD, 0);
  const words = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  libc.execve(command[0] as string, [...command, null], [...words, null]);
  const reason = errnoName(libc.errno());
  for (const fd of kept) libc.fcntl(fd, F_SETFD, FD_CLOEXEC);
  return reason;
}

/**
 * Makes a descriptor that a process before left open like those that this one opens: it does not
 * wait, and programs started here do not get it. Throws an Error when it is not open.
 */
export function adoptDescriptor(libc: Libc | null, fd: number): void {
  try {
    fs.fstatSync(fd);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new Error(`descriptor ${fd}, which the daemon before handed over: ${code}`);
  }
  if (!libc) return;
  libc.fcntl(fd, F_SETFD, FD_CLOEXEC);
  libc.fcntl(fd, F_SETFL, libc.fcntl(fd, F_GETFL, 0) | fs.constants.O_NONBLOCK);
}

/** The command that runs this very program again, with other arguments. */
export function ownCommand(args: readonly string[]): string[] {
  return [process.execPath, ...process.execArgv, process.argv[1] as string, ...args];
}
