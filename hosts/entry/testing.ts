// Testing: what `import "xenstore/testing"` gives in a page or worker; its types are those of all.
// Holds   createTestStore with the core's address bound.
// Never   does anything by being imported.
// Source  our own.

/**
 * A store for tests of programs that use one: real, without Xen, with faults on demand and a trace
 * of all that was said.
 * @module xenstore/testing
 */

import { createTestStore as create, type TestStore } from "../testing/test_store.ts";
import { withModule } from "./stores.ts";
import type { TestStoreOptions } from "./testing_names.ts";
import * as core from "./wasm_url.ts";

export * from "./testing_names.ts";

/**
 * Makes a store for a test: a real one, in which things go wrong when the test says so, and which
 * records what was said on each connection.
 *
 *     const store = await createTestStore({ seed: 1 });
 *     store.faults.fail("EAGAIN", { times: 2 });     // the next two commits
 *     store.faults.disconnect({ op: "WRITE", when: "reply" });
 *     await programUnderTest(store.client);
 *     console.log(store.trace());
 *
 * @throws Error of one line: an option is not allowed, or the core can't be read, fetched or
 *         compiled
 */
export async function createTestStore(options: TestStoreOptions = {}): Promise<TestStore> {
  return await create(await withModule(options, core));
}
