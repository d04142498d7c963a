// Testing names: what `xenstore/testing` gives, whatever the runtime.
// Holds   re-exports, and the options with the core in any form.
// Never   anything that a runtime must supply.
// Source  our own.

import type { TestStoreOptions as PlainOptions } from "../testing/test_store.ts";
import type { WasmSource } from "./wasm.ts";

export { ManualClock } from "../embed/clock.ts";
export { MemoryStorage } from "../embed/memory_storage.ts";
export type { TraceMessage, TraceNote, TraceRecord } from "../embed/trace.ts";
export type {
  Delay,
  DisconnectFilter,
  Fault,
  FaultFilter,
  Faults,
  Moment,
} from "../testing/faults.ts";
export { type Playback, type PlaybackOptions, playTrace } from "../testing/playback.ts";
export { type Difference, type Replayed, replay } from "../testing/replay.ts";
export type { TestStore } from "../testing/test_store.ts";
export { formatTrace, readTrace } from "../testing/trace_text.ts";

/** Options of `createTestStore`. */
export interface TestStoreOptions extends Omit<PlainOptions, "module"> {
  /** The core, instead of the one that comes with the package. */
  readonly wasm?: WasmSource | undefined;
}
