// Signal: promises that are given up when an AbortSignal says so, and pauses.
// Holds   the listener on the signal, as long as it is needed.
// Never   stops what it no longer waits for.
// Source  our own.

/**
 * What `promise` resolves to, unless the signal comes first: then it rejects with its reason.
 * @param late  gets what the promise resolves to after that
 */
export function underSignal<T>(
  promise: Promise<T>,
  signal: AbortSignal | undefined,
  late: (value: T) => void = () => {},
): Promise<T> {
  if (signal === undefined) return promise;
  return new Promise((resolve, reject) => {
    const abort = () => {
      promise.then(late, () => {});
      reject(signal.reason);
    };
    if (signal.aborted) return abort();
    signal.addEventListener("abort", abort, { once: true });
    const done = () => signal.removeEventListener("abort", abort);
    promise.then(resolve, reject);
    promise.then(done, done);
  });
}

/** Waits `ms` milliseconds; rejects with the signal's reason if that comes first. */
export function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const passed = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  if (signal === undefined) return passed;
  return underSignal(passed, signal).finally(() => clearTimeout(timer));
}
