// Background: a daemon that goes on when the command that started it has returned.
// Holds   the channel between the two processes, until the daemon is ready.
// Never   returns success before the daemon answers.
// Source  our own; the C daemon forks twice, which Node cannot.

import { spawn } from "node:child_process";
import process from "node:process";
import { ownCommand } from "./self.ts";

const MARK = "XENSTORED_IN_BACKGROUND";

/** What the process in the background says, once. */
interface Report {
  /** Empty: it is ready. */
  readonly error: string;
  /** It has failed by a bug, and may be started once more. */
  readonly again: boolean;
}

/** The start has failed by a bug, for the first time. */
export class FailedStart extends Error {
  override name = "FailedStart";
}

/** Whether this process is the one in the background. */
export const inBackground = process.env[MARK] === "1" && process.send !== undefined;

/**
 * Starts this program again, detached, and waits until it is ready.
 * @returns  its process id
 * @throws   Error with what it said, when it could not start; FailedStart when it may be tried again
 */
export function startInBackground(env = process.env): Promise<number> {
  const [command, ...args] = ownCommand(process.argv.slice(2));
  const child = spawn(command as string, args, {
    detached: true,
    stdio: ["ignore", "ignore", "ignore", "ipc"],
    env: { ...env, [MARK]: "1" },
  });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code, signal) =>
      reject(new Error(`the daemon ended before it was ready (${signal ?? `code ${code}`})`)),
    );
    child.once("message", ({ error, again }: Report) => {
      if (error) reject(again ? new FailedStart(error) : new Error(error));
      else resolve(child.pid as number);
      child.disconnect();
      child.unref();
    });
  });
}

/**
 * Tells the waiting command how the start went; the background is on its own from here on.
 * @param error  empty: it is ready
 * @param again  see Report
 */
export async function report(error: string, again = false): Promise<void> {
  if (!inBackground || !process.connected) return;
  delete process.env[MARK];
  await new Promise((resolve) => process.send?.({ error, again } satisfies Report, resolve));
  if (process.connected) process.disconnect();
}
