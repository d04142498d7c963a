// Byte stream: bytes to and from a store, whatever carries them.
// Holds   the two interfaces, nothing else.
// Never   looks into a message, and never connects: who opens a stream knows how.
// Source  our own.

import type { XenstoreError } from "./errors.ts";

/** What carries a connection: a socket, a device, a ring, a port. All calls of the sink come later. */
export interface ByteStream {
  /** Called once, before anything else. */
  start(sink: StreamSink): void;
  /**
   * Sends a run of whole messages. The array is the stream's own from then on, and has its
   * ArrayBuffer to itself, unless `borrows` is true. Does not throw: what fails comes as `end`.
   * @returns false when some had to wait in memory: `drain` follows
   */
  write(messages: Uint8Array): boolean;
  /** Stops (true) or goes on (false) delivering data. */
  pause(paused: boolean): void;
  /** Hangs up at once; `end` is not called for it. May be called again. */
  close(): void;
  /** Most bytes of a request's payload. */
  readonly payloadMax: number;
  /** False where watches are served by a kernel's device file, which drops a depth. */
  readonly passesDepth: boolean;
  /** `write` is done with the array when it returns, so that the caller may use it again. */
  readonly borrows?: boolean;
}

/** What a stream tells its user. */
export interface StreamSink {
  /** Bytes as they came, divided anywhere. They are good until the call returns. */
  data(bytes: Uint8Array): void;
  drain(): void;
  /** Nothing follows: the other end hung up (no error) or the stream failed. */
  end(error?: XenstoreError): void;
}
