// Session write: a session as the lines of a session file.
// Holds   nothing.
// Never   changes the session: the tree goes back in a copy.
// Source  our own; session_file.ts has the format.

import { domidOf } from "../model/words.ts";
import type { Mirror, MirrorNode } from "./mirror.ts";
import type { Session } from "./session.ts";
import {
  binary,
  changesOf,
  followDomain,
  type Head,
  type HeadNode,
  lineOf,
  type StartDomain,
  VERSION,
} from "./session_file.ts";

/** What of a session is written. */
export interface Extent {
  /** Up to this operation; by default all. */
  readonly to?: number;
  /** Only what holds after that, without how it came to be. */
  readonly treeOnly?: boolean;
}

/** Takes a mirror back or forth from the moment after operation `from` to that after `to`. */
export function travel(session: Session, mirror: Mirror, from: number, to: number): void {
  const { history } = session;
  for (let n = from; n > to; n--) {
    const deltas = history.operation(n)?.deltas ?? [];
    for (let at = deltas.length - 1; at >= 0; at--) mirror.step(deltas[at], false);
  }
  for (let n = from + 1; n <= to; n++) {
    for (const delta of history.operation(n)?.deltas ?? []) mirror.step(delta, true);
  }
}

/** The tree as it was after that operation, in a copy. */
export function mirrorAt(session: Session, moment: number): Mirror {
  const mirror = session.mirror.clone();
  travel(session, mirror, session.history.last, moment);
  return mirror;
}

/** The whole file, in pieces. */
export function* sessionText(session: Session, extent: Extent = {}): Generator<string> {
  const { history } = session;
  const to = Math.min(extent.to ?? history.last, history.last);
  const base = extent.treeOnly ? to : history.first;
  yield `${JSON.stringify(headOf(session, base))}\n`;
  if (extent.treeOnly) return;
  yield* lines(session, to);
  // The store does not know what they are called, nor what a release has left of them.
  const known = to === history.last ? domainsNow(session) : domainsAt(session, to);
  for (const domain of known) yield lineOf({ kind: "domain", domain });
}

function domainsNow(session: Session): StartDomain[] {
  const { domains } = session;
  const gone = domainsAt(session, session.history.last)
    .filter(({ domid }) => !domains.has(domid))
    .map((domain) => ({ ...domain, state: "forgotten" as const }));
  const known = [...domains.values()]
    .filter(({ domid }) => domid !== 0)
    .map(({ domid, name, colour, state, introduced, target }) => {
      return { domid, name, colour, state, introduced, target, home: "none" as const };
    });
  return [...known, ...gone];
}

function headOf(session: Session, base: number): Head {
  const mirror = mirrorAt(session, base);
  return {
    "xenstore-playground": VERSION,
    name: session.name,
    scenario: session.scenario,
    stepsDone: session.stepsDone,
    script: session.script,
    tree: headNode(mirror.root),
    special: Object.fromEntries(mirror.special),
    domains: domainsAt(session, base),
    quota: session.start.quota,
    labels: labelsOf(session),
    first: base + 1,
  };
}

/** Names of the connections that are in the history. */
function labelsOf({ history, labels }: Session): Record<string, string> {
  const conns = new Set<string>();
  for (const { record } of history.records.from(1)) conns.add(record.conn);
  return Object.fromEntries([...labels].filter(([conn]) => conns.has(conn)));
}

function headNode(node: MirrorNode): HeadNode {
  const state = [binary(node.value), node.perms] as const;
  if (!node.children) return state;
  const children: Record<string, HeadNode> = Object.create(null);
  for (const [name, child] of node.children) children[name] = headNode(child);
  return [...state, children];
}

/** What there was of domains then; domain 0 is always there. */
export function domainsAt(session: Session, moment: number): StartDomain[] {
  const found = new Map(session.baseDomains);
  for (const done of session.history.operations.from(1)) {
    if (done.n > moment) break;
    for (const change of done.others) followDomain(found, change, done);
    if (done.type === "shutdown") {
      const domid = domidOf(done.conn);
      const known = found.get(domid);
      if (known) found.set(domid, { ...known, state: "shutdown" });
    }
  }
  const named = [...found.values()].map((domain) => {
    const now = session.domains.get(domain.domid);
    return now ? { ...domain, name: now.name, colour: now.colour } : domain;
  });
  return named.filter(({ domid }) => domid !== 0);
}

function* lines(session: Session, to: number): Generator<string> {
  const { history } = session;
  let text = "";
  // Records that belong to an operation that is gone say nothing any more.
  for (const { record, operation, n } of history.records.from(1)) {
    if (operation !== 0 && operation <= history.first) continue;
    const done = history.operation(operation);
    if (done && done.n > to) continue;
    if (operation === 0 && to < history.last && record.kind !== "open") continue;
    text += lineOf({ kind: "record", record });
    if (done?.request === n) {
      for (const change of changesOf(done)) {
        text += lineOf({ kind: "change", operation: done.n, change });
      }
    }
    if (text.length < 65_536) continue;
    yield text;
    text = "";
  }
  yield text;
}
