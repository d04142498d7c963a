// Random: numbers that look random and come again with the same seed.
// Holds   one word of state.
// Never   asks the system.
// Source  our own; Marsaglia's xorshift with a multiplication behind it.

/** Returns a function that returns the next number from 0 up to, not including, 1. */
export function randomOf(seed: number): () => number {
  let state = (Math.imul(seed >>> 0, 0x9e3779b1) ^ Math.floor(seed / 2 ** 32) ^ 0x2545f491) | 0;
  if (state === 0) state = 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (Math.imul(state, 0x2c1b3c6d) >>> 0) / 2 ** 32;
  };
}
