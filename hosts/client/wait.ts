// Wait: until the value of a node pleases.
// Holds   nothing between two waits.
// Never   leaves its watch behind, whatever the end.
// Source  the XenStore protocol, Clients, Patterns seen in toolstacks.

import type { As, Nodes, WaitOptions, Watch } from "./api.ts";
import { checkPath, invalid } from "./check.ts";
import { ReasonedError } from "./errors.ts";
import { underSignal } from "./signal.ts";
import { type Look, look, type NodeValue, same } from "./values.ts";

type Test = (value: NodeValue) => boolean;

/**
 * Waits until `wanted` is true of the value of a node, or equal to it, and returns the value.
 * @param watch  a watch on the node that is not set yet; it is removed in the end
 */
export async function waitFor(
  nodes: Nodes,
  watch: Watch,
  wanted: NodeValue | ((value: never) => boolean),
  { timeout, as = "text", signal }: WaitOptions = {},
): Promise<NodeValue> {
  checkPath("READ", watch.path);
  if (timeout !== undefined && !(timeout >= 0)) {
    throw invalid("waitFor", `timeout is in milliseconds, from 0 on, not ${timeout}`);
  }
  signal?.throwIfAborted();
  const test = typeof wanted === "function" ? (wanted as Test) : (one: NodeValue) => one === wanted;
  const seen: Look[] = [];
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    if (timeout === undefined) return;
    timer = setTimeout(() => reject(tooLate(watch.path, timeout, seen[0])), timeout);
  });
  try {
    const found = lookUntil(nodes, watch, test, as, seen);
    return await underSignal(Promise.race([found, late]), signal);
  } finally {
    clearTimeout(timer);
    // It is sent before anything that the caller asks next; nobody needs to wait for the reply.
    watch.return().catch(() => {});
  }
}

/** `seen` gets what was read last. */
async function lookUntil(
  nodes: Nodes,
  watch: Watch,
  test: Test,
  as: As,
  seen: Look[],
): Promise<NodeValue> {
  // Its request goes out before the one to read, so no change is missed.
  const { ready } = watch;
  while (true) {
    const now = await look(nodes, watch.path, as);
    const [before] = seen;
    seen[0] = now;
    await ready;
    const known = before !== undefined && same(before.value, now.value);
    if (!known && test(now.value)) return now.value;
    if (!(await changed(watch))) throw ended(watch.path);
  }
}

/**
 * Waits until the node itself may have changed. False: nobody will tell. The first event counts as
 * well: a store that still has it to send makes it stand for what changes meanwhile.
 */
async function changed(watch: Watch): Promise<boolean> {
  while (true) {
    const { done, value } = await watch.next();
    if (done) return false;
    if (value.replayed || value.path === watch.path) return true;
  }
}

function ended(path: string): ReasonedError {
  const reason = "its watch was ended meanwhile, by close or by resetWatches";
  return new ReasonedError("ECANCELED", reason, { op: "waitFor", path });
}

function tooLate(path: string, timeout: number, seen: Look | undefined): ReasonedError {
  const place = { op: "waitFor", path, cause: seen?.error };
  return new ReasonedError("ETIMEDOUT", `${lastSeen(seen)} after ${timeout} ms`, place);
}

function lastSeen(seen: Look | undefined): string {
  if (seen === undefined) return "the store has not answered";
  if (seen.missing) return "there is still no such node";
  if (seen.value === undefined) return `it still has no value to be had: ${seen.error?.message}`;
  const { value } = seen;
  if (typeof value !== "string") return `the value is still ${value}`;
  const shown = value.length > 80 ? `${value.slice(0, 77)}...` : value;
  return `the value is still ${JSON.stringify(shown)}`;
}
