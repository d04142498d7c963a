// Testing node: what `import "xenstore/testing"` gives on Node, Bun and Deno.
// Holds   createTestStore with the core's file bound.
// Never   does anything by being imported.
// Source  our own.

import { createTestStore as create, type TestStore } from "../testing/test_store.ts";
import { withModule } from "./stores.ts";
import type { TestStoreOptions } from "./testing_names.ts";
import * as core from "./wasm_file.ts";

export * from "./testing_names.ts";

/** See the entry for pages. */
export async function createTestStore(options: TestStoreOptions = {}): Promise<TestStore> {
  return await create(await withModule(options, core));
}
