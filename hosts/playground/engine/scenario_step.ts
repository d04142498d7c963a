// Scenario step: runs what a step does, then looks whether what it promises has come true.
// Holds   the transactions that a scenario has named, for each session.
// Never   fails for what a step means to show: a command that ends with an error is no problem.
// Source  our own.

import type { OpName, Ops } from "../model/protocol.ts";
import type { Action, Step } from "../model/scenario.ts";
import type { ConsoleRun } from "./console_run.ts";
import { consolesOf } from "./consoles.ts";
import type { Context } from "./engine.ts";
import { type Seen, unmetOf } from "./scenario_expect.ts";
import type { Session } from "./session.ts";

/** An engine, as far as a step needs it. */
export interface StepEngine extends Context {
  run(op: OpName, args: unknown): Promise<unknown>;
}

export interface StepResult {
  /** What has not come true, one sentence for each: what was expected, and what was seen. */
  readonly unmet: readonly string[];
  /** Why not all of it could be done; null: it was. */
  readonly problem: string | null;
}

const named = new WeakMap<Session, Map<string, number>>();

/** Runs a step and checks it. */
export async function runStep(engine: StepEngine, step: Step): Promise<StepResult> {
  const consoles = consolesOf(engine);
  consoles.shown.clear();
  const seen: Seen = { last: new Map(), commit: null };
  let problem: string | null = null;
  try {
    for (const action of step.do) await act(engine, action, seen);
  } catch (error) {
    problem = (error as Error).message;
  }
  const unmet = await unmetOf(engine.session, consoles, step.expect, seen);
  return { unmet, problem };
}

/** Runs an operation of the page, with its types. */
async function call<K extends OpName>(
  engine: StepEngine,
  op: K,
  args: Parameters<Ops[K]>[0],
): Promise<Awaited<ReturnType<Ops[K]>>> {
  return (await engine.run(op, args)) as Awaited<ReturnType<Ops[K]>>;
}

async function act(engine: StepEngine, action: Action, seen: Seen): Promise<void> {
  switch (action.kind) {
    case "console":
      return ran(seen, await consolesOf(engine).do(action.domid, action.line), action.domid);
    case "repeat": {
      const { domid, line, times } = action;
      return ran(seen, await consolesOf(engine).repeat(domid, line, times), domid);
    }
    case "stop":
      return consolesOf(engine).stop(action.domid);
    case "domain":
      return domain(engine, action);
    case "target":
      return call(engine, "domain.target", { domid: action.domid, target: action.target });
    case "load":
      return call(engine, "load.set", { rate: action.rate });
    case "begin":
    case "in":
    case "commit":
    case "abort":
    case "retry":
      return transaction(engine, action, seen);
    case "lens":
      // The page does that: it alone knows what it shows.
      return;
    default:
      return ring(engine, action);
  }
}

function ran(seen: Seen, run: ConsoleRun, domid: number): void {
  seen.last.set(domid, run);
}

type DomainAction = Extract<Action, { kind: "domain" }>;

async function domain(engine: StepEngine, action: DomainAction): Promise<void> {
  const { what, domid, name, home } = action;
  if (what !== "add") return call(engine, `domain.${what}`, { domid });
  await call(engine, "domain.add", { domid, ...(name && { name }), ...(home && { home }) });
}

type TransactionAction = Extract<Action, { kind: "begin" | "in" | "commit" | "abort" | "retry" }>;

async function transaction(
  engine: StepEngine,
  action: TransactionAction,
  seen: Seen,
): Promise<void> {
  const names = namesOf(engine.session);
  if (action.kind === "begin") {
    names.set(action.name, await call(engine, "tx.begin", { domid: action.domid }));
    return;
  }
  const handle = names.get(action.name);
  if (handle === undefined) {
    throw new Error(
      `The transaction "${action.name}" was not begun. Run the steps before this one first.`,
    );
  }
  if (action.kind === "in") await line(engine, handle, action.line);
  else if (action.kind === "commit") seen.commit = await call(engine, "tx.commit", { handle });
  else if (action.kind === "abort") await call(engine, "tx.abort", { handle });
  else names.set(action.name, await call(engine, "tx.retry", { handle }));
}

/** What the store refuses may be what the step is about. */
async function line(engine: StepEngine, handle: number, text: string): Promise<void> {
  try {
    await call(engine, "tx.run", { handle, line: text });
  } catch (error) {
    if (typeof (error as { code?: unknown }).code !== "string") throw error;
  }
}

function namesOf(session: Session): Map<string, number> {
  let found = named.get(session);
  if (!found) {
    found = new Map();
    named.set(session, found);
  }
  return found;
}

type RingAction = Extract<
  Action,
  { kind: "hold" | "reconnect" | "notify" | "compose" | "put" | "take" | "poke" | "break" }
>;

async function ring(engine: StepEngine, { kind, ...args }: RingAction): Promise<void> {
  // Each action has the arguments of the operation with its name.
  await engine.run(`ring.${kind}`, args);
}
