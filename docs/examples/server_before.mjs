// Part of a server, as many are: a process of xenstore-read for each key.
import { execFile } from "node:child_process";
import { promisify } from "node:util";

const run = promisify(execFile);

/** The value of a key, or null when there is none. */
export async function readKey(path) {
  try {
    const { stdout } = await run("xenstore-read", [path]);
    return stdout.replace(/\n$/, "");
  } catch {
    return null; // Missing, refused, no daemon: they can't be told apart.
  }
}
