// Domains: domains, their consoles, rings and quotas, in a real browser.
// Holds   nothing.
// Never   waits for a time: only for what the page shows.
// Source  our own; "The playground" in ARCHITECTURE.md.

import { describe, expect, test } from "vitest";
import { consoleOf, type Locator, type Page, row, says, type, view } from "./site.ts";
import { suite } from "./suite.ts";

const { open } = suite();

function domain(page: Page, domid: number): Locator {
  return page.locator(`[data-testid=domain][data-domid="${domid}"]`);
}

/** Does something to a domain; what can't be taken back is asked about first. */
async function act(page: Page, domid: number, action: string): Promise<void> {
  await domain(page, domid).getByTestId(`domain-${action}`).click();
}

async function add(page: Page, name: string): Promise<void> {
  await page.getByTestId("domain-add-open").click();
  const form = page.getByTestId("domain-add");
  await form.getByRole("textbox", { name: /name/i }).fill(name);
  await page.getByTestId("domain-add-submit").click();
}

describe("domains", () => {
  test("are added, released, introduced, rebooted, killed and forgotten", async () => {
    const page = await open();
    await type(page, 0, "watch @introduceDomain @releaseDomain");
    await add(page, "second");
    await says(domain(page, 2), "second");
    await row(page, "/local/domain/2").waitFor();
    await says(consoleOf(page, 0), "@introduceDomain");
    await act(page, 2, "release");
    await says(domain(page, 2), /not introduced/i);
    await act(page, 2, "introduce");
    await domain(page, 2).getByTestId("domain-release").waitFor();
    await act(page, 2, "reboot");
    await says(domain(page, 2), "running");
    await act(page, 2, "shutdown");
    await says(domain(page, 2), /shut down/i);
    await act(page, 2, "kill");
    await says(domain(page, 2), /dead/i);
    await row(page, "/local/domain/2").waitFor({ state: "detached" });
    await says(consoleOf(page, 0), "@releaseDomain");
    await act(page, 2, "forget");
    await domain(page, 2).waitFor({ state: "detached" });
  });

  test("act for a target", async () => {
    const page = await open();
    await add(page, "stubdom");
    await act(page, 2, "target");
    await page.getByTestId("domain-target-choice").selectOption("1");
    await page.getByTestId("domain-target-set").click();
    await says(domain(page, 2), /target|acts for/i);
    await type(page, 2, "write /local/domain/1/by-stub yes");
    await says(row(page, "/local/domain/1/by-stub"), "yes");
  });
});

describe("a console", () => {
  test("runs the tools with paths of its own domain, and says why not", async () => {
    const page = await open();
    await type(page, 1, "xenstore-write key 1");
    await says(row(page, "/local/domain/1/key"), "1");
    await type(page, 1, "xenstore read key");
    await says(consoleOf(page, 1).getByTestId("console-output"), "1");
    await type(page, 1, "write /vm/mine 1");
    await says(consoleOf(page, 1), /could not write path/);
    await type(page, 1, "no-such-tool");
    await says(consoleOf(page, 1), /no-such-tool/);
  });

  test("keeps a watch while other commands run, and stops it", async () => {
    const page = await open();
    await type(page, 1, "watch key");
    await says(consoleOf(page, 1).getByTestId("console-output"), "key");
    await type(page, 0, "write /local/domain/1/key 7");
    await type(page, 1, "read key");
    await says(consoleOf(page, 1).getByTestId("console-output"), "7");
    await consoleOf(page, 1).getByTestId("console-stop").first().click();
    await consoleOf(page, 1).getByTestId("console-stop").waitFor({ state: "detached" });
  });

  test("has a history and completes paths", async () => {
    const page = await open();
    const input = consoleOf(page, 0).getByTestId("console-input");
    await type(page, 0, "write /local/domain/1/completed yes");
    await row(page, "/local/domain/1/completed").waitFor();
    await input.press("ArrowUp");
    expect(await input.inputValue()).toBe("write /local/domain/1/completed yes");
    await input.fill("read /local/domain/1/compl");
    await input.press("Tab");
    await page.waitForFunction(() =>
      document
        .querySelector<HTMLInputElement>("[data-domid='0'] [data-testid=console-input]")
        ?.value.startsWith("read /local/domain/1/completed"),
    );
  });
});

describe("a ring", () => {
  async function take(page: Page): Promise<Locator> {
    await view(page, "Rings");
    const ring = page.getByTestId("ring");
    await page.getByTestId("ring-domain").selectOption("1");
    await page.getByTestId("ring-hold").click();
    await page.getByTestId("ring-compose").waitFor();
    return ring;
  }

  const word = (page: Page, name: string, value: number) =>
    says(page.getByTestId(`ring-${name}`), new RegExp(`\\b${value}\\b`));

  test("is stepped byte by byte: a request in, a reply out", async () => {
    const page = await open();
    await take(page);
    await page.getByTestId("ring-type").selectOption("WRITE");
    const form = page.getByTestId("ring-compose-form");
    await form.getByRole("textbox", { name: /path/i }).fill("by-hand");
    await form.getByRole("textbox", { name: /value/i }).fill("slowly");
    await page.getByTestId("ring-compose").click();
    await says(page.getByTestId("ring-waiting"), "30 bytes");
    await page.getByTestId("ring-put-byte").click();
    await word(page, "reqProd", 1);
    await word(page, "reqCons", 1);
    await page.getByTestId("ring-put-header").click();
    await word(page, "reqCons", 16);
    expect(await row(page, "/local/domain/1/by-hand").count()).toBe(0);
    await page.getByTestId("ring-put-message").click();
    await says(row(page, "/local/domain/1/by-hand"), "slowly");
    await page.getByTestId("ring-take-header").click();
    await word(page, "rspCons", 16);
    await page.getByTestId("ring-take-message").click();
    await says(page.getByTestId("ring-log"), /WRITE with req_id 1: OK/);
  });

  test.each(["req-index", "oversize"])(
    "that is broken (%s) is not served until it reconnects",
    async (how) => {
      const page = await open();
      await take(page);
      await page.getByTestId(`ring-break-${how}`).click();
      await page.waitForFunction(() => {
        const error = document.querySelector("[data-testid=ring-error]")?.textContent ?? "";
        return /[1-9]/.test(error);
      });
      await page.getByTestId("ring-reconnect").click();
      await word(page, "error", 0);
      await view(page, "Domains");
      await type(page, 1, "write alive again");
      await says(row(page, "/local/domain/1/alive"), "again");
    },
  );
});

describe("quotas", () => {
  test("show what counts, and bite where they are set", async () => {
    const page = await open();
    await view(page, "Quotas");
    const meter = page.locator('[data-testid=quota][data-domid="1"][data-name=nodes]');
    await says(meter, /\d+ of 1,?000/);
    await meter.getByTestId("quota-limit").fill("3");
    await meter.getByTestId("quota-set").click();
    await says(meter, /of 3\b/);
    await view(page, "Domains");
    for (const name of ["a", "b", "c", "d"]) await type(page, 1, `write ${name} 1`);
    await says(consoleOf(page, 1), /could not write path/);
    await view(page, "Quotas");
    await says(meter, /3 of 3/);
  });
});
