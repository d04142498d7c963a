// Program: the file that is to be this daemon's next version, and the command that starts it.
// Holds   nothing.
// Never   starts anything.
// Source  the XenStore protocol, live-update; control, live-update.

import fs from "node:fs";
import path from "node:path";

import { runtimeCommand } from "./self.ts";

/** As much of a file as its first line may take. */
const FIRST_LINE = 256;
const EXECUTE = 0o111;

/** What is wrong with a file as a program, in the words of the C daemon; "": nothing. */
export function faultOf(file: string): string {
  try {
    const stat = fs.statSync(file);
    return stat.isFile() && stat.mode & EXECUTE ? "" : "File not executable.";
  } catch {
    return "File not accessible.";
  }
}

/**
 * The arguments for the next version.
 * @param commandLine  what replaces the present ones, split at blanks; "": they stay
 * @param present      arguments of this process
 */
export function nextArguments(commandLine: string, present: readonly string[]): string[] {
  const words = commandLine.split(/[ \t]+/).filter((word) => word !== "");
  const args = words.length > 0 ? words : [...present];
  const there = args.some((word) => word === "-U" || word === "--live-update");
  return there ? args : [...args, "-U"];
}

/** Does a command line replace the present arguments by others? */
export function namesOthers(commandLine: string, present: readonly string[]): boolean {
  const [next, same] = [nextArguments(commandLine, present), nextArguments("", present)];
  return next.join("\0") !== same.join("\0");
}

/** The command that runs a file: what is written for Node is run by the Node that runs this. */
export function commandOf(file: string, args: readonly string[]): string[] {
  const full = path.resolve(file);
  if (!isForNode(full)) return [full, ...args];
  return [...runtimeCommand(), full, ...args];
}

function isForNode(file: string): boolean {
  return file.endsWith(".mjs") || /^#!.*\bnode\b/.test(firstLine(file));
}

function firstLine(file: string): string {
  const bytes = Buffer.alloc(FIRST_LINE);
  try {
    const fd = fs.openSync(file, "r");
    const len = fs.readSync(fd, bytes, 0, FIRST_LINE, 0);
    fs.closeSync(fd);
    return bytes.toString("latin1", 0, len).split("\n")[0] as string;
  } catch {
    // Whoever starts it will hear the reason.
    return "";
  }
}
