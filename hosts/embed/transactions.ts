// Transactions: what the open ones have touched, and whether they would be applied now.
// Holds   the types, and the reading of the core's report.
// Never   changes anything.
// Source  our own; the layout stands at assembly/store/inspection.ts.

import { decodeText } from "../client/text.ts";
import { codeOf } from "../shared/errors.ts";
import { permsText } from "./changes.ts";

/** What of a node a reply can depend on. */
export type Aspect = "existence" | "value" | "perms" | "children";

/** A node as one transaction has to do with it. */
export interface TransactionNode {
  readonly path: string;
  /** What its requests learned of the store outside, and must still be so at the end. */
  readonly saw: readonly Aspect[];
  /** What the transaction does to it; `replaced`: removes it and makes it again. */
  readonly change: "created" | "removed" | "replaced" | "changed" | null;
  /** The value that it sets; null: none. */
  readonly value: Uint8Array | null;
  /** The permissions that it sets, such as `n0 r3`; null: none. */
  readonly perms: string | null;
  /**
   * What is different outside now: why the end would be EAGAIN. Of `saw`; with `strict` conflicts
   * of every node that was touched, and all of it where it was changed and is the same again.
   */
  readonly conflicts: readonly Aspect[];
}

/** A transaction that was started and has not ended. */
export interface OpenTransaction {
  /** The connection as it is called in a trace: `S1`, `D7`, `D7.1`. */
  readonly conn: string;
  /** Whose rights it has. */
  readonly domid: number;
  /** As in requests. */
  readonly id: number;
  /**
   * What its commit would fail with now, such as EAGAIN, or ENOSPC for a limit; null: it would be
   * applied, as far as there is memory for it.
   */
  readonly verdict: string | null;
  /** In the order in which they were touched first. */
  readonly nodes: readonly TransactionNode[];
}

/** By bit. */
const ASPECTS: readonly Aspect[] = ["existence", "value", "perms", "children"];
const TX_EXISTS = 1;
const TX_CREATED = 2;
const TX_REMOVED = 4;
const TX_VALUE = 8;
const TX_PERMS = 16;
const TRANSACTION_HEAD = 24;
const NODE_HEAD = 20;

/**
 * Reads a report.
 * @param nameOf  the name of a connection, by its number and domain
 * @returns       the oldest first
 */
export function readTransactions(
  report: Uint8Array,
  nameOf: (conn: number, domid: number) => string,
): OpenTransaction[] {
  const view = new DataView(report.buffer, report.byteOffset, report.length);
  const found: { start: number; one: OpenTransaction }[] = [];
  for (let at = 0; at < report.length; ) {
    const word = (index: number) => view.getUint32(at + index * 4, true);
    const [conn, domid, id, start, errno, count] = [0, 1, 2, 3, 4, 5].map(word) as Head;
    const nodes: TransactionNode[] = [];
    at += TRANSACTION_HEAD;
    for (let n = 0; n < count; n++) {
      const { node, end } = nodeAt(report, view, at);
      nodes.push(node);
      at = end;
    }
    const verdict = errno === 0 ? null : codeOf(errno);
    found.push({ start, one: { conn: nameOf(conn, domid), domid, id, verdict, nodes } });
  }
  return found.sort((a, b) => a.start - b.start).map(({ one }) => one);
}

type Head = [number, number, number, number, number, number];

function nodeAt(
  report: Uint8Array,
  view: DataView,
  at: number,
): { node: TransactionNode; end: number } {
  const flags = view.getUint32(at + 8, true);
  const entries = at + NODE_HEAD;
  const path = entries + view.getUint16(at + 18, true) * 8;
  const value = path + view.getUint16(at + 16, true);
  const end = value + view.getUint32(at + 12, true);
  const node: TransactionNode = {
    path: decodeText(report, path, value),
    saw: aspectsOf(view.getUint32(at, true)),
    change: changeOf(flags),
    value: flags & TX_VALUE ? report.slice(value, end) : null,
    perms: path > entries ? permsText(view, entries, path) : null,
    conflicts: aspectsOf(view.getUint32(at + 4, true)),
  };
  return { node, end };
}

function aspectsOf(bits: number): Aspect[] {
  return ASPECTS.filter((_, bit) => (bits >>> bit) & 1);
}

function changeOf(flags: number): TransactionNode["change"] {
  if (flags & TX_CREATED) return flags & TX_REMOVED ? "replaced" : "created";
  if (flags & TX_REMOVED) return "removed";
  return flags & TX_EXISTS && flags & (TX_VALUE | TX_PERMS) ? "changed" : null;
}
