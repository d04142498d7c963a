// Runtime: has the suites of test/host and test/update start the daemon with Deno.
// Holds   the command, in the variable that test/host/rig.ts reads.
// Never   replaces Node as what runs the tests.
// Source  our own.

import process from "node:process";
import { test } from "vitest";
import { tool } from "../runtimes/install.ts";

/** Runs a suite with the daemon on Deno; without Deno there is one test, skipped with the reason. */
export async function onDeno(suite: () => Promise<unknown>): Promise<void> {
  const deno = await tool("deno");
  if (deno.missing !== null) {
    test.skip(`the daemon runs on Deno (left out: ${deno.missing.replace(/[()]/g, "")})`, () => {});
    return;
  }
  process.env.XENSTORE_RUNTIME = `${deno.path} run --allow-all`;
  await suite();
}
