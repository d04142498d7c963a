// Time: going back, comparing, forking; sessions kept, sent by link, saved and opened.
// Holds   nothing.
// Never   waits for a time: only for what the page shows.
// Source  our own; "The playground" in ARCHITECTURE.md.

import fs from "node:fs";
import { describe, expect, test } from "vitest";
import { consoleOf, type Page, ready, row, says, type, view } from "./site.ts";
import { suite } from "./suite.ts";

const { open, visitor } = suite();

/** Writes /step with the values 1 to `count`, each once the one before is seen. */
async function steps(page: Page, count: number): Promise<void> {
  for (let n = 1; n <= count; n++) {
    await type(page, 0, `write /step ${n}`);
    await says(row(page, "/step"), `${n}`);
  }
}

describe("time", () => {
  test("goes back and forth over all operations, and nothing is changed meanwhile", async () => {
    const page = await open();
    await steps(page, 3);
    await page.getByTestId("moment-back").click();
    await says(row(page, "/step"), "2");
    await page.getByTestId("moment-first").click();
    await row(page, "/step").waitFor({ state: "detached" });
    await page.getByTestId("moment-next").click();
    await says(row(page, "/step"), "1");
    await page.getByTestId("moment").focus();
    await page.keyboard.press("End");
    await says(row(page, "/step"), "3");
    await page.getByTestId("moment-now").click();
    await type(page, 0, "write /step 4");
    await says(row(page, "/step"), "4");
  });

  test("is undone and done again", async () => {
    const page = await open();
    await steps(page, 2);
    await page.getByTestId("undo").first().click();
    await says(row(page, "/step"), "1");
    await page.getByTestId("undo").first().click();
    await row(page, "/step").waitFor({ state: "detached" });
    await page.getByTestId("redo").first().click();
    await says(row(page, "/step"), "1");
    await page.getByTestId("redo").first().click();
    await says(row(page, "/step"), "2");
  });

  test("shows the differences between two moments", async () => {
    const page = await open();
    await steps(page, 2);
    await page.getByTestId("compare").click();
    await page.getByTestId("mark-a").fill("1");
    await page.getByTestId("mark-b").fill("2");
    await page.getByTestId("mark-b").press("Enter");
    await says(page.getByTestId("comparison"), "/step");
    await says(page.getByTestId("comparison"), /value/);
    await says(page.getByTestId("comparison"), /1.*n0.*2.*n0/s);
  });

  test("is forked: what comes after that moment is gone there, and kept here", async () => {
    const page = await open();
    await steps(page, 3);
    await page.getByTestId("moment-back").click();
    await says(row(page, "/step"), "2");
    await page.getByTestId("fork").click();
    await page.waitForFunction(() => document.title.includes("from #"));
    await says(row(page, "/step"), "2");
    await type(page, 0, "write /step other");
    await says(row(page, "/step"), "other");
    await view(page, "Share & keep");
    const before = page.locator("li[data-testid=kept] [data-testid=kept-open]:enabled");
    await before.first().click();
    await says(row(page, "/step"), "3");
  });
});

