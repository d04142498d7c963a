// Unless: tests that need something which not every machine has.
// Holds   how such a test is left out: by its name, with the reason behind it.
// Never   decides what is missing.
// Source  our own.

import { test } from "vitest";

/** Declares a test; when `why` is not null it is left out, and its name says why. */
export function testUnless(why: string | null, name: string, body: () => Promise<void>): void {
  if (why === null) test(name, body);
  else test.skip(`${name} (left out: ${why})`, body);
}
