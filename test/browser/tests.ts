// Tests: calls from a test into pages and workers of the browser, see page.ts.
// Holds   nothing.
// Never   decides what is right.
// Source  our own.

import { Chromium, type Page } from "./chromium.ts";
import type { Tests } from "./page.ts";

declare const tests: Tests;

/** Calls one of the page's functions, by name. */
export type Call = <T>(name: keyof Tests, ...words: unknown[]) => Promise<T>;

/** Starts a browser for pages that have the functions of page.ts. */
export function startBrowser(): Promise<Chromium> {
  return Chromium.start({
    "page.js": "test/browser/page.ts",
    "worker.js": "test/browser/tab_worker.ts",
    "xenstore.wasm": "build/xenstore.wasm",
  });
}

/** Opens a tab that has the functions. */
export async function openPage(chromium: Chromium): Promise<Page> {
  const page = await chromium.open();
  await page.evaluate("import('/page.js')");
  return page;
}

/** Calls functions in the page itself. */
export function callIn(page: Page): Call {
  return (...call) =>
    page.evaluate(([name, ...words]) => {
      const one = tests[name as keyof Tests];
      return typeof one === "function" ? (one as (...all: unknown[]) => never)(...words) : one;
    }, call as unknown[]) as Promise<never>;
}

/** Calls functions in a dedicated worker of the page. */
export async function callInWorker(page: Page): Promise<Call> {
  await page.evaluate(() => {
    const worker = new Worker("/page.js", { type: "module" });
    const ask = (call: unknown[]) =>
      new Promise((resolve, reject) => {
        worker.onerror = (event) => reject(new Error(event.message));
        worker.onmessage = ({ data }) => resolve(data);
        worker.postMessage(call);
      });
    Object.assign(globalThis, { ask });
  });
  const ask = (call: unknown[]) => (globalThis as never as { ask(c: unknown[]): never }).ask(call);
  return (...call) =>
    page.evaluate((words) => (globalThis as never as { ask: typeof ask }).ask(words), call);
}
