// Confine: takes from a script what a stranger's code must not have in a visitor's browser.
// Holds   the names of what goes.
// Never   is the only fence: the page's content security policy, which the worker inherits, keeps
//         everything from leaving the browser.
// Source  our own; the HTML standard, Workers.

/** What reaches what this site keeps: sessions, the files for being offline; or begins anew. */
const GONE = [
  "BroadcastChannel",
  "CookieStore",
  "EventSource",
  "SharedWorker",
  "WebSocket",
  "WebTransport",
  "Worker",
  "XMLHttpRequest",
  "caches",
  "close",
  "cookieStore",
  "importScripts",
  "indexedDB",
  "webkitRequestFileSystem",
  "webkitRequestFileSystemSync",
  "webkitResolveLocalFileSystemSyncURL",
  "webkitResolveLocalFileSystemURL",
];
const GONE_OF_NAVIGATOR = ["serviceWorker", "storage", "storageBuckets", "webkitTemporaryStorage"];

/** Removes them for good, in this realm; there is no way to another one. */
export function confine(scope: object): void {
  remove(scope, GONE);
  const { navigator } = scope as { navigator?: object };
  if (navigator) remove(navigator, GONE_OF_NAVIGATOR);
}

function remove(from: object, names: readonly string[]): void {
  for (let at: object | null = from; at; at = Object.getPrototypeOf(at)) {
    for (const name of names) {
      if (Object.hasOwn(at, name) && !Reflect.deleteProperty(at, name)) {
        throw new Error(`${name} can't be taken away: scripts don't run in this browser`);
      }
    }
  }
}
