// Chromium: a real browser without a window, and pages that are served to it from loopback.
// Holds   the browser, its profile in a folder of its own, the server of the pages.
// Never   reaches beyond this machine; who asks where there is no browser gets a reason to skip.
// Source  our own; Chromium's switches; playwright-core drives it.

import { execFileSync } from "node:child_process";
import fs from "node:fs";
import http from "node:http";
import type { AddressInfo } from "node:net";
import os from "node:os";
import path from "node:path";
import process from "node:process";
import { build } from "esbuild";
import { importTool, tool } from "../runtimes/install.ts";

/** What is used of a page of playwright-core. */
export interface Page {
  goto(address: string): Promise<unknown>;
  reload(): Promise<unknown>;
  /** Runs a function in the page; what goes in and out is plain data. */
  evaluate<T, A = undefined>(
    run: ((argument: A) => T | Promise<T>) | string,
    argument?: A,
  ): Promise<T>;
  waitForFunction(run: string): Promise<unknown>;
  /** Empties an input field and types into it. */
  fill(selector: string, text: string): Promise<void>;
  close(): Promise<void>;
  on(event: string, call: (what: { text(): string; message: string }) => void): void;
  context(): { newCDPSession(page: Page): Promise<Session> };
}

/** Commands of Chromium's DevTools protocol. */
export interface Session {
  send(command: string, parameters?: object): Promise<unknown>;
}

interface Context {
  newPage(): Promise<Page>;
  close(): Promise<void>;
}

interface Playwright {
  readonly chromium: {
    launchPersistentContext(folder: string, options: object): Promise<Context>;
  };
}

/** What is served: the name in an address, and the source that is bundled or a file as it is. */
export type Pages = Readonly<Record<string, string>>;

const SWITCHES = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];
const NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".css": "text/css",
  ".wasm": "application/wasm",
};
const EMPTY = '<!doctype html><meta charset="utf-8"><title>test</title>';

/** Why there is no browser for tests here; null: there is one. */
export async function withoutChromium(): Promise<string | null> {
  const { missing } = await tool("playwright");
  if (missing !== null) return missing;
  return executable() ? null : "Chromium is not installed (Debian's package chromium)";
}

/** A browser with a profile of its own, and a site that it can open. */
export class Chromium {
  /** Errors of pages and what they print, in order. */
  readonly said: string[] = [];
  /** Address of the site, with a slash behind it. */
  readonly site: string;
  #server: http.Server;
  #folder: string;
  #context: Context;

  /**
   * Bundles and serves pages, and starts a browser for them.
   * @param pages  such as { "page.js": "test/browser/page.ts", "xenstore.wasm": "build/..." }
   */
  static async start(pages: Pages): Promise<Chromium> {
    const files = await bundled(pages);
    const server = http.createServer((request, response) => {
      const name = new URL(request.url ?? "/", "http://x").pathname.slice(1);
      answer(response, name, files.get(name));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "xenstore-browser-"));
    return new Chromium(server, folder, await launch(folder));
  }

  private constructor(server: http.Server, folder: string, context: Context) {
    this.#server = server;
    this.#folder = folder;
    this.#context = context;
    this.site = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  }

  /** Opens a page of the site in a tab of its own, in a process of its own. */
  async open(name = ""): Promise<Page> {
    const page = await this.#context.newPage();
    page.on("pageerror", ({ message }) => this.said.push(message));
    page.on("console", (line) => this.said.push(line.text()));
    await page.goto(this.site + name);
    return page;
  }

  /** Ends the browser as a crash does, and starts it again with the same profile. */
  async restart(): Promise<void> {
    await this.#context.close();
    this.#context = await launch(this.#folder);
  }

  async close(): Promise<void> {
    await this.#context.close();
    this.#server.closeAllConnections();
    this.#server.close();
    fs.rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** Ends a tab's process at once, as a crash does. */
export async function crash(page: Page): Promise<void> {
  const session = await page.context().newCDPSession(page);
  // There is nobody left to answer.
  session.send("Page.crash").catch(() => {});
  await new Promise<void>((resolve) => page.on("crash", () => resolve()));
}

async function launch(folder: string): Promise<Context> {
  return launchChromium<Context>(folder);
}

/**
 * Starts a browser with a profile of its own.
 * @param options  of Playwright's launchPersistentContext, such as `viewport`
 */
export async function launchChromium<C>(folder: string, options: object = {}): Promise<C> {
  const { chromium } = await importTool<Playwright>("playwright");
  const context = await chromium.launchPersistentContext(folder, {
    executablePath: executable(),
    args: SWITCHES,
    timeout: 120_000,
    ...options,
  });
  return context as C;
}

function executable(): string | undefined {
  const { CHROMIUM, PATH = "" } = process.env;
  const folders = PATH.split(path.delimiter);
  const all = NAMES.flatMap((name) => folders.map((folder) => path.join(folder, name)));
  return [...(CHROMIUM ? [CHROMIUM] : []), ...all].find((file) => fs.existsSync(file));
}

/** Version of the browser, for people. */
export function versionOf(): string {
  return execFileSync(executable() as string, ["--version"], {
    stdio: ["ignore", "pipe", "ignore"],
  })
    .toString()
    .trim();
}

async function bundled(pages: Pages): Promise<Map<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>();
  const sources = Object.entries(pages).filter(([, file]) => file.endsWith(".ts"));
  for (const [name, file] of Object.entries(pages)) {
    if (!file.endsWith(".ts")) files.set(name, fs.readFileSync(file));
  }
  const done = await build({
    entryPoints: sources.map(([name, file]) => ({ in: file, out: name.replace(/\.js$/, "") })),
    bundle: true,
    write: false,
    format: "esm",
    platform: "browser",
    target: "es2022",
    sourcemap: "inline",
    outdir: "/",
    logLevel: "silent",
  });
  for (const file of done.outputFiles) files.set(file.path.slice(1), file.contents);
  return files;
}

/** Any address without a dot is an empty page. */
function answer(response: http.ServerResponse, name: string, file: Uint8Array | undefined): void {
  if (name === "favicon.ico") {
    response.writeHead(204).end();
    return;
  }
  const found = file ?? (name.includes(".") ? undefined : EMPTY);
  response.writeHead(found === undefined ? 404 : 200, {
    "content-type": TYPES[path.extname(name) || ".html"] ?? "application/octet-stream",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-embedder-policy": "require-corp",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
  });
  response.end(found);
}
