// Main: figures of the playground in headless Chromium: frames under load, large trees, keys.
// Holds   what is measured; each figure is printed with what is wanted.
// Never   is part of the tests: it says how fast this machine is, too.
// Source  our own; "npm run playground:bench".

import process from "node:process";
import { type Page, ready, row, serve, Visitor, view } from "../browser/site.ts";

const RATE = 10_000;
const NODES = 100_000;
const SECONDS = Number(process.argv[2] ?? 5);

interface Frames {
  readonly rate: number;
  readonly median: number;
  readonly late: number;
  readonly worst: number;
}

/** Counts frames for a while; gaps between them in ms. */
function frames(page: Page, seconds: number): Promise<Frames> {
  return page.evaluate(async (wanted: number) => {
    const gaps: number[] = [];
    await new Promise<void>((resolve) => {
      let last = performance.now();
      const end = last + wanted * 1000;
      const frame = (now: number) => {
        gaps.push(now - last);
        last = now;
        if (now < end) requestAnimationFrame(frame);
        else resolve();
      };
      requestAnimationFrame((now) => {
        last = now;
        requestAnimationFrame(frame);
      });
    });
    gaps.sort((a, b) => a - b);
    const at = (share: number) => gaps[Math.min(gaps.length - 1, Math.floor(gaps.length * share))];
    const total = gaps.reduce((sum, gap) => sum + gap, 0);
    return {
      rate: (gaps.length * 1000) / total,
      median: at(0.5) as number,
      late: at(0.95) as number,
      worst: gaps.at(-1) as number,
    };
  }, seconds);
}

function told(name: string, { rate, median, late, worst }: Frames, wanted: string): void {
  const gaps = `gaps ${median.toFixed(1)} / ${late.toFixed(1)} / ${worst.toFixed(1)} ms`;
  console.log(`${name.padEnd(58)} ${rate.toFixed(1)} frames/s, ${gaps} (${wanted})`);
}

/** ms from a key in the filter until its character is shown: the longest of `count`. */
function keys(page: Page, count: number): Promise<number> {
  return page.evaluate(async (wanted: number) => {
    const input = document.querySelector<HTMLInputElement>("[data-testid=filter]");
    if (!input) return -1;
    let worst = 0;
    for (let n = 0; n < wanted; n++) {
      const startMs = performance.now();
      input.value = `k${n}`;
      input.dispatchEvent(new InputEvent("input", { bubbles: true }));
      await new Promise<void>((resolve) => {
        requestAnimationFrame(() => {
          const channel = new MessageChannel();
          channel.port1.onmessage = () => resolve();
          channel.port2.postMessage(0);
        });
      });
      worst = Math.max(worst, performance.now() - startMs);
    }
    input.value = "";
    input.dispatchEvent(new InputEvent("input", { bubbles: true }));
    return worst;
  }, count);
}

async function underLoad(page: Page): Promise<void> {
  await view(page, "Domains");
  await page.getByTestId("load").selectOption(`${RATE}`);
  for (const name of ["Domains", "Packets", "Timeline", "Transactions", "Rings", "Quotas"]) {
    await view(page, name);
    told(`${RATE} ops/s asked for, ${name} open`, await frames(page, SECONDS), "60 frames/s");
    const rate = await page.getByTestId("rate").innerText();
    console.log(`${"".padEnd(58)} the header says ${rate}`);
  }
  console.log(
    `${"a key in the filter under load".padEnd(58)} ${(await keys(page, 50)).toFixed(1)} ms`,
  );
  await view(page, "Domains");
  await page.getByTestId("load").selectOption("0");
}

async function large(page: Page): Promise<void> {
  let text = "";
  for (let domid = 1; domid <= NODES / 1000; domid++) {
    for (let n = 0; n < 1000; n++) {
      text += `/local/domain/${domid}/data/k${n} = "value number ${n}"   (n${domid})\n`;
    }
  }
  const buffer = Buffer.from(text);
  await view(page, "Share & keep");
  const file = { name: "large.txt", mimeType: "text/plain", buffer };
  await page.locator("input[type=file]").first().setInputFiles(file);
  await page.getByTestId("open-confirm").click();
  const startMs = performance.now();
  await page.waitForFunction(() =>
    /^100/.test(document.querySelector("[data-testid=nodes]")?.textContent ?? ""),
  );
  const openMs = performance.now() - startMs;
  console.log(`${`opening ${NODES} nodes`.padEnd(58)} ${openMs.toFixed(0)} ms (2,000 ms)`);
  await row(page, "/").click();
  await page.getByRole("button", { name: "Expand" }).first().click();
  await row(page, "/local/domain/1/data/k0").waitFor();
  const scroll = frames(page, SECONDS);
  await page.evaluate(async (wanted: number) => {
    const tree = document.querySelector("[data-testid=tree]");
    const scroller = [tree, ...(tree?.querySelectorAll("*") ?? []), tree?.parentElement].find(
      (one) => one && one.scrollHeight > one.clientHeight + 10_000,
    );
    const end = performance.now() + wanted * 1000;
    while (performance.now() < end && scroller) {
      scroller.scrollTop += 260;
      await new Promise((resolve) => requestAnimationFrame(resolve));
    }
  }, SECONDS);
  told(`scrolling ${NODES} nodes, ten rows a frame`, await scroll, "60 frames/s");
}

const { site, stop } = await serve();
const visitor = await Visitor.come(site, { viewport: { width: 1280, height: 800 } });
try {
  const page = await visitor.tab();
  const startMs = performance.now();
  await page.goto(site);
  await ready(page);
  console.log(`${"first load".padEnd(58)} ${(performance.now() - startMs).toFixed(0)} ms`);
  told("nothing happens", await frames(page, 2), "what this browser can do");
  await underLoad(page);
  await large(page);
} finally {
  await visitor.leave();
  stop();
}
