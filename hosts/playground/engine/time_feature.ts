// Time feature: going to any moment, differences between two, undo, redo and fork.
// Holds   the tree of the moment that is shown, if that is not now.
// Never   changes what happened: undo does the opposite, as an operation of its own.
// Source  our own; "The playground" in ARCHITECTURE.md.

import type { Nodes } from "../../entry/browser.ts";
import type { Difference, HistoryInfo } from "../model/protocol.ts";
import type { Context } from "./engine.ts";
import { explained } from "./explained.ts";
import type { Feature } from "./feature.ts";
import type { Delta, KeptNode, Mirror, NodeState } from "./mirror.ts";
import type { Done } from "./operation.ts";
import { PAGE } from "./session.ts";
import { mirrorAt, travel } from "./session_write.ts";

/** Differences that are told. */
const DIFFERENCES_MAX = 1000;
/** Operations among which the last change is looked for. */
const UNDO_WINDOW = 2000;

export class TimeTravel {
  /** The moment that is shown; null: now. */
  at: number | null = null;
  #context: Context;
  #past: Mirror | null = null;
  #pastAt = 0;

  constructor(context: Context) {
    this.#context = context;
  }

  /** The tree that is shown. */
  mirror(): Mirror {
    return this.#past ?? this.#context.session.mirror;
  }

  /** Differs when the tree that is shown does. */
  stamp(): string {
    const { structure, version } = this.mirror();
    return `${this.#context.session.id} ${this.at} ${structure} ${version}`;
  }

