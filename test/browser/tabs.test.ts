// Tabs: one store for all tabs in headless Chromium: who has it, who takes over, what is kept.
// Holds   the browser of this file.
// Never   waits for a time: only for what a page says or does.
// Source  our own; hosts/browser/tabs.ts.

import fs from "node:fs";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { Chromium, crash, type Page, withoutChromium } from "./chromium.ts";
import { type Call, callIn, callInWorker, openPage, startBrowser } from "./tests.ts";

const without = await withoutChromium();
let chromium: Chromium;
let names = 0;
/** Of the store of the present test. */
let name = "";
let pages: Page[] = [];

beforeAll(async () => {
  if (without === null) chromium = await startBrowser();
});

afterAll(() => chromium?.close());

beforeEach((ctx) => {
  if (without !== null) ctx.skip(without);
  name = `store-${++names}`;
});

afterEach(async () => {
  for (const page of pages) await page.close();
  pages = [];
});

/** A tab that has joined the store of this test. */
async function tab(options: object = {}): Promise<{ page: Page; call: Call }> {
  const page = await openPage(chromium);
  pages.push(page);
  const call = callIn(page);
  await call("join", { name, ...options });
  return { page, call };
}

/** Ends a tab, so that nobody closes it again. */
async function end(page: Page, how: (page: Page) => Promise<void>): Promise<void> {
  await how(page);
  pages = pages.filter((other) => other !== page);
}

describe("the store of a tab", () => {
  test("is there again when the page was loaded again", async () => {
    const { page, call } = await tab();
    await call("write", "/a", "1");
    await page.reload();
    await page.evaluate("import('/page.js')");
    await callIn(page)("join", { name });
    expect(await callIn(page)("read", "/a")).toBe("1");
    expect(await callIn(page)("owns")).toBe(true);
  });

  test("is there again when the browser was started again", async () => {
    const { call } = await tab({ durability: "disk" });
    await call("write", "/a", "1");
    pages = [];
    await chromium.restart();
    const { call: again } = await tab();
    expect(await again("read", "/a")).toBe("1");
  });

  test("in memory is gone with the tab", async () => {
    const { page, call } = await tab({ storage: "memory" });
    await call("write", "/a", "1");
    await end(page, (one) => one.close());
    const { call: again } = await tab({ storage: "memory" });
    expect(await again("read", "/a")).toBe(null);
  });

  test("is another one under another name", async () => {
    const { call } = await tab();
    await call("write", "/a", "1");
    const { call: other } = await tab({ name: `${name}-other` });
    expect(await other("read", "/a")).toBe(null);
    expect([await call("owns"), await other("owns")]).toEqual([true, true]);
  });
});

describe("two tabs", () => {
  test("share one store, which one of them has", async () => {
    const one = await tab();
    const two = await tab();
    expect([await one.call("owns"), await two.call("owns")]).toEqual([true, false]);
    await one.call("write", "/a", "1");
    expect(await two.call("read", "/a")).toBe("1");
    const seen = one.call("waitFor", "/a", "2");
    await two.call("write", "/a", "2");
    expect(await seen).toBe("2");
  });

  test.each([
    ["is closed", (page: Page) => page.close()],
    [
      "crashes",
      async (page: Page) => {
        await crash(page);
        await page.close();
      },
    ],
    ["leaves the store", (page: Page) => callIn(page)("leave") as Promise<void>],
    ["goes to another page", async (page: Page) => void (await page.goto("about:blank"))],
  ])("go on with one when the one that has the store %s", async (_how, how) => {
    const one = await tab();
    const two = await tab();
    await two.call("watch", "/a");
    await one.call("write", "/a", "1");
    await one.call("write", "/b", "kept");
    await end(one.page, how);
    await two.call("reconnected");
    expect(await two.call("read", "/b")).toBe("kept");
    expect(await two.call("owns")).toBe(true);
    await two.call("write", "/a", "2");
    const events = await two.call<{ path: string; replayed: boolean }[]>("events");
    expect(events[0]).toEqual({ path: "/a", replayed: false });
    expect(events).toContainEqual({ path: "/a", replayed: true });
    const { call: three } = await tab();
    expect(await three("read", "/a")).toBe("2");
  });

  test("do not mind when the one that only joined goes", async () => {
    const one = await tab();
    const two = await tab();
    await two.call("watch", "/a");
    await end(two.page, async (page) => {
      await crash(page);
      await page.close();
    });
    await one.call("write", "/a", "1");
    const states = await one.call<{ state: string }[]>("states");
    expect(states.filter(({ state }) => state === "disconnected")).toEqual([]);
  });
});

