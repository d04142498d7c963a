// Pace: notices that a transaction gets slower with every node it touches.
// Holds   how long each of the last thousands of nodes took.
// Never   gives up for one slow moment.
// Source  our own; the C daemon looks through all that a transaction touched at each request.

/** Nodes between two looks at the clock. */
const LAP = 1000;
/** A lap is slow if it takes so many times as long as the quickest one, and so long. */
const TIMES = 6;
const SLOW_MS = 250;
/** Slow laps in a row from which on there is no hope. */
const LAPS = 3;

/** A transaction that would keep the daemon busy for too long. */
export class TooSlow extends Error {}

export class Pace {
  readonly #clock: { nowMs(): number };
  #count = 0;
  #lastMs: number;
  #quickestMs = Number.POSITIVE_INFINITY;
  #slowLaps = 0;

  constructor(clock: { nowMs(): number }) {
    this.#clock = clock;
    this.#lastMs = clock.nowMs();
  }

  /** One more node is done. Throws TooSlow when it should not go on like that. */
  step(): void {
    this.add(1);
    if (this.slow) throw new TooSlow("too slow");
  }

  /** So many more are done. */
  add(count: number): void {
    this.#count += count;
    if (this.#count < LAP) return;
    const nowMs = this.#clock.nowMs();
    const tookMs = ((nowMs - this.#lastMs) * LAP) / this.#count;
    this.#count = 0;
    this.#lastMs = nowMs;
    this.#quickestMs = Math.min(this.#quickestMs, tookMs);
    const slow = tookMs > SLOW_MS && tookMs > TIMES * this.#quickestMs;
    this.#slowLaps = slow ? this.#slowLaps + 1 : 0;
  }

  get slow(): boolean {
    return this.#slowLaps >= LAPS;
  }
}
