// Offline: the service worker that answers for this page's files, and how a new build gets in.
// Holds   nothing.
// Never   lets a page go on with files of two builds.
// Source  our own; the Service Workers standard.

/** The worker that waits is asked so often: the old one may just be busy with this page's files. */
const ATTEMPTS = 6;
const EVERY_MS = 500;

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
  return new Promise((resolve) => {
    let attempts = 0;
    const done = (outdated: boolean) => {
      clearInterval(timer);
      resolve(outdated);
    };
    const ask = () => {
      if (attempts++ < ATTEMPTS) waiting.postMessage("take over");
      else done(false);
    };
    const timer = setInterval(ask, EVERY_MS);
    // Later than that is better than a page of two builds.
    serviceWorker.addEventListener("controllerchange", () => {
      if (attempts > ATTEMPTS) location.reload();
      done(true);
    });
    serviceWorker.addEventListener("message", () => done(false), { once: true });
    serviceWorker.startMessages();
    ask();
  });
}
