// Background: a daemon that goes on when the command that started it has returned.
// Holds   the channel between the two processes, until the daemon is ready.
// Never   returns success before the daemon answers.
// Source  our own; the C daemon forks twice, which Node cannot.

import { spawn } from "node:child_process";
import process from "node:process";

const MARK = "XENSTORED_IN_BACKGROUND";

/** What the process in the background says, once. */
interface Report {
  /** Empty: it is ready. */
  readonly error: string;
}

/** Whether this process is the one in the background. */
export const inBackground = process.env[MARK] === "1" && process.send !== undefined;

/**
 * Starts this program again, detached, and waits until it is ready.
 * @returns  its process id
 * @throws   Error with what it said, when it could not start
 */
export function startInBackground(): Promise<number> {
  const [, script] = process.argv;
  const args = [...process.execArgv, script as string, ...process.argv.slice(2)];
  const child = spawn(process.execPath, args, {
    detached: true,
    stdio: ["ignore", "ignore", "ignore", "ipc"],
    env: { ...process.env, [MARK]: "1" },
  });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code, signal) =>
      reject(new Error(`the daemon ended before it was ready (${signal ?? `code ${code}`})`)),
    );
    child.once("message", ({ error }: Report) => {
      if (error) reject(new Error(error));
      else resolve(child.pid as number);
      child.disconnect();
      child.unref();
    });
  });
}

/**
 * Tells the waiting command how the start went; the background is on its own from here on.
 * @param error  empty: it is ready
 */
export async function report(error: string): Promise<void> {
  if (!inBackground || !process.connected) return;
  delete process.env[MARK];
  await new Promise((resolve) => process.send?.({ error } satisfies Report, resolve));
  if (process.connected) process.disconnect();
}
