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
  readonly registration: { readonly scope: string };
  readonly clients: {
    claim(): Promise<void>;
    matchAll(options: object): Promise<readonly { readonly url: string }[]>;
  };
  skipWaiting(): Promise<void>;
  addEventListener(type: string, call: (event: WorkerEvent) => void): void;
}
interface WorkerEvent {
  readonly request: Request;
  readonly data: unknown;
  readonly source: { postMessage(message: unknown): void } | null;
  waitUntil(work: Promise<unknown>): void;
  respondWith(response: Promise<Response>): void;
}

const scope = self as unknown as Scope;
const PREFIX = "xenstore-playground-";
const NAME = PREFIX + VERSION;
const HOME = scope.registration.scope;
/** The page in its folder, by both its names. */
const PAGES = [HOME, new URL("./index.html", HOME).href];

scope.addEventListener("install", (event) => event.waitUntil(fill()));
scope.addEventListener("activate", (event) => event.waitUntil(clear()));
scope.addEventListener("message", (event) => {
  if (event.data === "take over") event.waitUntil(takeOver(event));
});
scope.addEventListener("fetch", (event) => {
  const { method, url, mode } = event.request;
  if (method !== "GET" || !url.startsWith(HOME)) return;
  const page = mode === "navigate" && PAGES.includes(url.replace(/[?#].*$/s, ""));
  event.respondWith(answer(page ? "./" : event.request));
});

/** A page that has just begun asks this build, which waits, to take the place of the old one. */
async function takeOver({ source }: WorkerEvent): Promise<void> {
  const windows = await scope.clients.matchAll({ type: "window", includeUncontrolled: true });
  if (windows.filter(({ url }) => url.startsWith(HOME)).length > 1) source?.postMessage("later");
  else await scope.skipWaiting();
}

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

async function answer(wanted: Request | string): Promise<Response> {
  const cache = await caches.open(NAME);
  return (await cache.match(wanted, { ignoreSearch: true })) ?? (await fetch(wanted));
}
