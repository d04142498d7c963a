// Traffic: packets, the timeline and transactions, in a real browser.
// Holds   nothing.
// Never   waits for a time: only for what the page shows.
// Source  our own; "The playground" in ARCHITECTURE.md.

import { spawnSync } from "node:child_process";
import fs from "node:fs";
import { describe, expect, test } from "vitest";
import { type Locator, type Page, row, says, type, view } from "./site.ts";
import { suite } from "./suite.ts";

const { open } = suite();

const packets = (page: Page): Locator => page.getByTestId("packet");

/** Somebody watches, somebody writes, and the watcher hears of it. */
async function talk(page: Page): Promise<void> {
  await type(page, 1, "watch key");
  await type(page, 0, "write /local/domain/1/key spoken");
  await says(row(page, "/local/domain/1/key"), "spoken");
}

describe("packets", () => {
  test("are shown with what they say, and linked with reply and events", async () => {
    const page = await open();
    await talk(page);
    await view(page, "Packets");
    await page.getByTestId("packets-type").selectOption("WRITE");
    await says(packets(page), "spoken");
    await packets(page).filter({ hasText: "spoken" }).first().click();
    const detail = page.getByTestId("packet-detail");
    await says(detail, "0b 00 00 00");
    await says(detail, /value/i);
    await says(detail, "spoken");
    await says(detail, /reply/i);
    await says(detail, /1 event/);
    await detail.locator(".packets-events button").first().click();
    await says(detail, /event WATCH_EVENT/);
  });

  test("are filtered by text, connection and kind", async () => {
    const page = await open();
    await talk(page);
    await view(page, "Packets");
    await page.getByTestId("packets-text").fill("spoken");
    await page.waitForFunction(
      () => document.querySelectorAll("[data-testid=packet]").length === 1,
    );
    await says(packets(page), "spoken");
    await page.getByTestId("packets-clear").first().click();
    await page.getByTestId("packets-conn").selectOption("D1");
    await says(packets(page), "WATCH");
    await page.waitForFunction(
      () =>
        ![...document.querySelectorAll<HTMLElement>("[data-testid=packet]")].some((one) =>
          one.innerText.includes("spoken"),
        ),
    );
  });

  test("are exported as a trace that xenstore replay plays, and imported again", async () => {
    const page = await open();
    await talk(page);
    await view(page, "Packets");
    const download = page.waitForEvent("download");
    await page.getByTestId("trace-export").click();
    const file = await (await download).path();
    const done = spawnSync(process.execPath, ["build/hosts/xenstore.mjs", "replay", file], {
      encoding: "utf8",
    });
    expect(done.stdout + done.stderr).toMatch(/requests?.*as recorded/);
    expect(done.status).toBe(0);
    const other = await open();
    await view(other, "Packets");
    await other.getByTestId("trace-import").click();
    await other.getByTestId("trace-text").fill(fs.readFileSync(file, "utf8"));
    await other.getByTestId("trace-look").click();
    await says(other.getByTestId("open-dialog"), /messages? of \d+ connections?/);
    await other.getByTestId("open-confirm").click();
    await says(packets(other), "spoken");
    await other.getByTestId("filter").fill("spoken");
    await says(row(other, "/local/domain/1/key"), "spoken");
  });
});

describe("the timeline", () => {
  test("has lanes, marks and events, also as a table", async () => {
    const page = await open();
    await talk(page);
    await view(page, "Timeline");
    await page.getByTestId("operation").first().waitFor();
    const table = page.getByTestId("timeline-table");
    const write = table.locator("tr").filter({ hasText: "WRITE" }).first();
    await says(write, "/local/domain/1/key");
    await says(write, "D1");
    await says(write, /1/);
  });
});

describe("transactions", () => {
  async function begin(page: Page): Promise<Locator> {
    await view(page, "Transactions");
    await page.getByTestId("tx-begin").click();
    return page.getByTestId("transaction").first();
  }
  async function run(tx: Locator, line: string): Promise<void> {
    await tx.getByTestId("tx-line").fill(line);
    await tx.getByTestId("tx-line").press("Enter");
    await says(tx, line);
  }

  test("name the node that makes them fail, and who changed it; and are repeated", async () => {
    const page = await open();
    await type(page, 0, "write /count 1");
    await row(page, "/count").waitFor();
    const tx = await begin(page);
    await run(tx, "read /count");
    await run(tx, "write /count 2");
    await says(tx.getByTestId("tx-verdict"), /would commit|would be applied/i);
    await view(page, "Domains");
    await type(page, 0, "write /count 5");
    await says(row(page, "/count"), "5");
    await view(page, "Transactions");
    await says(tx.getByTestId("tx-verdict"), "EAGAIN");
    await says(tx.getByTestId("tx-why"), "/count");
    await says(tx.getByTestId("tx-why"), /WRITE/);
    await tx.getByTestId("tx-commit").click();
    await says(page.getByTestId("transaction"), "EAGAIN");
    await page.getByTestId("tx-retry").first().click();
    const again = page.getByTestId("transaction").filter({ has: page.getByTestId("tx-commit") });
    await again.getByTestId("tx-commit").click();
    await says(row(page, "/count"), "2");
  });

  test("are given up without a trace in the tree", async () => {
    const page = await open();
    const tx = await begin(page);
    await run(tx, "write /never 1");
    await tx.getByTestId("tx-abort").click();
    await says(page.getByTestId("transaction"), /aborted|given up/i);
    expect(await row(page, "/never").count()).toBe(0);
  });
});
