// Page worker: the worker of `openShared`, from its script beside the page's modules.
// Holds   its address in the words that bundlers know.
// Never   starts one by being imported.
// Source  our own.

/** Starts one. */
export function startWorker(): Worker {
  return new Worker(new URL("./worker.js", import.meta.url), { type: "module", name: "xenstore" });
}
