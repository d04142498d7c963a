// Client: the conformance cases on Deno, and the same store after the same operations.
// Holds   nothing.
// Never   runs a case itself: Deno does, once for all of them.
// Source  our own.

import { execFile } from "node:child_process";
import path from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { createStore } from "../../hosts/entry/node.ts";
import { CASES } from "../client/conformance.ts";
import { WAYS } from "../client/node_sites.ts";
import { runOperations } from "../client/operations.ts";
import { tool } from "../runtimes/install.ts";
import { COUNT, SEED, type Told } from "./client_told.ts";

const MAIN = path.resolve("test/deno/client_main.ts");
const deno = await tool("deno");
const left = deno.missing === null ? "" : ` (left out: ${deno.missing.replace(/[()]/g, "")})`;
const lines = deno.path === null ? [] : await run(deno.path);

for (const way of WAYS) {
  for (const { name } of CASES) {
    test.skipIf(left !== "")(`over ${way.name}: ${name}${left}`, (ctx) => {
      const line = lines.find((one) => "name" in one && one.way === way.name && one.name === name);
      if (!line || !("name" in line)) throw new Error("Deno ended before it came to this case");
      if (line.skip) ctx.skip(line.skip);
      expect(line.error).toBe("");
    });
  }
}

test.skipIf(left !== "")(
  `${COUNT} operations lead to the same store as on Node${left}`,
  async () => {
    const store = await createStore();
    const hash = await runOperations(store, COUNT, SEED);
    await store.close();
    expect(lines.at(-1)).toEqual({ hash });
  },
);

async function run(command: string): Promise<Told[]> {
  const args = ["run", "--allow-all", "--quiet", MAIN];
  const { stdout, stderr } = await promisify(execFile)(command, args, { maxBuffer: 1 << 26 }).catch(
    (failure) => failure,
  );
  const found = String(stdout)
    .split("\n")
    .filter((line) => line.startsWith("{"));
  if (found.length === 0) throw new Error(`Deno ran nothing: ${stderr}`);
  return found.map((line) => JSON.parse(line));
}
