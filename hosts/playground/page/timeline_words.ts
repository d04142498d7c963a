// Timeline words: operations in few words, for the chart, its table and screen readers.
// Holds   what sort an operation is of, who heard of it, how much a change came to.
// Never   draws.
// Source  our own.

import type { Operation } from "../model/protocol.ts";
import { count, number } from "./packet_parts.tsx";

export type Sort = "read" | "change" | "watch" | "transaction" | "other";

const SORTS: Readonly<Record<string, Sort>> = {
  DIRECTORY: "read",
  DIRECTORY_PART: "read",
  READ: "read",
  GET_PERMS: "read",
  GET_DOMAIN_PATH: "read",
  GET_FEATURE: "read",
  GET_QUOTA: "read",
  IS_DOMAIN_INTRODUCED: "read",
  WRITE: "change",
  MKDIR: "change",
  RM: "change",
  SET_PERMS: "change",
  WATCH: "watch",
  UNWATCH: "watch",
  RESET_WATCHES: "watch",
  TRANSACTION_START: "transaction",
  TRANSACTION_END: "transaction",
};

/** What the marks of the chart tell apart, with words for its key. */
export const SORT_WORDS: readonly { readonly sort: Sort; readonly words: string }[] = [
  { sort: "read", words: "reads" },
  { sort: "change", words: "writes" },
  { sort: "watch", words: "watch" },
  { sort: "transaction", words: "transaction" },
  { sort: "other", words: "domains, control" },
];

export function sortOf(type: string): Sort {
  return SORTS[type] ?? "other";
}

/** An error's code; "": carried out or still under way. */
export function failure({ error }: Operation): string {
  return error ?? "";
}

/** Connections that heard of it, each with how many events it got, most first. */
export function hearers({
  heard,
}: Operation): { readonly conn: string; readonly events: number }[] {
  const counts = new Map<string, number>();
  for (const { conn } of heard) counts.set(conn, (counts.get(conn) ?? 0) + 1);
  return [...counts]
    .map(([conn, events]) => ({ conn, events }))
    .sort((a, b) => b.events - a.events);
}

/** Events from which on a change is said to have made many. */
const MANY = 5;

/** "this write made 200 events"; "": not many. */
export function amplification({ type, events }: Operation): string {
  if (events < MANY) return "";
  const what = type === "TRANSACTION_END" ? "commit" : type.toLowerCase().replaceAll("_", " ");
  return `this ${what} made ${number(events)} events`;
}

/** All of an operation in one line. */
export function lineOf(operation: Operation): string {
  const { n, conn, type, path, txId, error, changes, events } = operation;
  const parts = [`${number(n)}: ${conn} ${type}${path === "" ? "" : ` ${path}`}`];
  if (txId !== 0) parts.push(`in transaction ${txId}`);
  if (error === null) parts.push("no reply yet");
  else if (error !== "") parts.push(`failed with ${error}`);
  if (changes > 0) parts.push(`${count(changes, "node")} changed`);
  if (events > 0) {
    const who = hearers(operation).map((one) => one.conn);
    parts.push(
      `${count(events, "event")} to ${who.slice(0, 5).join(", ")}${who.length > 5 ? " ..." : ""}`,
    );
  }
  return parts.join(", ");
}

/** What operations came to, together; and the one that made most events. */
export function summary(operations: readonly Operation[]): string {
  if (operations.length === 0) return "Nothing has happened yet.";
  let changes = 0;
  let events = 0;
  let errors = 0;
  let top = operations[0] as Operation;
  for (const one of operations) {
    changes += one.changes;
    events += one.events;
    if (one.error) errors += 1;
    if (one.events > top.events) top = one;
  }
  const parts = [`${count(operations.length, "operation")}: ${count(changes, "node")} changed`];
  parts.push(`${count(events, "event")} made`);
  if (errors > 0) parts.push(`${number(errors)} failed`);
  const most = top.events >= MANY ? ` #${number(top.n)} ${top.path}: ${amplification(top)}.` : "";
  return `${parts.join(", ")}.${most}`;
}