  go(at: number | null): void {
    const { session } = this.#context;
    if (at === null) {
      this.at = null;
      this.#past = null;
      session.mirror.structure += 1;
    } else {
      const { first, last } = session.history;
      const wanted = Math.max(first, Math.min(last, Math.floor(at)));
      if (!this.#past || this.#pastAt < first) this.#past = mirrorAt(session, wanted);
      else travel(session, this.#past, this.#pastAt, wanted);
      this.#pastAt = wanted;
      this.at = wanted;
    }
    this.#context.changed();
  }
}

export function timeFeature(context: Context, time: TimeTravel): Feature {
  const undo = new Undoing(context);
  return {
    ops: {
      "history.go": ({ at }) => time.go(at),
      "history.operation": ({ n }) => context.session.history.operation(n)?.plain() ?? null,
      "history.diff": ({ from, to }) => differences(context, from, to),
      "history.undo": () => undo.undo(),
      "history.redo": () => undo.redo(),
    },
    sections: [
      {
        name: "history",
        stamp: () => `${context.session.id} ${context.session.history.version} ${time.at}`,
        make: (): HistoryInfo => {
          const { first, last } = context.session.history;
          const words = (done: Done | null) => done && sentence(done);
          const [back, again] = [words(undo.next()), words(undo.again())];
          return { first, last, at: time.at, undo: back, redo: again };
        },
      },
    ],
    opened: () => time.go(null),
  };
}

/** An operation in a few words. */
export function sentence({ n, type, conn, path, detail }: Done): string {
  const what = path === "" ? detail : path;
  return `#${n} ${type}${what ? ` ${what}` : ""} by ${conn}`;
}

class Undoing {
  #context: Context;

  constructor(context: Context) {
    this.#context = context;
  }

  /** What would be taken back. */
  next(): Done | null {
    const { history } = this.#context.session;
    const end = Math.max(history.first, history.last - UNDO_WINDOW);
    for (let n = history.last; n > end; n--) {
      const done = history.operation(n);
      if (done && done.deltas.length > 0 && !done.undone && done.undoes === 0) return done;
    }
    return null;
  }

  /** What would be done again: what was taken back last, unless something new was done since. */
  again(): Done | null {
    const { history } = this.#context.session;
    const end = Math.max(history.first, history.last - UNDO_WINDOW);
    for (let n = history.last; n > end; n--) {
      const done = history.operation(n);
      if (!done || done.deltas.length === 0) continue;
      if (done.undoes === 0) return null;
      if (!done.undone) return done;
    }
    return null;
  }

  async undo(): Promise<void> {
    const done = this.next();
    if (!done) throw new Error("There is nothing to undo: nothing was changed yet.");
    const made = await this.#opposite(done);
    if (made) made.undoes = done.n;
    done.undone = true;
    this.#context.changed();
  }

  async redo(): Promise<void> {
    const done = this.again();
    if (!done) throw new Error("There is nothing to do again.");
    const made = await this.#opposite(done);
    const first = this.#context.session.history.operation(done.undoes);
    if (first) first.undone = false;
    done.undone = true;
    // Neither is looked at again: the first one can be undone once more.
    if (made) {
      made.undoes = done.undoes;
      made.undone = true;
    }
    this.#context.changed();
  }

  /** Does the opposite in one transaction. Returns the operation that it came to. */
  async #opposite(done: Done): Promise<Done | undefined> {
    const { session } = this.#context;
    const { history, page } = session;
    const [only, more] = done.deltas;
    try {
      // One request where one will do: it is one operation in the history then.
      if (only && !more && isOne(only)) await back(page, only);
      else {
        await page.transaction(async (tx) => {
          for (let at = done.deltas.length - 1; at >= 0; at--) await back(tx, done.deltas[at]);
        });
      }
    } catch (error) {
      throw explained(error as never);
    }
    for (let n = history.last; n > history.first; n--) {
      const made = history.operation(n);
      if (made?.deltas.length && session.labels.get(made.conn) === PAGE) return made;
    }
    return undefined;
  }
}

/** Is it taken back by a single request? */
function isOne(delta: Delta): boolean {
  if (delta.kind === "made") return true;
  if (delta.kind === "gone") return false;
  return delta.before.value === delta.after.value || delta.before.perms === delta.after.perms;
}

async function back(tx: Nodes, delta: Delta): Promise<void> {
  const { path } = delta;
  if (delta.kind === "made") await tx.rm(path, { missingOk: true });
  else if (delta.kind === "set") {
    if (delta.before.value !== delta.after.value) await tx.write(path, delta.before.value);
    if (delta.before.perms !== delta.after.perms) await tx.setPerms(path, delta.before.perms);
  } else await plantAgain(tx, path, delta.node);
}

async function plantAgain(tx: Nodes, path: string, node: KeptNode): Promise<void> {
  await tx.write(path, node.value);
  await tx.setPerms(path, node.perms);
  for (const child of node.children) await plantAgain(tx, `${path}/${child.name}`, child);
}

interface Ends {
  before: NodeState | null;
  after: NodeState | null;
}

function differences({ session }: Context, a: number, b: number) {
  const { history } = session;
  const [from, to] = [
    Math.max(history.first, Math.min(a, b)),
    Math.min(history.last, Math.max(a, b)),
  ];
  const ends = new Map<string, Ends>();
  for (let n = from + 1; n <= to; n++) {
    for (const delta of history.operation(n)?.deltas ?? []) {
      for (const [path, before, after] of statesOf(delta)) {
        const known = ends.get(path);
        if (known) known.after = after;
        else ends.set(path, { before, after });
      }
    }
  }
  const found: Difference[] = [];
  for (const [path, { before, after }] of ends) {
    if (!same(before, after)) found.push({ path, before, after });
  }
  found.sort((x, y) => (x.path < y.path ? -1 : 1));
  return { differences: found.slice(0, DIFFERENCES_MAX), total: found.length };
}

function* statesOf(delta: Delta): Generator<[string, NodeState | null, NodeState | null]> {
  if (delta.kind === "made") yield [delta.path, null, delta.after];
  else if (delta.kind === "set") yield [delta.path, delta.before, delta.after];
  else yield* goneStates(delta.path, delta.node);
}

function* goneStates(path: string, node: KeptNode): Generator<[string, NodeState, null]> {
  yield [path, { value: node.value, perms: node.perms }, null];
  for (const child of node.children) yield* goneStates(`${path}/${child.name}`, child);
}

function same(a: NodeState | null, b: NodeState | null): boolean {
  if (!a || !b) return a === b;
  if (a.perms !== b.perms || a.value.length !== b.value.length) return false;
  return a.value.every((byte, at) => byte === b.value[at]);
}
