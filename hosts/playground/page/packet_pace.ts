// Packet pace: a signal that follows another one, but not at every frame.
// Holds   the newest value until it is due.
// Never   delays a change after quiet: only what comes in a hurry waits.
// Source  our own.

import { effect, type ReadonlySignal, signal } from "@preact/signals";

/**
 * What runs by faster than anybody reads need not be drawn with each frame.
 * @param leastMs  from one change to the next; may read signals; 0: all are passed on at once
 */
export function paced<T>(source: ReadonlySignal<T>, leastMs: () => number): ReadonlySignal<T> {
  const shown = signal(source.peek());
  let lastMs = 0;
  let timer: ReturnType<typeof setTimeout> | null = null;
  const take = () => {
    if (timer !== null) clearTimeout(timer);
    timer = null;
    lastMs = performance.now();
    shown.value = source.peek();
  };
  effect(() => {
    void source.value;
    const wait = lastMs + leastMs() - performance.now();
    if (wait <= 0) take();
    else timer ??= setTimeout(take, wait);
  });
  return shown;
}
