// Hash: a number for something longer, so that two of the same kind can be told apart.
// Holds   nothing.
// Never   is meant to be safe against somebody who looks for two with the same number.
// Source  our own.

import { createHash } from "node:crypto";

/** Bytes that make an integer which JavaScript's numbers hold exactly. */
const SIZE = 6;

/** An integer from 1 to 2^48. */
export function shortHash(what: string | Uint8Array): number {
  return createHash("sha256").update(what).digest().readUIntBE(0, SIZE) + 1;
}
