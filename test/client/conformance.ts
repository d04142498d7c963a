// Conformance: what every client promises, on every runtime and over every way to a store.
// Holds   the list of the cases.
// Never   names a runtime or a test framework: whoever runs it brings a Site for each way.
// Source  hosts/client/api.ts; the list of what the client offers.

import { DOMAIN_CASES } from "./cases_domains.ts";
import { LIFE_CASES } from "./cases_life.ts";
import { NODE_CASES } from "./cases_nodes.ts";
import { TRANSACTION_CASES } from "./cases_transactions.ts";
import { TREE_CASES } from "./cases_trees.ts";
import { VALUE_CASES } from "./cases_values.ts";
import { WATCH_CASES } from "./cases_watches.ts";
import type { Case } from "./rig.ts";

export type { Case, Need, Rig, Site } from "./rig.ts";
export { lacking, runCase } from "./rig.ts";

/** All cases. `lacking` tells which of them a site can't run; `runCase` runs one. */
export const CASES: readonly Case[] = [
  ...NODE_CASES,
  ...TREE_CASES,
  ...WATCH_CASES,
  ...VALUE_CASES,
  ...TRANSACTION_CASES,
  ...DOMAIN_CASES,
  ...LIFE_CASES,
];
