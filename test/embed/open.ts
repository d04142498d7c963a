// Open: stores for tests, closed when their test is over.
// Holds   the stores of the test that runs.
// Never   leaves one open.
// Source  our own.

import { onTestFinished } from "vitest";
import type { StoreOptions } from "../../hosts/embed/api.ts";
import { createStore, type LocalStore } from "../../hosts/embed/store.ts";
import { createTestStore, type TestStore } from "../../hosts/testing/test_store.ts";
import { wasmModule } from "../core.ts";

/** A store with the core that was built. */
export async function open(options: StoreOptions = {}): Promise<LocalStore> {
  const store = await createStore({ module: wasmModule(), ...options });
  onTestFinished(() => store.close());
  return store as LocalStore;
}

/** A test store with the core that was built. */
export async function openTest(options: StoreOptions = {}): Promise<TestStore> {
  const store = await createTestStore({ module: wasmModule(), ...options });
  onTestFinished(() => store.close());
  return store;
}

/** Damages the node of that path in the memory of the core, so that whoever meets it traps. */
export function damage(store: LocalStore, name: string, value: string): void {
  const memory = Buffer.from(store.site.server.core.input(1).buffer);
  const needle = `${name}${value}`;
  // The node stands before its name and its value.
  for (let at = memory.indexOf(needle); at >= 0; at = memory.indexOf(needle, at + 1)) {
    memory.fill(0xff, Math.max(0, at - 57), at);
  }
}
