// Offline: the service worker that answers for this page's files, and how a new build gets in.
// Holds   nothing.
// Never   lets a page go on with files of two builds.
// Source  our own; the Service Workers standard.

/** The old worker must have nothing to do when the new one is asked: first this page has its files. */
const QUIET_MS = 1000;
/** For the answer. */
const PATIENCE_MS = 3000;

/** What a static server gave once is there without it. Not where the browser refuses. */
export function keepFiles(): void {
  if (!("serviceWorker" in navigator) || location.protocol === "file:") return;
  navigator.serviceWorker.register("service.js").catch((error: Error) => {
    console.warn(`The playground will not work offline: ${error.message}`);
  });
}

/**
 * Whether a new build has just taken the place of the one that this page is of: then the page is
 * to be loaded again. It does when it has been fetched and no other tab uses the old one.
 */
export async function isOutdated(): Promise<boolean> {
  const { serviceWorker } = navigator;
  if (!serviceWorker?.controller) return false;
  const waiting = (await serviceWorker.getRegistration().catch(() => undefined))?.waiting;
  if (!waiting) return false;
  await new Promise((resolve) => setTimeout(resolve, QUIET_MS));
  return new Promise((resolve) => {
    let late = false;
    serviceWorker.addEventListener("controllerchange", () => {
      // Even then: better than a page of two builds.
      if (late) location.reload();
      resolve(true);
    });
    serviceWorker.addEventListener("message", () => resolve(false), { once: true });
    serviceWorker.startMessages();
    setTimeout(() => {
      late = true;
      resolve(false);
    }, PATIENCE_MS);
    waiting.postMessage("take over");
  });
}
