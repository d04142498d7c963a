// Transaction state: what was run in the transactions that were begun here.
// Holds   outputs of lines, what was said last of a transaction, where the focus is to go.
// Never   knows whether a commit would succeed: the engine says so.
// Source  our own.

import { type Signal, signal } from "@preact/signals";
import { EngineError } from "./engine.ts";
import { call, onSession } from "./state.ts";

/** A line that was run here, with what came of it. */
export interface Ran {
  /** Its place among the lines of the transaction. */
  readonly index: number;
  readonly line: string;
  readonly output: string;
  readonly failed: boolean;
}

const outputs = new Map<number, Signal<readonly Ran[]>>();

export function ranIn(handle: number): Signal<readonly Ran[]> {
  let found = outputs.get(handle);
  if (!found) {
    found = signal<readonly Ran[]>([]);
    outputs.set(handle, found);
  }
  return found;
}

/** Whether there is one whose line is to get the focus as soon as it is drawn. */
export const fresh = signal<number | null>(null);
/** What happened last, for the status line. */
export const said = signal<{ readonly text: string; readonly kind: "good" | "bad" | "dim" } | null>(
  null,
);
/** As which domain the next one is begun. */
export const beginAs = signal(0);

onSession(() => {
  outputs.clear();
  fresh.value = null;
  said.value = null;
  beginAs.value = 0;
});

function say(text: string, kind: "good" | "bad" | "dim" = "dim"): void {
  said.value = { text, kind };
}

function wrong(error: unknown): void {
  say(error instanceof EngineError ? error.message : String(error), "bad");
}

export async function begin(domid: number): Promise<void> {
  try {
    const handle = await call("tx.begin", { domid });
    fresh.value = handle;
    say("The transaction has begun. It sees the store as it is now, until it ends.");
  } catch (error) {
    wrong(error);
  }
}

/** Runs a line; returns whether it went well. */
export async function run(handle: number, line: string, index: number): Promise<boolean> {
  const ran = ranIn(handle);
  try {
    const output = await call("tx.run", { handle, line });
    ran.value = [...ran.value, { index, line, output, failed: false }];
    return true;
  } catch (error) {
    const output = error instanceof EngineError ? error.message : String(error);
    ran.value = [...ran.value, { index, line, output, failed: true }];
    return false;
  }
}

export async function commit(handle: number, name: string): Promise<void> {
  try {
    const code = await call("tx.commit", { handle });
    if (code === "") say(`${name} was committed: all of its changes are in the store.`, "good");
    else if (code === "EAGAIN") {
      say(
        `${name} failed with EAGAIN: nothing was applied. Retry runs it on the store as it is.`,
        "bad",
      );
    } else say(`${name} failed with ${code}: nothing was applied.`, "bad");
  } catch (error) {
    wrong(error);
  }
}

export async function abort(handle: number, name: string): Promise<void> {
  try {
    await call("tx.abort", { handle });
    say(`${name} was given up: nothing of it happened.`);
  } catch (error) {
    wrong(error);
  }
}

export async function retry(handle: number): Promise<void> {
  try {
    fresh.value = await call("tx.retry", { handle });
    say("It has begun anew, and the same lines were run on the store as it is now.");
  } catch (error) {
    wrong(error);
  }
}

export async function clearEnded(): Promise<void> {
  try {
    await call("tx.clear", {});
    say("Those that have ended are gone from the list.");
  } catch (error) {
    wrong(error);
  }
}
