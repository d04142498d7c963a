// Trial: a new version shows that it could take over, while the old one serves on.
// Holds   what both sides of a trial agree on.
// Never   takes silence for a yes: a program that knows nothing of trials fails it.
// Source  our own.

import { spawn } from "node:child_process";
import fs from "node:fs";
import process from "node:process";

/** The variable that asks for a trial: the file with a state to load. */
const VARIABLE = "XENSTORED_TRIAL";
/** Where the answer goes, and what it is. */
const ANSWER_FD = 3;
const ANSWER = "this xenstored can take over\n";
/** Characters of a program's own words that are passed on. */
const WORDS_MAX = 500;

/** The file to try with, when this process is a trial; else "". */
export const trialState = process.env[VARIABLE] ?? "";

/** Says that the trial went well. */
export function passTrial(): void {
  fs.writeSync(ANSWER_FD, ANSWER);
}

/**
 * Has a program try whether it could take over; it touches nothing but the file it is given.
 * @param command  file and arguments
 * @param state    file with the state of this daemon
 * @param limitMs  how long it may take
 * @returns        why it can't, in one line; "": it can
 */
export function tryOut(
  command: readonly string[],
  state: string,
  limitMs: number,
): Promise<string> {
  const { NOTIFY_SOCKET: _, ...rest } = process.env;
  const child = spawn(command[0] as string, command.slice(1), {
    stdio: ["ignore", "ignore", "pipe", "pipe"],
    env: { ...rest, [VARIABLE]: state },
  });
  const heard = { 2: "", [ANSWER_FD]: "" };
  for (const fd of [2, ANSWER_FD] as const) {
    child.stdio[fd]?.on("data", (chunk: Buffer) => {
      heard[fd] = (heard[fd] + chunk.toString()).slice(-10 * WORDS_MAX);
    });
  }
  return new Promise((resolve) => {
    const limit = setTimeout(() => {
      // Others that it has started may keep its outputs open.
      child.once("exit", () =>
        resolve(`it did not get ready within ${Math.ceil(limitMs / 100) / 10} s`),
      );
      child.kill("SIGKILL");
    }, limitMs);
    child.once("error", (error: NodeJS.ErrnoException) => {
      clearTimeout(limit);
      resolve(`it can't be started: ${error.code ?? error.message}`);
    });
    child.once("close", (code, signal) => {
      clearTimeout(limit);
      const answered = code === 0 && heard[ANSWER_FD] === ANSWER;
      resolve(answered ? "" : verdict(code, signal, heard[2]));
    });
  });
}

function verdict(code: number | null, signal: string | null, words: string): string {
  if (code === 0) return "it is no xenstored that can take over from this one";
  const lines = words.split("\n").map((line) => line.trim());
  // A program that was not caught shows its error among other lines.
  const told = lines.find((line) => /^\w*Error\b/.test(line)) ?? lines.filter(Boolean).at(-1);
  const end = signal ? `it was ended by ${signal}` : `it ended with code ${code}`;
  return (told ? `${end}: ${told.replace(/^xenstored: /, "")}` : end).slice(0, WORDS_MAX);
}
