// Script: a small load with transactions and snapshots, and what each step makes of the store.
// Holds   the steps, and the plainest model of a store.
// Never   looks into the core: what was acknowledged is what its replies say.
// Source  our own.

import { ERROR, type Message } from "../message.ts";
import { type Rig, request, type Tree } from "./rig.ts";

/** What a step does to the store, all of it or nothing. */
type Change = (tree: Map<string, string>) => void;

/** Sets a value; parents that are missing are made. */
function set(path: string, value: string): Change {
  return (tree) => {
    for (let at = path.indexOf("/", 1); at > 0; at = path.indexOf("/", at + 1)) {
      const parent = path.slice(0, at);
      if (!tree.has(parent)) tree.set(parent, "");
    }
    tree.set(path, value);
  };
}

/** Removes a node and all below. */
function removed(path: string): Change {
  return (tree) => {
    for (const name of [...tree.keys()]) {
      if (name === path || name.startsWith(`${path}/`)) tree.delete(name);
    }
  };
}

/** A step of the load. It notes what it asks for before, and that it was acknowledged after. */
type Step = (load: Load) => void | Promise<void>;

/** What has happened so far, as whoever sent the requests knows it. */
export class Load {
  readonly rig: Rig;
  /** Acknowledged. */
  tree: Map<string, string>;
  /** What the store may be if the step that goes on is in it; null: nothing goes on. */
  next: Map<string, string> | null = null;
  /** Every value that a path ever had. */
  readonly history: Set<string>;
  /** Whether a request may be refused with EIO or ENOSPC; then all of its round must be. */
  tolerant = false;
  /** Rounds that were refused. */
  refused = 0;
  /** What the store would be with the last round that was refused, if none was acknowledged since. */
  maybe: Tree | null = null;

  constructor(rig: Rig, tree: Tree) {
    this.rig = rig;
    this.tree = new Map(tree);
    this.history = new Set([...tree].map(([path, value]) => `${path}=${value}`));
  }

  /** Sends requests as one round that makes these changes; all must be acknowledged. */
  round(requests: readonly Message[], changes: readonly Change[]): Message[] {
    const next = new Map(this.tree);
    for (const change of changes) {
      change(next);
      for (const [path, value] of next) this.history.add(`${path}=${value}`);
    }
    this.next = next;
    const replies = this.rig.round(requests);
    const errors = replies.filter(({ type }) => type === ERROR).map(({ payload }) => payload);
    if (errors.length === 0) {
      if (changes.length) this.maybe = null;
      this.tree = next;
    } else {
      this.#refused(errors, requests.length);
      this.maybe ??= next;
    }
    this.next = null;
    return replies;
  }

  #refused(errors: readonly string[], count: number): void {
    const storing = errors.every((name) => name === "EIO\0" || name === "ENOSPC\0");
    // A transaction's requests change nothing before its end: that alone is refused.
    const all = errors.length === count || errors.length === 1;
    if (!this.tolerant || !storing || !all) throw new Error(`refused: ${errors}`);
    this.refused++;
  }
}

const write = (path: string, value: string, txId = 0) =>
  request("WRITE", `${path}\0${value}`, txId);

function single(path: string, value: string): Step {
  return (load) => void load.round([write(path, value)], [set(path, value)]);
}

function remove(path: string): Step {
  return (load) => {
    // What was refused before can't be removed.
    if (load.tree.has(path)) load.round([request("RM", `${path}\0`)], [removed(path)]);
  };
}

/** Several changes that appear at once, or never. */
function transaction(...writes: readonly (readonly [string, string])[]): Step {
  return (load) => {
    const [{ payload, type }] = load.round([request("TRANSACTION_START", "\0")], []);
    if (type === ERROR) return;
    const txId = Number.parseInt(payload, 10);
    const requests = writes.map(([path, value]) => write(path, value, txId));
    requests.push(request("TRANSACTION_END", "T\0", txId));
    load.round(
      requests,
      writes.map(([path, value]) => set(path, value)),
    );
  };
}

/** Several requests that are stored together. */
function together(...writes: readonly (readonly [string, string])[]): Step {
  return (load) => {
    load.round(
      writes.map(([path, value]) => write(path, value)),
      writes.map(([path, value]) => set(path, value)),
    );
  };
}

/** Time passes: what is to happen beside the service goes on. */
function wait(ms: number): Step {
  return (load) => load.rig.clock.pass(ms);
}

/** The load. A snapshot comes due at the long values. */
export const STEPS: readonly Step[] = [
  single("/a", "1"),
  single("/a/b", "2"),
  together(["/a/b", "3"], ["/c/d/e", "deep"], ["/c", "top"]),
  transaction(["/t/1", "one"], ["/t/2", "two"], ["/a", "in a transaction"]),
  remove("/c/d"),
  single("/long", "x".repeat(900)),
  wait(1),
  single("/between", "while a snapshot is written"),
  transaction(["/between/2", "and a transaction"], ["/long", "short again"]),
  wait(1000),
  single("/a/b", "4"),
  remove("/t"),
  single("/long", "y".repeat(2700)),
  wait(1000),
  single("/last", "one"),
];

/** From this size of journals on, in bytes, a snapshot is written. */
export const COMPACT_MIN = 1400;

/** What the process in which the load ends knows. */
export async function play(load: Load, steps: readonly Step[] = STEPS): Promise<void> {
  for (const step of steps) await step(load);
}

/** Are two trees the same? */
export function same(a: Tree, b: Tree): boolean {
  return a.size === b.size && [...a].every(([path, value]) => b.get(path) === value);
}
