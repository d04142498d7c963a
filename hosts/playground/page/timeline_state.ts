// Timeline state: which operations are in view, and which one is selected.
// Holds   the end of the part in view, how many fit, the selected and the pointed at operation.
// Never   draws anything.
// Source  our own.

import { batch, computed, effect, signal } from "@preact/signals";
import type { Operation } from "../model/protocol.ts";
import { paced } from "./packet_pace.ts";
import { link, onSession, packet, seen } from "./state.ts";

/** The newest operation in view; null: whatever is the newest of all. */
export const to = signal<number | null>(null);
/** Operations there is room for. */
export const fit = signal(0);
/** The selected operation; 0: none. */
export const chosen = signal(0);
export const pointed = signal<Operation | null>(null);
/** From one picture to the next while the newest are followed: of the chart, and of the table. */
const PACE_MS = 100;
const CALM_MS = 400;
export const drawn = paced(seen.timeline, () => (to.value === null ? PACE_MS : 0));
export const calm = paced(seen.timeline, () => (to.value === null ? CALM_MS : 0));

let kept: Operation | null = null;

/** The operation whose particulars are shown: also when it is not in view any more. */
export const shown = computed<Operation | null>(() => {
  if (pointed.value) return pointed.value;
  if (chosen.value === 0) return null;
  const found = drawn.value?.operations.find(({ n }) => n === chosen.value);
  if (found) kept = found;
  return kept?.n === chosen.value ? kept : null;
});

export function mountTimeline(): () => void {
  const stop = effect(() => {
    if (fit.value > 0) link.look({ timeline: { to: to.value, count: fit.value } });
  });
  return () => {
    stop();
    pointed.value = null;
    link.look({ timeline: undefined });
    seen.timeline.value = undefined;
  };
}

onSession(() => {
  to.value = null;
  chosen.value = 0;
  pointed.value = null;
});

/** How far the history goes. */
export const known = paced(seen.history, () => (to.value === null ? PACE_MS : 0));
export const nothing = computed(() => (seen.history.value?.last ?? 0) === 0);

/** The first and last operation that are known; the first is 1 more than the earliest moment. */
function range(): { first: number; last: number } {
  const history = seen.history.peek();
  return { first: (history?.first ?? 0) + 1, last: history?.last ?? 0 };
}

/** Moves the part in view so that it ends with this operation. */
export function endAt(n: number): void {
  const { first, last } = range();
  const least = Math.min(last, first + fit.peek() - 1);
  to.value = n >= last ? null : Math.max(n, least);
}

export function moveBy(operations: number): void {
  endAt((to.peek() ?? range().last) + operations);
}

/** Whether there is anything more in this direction. */
export function canMove(direction: number): boolean {
  if (direction > 0) return to.peek() !== null;
  const { first, last } = range();
  return (to.peek() ?? last) > first + fit.peek() - 1;
}

/** Stays where it is while more happens. */
export function stay(): void {
  if (to.peek() === null) to.value = drawn.peek()?.operations.at(-1)?.n ?? null;
}

/** Selects an operation: here, and its request among the packets. */
export function choose(operation: Operation): void {
  batch(() => {
    stay();
    chosen.value = operation.n;
    packet.value = operation.request;
  });
}

export function unchoose(): void {
  batch(() => {
    chosen.value = 0;
    packet.value = 0;
  });
}

/** Selects the operation that is so many further on; the part in view follows. */
export function step(operations: number): void {
  const window = drawn.peek()?.operations ?? [];
  const newest = window.at(-1);
  if (!newest) return;
  const { first, last } = range();
  const before = chosen.peek() === 0 ? newest.n - Math.sign(operations) : chosen.peek();
  const n = Math.min(last, Math.max(first, before + operations));
  const found = window.find((one) => one.n === n);
  stay();
  if (found) choose(found);
  else chosen.value = n;
  const oldest = (window[0] as Operation).n;
  if (n < oldest) to.value = Math.max(n + fit.peek() - 1, 1);
  else if (n > newest.n) to.value = n;
}
