// Random: numbers that are the same in every run.
// Holds   one xorshift generator of 32 bits.
// Never   asks the system for anything.
// Source  our own.

/** Seed of everything that is drawn at random. */
export const SEED = 42;

export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = Math.imul(seed + 1, 0x9e3779b1) | 1;
  }

  /** A number from 0 to `bound` - 1. */
  below(bound: number): number {
    let x = this.#state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#state = x;
    return (x >>> 0) % bound;
  }
}
