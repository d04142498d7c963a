// Service: the worker that answers for the page's files when there is no network.
// Holds   one cache of exactly the files of one build.
// Never   asks any other origin, never mixes files of two builds: a new build waits until no other
//         tab uses the old one.
// Source  our own; the Service Workers standard.

/** The build puts these in. */
declare const FILES: readonly string[];
declare const VERSION: string;

/** What is used of the worker's scope; its types are not those of a page. */
interface Scope {
  readonly registration: {
    readonly scope: string;
    readonly waiting: { postMessage(message: unknown): void } | null;
  };
  readonly clients: { claim(): Promise<void>; matchAll(): Promise<readonly unknown[]> };
  skipWaiting(): Promise<void>;
  addEventListener(type: string, call: (event: WorkerEvent) => void): void;
}
interface WorkerEvent {
  readonly request: Request;
  readonly data: unknown;
  waitUntil(work: Promise<unknown>): void;
  respondWith(response: Promise<Response>): void;
}

const scope = self as unknown as Scope;
const PREFIX = "xenstore-playground-";
const NAME = PREFIX + VERSION;
const TAKE_OVER = "take over";
/** The page in its folder, by both its names. */
const PAGES = ["./", "./index.html"].map((name) => new URL(name, scope.registration.scope).href);
/** Asked so often, a build that waits does not come. */
const ATTEMPTS = 5;
let attempts = 0;

scope.addEventListener("install", (event) => event.waitUntil(fill()));
scope.addEventListener("activate", (event) => event.waitUntil(clear()));
scope.addEventListener("message", ({ data }) => {
  if (data === TAKE_OVER) void scope.skipWaiting();
});
scope.addEventListener("fetch", (event) => {
  const { method, url, mode } = event.request;
  if (method !== "GET" || !url.startsWith(scope.registration.scope)) return;
  const page = mode === "navigate" && PAGES.includes(url.replace(/[?#].*$/s, ""));
  event.respondWith(page ? begin() : answer(event.request));
});

async function fill(): Promise<void> {
  const cache = await caches.open(NAME);
  // Past the browser's own cache: all files must be of this build.
  await cache.addAll(FILES.map((file) => new Request(file, { cache: "reload" })));
}

async function clear(): Promise<void> {
  const names = await caches.keys();
  const old = names.filter((name) => name.startsWith(PREFIX) && name !== NAME);
  await Promise.all(old.map((name) => caches.delete(name)));
  await scope.clients.claim();
}

/** A tab begins. If it is the only one, the build that waits takes its place first. */
async function begin(): Promise<Response> {
  const { waiting } = scope.registration;
  if (waiting && attempts++ < ATTEMPTS && (await scope.clients.matchAll()).length < 2) {
    waiting.postMessage(TAKE_OVER);
    const again =
      "<!doctype html><title>XenStore playground</title><script>location.reload()</script>";
    return new Response(again, { headers: { "content-type": "text/html; charset=utf-8" } });
  }
  return await answer("./");
}

async function answer(wanted: Request | string): Promise<Response> {
  const cache = await caches.open(NAME);
  return (await cache.match(wanted, { ignoreSearch: true })) ?? (await fetch(wanted));
}
