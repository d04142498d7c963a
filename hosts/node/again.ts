// Again: a daemon whose core has failed begins again, from what the database holds.
// Holds   whether this process is such a beginning, and when that was.
// Never   begins again and again: the second failure within a minute ends the daemon, and so does
//         one in the start that follows a failure.
// Source  our own; execve(2).

import { spawn } from "node:child_process";
import fs from "node:fs";
import process from "node:process";
import { CorePanic } from "../shared/core.ts";
import { execute } from "./exec.ts";
import type { Libc } from "./libc.ts";
import { notify } from "./notify.ts";
import { ownCommand } from "./self.ts";

/** The variable that tells a process that it is a new beginning. */
const VARIABLE = "XENSTORED_AGAIN";
/** How long a daemon must have served since the last failure. */
const AGAIN_MS = 60_000;
/** Where a new process finds the line whose end says that the failed one is gone. */
const LINE_FD = 3;
/** So many calls on the stack are told. */
const CALLS = 8;

/** In front of a file's name, in a line of a stack. */
const FOLDERS = /[a-z]+:\/\/[^\s()]*\//g;

interface Beginning {
  /** When the failure was, by the system's clock that never jumps. */
  readonly atMs: number;
  /** Folder that relative names of the command line start from. */
  readonly cwd: string;
  /** The failed process may still be there; its end is that of LINE_FD. */
  readonly waits: boolean;
}

/** What is known of the failure that this process begins after; null: it begins for itself. */
export const again = takeBeginning();

/** Whoever reads it takes it out of the environment: programs started here are not meant. */
function takeBeginning(): Beginning | null {
  const text = process.env[VARIABLE];
  delete process.env[VARIABLE];
  if (!text) return null;
  const beginning = JSON.parse(text) as Beginning;
  if (beginning.waits) {
    fs.readSync(LINE_FD, Buffer.alloc(1));
    fs.closeSync(LINE_FD);
  }
  process.chdir(beginning.cwd);
  return beginning;
}

/** The environment for a process that begins after a failure of this one. */
export function environmentAgain(cwd: string, waits = false): NodeJS.ProcessEnv {
  const beginning: Beginning = { atMs: nowMs(), cwd, waits };
  return { ...process.env, [VARIABLE]: JSON.stringify(beginning) };
}

/** Has the core failed, rather than the start found something in its way? */
export function isFailure(error: unknown): boolean {
  return error instanceof CorePanic || error instanceof WebAssembly.RuntimeError;
}

/** A failure and where it happened, in one line. */
export function failureOf(error: unknown): string {
  const { message = String(error), stack = "", cause } = (error ?? {}) as Error;
  const from = cause instanceof Error && cause.stack ? cause.stack : stack;
  const calls = from.match(/(?<=^ *at ).*$/gm) ?? [];
  const where = calls.slice(0, CALLS).join(" < ").replaceAll(FOLDERS, "");
  return `${message.replaceAll("\n", " ")}${where && ` (at ${where})`}`;
}

/**
 * Why a daemon that has failed must not begin again; "": it may.
 * @param database  folder of its database; empty: it has none
 * @param serving   whether it had got as far as serving
 */
export function obstacle(database: string, serving: boolean): string {
  if (!database) return "nothing is stored that it could begin again from";
  if (!again || (serving && nowMs() - again.atMs >= AGAIN_MS)) return "";
  const seconds = Math.round((nowMs() - again.atMs) / 1000);
  return `it began again ${seconds} s ago already; the database is left as it is`;
}

/**
 * Puts a new beginning of this program in this process's place.
 * @returns why that can't be
 */
export function beginHere(libc: Libc, cwd: string): string {
  return execute(libc, ownCommand(presentArguments()), environmentAgain(cwd), []);
}

/** Starts a process in the background that begins again when this one has ended. */
export function beginBehind(libc: Libc | null, cwd: string): string {
  const [command, ...args] = ownCommand(presentArguments());
  const child = spawn(command as string, args, {
    detached: true,
    stdio: ["ignore", "ignore", "ignore", "pipe"],
    env: environmentAgain(cwd, true),
  });
  child.on("error", () => {});
  if (!child.pid) return "no process can be started";
  notify(libc, process.env, [`MAINPID=${child.pid}`]);
  return "";
}

/** Without what belongs to a live update that is long over. */
function presentArguments(): string[] {
  return process.argv.slice(2).filter((word) => word !== "-U" && word !== "--live-update");
}

function nowMs(): number {
  return Number(process.hrtime.bigint() / 1_000_000n);
}
