// Access: axe on every view in every theme, the keyboard alone, narrow screens; and screenshots.
// Holds   nothing.
// Never   waits for a time: only for what the page shows.
// Source  our own; WCAG 2.2, level AA.

import { describe, expect, test } from "vitest";
import { axe, type Page, row, says, shoot, type, view } from "./site.ts";
import { suite } from "./suite.ts";

const { open } = suite();

const VIEWS = [
  "Domains",
  "Packets",
  "Timeline",
  "Transactions",
  "Rings",
  "Quotas",
  "Script",
  "Share & keep",
];

/** A narrow page has the tree as a view; a wide one has the consoles beside the others. */
function viewsAt(width: number): string[] {
  if (width < 900) return ["Tree", ...VIEWS];
  return width > 1700 ? VIEWS.slice(1) : VIEWS;
}

/** Something is in every view. */
async function furnish(page: Page, width: number): Promise<void> {
  await view(page, "Transactions");
  await page.getByTestId("tx-begin").click();
  await page.getByTestId("tx-line").first().fill("write /in/it 1");
  await page.getByTestId("tx-line").first().press("Enter");
  await says(page.getByTestId("transaction"), "write /in/it 1");
  if (width < 1700) await view(page, "Domains");
  await type(page, 0, "watch /local/domain/1");
  await type(page, 0, "write /local/domain/1/key value");
  if (width < 900) await view(page, "Tree");
  await says(row(page, "/local/domain/1/key"), "value");
}

/** The page is never wider than the screen. */
async function fits(page: Page): Promise<void> {
  const [wide, room] = await page.evaluate(() => {
    const { scrollWidth, clientWidth } = document.documentElement;
    return [scrollWidth, clientWidth] as const;
  });
  expect(wide).toBeLessThanOrEqual(room);
}

describe("axe finds nothing", () => {
  test.each([
    ["light", 1280],
    ["dark", 1920],
    ["contrast", 1280],
    ["light", 360],
    ["dark", 360],
  ])("in the theme %s at %d pixels, in any view", async (theme, width) => {
    const page = await open("", { viewport: { width, height: 800 } });
    await page.getByTestId("theme").selectOption(theme);
    const found: string[] = [];
    await furnish(page, width);
    for (const name of viewsAt(width)) {
      await view(page, name);
      if (name === "Script") await page.locator(".cm-content").waitFor();
      if (name === "Packets") await page.getByTestId("packet").first().click();
      if (name === "Rings") await page.getByTestId("ring-requests").waitFor();
      for (const line of await axe(page)) found.push(`${name}: ${line}`);
      await fits(page);
      await shoot(page, `${name.toLowerCase().replace(/\W+/g, "-")}-${theme}-${width}`);
    }
    expect(found).toEqual([]);
  });

  test("in dialogs and panels that open over it", async () => {
    const page = await open();
    await furnish(page, 1280);
    const found: string[] = [];
    const look = async (name: string) => {
      for (const line of await axe(page)) found.push(`${name}: ${line}`);
    };
    await page.getByTestId("guide-scenarios").click();
    await page.getByTestId("scenario").first().waitFor();
    await look("scenarios");
    await shoot(page, "scenarios-light-1280");
    await page.keyboard.press("Escape");
    await page.getByTestId("compare").click();
    await look("compare");
    await page.getByTestId("compare-close").click();
    await page.getByTestId("moment-back").click();
    await look("the past");
    await page.getByTestId("moment-now").click();
    await page.getByTestId("lens").selectOption("1");
    await look("lens");
    await view(page, "Share & keep");
    await page.getByTestId("share-paste").fill('/a = "1"   (n0)\nrubbish');
    await page.getByTestId("share-paste-open").click();
    await page.getByTestId("open-dialog").waitFor();
    await look("open");
    expect(found).toEqual([]);
  });
});

describe("the keyboard alone", () => {
  test("reaches everything, in order, and is trapped nowhere", async () => {
    const page = await open();
    const seen: string[] = [];
    for (let n = 0; n < 150; n++) {
      await page.keyboard.press("Tab");
      const where = await page.evaluate(() => {
        const { activeElement } = document;
        if (!activeElement || activeElement === document.body) return "";
        const id = activeElement.getAttribute("data-testid") ?? activeElement.id;
        const style = getComputedStyle(activeElement);
        const ring = style.outlineStyle !== "none" || style.boxShadow !== "none";
        return `${activeElement.tagName} ${id} ${ring ? "" : "no-ring"}`;
      });
      if (where === "" && seen.length > 20) break;
      seen.push(where);
    }
    for (const id of ["filter", "lens", "tree", "guide-run", "console-input", "moment", "fork"]) {
      expect(seen.filter((one) => one.includes(` ${id}`)).length, id).toBeGreaterThan(0);
    }
    expect(seen.filter((one) => one.includes("no-ring"))).toEqual([]);
    expect(seen.length).toBeLessThan(150);
  });

  test("moves between views and through the tree as a screen reader expects", async () => {
    const page = await open();
    await page.getByRole("tab", { name: "Domains" }).focus();
    await page.keyboard.press("ArrowRight");
    await page.getByRole("tab", { name: "Packets", selected: true }).waitFor();
    await page.keyboard.press("End");
    await page.getByRole("tab", { name: "Share & keep", selected: true }).waitFor();
    await page.getByTestId("tree").focus();
    await page.keyboard.press("Home");
    await page.keyboard.press("End");
    const last = page.getByRole("treeitem", { selected: true });
    expect(await last.getAttribute("data-path")).not.toBe("/");
    expect(await last.getAttribute("aria-level")).toMatch(/^\d+$/);
    expect(await last.getAttribute("aria-setsize")).toMatch(/^\d+$/);
    const active = await page.getByTestId("tree").getAttribute("aria-activedescendant");
    expect(active).toBe(await last.getAttribute("id"));
  });
});

test("who wants less motion gets none", async () => {
  const page = await open("", { reducedMotion: "reduce" });
  await type(page, 0, "write /local/domain/1/news hello");
  const news = row(page, "/local/domain/1/news");
  await says(news, "hello");
  expect(await news.evaluate((element) => getComputedStyle(element).animationName)).toBe("none");
});
