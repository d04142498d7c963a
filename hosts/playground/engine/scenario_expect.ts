// Scenario expect: whether what a step promises has come true.
// Holds   how long is waited for it.
// Never   changes anything.
// Source  our own.

import type { Expect } from "../model/scenario.ts";
import type { ConsoleRun } from "./console_run.ts";
import type { Consoles } from "./consoles.ts";
import { ringErrorOf } from "./domain_entry.ts";
import type { Delta } from "./mirror.ts";
import type { Done } from "./operation.ts";
import type { Session } from "./session.ts";

/** What was done in a step. */
export interface Seen {
  /** By domain, the last command of its console. */
  readonly last: Map<number, ConsoleRun>;
  /** How the last commit ended; null: there was none. */
  commit: string | null;
}

/** Events are on their way for a moment; so long is waited for them: ms. */
const PATIENCE_MS = 1500;
const PAUSE_MS = 5;
/** Turns of the worker after which what was to happen has happened. */
const TURNS = 10;
const WINDOW = 5000;
const TEXT_MAX = 200;
const decoder = new TextDecoder();

/** What has not come true, one sentence for each. */
export async function unmetOf(
  session: Session,
  consoles: Consoles,
  expects: readonly Expect[],
  seen: Seen,
): Promise<string[]> {
  // What must not happen is given the time to.
  if (expects.some(({ kind }) => kind === "noEvent")) {
    for (let n = 0; n < TURNS; n++) await pause(0);
  }
  const endMs = performance.now() + PATIENCE_MS;
  for (;;) {
    const unmet: string[] = [];
    for (const expect of expects) {
      const why = problemOf(session, consoles, expect, seen);
      if (why !== null) unmet.push(why);
    }
    const hopeless = expects.some(({ kind }) => kind === "noEvent") && unmet.length === 0;
    if (unmet.length === 0 || hopeless || performance.now() > endMs || session.closed) return unmet;
    await pause(PAUSE_MS);
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** What was expected and what was seen instead; null: it has come true. */
function problemOf(
  session: Session,
  consoles: Consoles,
  expect: Expect,
  seen: Seen,
): string | null {
  switch (expect.kind) {
    case "out":
    case "err":
      return printed(expect, seen);
    case "event":
    case "noEvent":
      return heard(consoles, expect);
    case "value":
    case "missing":
      return stored(session, expect);
    case "commit":
      if (seen.commit === expect.result) return null;
      return `The commit should have ended with ${how(expect.result)}, not ${how(seen.commit)}.`;
    case "ringError": {
      const entry = session.domains.get(expect.domid);
      const error = entry ? ringErrorOf(entry) : 0;
      if (error === expect.error) return null;
      return `The ring of domain ${expect.domid} should have error ${expect.error}, not ${error}.`;
    }
    case "events":
      return caused(session, expect);
  }
}

function printed(expect: Extract<Expect, { kind: "out" | "err" }>, seen: Seen): string | null {
  const { kind, domid, text } = expect;
  const run = seen.last.get(domid);
  if (!run) return `Domain ${domid} should have run a command, but did not.`;
  const got = run[kind].replace(/\n$/, "");
  if (got === text) return null;
  const what = kind === "out" ? "printed" : "said";
  return `"${run.line}" of domain ${domid} should have ${what} ${quoted(text)}, not ${quoted(got)}.`;
}

function heard(
  consoles: Consoles,
  { kind, domid, path }: Extract<Expect, { kind: "event" | "noEvent" }>,
): string | null {
  const shown = consoles.shown.get(domid) ?? [];
  if (shown.includes(path) === (kind === "event")) return null;
  if (kind === "noEvent") return `Domain ${domid} should have heard nothing of ${path}, but did.`;
  const others = [...new Set(shown)].slice(0, 5).join(", ");
  const got = others === "" ? "it heard of nothing" : `it heard of ${others}`;
  return `Domain ${domid} should have heard of ${path}, but ${got}.`;
}

function stored(
  { mirror }: Session,
  expect: Extract<Expect, { kind: "value" | "missing" }>,
): string | null {
  const node = mirror.find(expect.path);
  const got = node && decoder.decode(node.value);
  if (expect.kind === "missing") {
    return got === null ? null : `${expect.path} should not be there, but is.`;
  }
  if (got === expect.value) return null;
  const instead = got === null ? "it is not there" : `it is ${quoted(got)}`;
  return `${expect.path} should be ${quoted(expect.value)}, but ${instead}.`;
}

function caused(
  { history }: Session,
  { path, atLeast }: Extract<Expect, { kind: "events" }>,
): string | null {
  const end = Math.max(history.first, history.last - WINDOW);
  for (let n = history.last; n > end; n--) {
    const done = history.operation(n);
    if (!done || !changed(done, path)) continue;
    if (done.events >= atLeast) return null;
    return `The last change at ${path} should have caused ${atLeast} events, not ${done.events}.`;
  }
  return `Something should have changed at ${path}, but nothing did.`;
}

function changed({ deltas }: Done, path: string): boolean {
  const below = path === "/" ? "/" : `${path}/`;
  return deltas.some((delta: Delta) => delta.path === path || delta.path.startsWith(below));
}

function how(result: string | null): string {
  if (result === null) return "nothing, since there was none";
  return result === "" ? "success" : result;
}

function quoted(text: string): string {
  return JSON.stringify(text.length > TEXT_MAX ? `${text.slice(0, TEXT_MAX)}…` : text);
}
