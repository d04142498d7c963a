// Test store: an embedded store for tests of programs that use one: with faults and a trace.
// Holds   what was recorded.
// Never   lets anything go wrong that nobody asked for.
// Source  our own.

import type { Store, StoreOptions } from "../embed/api.ts";
import { ManualClock, realClock } from "../embed/clock.ts";
import { type LocalStore, openStore } from "../embed/store.ts";
import type { TraceRecord } from "../embed/trace.ts";
import type { ByteStream } from "../shared/byte_stream.ts";
import type { Clock } from "../shared/runtime.ts";
import { FaultStream } from "./fault_stream.ts";
import { Faults } from "./faults.ts";
import { randomOf } from "./random.ts";
import { formatTrace } from "./trace_text.ts";

export interface TestStoreOptions extends StoreOptions {
  /** Whether `recorded` has what happened (true). */
  readonly record?: boolean | undefined;
}

/** A store in which things go wrong on purpose; see Faults. */
export interface TestStore extends Store {
  readonly faults: Faults;
  /** Of the store and of random faults: the one given, or the one that was made up. */
  readonly seed: number;
  /** The clock given, or null for real time. */
  readonly clock: ManualClock | null;
  /** All that happened so far on all connections, as their clients saw it. */
  recorded(): readonly TraceRecord[];
  /** The same as text, with the seed in its first line; see `readTrace`. */
  trace(): string;
}

/**
 * Makes a store for a test.
 *
 *     const store = await createTestStore({ seed: 1 });
 *     store.faults.fail("EAGAIN", { times: 2 });     // the next two commits
 *     store.faults.disconnect({ op: "WRITE", when: "reply" });
 */
export async function createTestStore(options: TestStoreOptions = {}): Promise<TestStore> {
  const { record = true, trace, clock, ...rest } = options;
  const seed = options.seed ?? (crypto.getRandomValues(new Uint32Array(1))[0] as number);
  const records: TraceRecord[] = [];
  const hear = (one: TraceRecord) => {
    if (record) records.push(one);
    trace?.(one);
  };
  let store: LocalStore | null = null;
  const faults = new Faults(seed, randomOf(seed), () => (store as LocalStore).site);
  const time = clock ?? WAITED_FOR;
  const note = (conn: string, text: string) =>
    hear({ kind: "note", ms: time.nowMs(), conn, note: text });
  const parts = { faults, clock: time, note };
  const wrap = (stream: ByteStream, { conn, domid }: { conn: string; domid: number }) =>
    new FaultStream(stream, conn, domid, parts);
  const traced = record || trace ? { trace: hear } : {};
  store = await openStore({ ...rest, ...traced, ...(clock ? { clock } : {}), seed }, wrap);
  return Object.assign(store, {
    faults,
    seed,
    clock: clock instanceof ManualClock ? clock : null,
    recorded: () => records,
    trace: () => `# seed ${seed}\n${formatTrace(records)}`,
  });
}

/** Real time whose timers somebody waits for: a process stays for a reply that is late. */
const WAITED_FOR: Clock = {
  nowMs: () => realClock.nowMs(),
  after: (ms, call) => void setTimeout(call, ms),
};
