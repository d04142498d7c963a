// Client main: the conformance cases and the hash of many operations, run by Deno.
// Holds   nothing: one line of JSON for each result.
// Never   judges what comes out.
// Source  our own.

import { createStore } from "../../hosts/entry/deno.ts";
import { CASES, lacking, runCase } from "../client/conformance.ts";
import { WAYS } from "../client/node_sites.ts";
import { runOperations } from "../client/operations.ts";
import { COUNT, SEED, type Told } from "./client_told.ts";

for (const way of WAYS) {
  const why = way.missing();
  const site = why === null ? await way.start() : null;
  for (const one of CASES) {
    const needs = site ? lacking(one, site) : [];
    const skip = why ?? (needs.length > 0 ? `${way.name} does not offer: ${needs.join(", ")}` : "");
    let error = "";
    if (site && !skip) await runCase(one, site).catch((failure) => (error = told(failure)));
    tell({ way: way.name, name: one.name, skip, error });
  }
  await site?.stop();
}
const store = await createStore();
tell({ hash: await runOperations(store, COUNT, SEED) });
await store.close();
process.exit(0);

function told(failure: unknown): string {
  return failure instanceof Error ? (failure.stack ?? failure.message) : String(failure);
}

function tell(line: Told): void {
  console.log(JSON.stringify(line));
}
