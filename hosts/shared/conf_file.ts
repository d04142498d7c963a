// Configuration file: oxenstored.conf, as far as its keys mean something here.
// Holds   what each key means.
// Never   opens the file itself.
// Source  command line, Daemon oxenstored, Config file; quotas, oxenstored.

import {
  OPT_QUOTA_NODE_SIZE,
  OPT_QUOTA_NODES,
  OPT_QUOTA_OUTSTANDING,
  OPT_QUOTA_PATH_MAX,
  OPT_QUOTA_TRANSACTION_NODES,
  OPT_QUOTA_TRANSACTIONS,
  OPT_QUOTA_WATCHES,
} from "../../assembly/abi.ts";
import { type Apply, type Config, file, notAllowed, quota } from "./config.ts";

const QUOTA_KEYS: Record<string, number> = {
  "quota-maxentity": OPT_QUOTA_NODES,
  "quota-maxsize": OPT_QUOTA_NODE_SIZE,
  "quota-maxwatch": OPT_QUOTA_WATCHES,
  "quota-transaction": OPT_QUOTA_TRANSACTIONS,
  "quota-maxrequests": OPT_QUOTA_TRANSACTION_NODES,
  "quota-path-max": OPT_QUOTA_PATH_MAX,
  "quota-maxoutstanding": OPT_QUOTA_OUTSTANDING,
};

/** Keys with a meaning here. */
const KEYS = new Map<string, Apply>([
  ["pid-file", file("pidFile")],
  ["access-log-file", file("traceFile")],
  ["persistent", persistent],
  ...Object.entries(QUOTA_KEYS).map(([key, opt]): [string, Apply] => [key, quota(opt)]),
]);

/**
 * oxenstored keeps its store when it is ended by SIGTERM, or not. Its own file says "false"; who
 * has never touched that should not lose anything, so it is not taken for "store nothing".
 */
function persistent(config: Config, value: string, name: string): void {
  if (yes(value, name) && config.durability === "off") config.durability = "process";
}

/** Keys whose one honoured value is what this daemon does anyway. */
const FIXED = new Map([
  ["merge-activate", "true"],
  ["perms-activate", "true"],
  ["perms-watch-activate", "true"],
  ["test-eagain", "false"],
]);

/** Keys of oxenstored's own workings. */
const WITHOUT_MEANING = new Set([
  "access-log-nb-chars",
  "access-log-nb-files",
  "access-log-nb-lines",
  "access-log-read-ops",
  "access-log-special-ops",
  "access-log-transactions-ops",
  "allow-debug",
  "conflict-burst-limit",
  "conflict-max-history-seconds",
  "conflict-rate-limit-is-aggregate",
  "gc-max-overhead",
  "quota-maxwatchevents",
  "ring-scan-interval",
  "xenstored-kva",
  "xenstored-log-file",
  "xenstored-log-level",
  "xenstored-log-nb-files",
  "xenstored-port",
]);

/**
 * Applies the text of an oxenstored.conf to `config`.
 * @param name  of the file, for messages
 * @returns     warnings, one for each line that changes nothing although it might be meant to
 * @throws      ConfigError for a value that is not allowed
 */
export function applyConfFile(config: Config, text: string, name: string): string[] {
  const warnings: string[] = [];
  let quotas = true;
  text.split("\n").forEach((line, index) => {
    const where = `${name}, line ${index + 1}`;
    const [, key, value] = /^\s*([^=\s]+)\s*=\s*(.*?)\s*$/.exec(line.replace(/#.*/, "")) ?? [];
    if (key === "quota-activate") quotas = yes(value as string, `${where}: ${key}`);
    else if (key) applyKey(config, key, value as string, where, warnings);
    else if (/^\s*[^#\s]/.test(line)) warnings.push(`${where}: not of the form key = value`);
  });
  if (!quotas) for (const opt of Object.values(QUOTA_KEYS)) config.core.set(opt, 0);
  return warnings;
}

function applyKey(config: Config, key: string, value: string, where: string, warnings: string[]) {
  const fixed = FIXED.get(key);
  const apply = KEYS.get(key);
  if (apply) apply(config, value, `${where}: ${key}`);
  else if (fixed !== undefined && fixed !== value) {
    warnings.push(`${where}: ${key} = ${value} is not offered, ${fixed} holds`);
  } else if (fixed === undefined && !WITHOUT_MEANING.has(key)) {
    warnings.push(`${where}: unknown key ${key}`);
  }
}

function yes(value: string, name: string): boolean {
  if (value !== "true" && value !== "false") throw notAllowed(name, value, "true or false");
  return value === "true";
}
