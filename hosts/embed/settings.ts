// Settings: what a program says of its store, as what the core is told.
// Holds   the names of limits in the order of the core's options.
// Never   passes on what makes no sense: the error says what is allowed.
// Source  quotas and the daemons' command line.

import { OPT_QUOTA_NODES, OPT_STRICT_CONFLICTS } from "../../assembly/abi.ts";
import { QUOTA_MAX } from "../shared/config.ts";
import type { StoreOptions } from "./api.ts";

/** By number, from OPT_QUOTA_NODES on. */
export const QUOTAS = [
  "nodes",
  "watches",
  "outstanding",
  "memory",
  "soft-memory",
  "transactions",
  "transaction-nodes",
  "node-permissions",
  "path-max",
  "node-size",
];

/** What `configure` of the core is told. Throws RangeError of one line for what is not allowed. */
export function settingsOf(options: StoreOptions): Map<number, number> {
  const settings = new Map<number, number>();
  for (const [name, value] of Object.entries(options.quota ?? {})) {
    const key = QUOTAS.indexOf(name);
    if (key < 0) {
      throw new RangeError(`quota: there is none called "${name}"; there are ${QUOTAS.join(", ")}`);
    }
    if (!Number.isInteger(value) || value < 0 || value > QUOTA_MAX) {
      throw new RangeError(`quota ${name}: ${value} is no integer from 0 to ${QUOTA_MAX}`);
    }
    settings.set(OPT_QUOTA_NODES + key, value);
  }
  const conflicts = options.transactionConflicts ?? "observed";
  if (conflicts !== "observed" && conflicts !== "strict") {
    throw new RangeError(`transactionConflicts: "${conflicts}" is none of observed, strict`);
  }
  settings.set(OPT_STRICT_CONFLICTS, conflicts === "strict" ? 1 : 0);
  return settings;
}

/** The two words that the core's hashes are fed with. Throws RangeError for a seed that is none. */
export function seedOf(seed: number | undefined): Uint32Array {
  if (seed === undefined) return crypto.getRandomValues(new Uint32Array(2));
  if (!Number.isSafeInteger(seed) || seed < 0) {
    throw new RangeError(`seed: ${seed} is no integer from 0 to 2^53 - 1`);
  }
  return Uint32Array.of(seed >>> 0, Math.floor(seed / 2 ** 32));
}
