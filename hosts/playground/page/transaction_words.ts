// Transaction words: what a transaction saw and changes, and how it ended, in words.
// Holds   texts only.
// Never   judges a transaction: the core does.
// Source  the XenStore protocol, Transactions.

import type { TransactionInfo } from "../model/protocol.ts";
import type { Aspect } from "../model/words.ts";

type Node = TransactionInfo["nodes"][number];

const ASPECTS: Readonly<Record<Aspect, string>> = {
  existence: "whether it exists",
  value: "its value",
  perms: "its permissions",
  children: "the names of its children",
};

/** "its value and its permissions" */
export function aspectWords(aspects: readonly Aspect[]): string {
  const words = aspects.map((aspect) => ASPECTS[aspect]);
  const last = words.pop();
  if (last === undefined) return "nothing";
  return words.length === 0 ? last : `${words.join(", ")} and ${last}`;
}

const CHANGES: Readonly<Record<NonNullable<Node["change"]>, string>> = {
  created: "makes it",
  removed: "removes it",
  replaced: "removes it and makes it again",
  changed: "changes it",
};

export function changeWords({ change }: Node): string {
  return change === null ? "nothing" : CHANGES[change];
}

export function isOpen({ state }: TransactionInfo): boolean {
  return state === "open";
}

/** What an end with this code means. */
export function endWords(state: string): string {
  switch (state) {
    case "committed":
      return "Committed: its changes are in the store.";
    case "aborted":
      return "Given up: nothing of it happened.";
    case "EAGAIN":
      return "Failed with EAGAIN: nothing was applied.";
    case "ENOSPC":
      return "Failed with ENOSPC: it would have gone beyond a quota. Nothing was applied.";
    case "ENOMEM":
      return "Failed with ENOMEM: a request in it had failed before. Nothing was applied.";
    default:
      return `Ended: ${state}. Nothing was applied.`;
  }
}

/** What can be run in a transaction. */
export const COMMANDS = "read, write, ls, list, mkdir, rm, chmod, getperms, exists";
