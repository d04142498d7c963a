// Operations: a hundred thousand random requests end in the same store, however it is run.
// Holds   nothing.
// Never   compares with a value that was written down.
// Source  our own.

import { expect, it } from "vitest";
import { ManualClock } from "../../hosts/embed/clock.ts";
import { MemoryStorage } from "../../hosts/embed/memory_storage.ts";
import { runOperations } from "../client/operations.ts";
import { open, openTest } from "./open.ts";

it("a hundred thousand operations end the same whatever the seed, the clock and the storage", async () => {
  const storage = new MemoryStorage();
  const runs = [
    await runOperations(await open(), 100_000, 1),
    await runOperations(await open({ seed: 5, clock: new ManualClock() }), 100_000, 1),
    await runOperations(await open({ storage }), 100_000, 1),
  ];
  expect(new Set(runs).size).toBe(1);
});

it("other operations end otherwise", async () => {
  const runs: string[] = [];
  for (const [count, seed] of [
    [2000, 1],
    [2000, 2],
    [1990, 1],
  ] as const) {
    runs.push(await runOperations(await open(), count, seed));
  }
  expect(new Set(runs).size).toBe(3);
});

it("a test store without faults does not change what comes of them", async () => {
  const plain = await runOperations(await open(), 5000, 3);
  expect(await runOperations(await openTest({ seed: 77 }), 5000, 3)).toBe(plain);
});
