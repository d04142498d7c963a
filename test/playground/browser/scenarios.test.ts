// Scenarios: every story, told to its end in a real browser, and scripts.
// Holds   nothing.
// Never   waits for a time: only for what the page shows.
// Source  our own; "The playground" in ARCHITECTURE.md.

import { describe, expect, test } from "vitest";
import { EXAMPLES } from "../../../hosts/playground/page/script_examples.ts";
import { SCENARIOS } from "../../../hosts/playground/scenarios/index.ts";
import { type Page, row, says, view } from "./site.ts";
import { suite } from "./suite.ts";

const { open } = suite();

async function choose(page: Page, id: string): Promise<void> {
  await page.getByTestId("guide-scenarios").click();
  await page.locator(`[data-testid=scenario][data-id="${id}"]`).click();
}

describe("a scenario", () => {
  test.each(SCENARIOS.map(({ id, title, steps }) => [id, title, steps.length] as const))(
    "%s runs to its end as it says",
    async (id, title, count) => {
      const page = await open();
      if (id !== "hello") await choose(page, id);
      const guide = page.getByTestId("guide");
      await says(guide, title);
      for (let step = 0; step < count; step++) {
        await says(guide, `${step + 1} of ${count}`);
        await page.getByTestId("guide-run").click();
        await page.locator(`[data-testid=guide][data-done="${step + 1}"]`).waitFor();
        expect(await guide.getAttribute("data-failed")).toBe("0");
        if (step + 1 < count) await page.getByTestId("guide-next").click();
      }
    },
  );
});

describe("a script", () => {
  async function run(page: Page, text: string): Promise<void> {
    await view(page, "Script");
    await page.locator(".cm-content").click();
    await page.keyboard.press("Control+a");
    await page.keyboard.press("Delete");
    // As one input: typing would have the editor close brackets.
    await page.locator(".cm-content").fill(text);
    await page.getByTestId("script-run").click();
  }

  test("has the API of Node, and shows what it prints and how it fails", async () => {
    const page = await open();
    const text = [
      'import { connect } from "xenstore";',
      "const xs = await connect();",
      'await xs.write("/from-script", 42);',
      'console.log("it is", await xs.read("/from-script"));',
      'await xs.read("/not/there");',
    ];
    await run(page, text.join("\n"));
    const output = page.getByTestId("script-output");
    await says(output, "it is 42");
    await says(output, "ENOENT");
    await says(output, /line 5|:5/);
    await says(row(page, "/from-script"), "42");
  });

  test("that never ends is stopped, and the store goes on", async () => {
    const page = await open();
    await run(page, 'console.log("round and round"); for (;;) {}');
    await says(page.getByTestId("script-output"), "round and round");
    await page.getByTestId("script-stop").click();
    await says(page.locator(".script-state"), "Stopped");
    await run(page, 'import { connect } from "xenstore"; await (await connect()).write("/on", 1);');
    await says(row(page, "/on"), "1");
  });

  test("that makes no sense is told with its place", async () => {
    const page = await open();
    await run(page, "const a = 1;\nconst = 2;\n");
    await says(page.getByTestId("script-output"), /line 2|:2/);
  });

  test("reaches no address but the page's", async () => {
    const page = await open();
    const text = [
      'await fetch("http://127.0.0.2:9/").then(',
      '  () => console.log("reached"),',
      '  (error) => console.log("refused:", error.name),',
      ");",
    ];
    await run(page, text.join("\n"));
    await says(page.getByTestId("script-output"), "refused: TypeError");
  });

  test.each(EXAMPLES.map(({ id, title }) => [id, title] as const))(
    "the example %s runs",
    async (id) => {
      const page = await open();
      await view(page, "Script");
      await page.locator(".cm-content").waitFor();
      await page.getByTestId("script-examples").selectOption(id);
      await page.getByTestId("script-run").click();
      await says(page.locator(".script-state"), "Finished");
    },
  );
});
