// Run: other programs, waited for.
// Holds   nothing.
// Never   goes on after a failure.
// Source  our own.

import { spawnSync } from "node:child_process";

const OUTPUT_MAX = 256 * 1024 * 1024;

/**
 * Runs a program to its end.
 * @param input  what it reads from its standard input
 * @returns      what it wrote to its standard output
 * @throws       Error with what it complained about
 */
export function run(
  program: string,
  args: readonly string[],
  options: { cwd?: string; input?: Uint8Array | string } = {},
): Buffer {
  const stdio: "pipe"[] = ["pipe", "pipe", "pipe"];
  const done = spawnSync(program, args, { ...options, stdio, maxBuffer: OUTPUT_MAX });
  if (done.error) throw new Error(`${program}: ${done.error.message}`);
  if (done.status === 0) return done.stdout;
  const complaint = done.stderr.toString().trim().split("\n").slice(-5).join("\n");
  throw new Error(`${program} ended with ${done.status ?? done.signal}: ${complaint}`);
}
