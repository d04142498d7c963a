// Self: the command that runs this very program, on whichever runtime it runs.
// Holds   nothing.
// Never   starts anything.
// Source  our own; proc(5), /proc/self/cmdline.

import fs from "node:fs";
import path from "node:path";
import process from "node:process";

/** The runtime and its own options: what stands in front of the program's file. */
export function runtimeCommand(): string[] {
  if (!("deno" in process.versions)) return [process.execPath, ...process.execArgv];
  return [process.execPath, ...denoOptions(process.argv[1] as string)];
}

/** The command that runs this very program again, with other arguments. */
export function ownCommand(args: readonly string[]): string[] {
  return [...runtimeCommand(), process.argv[1] as string, ...args];
}

/** What stood between "deno" and the script, permissions above all: Deno itself does not tell. */
function denoOptions(script: string): string[] {
  try {
    const words = fs.readFileSync("/proc/self/cmdline", "utf8").split("\0").slice(1);
    const end = words.findIndex((word) => path.resolve(word) === script);
    if (end > 0) return words.slice(0, end);
  } catch {
    // No Linux, or no permission to look.
  }
  return ["run", "--allow-all"];
}
