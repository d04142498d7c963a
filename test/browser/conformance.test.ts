// Conformance: the client's cases in headless Chromium, over every way that a browser has.
// Holds   the browser of this file.
// Never   changes a case.
// Source  test/client/conformance.ts.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createStore } from "../../hosts/embed/store.ts";
import { CASES } from "../client/conformance.ts";
import { runOperations } from "../client/operations.ts";
import { wasmModule } from "../core.ts";
import { tool } from "../runtimes/install.ts";
import { type Chromium, type Page, withoutChromium } from "./chromium.ts";
import { serveOverWebSocket } from "./sockets.ts";
import { type Call, callIn, callInWorker, openPage, startBrowser } from "./tests.ts";

const without = await withoutChromium();
const withoutWs = (await tool("ws")).missing;
let chromium: Chromium;

beforeAll(async () => {
  if (without === null) chromium = await startBrowser();
});

afterAll(() => chromium?.close());

describe.each([
  ["a page", "in process", "local"],
  ["a page", "over a port", "port"],
  ["a page", "over a WebSocket", "websocket"],
  ["a page", "that shares a store with other tabs", "joined"],
  ["a worker", "in process", "local"],
  ["a worker", "over a port", "port"],
  ["a worker", "over a WebSocket", "websocket"],
])("a client in %s, %s:", (place, _how, way) => {
  const missing = without ?? (way === "websocket" ? withoutWs : null);
  let page: Page;
  let call: Call;
  let lacking: string[][] = [];
  let close = async () => {};

  beforeAll(async () => {
    if (missing !== null) return;
    let argument = "conformance";
    if (way === "websocket") ({ url: argument, close } = await serveOverWebSocket());
    page = await openPage(chromium);
    call = place === "a page" ? callIn(page) : await callInWorker(page);
    lacking = await call("prepare", way, argument);
  });

  afterAll(async () => {
    await page?.close();
    await close();
  });

  for (const [index, { name }] of CASES.entries()) {
    test(name, async (ctx) => {
      if (missing !== null) ctx.skip(missing);
      const lacks = lacking[index] ?? [];
      if (lacks.length > 0) ctx.skip(`this way does not offer ${lacks.join(", ")}`);
      expect(await call("runOne", index)).toBe("");
    });
  }
});

describe("a hundred thousand operations", () => {
  test("end in the same store as on Node, in a page and in a worker", async (ctx) => {
    if (without !== null) ctx.skip(without);
    const store = await createStore({ module: wasmModule(), seed: 2 });
    const here = await runOperations(store, 100_000, 7);
    await store.close();
    const page = await openPage(chromium);
    expect(await callIn(page)("operations", 100_000, 7)).toBe(here);
    expect(await (await callInWorker(page))("operations", 100_000, 7)).toBe(here);
    await page.close();
  });
});
