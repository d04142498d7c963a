// Clock: the store's time: the runtime's own, or one that stands until it is told to go on.
// Holds   ManualClock and what is due on it.
// Never   jumps back, and never calls anything within `after`.
// Source  our own.

import type { Clock } from "../shared/runtime.ts";

/** The runtime's time; its timers do not keep a process alive where the runtime can do that. */
export const realClock: Clock = {
  nowMs: () => performance.now(),
  after(ms, call) {
    const timer: unknown = setTimeout(call, ms);
    if (typeof timer === "object") (timer as { unref?(): void }).unref?.();
  },
};

interface Due {
  readonly atMs: number;
  readonly call: () => void;
}

/**
 * Time that passes when it is told to: `createStore({ clock: new ManualClock() })`. Everything a
 * store does because time has passed (an event that a guest did not take is dropped, a rate limit
 * ends, storing is tried again) happens within `advance`, in its order.
 */
export class ManualClock implements Clock {
  #nowMs: number;
  /** In the order of their times; of equal times in the order of the calls of `after`. */
  #due: Due[] = [];

  /** @param startMs  what `nowMs` says first; 0 or more */
  constructor(startMs = 0) {
    this.#nowMs = startMs;
  }

  /** Milliseconds. */
  nowMs(): number {
    return this.#nowMs;
  }

  /** Calls back within the `advance` that reaches `ms` from now. */
  after(ms: number, call: () => void): void {
    const atMs = this.#nowMs + Math.max(0, ms);
    let at = this.#due.length;
    while (at > 0 && (this.#due[at - 1] as Due).atMs > atMs) at -= 1;
    this.#due.splice(at, 0, { atMs, call });
  }

  /** How many calls wait for their time. */
  get waiting(): number {
    return this.#due.length;
  }

  /** Milliseconds until the next call is due; Infinity: none waits. */
  get nextMs(): number {
    const next = this.#due[0];
    return next ? next.atMs - this.#nowMs : Number.POSITIVE_INFINITY;
  }

  /**
   * Lets `ms` milliseconds pass. Calls that become due are made in their order, each with `nowMs`
   * at its time; what they put on the clock within these milliseconds is called as well.
   * @throws RangeError for a negative time; whatever a call throws, with the clock at its time
   */
  advance(ms: number): void {
    if (!(ms >= 0)) throw new RangeError(`advance: ${ms} ms is not a time that can pass`);
    const endMs = this.#nowMs + ms;
    for (let next = this.#due[0]; next && next.atMs <= endMs; next = this.#due[0]) {
      this.#due.shift();
      this.#nowMs = next.atMs;
      next.call();
    }
    this.#nowMs = endMs;
  }
}