describe("a session", () => {
  test("is there again after a reload, with its history, in the middle of work", async () => {
    const page = await open();
    await steps(page, 3);
    await type(page, 1, "write mine kept");
    await says(row(page, "/local/domain/1/mine"), "kept");
    await says(page.locator("header").getByTestId("kept"), "Kept");
    await page.reload();
    await ready(page);
    await says(row(page, "/step"), "3");
    await row(page, "/local/domain/1").click();
    await page.locator('[data-path="/local/domain/1"][aria-selected=true]').waitFor();
    await page.keyboard.press("ArrowRight");
    await says(row(page, "/local/domain/1/mine"), "kept");
    await page.getByTestId("moment-back").click();
    await page.getByTestId("moment-back").click();
    await says(row(page, "/step"), "2");
    await page.getByTestId("moment-now").click();
    await type(page, 1, "read mine");
    await says(consoleOf(page, 1).getByTestId("console-output"), "kept");
  });

  test("knows after a reload which steps of its story were run", async () => {
    const page = await open();
    await page.getByTestId("guide-run").click();
    await page.locator('[data-testid=guide][data-done="1"]').waitFor();
    await page.reload();
    await ready(page);
    await page.locator('[data-testid=guide][data-done="1"]').waitFor();
  });

  test("that a link has opened is there after a reload, though nothing was changed", async () => {
    const page = await open();
    await steps(page, 1);
    await view(page, "Share & keep");
    await page.getByTestId("share-copy").first().click();
    const link = await page.getByTestId("share-link").inputValue();
    const guest = await visitor();
    const other = await guest.open(`#${link.split("#")[1]}`);
    await says(row(other, "/step"), "1");
    await says(other.locator("header").getByTestId("kept"), "Kept");
    await other.reload();
    await ready(other);
    await says(row(other, "/step"), "1");
  });

  test("is each tab's own, and one that another tab has is not taken", async () => {
    const guest = await visitor();
    const first = await guest.open();
    await steps(first, 1);
    const second = await guest.open();
    expect(await row(second, "/step").count()).toBe(0);
    await type(second, 0, "write /second 1");
    await row(second, "/second").waitFor();
    expect(await row(first, "/second").count()).toBe(0);
    await view(second, "Share & keep");
    await says(second.getByTestId("kept"), /another tab|other tab/i);
    await first.close();
    await second.reload();
    await ready(second);
    await row(second, "/second").waitFor();
  });

  test("goes by a link into a fresh browser, with all that happened", async () => {
    const page = await open();
    await steps(page, 2);
    await view(page, "Share & keep");
    await page.getByTestId("share-copy").first().click();
    const link = await page.getByTestId("share-link").inputValue();
    expect(link).toMatch(/#s1\./);
    const other = await open(`#${link.split("#")[1]}`);
    await says(row(other, "/step"), "2");
    await other.getByTestId("moment-back").click();
    await says(row(other, "/step"), "1");
    expect(other.url()).not.toContain("#");
  });

  test("goes into a file and comes back from it", async () => {
    const page = await open();
    await steps(page, 2);
    await view(page, "Share & keep");
    const download = page.waitForEvent("download");
    await page.getByTestId("share-file").click();
    const buffer = fs.readFileSync(await (await download).path());
    const other = await open();
    await view(other, "Share & keep");
    await other
      .locator("input[type=file]")
      .first()
      .setInputFiles({
        ...{ name: "mine.json", mimeType: "application/json", buffer },
      });
    await other.getByTestId("open-confirm").click();
    await says(row(other, "/step"), "2");
  });

  test("begins with what a real host has listed, to be walked in", async () => {
    const page = await open();
    await view(page, "Share & keep");
    const listing = [
      '/tool = ""   (n0)',
      '/local/domain/5/name = "guest"   (n0,r5)',
      '/local/domain/5/device/vif/0/state = "4"   (n5,r0)',
      '/local/domain/5/data = "a\\x00b"   (n5)',
    ];
    await page.getByTestId("share-paste").fill(listing.join("\n"));
    await page.getByTestId("share-paste-open").click();
    await says(page.getByTestId("open-dialog"), "4 nodes");
    await page.getByTestId("open-confirm").click();
    await page.getByTestId("filter").fill("vif/0/state");
    await says(row(page, "/local/domain/5/device/vif/0/state"), "4");
    await view(page, "Domains");
    await type(page, 5, "read device/vif/0/state");
    await says(consoleOf(page, 5).getByTestId("console-output"), "4");
  });

  test("works without a network once it was loaded", async () => {
    const guest = await visitor();
    const page = await guest.open();
    await page.evaluate("navigator.serviceWorker.ready.then(() => true)");
    await page.waitForFunction(() => navigator.serviceWorker.controller !== null);
    await guest.context.setOffline(true);
    await page.reload();
    await ready(page);
    await type(page, 0, "write /offline yes");
    await says(row(page, "/offline"), "yes");
    await view(page, "Script");
    await page.locator(".cm-content").waitFor();
    await guest.context.setOffline(false);
  });
});
