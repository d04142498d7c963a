// Transaction why: which node makes a commit fail, and who changed that, in words.
// Holds   nothing.
// Never   decides whether it fails: the store has said that.
// Source  the XenStore protocol, Transactions.

import type { OpenTransaction, TransactionNode } from "../../entry/browser.ts";
import type { TransactionInfo } from "../model/protocol.ts";
import type { Aspect } from "../model/words.ts";
import type { Delta } from "./mirror.ts";
import type { Done } from "./operation.ts";
import type { Session } from "./session.ts";

type NodeInfo = TransactionInfo["nodes"][number];

/** Nodes that are shown, operations that are named for each, and those that are looked at. */
const NODES_MAX = 200;
const OTHERS_MAX = 10;
const WINDOW = 20_000;
const NAMED_MAX = 3;

const SEEN: Readonly<Record<Aspect, string>> = {
  existence: "whether it is there was seen",
  value: "its value was read",
  perms: "its permissions were read",
  children: "its children were listed",
};

const VERDICTS: Readonly<Record<string, string>> = {
  ENOSPC: "It would go over a quota: look at the quotas of the domain.",
  EACCES: "It does what its domain may not do any more: permissions have changed.",
  ENOENT: "It needs a node that is not there any more.",
  ENOMEM: "The store has not enough memory for it.",
};

/** The nodes of a transaction, with what others did to them since it began. */
export function withOthers(
  { history }: Session,
  { conn, id, nodes }: OpenTransaction,
  began: number,
): NodeInfo[] {
  const shown = nodes.slice(0, NODES_MAX);
  const found = new Map<string, Done[]>(shown.map(({ path }) => [path, []]));
  const lists = new Set(shown.filter(seesChildren).map(({ path }) => path));
  const first = Math.max(began + 1, history.last - WINDOW);
  for (const done of history.operations.from(first)) {
    if (done.conn === conn && done.txId === id) continue;
    for (const delta of done.deltas) note(found, lists, done, delta);
  }
  return shown.map((node) => ({
    ...node,
    others: (found.get(node.path) ?? []).slice(-OTHERS_MAX).map(({ n, conn, type }) => {
      return { operation: n, conn, type };
    }),
  }));
}

function seesChildren({ saw, conflicts }: TransactionNode): boolean {
  return saw.includes("children") || conflicts.includes("children");
}

function note(
  found: ReadonlyMap<string, Done[]>,
  lists: ReadonlySet<string>,
  done: Done,
  { kind, path }: Delta,
): void {
  const put = (list: Done[] | undefined) => {
    if (list && list.at(-1) !== done) list.push(done);
  };
  put(found.get(path));
  if (kind === "set") return;
  const parent = path.slice(0, path.lastIndexOf("/")) || "/";
  if (lists.has(parent)) put(found.get(parent));
  if (kind !== "gone") return;
  for (const [other, list] of found) if (other.startsWith(`${path}/`)) put(list);
}

/** Why its commit would fail now; "": it would not. */
export function whyItFails(verdict: string | null, nodes: readonly NodeInfo[]): string {
  if (verdict === null) return "";
  const failing = nodes.filter(({ conflicts }) => conflicts.length > 0);
  if (failing.length === 0) return VERDICTS[verdict] ?? `It would fail with ${verdict}.`;
  const sentences = failing.slice(0, NAMED_MAX).map(sentence);
  const more = failing.length - sentences.length;
  if (more > 0) sentences.push(`So it is with ${more} more ${more === 1 ? "node" : "nodes"}.`);
  return sentences.join(" ");
}

function sentence({ path, saw, conflicts, others }: NodeInfo): string {
  const aspects = conflicts.filter((aspect) => saw.includes(aspect));
  const seen = (aspects.length > 0 ? aspects : conflicts).map((aspect) => SEEN[aspect]);
  const last = others.at(-1);
  const who = last
    ? `${last.type} #${last.operation} by ${last.conn} changed that since`
    : "that is different now";
  return `${path}: ${seen.join(", ")}, and ${who}.`;
}
