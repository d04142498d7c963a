// Names: what every entry of the library gives, whatever the runtime.
// Holds   re-exports only.
// Never   anything that a runtime must supply.
// Source  our own.

export type { OpfsFolder } from "../browser/opfs_pool.ts";
export type { JoinOptions, SharedStore } from "../browser/tabs.ts";
export type * from "../client/api.ts";
export { isSubpath, pathProblem } from "../client/check.ts";
export {
  ConflictError,
  ConnectError,
  ConnectionLostError,
  InvalidRequestError,
  isXenstoreError,
  ProtocolError,
  WatchOverflowError,
  XenstoreError,
} from "../client/errors.ts";
export { formatPerm, formatPerms, parsePerm } from "../client/perms.ts";
export { type PortLike, type PortSource, portTransport } from "../client/port_stream.ts";
export { type SocketLike, webSocketTransport } from "../client/socket_stream.ts";
export type { Transport } from "../client/transport.ts";
export type { EmitterPort, EventPort } from "../client/worker_port.ts";
export type {
  AsDomainOptions,
  Guest,
  GuestOptions,
  Home,
  RingWords,
  Store,
  StoreStats,
} from "../embed/api.ts";
export type { ChangeSink, StoreChange } from "../embed/changes.ts";
export { ManualClock } from "../embed/clock.ts";
export { StoreEndedError } from "../embed/errors.ts";
export { MemoryStorage } from "../embed/memory_storage.ts";
export { type ServeOptions, type Streams, serve } from "../embed/serve.ts";
export type { TraceMessage, TraceNote, TraceRecord, TraceSink } from "../embed/trace.ts";
export type { Aspect, OpenTransaction, TransactionNode } from "../embed/transactions.ts";
export type { ByteStream, StreamSink } from "../shared/byte_stream.ts";
export type { Clock } from "../shared/runtime.ts";
export { type Appender, type Storage, StorageError, type Stored } from "../shared/storage.ts";
export type { Target } from "./connect.ts";
export type { SharedOptions } from "./shared.ts";
export type { StoreOptions } from "./stores.ts";
export type { WasmSource } from "./wasm.ts";
