// Successor: a new process that takes this one's place, where the program can't be exchanged.
// Holds   the line between the two, until one of them is to go on.
// Never   lets both serve: the old one stands still until the new one has answered.
// Source  our own.

import { spawn } from "node:child_process";
import fs from "node:fs";
import type net from "node:net";

/** Descriptor of the line in the successor; those that are handed over follow it. */
export const LINE_FD = 3;
const READY = "ready\n";
const GO = "go\n";
const LOOK_MS = 2;

/** Where a descriptor is found by a successor, by its place among those that are handed over. */
export const placeOf = (index: number): number => LINE_FD + 1 + index;

/**
 * Starts a process and waits, serving nothing, until it is ready to go on in this one's place.
 * @param fds         what it finds open from `placeOf(0)` on
 * @param foreground  whether it shares this process's standard streams
 * @param limitMs     how long it may take
 * @param leave       called with its process id when it is ready; it goes on after that
 * @returns           why it did not get ready; this process goes on then
 */
export function succeed(
  command: readonly string[],
  env: NodeJS.ProcessEnv,
  fds: readonly number[],
  foreground: boolean,
  limitMs: number,
  leave: (pid: number) => never,
): string {
  const standard = foreground ? "inherit" : "ignore";
  const child = spawn(command[0] as string, command.slice(1), {
    detached: !foreground,
    env,
    stdio: [standard, standard, standard, "pipe", ...fds],
  });
  child.on("error", () => {});
  if (!child.pid) return "it can't be started";
  const line = child.stdio[LINE_FD] as net.Socket;
  const { fd } = (line as unknown as { _handle: { fd: number } })._handle;
  const words = listen(fd, limitMs);
  if (words === READY) {
    fs.writeSync(fd, GO);
    leave(child.pid);
  }
  child.kill("SIGKILL");
  return words.trim() || `it did not get ready within ${Math.ceil(limitMs / 100) / 10} s`;
}

/** All that is said on the line; the event loop has no turn, since it would serve. */
function listen(fd: number, limitMs: number): string {
  const endMs = performance.now() + limitMs;
  const wait = new Int32Array(new SharedArrayBuffer(4));
  const bytes = Buffer.alloc(4096);
  let words = "";
  while (words !== READY && performance.now() < endMs) {
    try {
      const len = fs.readSync(fd, bytes);
      if (len === 0) return words || "it ended before it was ready";
      words += bytes.toString("utf8", 0, len);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN") throw error;
      Atomics.wait(wait, 0, 0, LOOK_MS);
    }
  }
  return words;
}

/** Says that this successor is ready, and waits for the word to go on. */
export function takePlace(line: number): void {
  fs.writeSync(line, READY);
  // The end of the line is such a word, too: nobody is left to serve.
  fs.readSync(line, Buffer.alloc(GO.length));
  fs.closeSync(line);
}

/** Says why this successor gives up. */
export function giveUp(line: number, reason: string): void {
  fs.writeSync(line, `${reason}\n`);
}
