// History go: which moment is asked for, while the slider is dragged and keys repeat.
// Holds   the moment that is asked for and not shown yet, and the page's keys for the history.
// Never   asks for more than one moment in a frame, or for another one before the last has come.
// Source  our own.

import { computed, signal } from "@preact/signals";
import { act, seen } from "./state.ts";

/** A moment that is asked for and not shown yet; `at` as in HistoryInfo. */
const asked = signal<{ readonly at: number | null } | null>(null);
let busy = false;
/** How long an answer may be ahead of what shows it. */
const LATE_MS = 300;

/** The moment that is shown or about to be: after this operation; null: now. */
export const moment = computed(() => {
  const at = seen.history.value?.at ?? null;
  return asked.value ? asked.value.at : at;
});

/** The same as a number. */
export const momentNumber = computed(() => moment.value ?? seen.history.value?.last ?? 0);

/** Goes to a moment; beyond the newest operation is now. */
export function goTo(n: number): void {
  const { first = 0, last = 0 } = seen.history.peek() ?? {};
  go(n >= last ? null : Math.max(first, n));
}

export function goNow(): void {
  go(null);
}

/** Goes some operations on or back from the moment that is shown. */
export function goBy(operations: number): void {
  goTo(momentNumber.peek() + operations);
}

function go(at: number | null): void {
  asked.value = { at };
  if (!busy) requestAnimationFrame(ask);
}

async function ask(): Promise<void> {
  const now = asked.peek();
  if (busy || !now) return;
  if (now.at === (seen.history.peek()?.at ?? null)) {
    asked.value = null;
    return;
  }
  busy = true;
  await act("history.go", now);
  busy = false;
  if (asked.peek() !== now) requestAnimationFrame(ask);
  else setTimeout(() => settle(now), LATE_MS);
}

/** The engine's word holds from here on. */
function settle(now: { readonly at: number | null }): void {
  if (asked.peek() === now) asked.value = null;
}

function typing(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target instanceof HTMLInputElement)
    return !["range", "checkbox", "radio"].includes(target.type);
  return target.isContentEditable || target.matches("textarea, select, [role=textbox]");
}

/** The keys that hold everywhere but where something is typed. */
function pressed(event: KeyboardEvent): void {
  if (event.defaultPrevented || typing(event.target) || document.querySelector("dialog[open]"))
    return;
  const ctrl = (event.ctrlKey || event.metaKey) && !event.altKey;
  const { undo = null, redo = null } = seen.history.peek() ?? {};
  const key = event.key.toLowerCase();
  if (event.altKey && !event.ctrlKey && key === "arrowleft") goBy(-1);
  else if (event.altKey && !event.ctrlKey && key === "arrowright") goBy(1);
  else if (ctrl && key === "z" && !event.shiftKey && undo !== null) act("history.undo", {});
  else if (ctrl && (key === "y" || (key === "z" && event.shiftKey)) && redo !== null) {
    act("history.redo", {});
  } else return;
  event.preventDefault();
}

/** Listens to those keys; returns what ends it. */
export function historyKeys(): () => void {
  addEventListener("keydown", pressed);
  return () => removeEventListener("keydown", pressed);
}
