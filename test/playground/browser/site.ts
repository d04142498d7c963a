// Site: the built playground, served as its users serve it, and real browsers that open it.
// Holds   the server, the profiles, what pages said that they should not.
// Never   reaches beyond this machine; what the page asks of any other origin is an error.
// Source  our own; playwright-core drives Chromium.

import fs from "node:fs";
import type http from "node:http";
import type { AddressInfo } from "node:net";
import os from "node:os";
import path from "node:path";
import { serverOf } from "../../../hosts/prepare/serve.mjs";
import { launchChromium } from "../../browser/chromium.ts";
import { toolPath } from "../../runtimes/install.ts";

/** Where screenshots of the main views are kept. */
const SHOTS = path.resolve("build/playground-shots");

/** What is used of Playwright's locators. */
export interface Locator {
  click(options?: object): Promise<void>;
  dblclick(options?: object): Promise<void>;
  fill(text: string): Promise<void>;
  press(key: string): Promise<void>;
  pressSequentially(text: string): Promise<void>;
  selectOption(value: string | { label: string }): Promise<unknown>;
  setInputFiles(file: { name: string; mimeType: string; buffer: Buffer }): Promise<void>;
  focus(): Promise<void>;
  innerText(): Promise<string>;
  inputValue(): Promise<string>;
  textContent(): Promise<string | null>;
  getAttribute(name: string): Promise<string | null>;
  count(): Promise<number>;
  isVisible(): Promise<boolean>;
  isEnabled(): Promise<boolean>;
  waitFor(options?: { state?: "attached" | "detached" | "visible" | "hidden" }): Promise<void>;
  first(): Locator;
  last(): Locator;
  nth(n: number): Locator;
  filter(options: { hasText?: string | RegExp; has?: Locator }): Locator;
  locator(selector: string): Locator;
  getByTestId(id: string): Locator;
  getByText(text: string | RegExp, options?: object): Locator;
  getByRole(role: string, options?: object): Locator;
  evaluate<T, A = undefined>(
    run: (element: HTMLElement, argument: A) => T,
    argument?: A,
  ): Promise<T>;
  allInnerTexts(): Promise<string[]>;
  scrollIntoViewIfNeeded(): Promise<void>;
}

/** What is used of Playwright's pages. */
export interface Page extends Pick<Locator, "locator" | "getByTestId" | "getByText" | "getByRole"> {
  goto(address: string): Promise<unknown>;
  reload(): Promise<unknown>;
  url(): string;
  close(): Promise<void>;
  evaluate<T, A = undefined>(
    run: ((argument: A) => T | Promise<T>) | string,
    argument?: A,
  ): Promise<T>;
  waitForFunction<A>(run: ((argument: A) => unknown) | string, argument?: A): Promise<unknown>;
  waitForEvent(name: "download"): Promise<{ path(): Promise<string>; suggestedFilename(): string }>;
  setViewportSize(size: { width: number; height: number }): Promise<void>;
  emulateMedia(media: object): Promise<void>;
  addInitScript(run: (() => void) | string): Promise<void>;
  screenshot(options: { path: string; fullPage?: boolean }): Promise<unknown>;
  readonly keyboard: {
    press(key: string): Promise<void>;
    type(text: string): Promise<void>;
  };
  on(event: string, call: (what: never) => void): void;
}

interface Context {
  newPage(): Promise<Page>;
  pages(): Page[];
  close(): Promise<void>;
  setOffline(offline: boolean): Promise<void>;
  grantPermissions(names: string[]): Promise<void>;
  addInitScript(run: (() => void) | string): Promise<void>;
}

/** One profile of a browser, with tabs. */
export class Visitor {
  readonly context: Context;
  /** What pages said on their consoles as errors, and requests that went elsewhere. */
  readonly complaints: string[] = [];
  readonly site: string;
  #folder: string;

  private constructor(site: string, folder: string, context: Context) {
    this.site = site;
    this.#folder = folder;
    this.context = context;
  }

  static async come(site: string, options: object = {}): Promise<Visitor> {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "xenstore-playground-"));
    const all = { viewport: { width: 1280, height: 800 }, acceptDownloads: true, ...options };
    return new Visitor(site, folder, await launchChromium<Context>(folder, all));
  }

  /** Opens the playground in a tab, and waits until the tree is there. */
  async open(fragment = ""): Promise<Page> {
    const page = await this.tab();
    await page.goto(this.site + fragment);
    await ready(page);
    return page;
  }

  /** A tab that has nothing open yet. */
  async tab(): Promise<Page> {
    const page = await this.context.newPage();
    page.on("pageerror", ({ message }: { message: string }) => this.complaints.push(message));
    page.on("console", (line: { type(): string; text(): string }) => {
      if (line.type() === "error") this.complaints.push(line.text());
    });
    page.on("request", (request: { url(): string }) => {
      const url = request.url();
      if (!url.startsWith(this.site) && !/^(blob|data):/.test(url)) this.complaints.push(url);
    });
    return page;
  }

  async leave(): Promise<void> {
    await this.context.close();
    fs.rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** Serves the built page. */
export async function serve(): Promise<{ site: string; stop(): void }> {
  const server: http.Server = serverOf(path.resolve("build/playground"));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const stop = () => {
    server.closeAllConnections();
    server.close();
  };
  return { site: `http://127.0.0.1:${port}/`, stop };
}

/** Waits until the store is there. */
export async function ready(page: Page): Promise<void> {
  await page.waitForFunction(() => {
    const nodes = document.querySelector("[data-testid=nodes]")?.textContent ?? "";
    return /[1-9]/.test(nodes);
  });
}

/** Opens a view by its tab. */
export async function view(page: Page, name: string): Promise<void> {
  await page.getByRole("tab", { name, exact: true }).click();
}

/** Types a line into a domain's console; returns when the prompt has it. */
export async function type(page: Page, domid: number, line: string): Promise<void> {
  const pane = consoleOf(page, domid);
  await pane.getByTestId("console-input").fill(line);
  await pane.getByTestId("console-input").press("Enter");
}

export function consoleOf(page: Page, domid: number): Locator {
  return page.locator(`[data-testid=console][data-domid="${domid}"]`);
}

/** Waits until an element has a text. */
export async function says(where: Locator, text: string | RegExp): Promise<void> {
  await where.filter({ hasText: text }).first().waitFor();
}

/** The row of a path in the tree. */
export function row(page: Page, path: string): Locator {
  return page.locator(`[data-testid=row][data-path="${path}"]`);
}

/** What axe finds, as lines; none is what is wanted. */
export async function axe(page: Page): Promise<string[]> {
  const source = fs.readFileSync(await toolPath("axe"), "utf8");
  await page.evaluate(source);
  return await page.evaluate(async () => {
    const { axe } = globalThis as unknown as { axe: { run(options: object): Promise<Found> } };
    interface Found {
      violations: {
        id: string;
        help: string;
        nodes: { target: string[]; failureSummary: string }[];
      }[];
    }
    const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
    const { violations } = await axe.run({ runOnly: { type: "tag", values: tags } });
    return violations.flatMap(({ id, nodes }) =>
      nodes.map(({ target, failureSummary }) => `${id}: ${target.join(" ")}: ${failureSummary}`),
    );
  });
}

/** Keeps a picture of the page as an artifact of the run. */
export async function shoot(page: Page, name: string): Promise<void> {
  fs.mkdirSync(SHOTS, { recursive: true });
  await page.screenshot({ path: path.join(SHOTS, `${name}.png`) });
}
