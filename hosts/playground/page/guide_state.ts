// Guide state: the scenario that is open, and which of its steps is in view.
// Holds   the step in view, whether the guide is folded, whether a step runs.
// Never   runs a step by itself.
// Source  our own.

import { computed, signal } from "@preact/signals";
import type { Scenario, Step } from "../model/scenario.ts";
import { SCENARIOS } from "../scenarios/index.ts";
import { nextStep } from "./guide_words.ts";
import { keep, kept } from "./keep.ts";
import { narrow } from "./media.ts";
import { act, call, focused, lens, onSession, seen, selected, view } from "./state.ts";

export const scenario = computed<Scenario | undefined>(() => {
  const id = seen.session.value?.scenario;
  return id ? SCENARIOS.find((one) => one.id === id) : undefined;
});
export const stepsDone = computed(() => seen.session.value?.stepsDone ?? 0);
/** The step in view. */
export const at = signal(0);
/** A step that runs. */
export const running = signal(false);
/** The steps of this session that did not end as they should. */
export const failed = signal<ReadonlySet<number>>(new Set());
/** The list of all scenarios is open. */
export const choosing = signal(false);

const FOLDED = "guide-folded";
/** As its user left it; on a narrow screen it is folded until somebody unfolds it. */
const choice = signal<boolean | null>(kept(FOLDED) === null ? null : kept(FOLDED) === "yes");
export const folded = computed(() => choice.value ?? narrow.value);

export function fold(yes: boolean): void {
  choice.value = yes;
  // What suits a narrow screen says nothing of a wide one.
  if (!narrow.value) keep(FOLDED, yes ? "yes" : "no");
}

const session = computed(() => seen.session.value?.id);
onSession(() => {
  failed.value = new Set();
  at.value = nextStep(scenario.peek()?.steps ?? [], stepsDone.peek());
});

/** Brings a step into view, and what it is about. */
export function goTo(step: number): void {
  const steps = scenario.value?.steps ?? [];
  if (!steps[step]) return;
  at.value = step;
  bringIntoView(steps[step]);
}

function bringIntoView({ show }: Step): void {
  if (!show) return;
  if (show.domid !== undefined) focused.value = show.domid;
  if (show.path !== undefined) {
    selected.value = show.path;
    // A node that the step is about to make can't be shown yet.
    call("tree.reveal", { path: show.path }).catch(() => {});
  }
  if (show.view !== undefined) view.value = show.view;
  else if (show.path !== undefined && narrow.value) view.value = "tree";
}

/** Runs the step in view, and those before it that have not been run. */
export async function runStep(): Promise<void> {
  const steps = scenario.value?.steps ?? [];
  const last = at.value;
  if (running.value || !steps[last]) return;
  running.value = true;
  const id = session.value;
  try {
    for (let step = Math.min(stepsDone.value, last); step <= last; step++) {
      bringIntoView(steps[step]);
      const fine = await act("scenario.step", { step });
      if (session.value !== id) return;
      mark(step, fine);
      if (!fine) return;
      bringIntoView(steps[step]);
      for (const action of steps[step].do) {
        if (action.kind === "lens") lens.value = action.domid;
      }
    }
  } finally {
    running.value = false;
  }
}

function mark(step: number, fine: boolean): void {
  const next = new Set(failed.value);
  if (fine) next.delete(step);
  else next.add(step);
  failed.value = next;
}

/** Opens a scenario from its beginning. Returns whether it went. */
export async function openScenario(id: string): Promise<boolean> {
  const opened = await act("open.scenario", { id });
  const first = SCENARIOS.find((one) => one.id === id)?.steps[0];
  if (opened && first) bringIntoView(first);
  return opened;
}
