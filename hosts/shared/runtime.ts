// Runtime: what a JavaScript runtime must supply, so that a server can run on it.
// Holds   types, and the one number that goes with them.
// Never   names a runtime.
// Source  our own.

import type { XenstoreError } from "./errors.ts";

/** The runtime's end of one connection. */
export interface Link {
  /**
   * Sends what the other end takes at once, and copies nothing it keeps.
   * Returns the number of bytes that left; fewer than all means that the runtime will call
   * `writable` (or `flushed`) of the server later, SEND_FAILED that the other end is gone.
   */
  send(bytes: Uint8Array): number;
  /** Stops (true) or goes on (false) reading what the other end sends. */
  pause(paused: boolean): void;
  /** Hangs up at once. The server forgets the link before. */
  close(): void;
  /** As `close`, where there is somebody to be told why. */
  fail?(error: XenstoreError): void;
}

/** `send` says so when the other end is gone. */
export const SEND_FAILED = -1;

/** Time that never jumps, and a way to be called later. */
export interface Clock {
  /** Milliseconds since some fixed moment. */
  nowMs(): number;
  /** Calls back once, after about so many ms; must not keep the process alive by itself. */
  after(ms: number, call: () => void): void;
}

/** One record of the core's log: a LOG_* number of abi.ts and its bytes. */
export interface LogRecord {
  readonly kind: number;
  readonly bytes: Uint8Array;
}

/** Takes the core's records as they come. */
export interface Log {
  records(records: readonly LogRecord[]): void;
}

/** Whoever keeps the core's changes, so that they outlive the process. */
export interface Keeper {
  /**
   * Stores what waits in the core's journal and tells the core how it went. Nothing that the core
   * has produced since the first of these changes may leave before. Never throws for a medium that
   * fails: the core is told, and its replies say so. Afterwards nothing waits.
   * @returns WANT_* bits that concern others
   */
  keep(): number;
  /** Whether one call for several inputs is worth waiting for them, as with a sync of a disk. */
  readonly slow: boolean;
}
