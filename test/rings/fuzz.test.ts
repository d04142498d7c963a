// Fuzz: a short run of the ring fuzzer; `npm run fuzz:rings` is the long one.
// Holds   the seeds.
// Never   needs luck to pass: a seed does the same each time.
// Source  security, Other abuse.

import { expect, it } from "vitest";
import { fuzzRings } from "./fuzz.ts";

it.each([1, 2, 3, 4])("hostile rings of seed %i disturb nobody", (seed) => {
  const report = fuzzRings(seed, 5000);
  // A run that never breaks a ring, or breaks all of them at once, tries nothing.
  expect(report.ringErrors).toBeGreaterThan(200);
  expect(report.ringErrors).toBeLessThan(4000);
});
