// Core workload tests: each of them at its smoke size.
// Holds   no expectation of any speed.
// Never   needs a socket or koffi.
// Source  our own.

import { describe, expect, it } from "vitest";
import { CORE_WORKLOADS, measureCore } from "./core.ts";
import { coreMissing } from "./core_client.ts";

const why = coreMissing();

describe.skipIf(why !== null)(
  `a workload of the core alone${why ? ` (left out: ${why})` : ""}`,
  () => {
    for (const workload of CORE_WORKLOADS) {
      it(`${workload.name} measures what it names`, () => {
        const effort = { rounds: 2, measureMs: 0, smoke: true };
        const { figures, failures } = measureCore([workload], effort, () => {});
        expect(failures).toEqual([]);
        expect(figures.length).toBeGreaterThan(0);
        for (const { values } of figures) expect(Math.min(...values)).toBeGreaterThanOrEqual(0);
      });
    }
  },
);
