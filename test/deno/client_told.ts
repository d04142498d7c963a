// Client told: what client_main.ts prints, and what it is asked to do.
// Holds   types and numbers.
// Never   imports anything.
// Source  our own.

/** One case, or the hash of the store after the operations. */
export type Told =
  | { readonly way: string; readonly name: string; readonly skip: string; readonly error: string }
  | { readonly hash: string };

export const COUNT = 100_000;
export const SEED = 7;
