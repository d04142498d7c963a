// Opening: one attempt to open a stream, and the wait before the next.
// Holds   nothing beyond an attempt.
// Never   leaves a stream open that came too late.
// Source  our own.

import type { ByteStream } from "../shared/byte_stream.ts";
import type { Backoff, ClientOptions } from "./api.ts";
import { ConnectError } from "./errors.ts";
import type { Transport } from "./transport.ts";

const CONNECT_TIMEOUT_MS = 10_000;
const BACKOFF_MS = 10;
const BACKOFF_MAX_MS = 2000;

/**
 * Opens a stream. Errors: the transport's; ETIMEDOUT; the signal's reason.
 * @param timeoutMs  by default 10 s
 */
export async function openStream(
  transport: Transport,
  signal: AbortSignal,
  timeoutMs: number = CONNECT_TIMEOUT_MS,
): Promise<ByteStream> {
  signal.throwIfAborted();
  const attempt = new AbortController();
  const { promise, give } = outcome(attempt);
  const stop = () => give(signal.reason);
  const late = () => give(new ConnectError("ETIMEDOUT", tooLate(transport.name, timeoutMs)));
  signal.addEventListener("abort", stop);
  const timer = setTimeout(late, timeoutMs);
  try {
    return await Promise.race([take(transport, attempt.signal), promise]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", stop);
  }
}

/** A promise that rejects when `give` is called, which gives the attempt up as well. */
function outcome(attempt: AbortController) {
  let give: (error: unknown) => void = () => {};
  const promise = new Promise<never>((_, reject) => {
    give = (error) => {
      attempt.abort(error);
      reject(error);
    };
  });
  return { promise, give };
}

/** The stream, which is closed again if nobody waits for it any more. */
async function take(transport: Transport, signal: AbortSignal): Promise<ByteStream> {
  const stream = await transport.open(signal);
  if (!signal.aborted) return stream;
  stream.close();
  throw signal.reason;
}

const tooLate = (name: string, ms: number) =>
  `no connection to ${name} came about within ${ms} ms; is the store alive?`;

/** How often in a row a lost connection is tried again, and after which waits. */
export interface Retries {
  readonly attempts: number;
  readonly backoff: Backoff;
}

/** What the option `reconnect` means; null: a lost connection is closed. */
export function retriesOf(option: ClientOptions["reconnect"], byDefault: boolean): Retries | null {
  const chosen = option ?? byDefault;
  if (chosen === false) return null;
  const own = chosen === true ? {} : chosen;
  return { attempts: own.attempts ?? Number.POSITIVE_INFINITY, backoff: own.backoff ?? doubling };
}

/** The connection that was lost counts as the first. */
const doubling: Backoff = (attempt) => Math.min(BACKOFF_MS * 2 ** (attempt - 2), BACKOFF_MAX_MS);

/** Waits; resolves early when the signal speaks. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((done) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      done();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener("abort", end);
    if (signal.aborted) end();
  });
}
