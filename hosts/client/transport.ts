// Transport: how a connection is made, and made again.
// Holds   the interface that each way to a store implements.
// Never   knows what the bytes mean.
// Source  our own.

import type { ByteStream } from "../shared/byte_stream.ts";

/** A way to a store. One transport may be opened again and again, one stream at a time. */
export interface Transport {
  /** Where it leads, such as `unix:/run/xenstored/socket`; for people. */
  readonly name: string;
  /** Whether a lost connection is made again unless an option says otherwise. */
  readonly reconnects: boolean;
  /**
   * Opens a stream. Errors: XenstoreErrors whose message names the place and what to do.
   * @param signal  gives up; what was opened meanwhile is closed
   */
  open(signal: AbortSignal): Promise<ByteStream>;
}
