// Session read: what the lines of a session file say, put into a mirror and a history.
// Holds   nothing.
// Never   stops at a broken line: what comes before it is taken, and the line is named.
// Source  our own; session_file.ts has the format.

import type { History } from "./history.ts";
import type { Mirror } from "./mirror.ts";
import type { Done } from "./operation.ts";
import {
  bytesOf,
  domainOf,
  factsOf,
  type Head,
  type HeadNode,
  type Input,
  inputOf,
  VERSION,
} from "./session_file.ts";

/** A line that could not be read. */
export interface Problem {
  readonly line: number;
  readonly text: string;
  readonly why: string;
}

export interface ReadSession {
  readonly head: Head;
  /** What the lines behind the head say, as far as they make sense. */
  readonly inputs: readonly Input[];
  readonly problems: readonly Problem[];
}

const PERMS = /^[nrwb]\d{1,5}( [nrwb]\d{1,5})*$/;
const NAME = /^[A-Za-z0-9\-_@]{1,2048}$/;
const VALUE_MAX = 4096;
const SHOWN = 80;

/**
 * Reads a file as far as it makes sense.
 * @throws Error of one sentence when its head makes none
 */
export function readSession(text: string): ReadSession {
  const all = text.split("\n");
  const head = headOf(all[0] ?? "");
  const inputs: Input[] = [];
  const problems: Problem[] = [];
  for (let at = 1; at < all.length; at++) {
    const line = all[at] as string;
    if (line === "") continue;
    try {
      inputs.push(inputOf(line));
    } catch (error) {
      const why = error instanceof SyntaxError ? "is not whole" : (error as Error).message;
      problems.push({ line: at + 1, text: line.slice(0, SHOWN), why });
      // What follows may depend on it.
      break;
    }
  }
  return { head, inputs, problems };
}

function headOf(line: string): Head {
  let head: Head;
  try {
    head = JSON.parse(line) as Head;
  } catch {
    throw new Error("The first line of the session is not whole: nothing of it can be used.");
  }
  const version = head?.["xenstore-playground"];
  if (typeof version !== "number") throw new Error("This is no session of the playground.");
  if (version > VERSION) {
    throw new Error(
      "The session was made by a newer playground: reload this page, then try again.",
    );
  }
  const problem = treeProblem(head.tree, "");
  if (problem) throw new Error(`The session's tree makes no sense at ${problem || "/"}.`);
  const domains = Array.isArray(head.domains) ? head.domains.map(domainOf) : [];
  return {
    "xenstore-playground": version,
    ...factsOf(head),
    scenario: typeof head.scenario === "string" ? head.scenario : null,
    tree: head.tree,
    special: stringsOf(head.special),
    domains,
    quota: numbersOf(head.quota),
    labels: stringsOf(head.labels),
    first: Number.isInteger(head.first) && head.first > 0 ? head.first : 1,
  };
}

/** The path of a node that can't be in a store, or null. */
function treeProblem(node: HeadNode, path: string): string | null {
  if (!Array.isArray(node) || typeof node[0] !== "string" || node[0].length > VALUE_MAX)
    return path;
  if (typeof node[1] !== "string" || !PERMS.test(node[1])) return path;
  for (const [name, child] of Object.entries(node[2] ?? {})) {
    if (!NAME.test(name) || path.length > 3000) return `${path}/${name}`;
    const problem = treeProblem(child, `${path}/${name}`);
    if (problem !== null) return problem;
  }
  return null;
}

function stringsOf(given: unknown): Record<string, string> {
  const entries = Object.entries((given ?? {}) as Record<string, unknown>);
  const fine = entries.filter(([, value]) => typeof value === "string") as [string, string][];
  return Object.fromEntries(fine);
}

function numbersOf(given: unknown): Record<string, number> {
  const entries = Object.entries((given ?? {}) as Record<string, unknown>);
  const fine = entries.filter(([, value]) => Number.isInteger(value)) as [string, number][];
  return Object.fromEntries(fine);
}

/** Puts what was read into a mirror and a history that are new. */
export function fill(
  { head, inputs }: Pick<ReadSession, "head" | "inputs">,
  { mirror, history }: { readonly mirror: Mirror; readonly history: History },
  hear: (input: Input, done: Done | null) => void = () => {},
): void {
  fillTree(mirror, head.tree);
  for (const [path, perms] of Object.entries(head.special)) {
    if (path.startsWith("@") && PERMS.test(perms)) mirror.special.set(path, perms);
  }
  history.operations.first = head.first;
  for (const input of inputs) {
    let done: Done | null = null;
    if (input.kind === "record") history.hear(input.record);
    else if (input.kind === "change") {
      const deltas = mirror.apply(input.change);
      done = history.changed(input.change, deltas, history.operation(input.operation));
    }
    hear(input, done);
  }
}

function fillTree(mirror: Mirror, root: HeadNode): void {
  const waiting: [string, HeadNode][] = [["", root]];
  for (let one = waiting.pop(); one; one = waiting.pop()) {
    const [path, [value, perms, children]] = one;
    mirror.apply({ kind: "create", path: path || "/", value: bytesOf(value), perms });
    const below = Object.entries(children ?? {});
    for (let at = below.length - 1; at >= 0; at--) {
      const [name, child] = below[at] as [string, HeadNode];
      waiting.push([`${path}/${name}`, child]);
    }
  }
}