describe("a tab", () => {
  test("whose worker was ended starts another one, and goes on with what was kept", async () => {
    const { call } = await tab();
    await call("write", "/a", "1");
    await call("endWorker");
    await call("reconnected");
    expect(await call("read", "/a")).toBe("1");
    expect(await call("owns")).toBe(true);
  });

  test("that is left for another page lets go of the store, and joins when it is back", async () => {
    const one = await tab();
    const two = await tab();
    await one.call("write", "/a", "1");
    await one.call("leaveFor");
    await two.call("reconnected");
    expect([await one.call("owns"), await two.call("owns")]).toEqual([false, true]);
    await two.call("write", "/a", "2");
    await one.call("comeBack");
    await one.call("reconnected");
    expect(await one.call("read", "/a")).toBe("2");
    expect(await one.call("owns")).toBe(false);
  });
});

describe("four tabs", () => {
  test("lose nothing that was acknowledged, whichever ends in turn", async () => {
    const all = [];
    for (let turn = 0; turn < 4; turn++) all.push(await tab());
    for (const [turn, { page, call }] of all.entries()) {
      await call("insist", `/turn/${turn}`, String(turn));
      if (turn === 3) break;
      await end(page, async (one) => {
        await crash(one);
        await one.close();
      });
    }
    const last = all[3]?.call as Call;
    const found = await Promise.all([0, 1, 2, 3].map((turn) => last("read", `/turn/${turn}`)));
    expect(found).toEqual(["0", "1", "2", "3"]);
  });
});

describe("a browser's files", () => {
  test("that have no room refuse changes with ENOSPC until there is some", async () => {
    const { page, call } = await tab();
    await call("write", "/before", "1");
    const session = await page.context().newCDPSession(page);
    const origin = chromium.site.slice(0, -1);
    const usage = (await page.evaluate("navigator.storage.estimate()")) as { usage: number };
    const quotaSize = usage.usage + 4_000_000;
    await session.send("Storage.overrideQuotaForOrigin", { origin, quotaSize });
    expect(await call("fill")).toBe("ENOSPC");
    expect(await call("read", "/before")).toBe("1");
    expect(await call("lines")).toContainEqual(expect.stringMatching(/no room .*\(ENOSPC\)/));
    await session.send("Storage.overrideQuotaForOrigin", { origin });
    await call("waitForRoom");
    await call("write", "/before", "2");
    await page.reload();
    await page.evaluate("import('/page.js')");
    await callIn(page)("join", { name });
    expect(await callIn(page)("read", "/before")).toBe("2");
    expect(await callIn(page)("read", "/fill/0")).toBe("x".repeat(4000));
  });

  test("are open in one worker at a time, and that is said", async () => {
    const page = await openPage(chromium);
    pages.push(page);
    const worker = await callInWorker(page);
    expect(await worker("files", name)).toBe("");
    const second = await openPage(chromium);
    pages.push(second);
    expect(await (await callInWorker(second))("files", name)).toMatch(
      /^opfs:\/store-\d+: another tab or worker has it open; join /,
    );
  });

  test("can't be opened in a page, and it is said where", async () => {
    const page = await openPage(chromium);
    pages.push(page);
    expect(await callIn(page)("files", name)).toMatch(
      /^opfs:\/store-\d+: can be opened in a dedicated worker only; call opfsStorage there, or/,
    );
  });
});

describe("the built modules", () => {
  test("are loaded by a page as they are, with the worker and the core beside them", async (ctx) => {
    const built = "build/lib";
    const names = fs.readdirSync(built).filter((file) => file.endsWith(".js"));
    if (!names.includes("browser.js")) ctx.skip("build/lib is not built: node hosts/prepare.mjs");
    const files = names.map((file) => [`lib/${file}`, `${built}/${file}`]);
    const site = await Chromium.start({
      ...Object.fromEntries(files),
      "xenstore.wasm": "build/xenstore.wasm",
    });
    try {
      const page = await site.open();
      const found = await page.evaluate(`(async () => {
        const { createStore, openShared } = await import("/lib/browser.js");
        const own = await createStore();
        await own.client.write("/a", "own");
        const shared = await openShared({ name: "built" });
        await shared.client.write("/a", "shared");
        return [await own.client.read("/a"), await shared.client.read("/a"), shared.owns];
      })()`);
      expect(found).toEqual(["own", "shared", true]);
      expect(site.said).toEqual([]);
    } finally {
      await site.close();
    }
  });
});

describe("a store that can't be opened", () => {
  test.each([
    [
      "for want of locks",
      async (call: Call) => void (await call("lose", "locks")),
      "/worker.js",
      /^openShared: there are no Web Locks here; it takes .*createStore makes/,
    ],
    [
      "for want of the worker",
      async () => {},
      "/none.js",
      /^the worker cannot be loaded; is the script xenstore\/worker where/,
    ],
  ])("%s says so, and what to do", async (_why, before, script, text) => {
    const page = await openPage(chromium);
    pages.push(page);
    await before(callIn(page));
    expect(await callIn(page)("refusal", { name }, script)).toMatch(text);
  });

  test("for its name says so, and opens under another one", async () => {
    const page = await openPage(chromium);
    pages.push(page);
    const call = callIn(page);
    expect(await call("refusal", { name: "a b" })).toMatch(/"a b" is no name/);
    expect(await call("refusal", { name })).toBe("");
  });
});
