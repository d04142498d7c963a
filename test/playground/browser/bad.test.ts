// Bad: links, files and browsers that are not as they should be: the page says what and goes on.
// Holds   nothing.
// Never   waits for a time: only for what the page shows.
// Source  our own; "The playground" in ARCHITECTURE.md.

import { describe, expect, test } from "vitest";
import { type Locator, type Page, ready, row, says, type, view } from "./site.ts";
import { suite } from "./suite.ts";

const { open, visitor } = suite();

const notice = (page: Page): Locator => page.getByTestId("notice");

/** The page still does what it is for. */
async function usable(page: Page): Promise<void> {
  await view(page, "Domains");
  await type(page, 0, "write /still-works yes");
  await says(row(page, "/still-works"), "yes");
}

async function paste(page: Page, text: string): Promise<void> {
  await view(page, "Share & keep");
  await page.getByTestId("share-paste").fill(text);
  await page.getByTestId("share-paste-open").click();
}

describe("a link", () => {
  test.each([
    ["that was cut", "#s1.eJzLSM3JyQcABiwCFQ", /not whole/],
    ["of something else", "#section-2", /no session/],
    ["with a session that makes no sense", "#s1.y0jNycnnAgA", /first line/],
  ])("%s is told, and the page begins as without it", async (_what, fragment, words) => {
    const page = await open(fragment);
    await says(notice(page), words);
    await usable(page);
  });

  test("that comes while a session is open leaves that as it is when it is broken", async () => {
    const page = await open();
    await usable(page);
    await page.evaluate("location.hash = '#s1.broken!'");
    await says(notice(page), /not whole/);
    await says(row(page, "/still-works"), "yes");
  });
});

describe("something pasted", () => {
  test("that is a listing with garbage in it: the lines are named, the rest can be opened", async () => {
    const page = await open();
    await paste(page, '/a = "1"   (n0)\nroot@host:~# exit\n/b = "2"   (n0)\n/c d = "3"   (n0)\n');
    const dialog = page.getByTestId("open-dialog");
    await says(dialog, "2 nodes");
    await says(dialog, "root@host");
    await says(dialog, /2\b/);
    await page.getByTestId("open-confirm").click();
    await says(row(page, "/a"), "1");
    await says(row(page, "/b"), "2");
    await usable(page);
  });

  test("that is a trace cut in half: what is whole can be opened", async () => {
    const page = await open();
    const lines = [
      '1 S1 > WRITE req=1 tx=0 "/a\\0first"',
      '1 S1 < WRITE req=1 tx=0 "OK\\0"',
      '2 S1 > WRITE req=2 tx=0 "/a\\0sec',
    ];
    await paste(page, lines.join("\n"));
    const dialog = page.getByTestId("open-dialog");
    await says(dialog, "2 messages");
    await says(dialog, /cut off/);
    await page.getByTestId("open-confirm").click();
    await says(row(page, "/a"), "first");
    await usable(page);
  });

  test("that is nothing of the kind is refused with what would do", async () => {
    const page = await open();
    await paste(page, "Dear store,\nplease open this letter.");
    await says(
      page.getByText(/xenstore-ls -fp/).filter({ hasText: "Dear store" }),
      "nothing that can",
    );
    await usable(page);
  });

  test("can be left alone: what was open stays", async () => {
    const page = await open();
    await usable(page);
    await paste(page, '/a = "1"   (n0)');
    await page.getByTestId("open-cancel").click();
    await says(row(page, "/still-works"), "yes");
    expect(await row(page, "/a").count()).toBe(0);
  });
});

/** What a browser lacks or refuses, done to each worker's and page's start. */
const WITHOUT_FILES = `
  delete Object.getPrototypeOf(navigator.storage).getDirectory;
`;

describe("a browser", () => {
  test("without private files keeps nothing, and says so", async () => {
    const guest = await visitor();
    const page = await guest.tab();
    // The worker is another place: its script gets the same line in front.
    await (page as unknown as Routed).route("**/engine.js", async (route) => {
      const answer = await route.fetch();
      await route.fulfill({ response: answer, body: `${WITHOUT_FILES}\n${await answer.text()}` });
    });
    await page.goto(guest.site);
    await ready(page);
    await usable(page);
    const kept = page.locator("header").getByTestId("kept");
    await says(kept, /not kept/i);
    expect(await kept.evaluate((element) => element.outerHTML)).toMatch(/OPFS|private files/);
    await page.reload();
    await ready(page);
    expect(await row(page, "/still-works").count()).toBe(0);
    await usable(page);
  });

  test("whose room is used up says what to do, and goes on", async () => {
    const guest = await visitor();
    const page = await guest.tab();
    const full = `
      const write = FileSystemSyncAccessHandle.prototype.write;
      FileSystemSyncAccessHandle.prototype.write = function (bytes, options) {
        if ((options?.at ?? 0) + bytes.length > 20000) {
          throw new DOMException("no room", "QuotaExceededError");
        }
        return write.call(this, bytes, options);
      };
    `;
    await (page as unknown as Routed).route("**/engine.js", async (route) => {
      const answer = await route.fetch();
      await route.fulfill({ response: answer, body: `${full}\n${await answer.text()}` });
    });
    await page.goto(guest.site);
    await ready(page);
    await usable(page);
    const big = "x".repeat(2000);
    for (let n = 0; n < 12; n++) await type(page, 0, `write /big/${n} ${big}`);
    const kept = page.locator("header").getByTestId("kept");
    await says(kept, /not kept/i);
    expect(await kept.evaluate((element) => element.outerHTML)).toMatch(/no more room/);
    await usable(page);
  });

  test("without SharedArrayBuffer does everything: nothing here needs it", async () => {
    const guest = await visitor();
    const page = await guest.tab();
    await page.addInitScript("delete globalThis.SharedArrayBuffer;");
    await page.goto(guest.site);
    await ready(page);
    expect(await page.evaluate("typeof SharedArrayBuffer")).toBe("undefined");
    await usable(page);
  });

  test("whose worker is gone says so, and offers to load the page again", async () => {
    const guest = await visitor();
    const page = await guest.tab();
    await (page as unknown as Routed).route("**/engine.js", (route) => route.abort());
    await page.goto(guest.site);
    await page.getByTestId("ended").waitFor();
    await says(page.getByTestId("ended"), /reload/i);
    guest.complaints.length = 0;
  });
});

interface Routed {
  route(
    pattern: string,
    handle: (route: {
      fetch(): Promise<{ text(): Promise<string> }>;
      fulfill(answer: object): Promise<void>;
      abort(): Promise<void>;
    }) => unknown,
  ): Promise<void>;
}
