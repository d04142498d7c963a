// Tree: the live tree, its editing in place, the lens and the explanations, in a real browser.
// Holds   nothing.
// Never   waits for a time: only for what the page shows.
// Source  our own; "The playground" in ARCHITECTURE.md.

import { describe, expect, test } from "vitest";
import { type Page, row, says, type, view } from "./site.ts";
import { suite } from "./suite.ts";

const { open } = suite();

/** Selects a row by a click, and gives the tree the keyboard. */
async function select(page: Page, path: string): Promise<void> {
  await row(page, path).click();
  await page.locator(`[data-testid=row][data-path="${path}"][aria-selected=true]`).waitFor();
}

/** What `xenstore-ls -fp` prints of a host with so many nodes below each of 100 homes. */
function listing(each: number): string {
  let text = "";
  for (let domid = 1; domid <= 100; domid++) {
    for (let n = 0; n < each; n++) {
      text += `/local/domain/${domid}/data/k${n} = "value ${n}"   (n${domid})\n`;
    }
  }
  return text;
}

describe("the tree", () => {
  test("holds a hundred thousand nodes, and draws only those in view", async () => {
    const page = await open();
    await view(page, "Share & keep");
    const file = { name: "large.txt", mimeType: "text/plain", buffer: Buffer.from(listing(1000)) };
    await page.locator("input[type=file]").first().setInputFiles(file);
    await says(page.getByTestId("open-dialog"), "100,000 nodes");
    await page.getByTestId("open-confirm").click();
    await says(page.getByTestId("nodes"), /100\.\d?K|100,\d{3}/);
    await select(page, "/");
    await page.getByRole("button", { name: "Expand" }).first().click();
    await row(page, "/local/domain/1/data/k0").waitFor();
    await page.getByTestId("tree").focus();
    await page.keyboard.press("End");
    await row(page, "/local/domain/100/data/k999").waitFor();
    expect(await page.getByTestId("row").count()).toBeLessThan(200);
    await page.getByTestId("filter").fill("100/data/k77");
    await row(page, "/local/domain/100/data/k777").waitFor();
    await page.reload();
    await says(page.getByTestId("nodes"), /100\.\d?K|100,\d{3}/);
  });

  test("shows what a console writes at once, and flashes", async () => {
    const page = await open();
    await row(page, "/local/domain/1").waitFor();
    await type(page, 0, "write /local/domain/1/news hello");
    const news = row(page, "/local/domain/1/news");
    await says(news, "hello");
    expect(await news.getAttribute("class")).toContain("flash");
    await type(page, 0, "rm /local/domain/1/news");
    await news.waitFor({ state: "detached" });
  });

  test("is worked by keys alone: create, edit, permissions, remove, undo", async () => {
    const page = await open();
    await select(page, "/vm");
    await page.keyboard.press("n");
    await page.keyboard.type("mine=first");
    await page.keyboard.press("Enter");
    await says(row(page, "/vm/mine"), "first");
    await select(page, "/vm/mine");
    await page.keyboard.press("F2");
    await page.keyboard.press("Control+a");
    await page.keyboard.type("second");
    await page.keyboard.press("Enter");
    await says(row(page, "/vm/mine"), "second");
    await page.keyboard.press("p");
    await page.keyboard.press("Control+a");
    await page.keyboard.type("n0 r1");
    await page.keyboard.press("Enter");
    await says(row(page, "/vm/mine"), "n0 r1");
    await page.keyboard.press("Delete");
    await row(page, "/vm/mine").waitFor({ state: "detached" });
    await page.getByTestId("undo").first().click();
    await says(row(page, "/vm/mine"), "second");
    await says(row(page, "/vm/mine"), "n0 r1");
  });

  test("says why something can't be done, and keeps what was typed", async () => {
    const page = await open();
    await select(page, "/vm");
    await page.keyboard.press("n");
    await page.keyboard.type("a b=1");
    await page.keyboard.press("Enter");
    await page
      .getByText(/a b|letters|character/)
      .first()
      .waitFor();
    await page.keyboard.press("Escape");
    await select(page, "/vm");
    await page.keyboard.press("p");
    await page.keyboard.press("Control+a");
    await page.keyboard.type("z9");
    await page.keyboard.press("Enter");
    await page.getByText(/z9/).first().waitFor();
  });

  test("finds by path and by value", async () => {
    const page = await open();
    await type(page, 0, "write /local/domain/1/deep/down/needle hay");
    await page.getByTestId("filter").fill("needle");
    await row(page, "/local/domain/1/deep/down/needle").waitFor();
    expect(await row(page, "/vm").count()).toBe(0);
    await page.getByTestId("filter").fill("hay");
    await row(page, "/local/domain/1/deep/down/needle").waitFor();
    await page.getByTestId("filter").fill("there is nothing like this");
    await row(page, "/local/domain/1/deep/down/needle").waitFor({ state: "detached" });
    await page.getByTestId("filter").fill("");
    await row(page, "/vm").waitFor();
  });

  test("shows a value as text, hex and number, and writes each", async () => {
    const page = await open();
    await type(page, 0, "write /vm/number 65");
    await row(page, "/vm").click();
    await page.keyboard.press("ArrowRight");
    await select(page, "/vm/number");
    const node = page.getByTestId("node");
    await says(node, "2 bytes");
    await node.getByRole("button", { name: "Hex", exact: true }).click();
    expect(await node.getByTestId("value").inputValue()).toMatch(/36 35/);
    await node.getByTestId("value").fill("41 00 ff");
    await node.getByTestId("value").press("Control+Enter");
    await says(row(page, "/vm/number"), /A.*00.*ff/i);
    await node.getByRole("button", { name: "Text", exact: true }).click();
    await node.getByTestId("value").fill("7");
    await node.getByTestId("value").press("Control+Enter");
    await node.getByRole("button", { name: "Number", exact: true }).click();
    await node.getByTestId("value").fill("16");
    await node.getByTestId("value").press("Control+Enter");
    await says(row(page, "/vm/number"), "16");
  });

  test("is seen as a domain sees it, with the reason in words", async () => {
    const page = await open();
    await type(page, 0, "write /vm/secret 1");
    await type(page, 0, "write /vm/shared 1");
    await type(page, 0, "chmod /vm/shared n0 r1");
    await row(page, "/vm").click();
    await page.keyboard.press("ArrowRight");
    await page.getByTestId("lens").selectOption("1");
    await says(row(page, "/vm/secret"), "no read");
    await says(row(page, "/vm/shared"), "1");
    expect(await row(page, "/vm/shared").filter({ hasText: "no read" }).count()).toBe(0);
    await says(row(page, "/local/domain/1"), "may write");
    await select(page, "/vm/secret");
    await says(page.getByTestId("node"), /gives everybody else nothing|No entry names domain 1/);
    await select(page, "/vm/shared");
    await says(page.getByTestId("node"), /r1 lets it read/);
  });

  test("explains a path that is well known", async () => {
    const page = await open();
    await type(page, 0, "write /local/domain/1/device/vif/0/state 4");
    await view(page, "Domains");
    await page.getByTestId("filter").fill("vif/0/state");
    await select(page, "/local/domain/1/device/vif/0/state");
    await says(page.getByTestId("node"), /Connected/);
  });
});
