// Page: what the tests have a page do: stores of its own, joined ones, files.
// Holds   the stores and clients of this page, for the next call from outside.
// Never   decides whether a result is right, but for the conformance cases.
// Source  our own.

import { opfsStorage } from "../../hosts/browser/opfs_storage.ts";
import { openShared, type SharedOptions, type SharedStore } from "../../hosts/browser/tabs.ts";
import type { Client, Status } from "../../hosts/client/api.ts";
import { openClient } from "../../hosts/client/client.ts";
import type { XenstoreError } from "../../hosts/client/errors.ts";
import { portTransport } from "../../hosts/client/port_stream.ts";
import { webSocketTransport } from "../../hosts/client/socket_stream.ts";
import type { Transport } from "../../hosts/client/transport.ts";
import type { Store } from "../../hosts/embed/api.ts";
import { serve } from "../../hosts/embed/serve.ts";
import { createStore } from "../../hosts/embed/store.ts";
import { compileAt } from "../../hosts/entry/wasm_url.ts";
import type { ByteStream } from "../../hosts/shared/byte_stream.ts";
import { BreakingTransport } from "../client/breaking.ts";
import { CASES, type Case, lacking, type Need, runCase, type Site } from "../client/conformance.ts";
import { runOperations } from "../client/operations.ts";

const core = () => compileAt("/xenstore.wasm");
const workers: Worker[] = [];
const worker = () => {
  const started = new Worker("/worker.js", { type: "module" });
  workers.push(started);
  return started;
};

const OURS: Need[] = [
  "asDomain",
  "connect",
  "privileged",
  "reconnect",
  "control",
  "features",
  "longPaths",
  "parts",
  "quota",
  "specialDomain",
  "specialPerms",
];

/** A way from a page or worker to a store. */
async function siteOf(way: string, argument: string): Promise<Site> {
  if (way === "joined") return sharedSite(argument);
  if (way === "websocket") {
    return siteOver((domid) => webSocketTransport(`${argument}?domid=${domid}`));
  }
  const store = await createStore({ module: await core() });
  if (way === "port") return siteOver((domid) => portTransport(() => portTo(store, domid)));
  return siteOver((domid) => {
    return { name: "store", reconnects: false, open: async () => streamOf(store, domid) };
  });
}

async function streamOf(store: Store, domid: number): Promise<ByteStream> {
  if (domid !== 0) await (await store.asDomain(domid)).close();
  return store.stream({ domid });
}

async function portTo(store: Store, domid: number): Promise<MessagePort> {
  if (domid !== 0) await (await store.asDomain(domid)).close();
  const { port1, port2 } = new MessageChannel();
  serve(store, port1, { domid });
  return port2;
}

function siteOver(as: (domid: number) => Transport): Site {
  const breaking = new BreakingTransport(as(0));
  return {
    offers: new Set(OURS),
    domid: 0,
    connect: (options) => openClient(breaking, options),
    other: () => openClient(as(0)),
    asDomain: (domid) => openClient(as(domid)),
    cut: () => breaking.cut(),
  };
}

async function sharedSite(name: string): Promise<Site> {
  const shared = await openShared({ name, storage: "memory", worker });
  return {
    offers: new Set(OURS.filter((need) => need !== "reconnect")),
    domid: 0,
    connect: (options) => shared.connect(options),
    other: () => shared.connect(),
    asDomain: (domid) => shared.connect({ domid }),
  };
}

let site: Promise<Site> | null = null;

/** Makes a way to a store; what it lacks of what a case needs, for each case. */
async function prepare(way: string, argument = ""): Promise<Need[][]> {
  site = siteOf(way, argument);
  const made = await site;
  return CASES.map((one) => [...lacking(one, made)]);
}

/** Runs one of the conformance cases; returns what went wrong, or nothing. */
async function runOne(index: number): Promise<string> {
  try {
    await runCase(CASES[index] as Case, await (site as Promise<Site>));
    return "";
  } catch (error) {
    return (error as Error).stack ?? String(error);
  }
}

/** The hash of a store after some operations. */
async function operations(count: number, seed: number): Promise<string> {
  const store = await createStore({ module: await core(), seed: 1 });
  const hash = await runOperations(store, count, seed);
  await store.close();
  return hash;
}

let shared: SharedStore | null = null;
const states: Status[] = [];
const events: { path: string; replayed: boolean }[] = [];
const lines: string[] = [];

/** Joins the store that all tabs share. */
async function join(options: SharedOptions): Promise<boolean> {
  shared = await openShared({ worker, log: (line) => lines.push(line), ...options });
  void follow(shared.client);
  return shared.owns;
}

async function follow(client: Client): Promise<void> {
  for await (const status of client.status()) states.push(status);
}

/** Watches, and keeps what comes. Returns when the watch is set. */
async function watch(path: string): Promise<void> {
  const set = (shared as SharedStore).client.watch(path);
  await set.ready;
  void (async () => {
    for await (const event of set) events.push({ path: event.path, replayed: event.replayed });
  })();
}

/** Writes until a write is refused; returns its error's code. */
async function fill(): Promise<string> {
  const { client } = shared as SharedStore;
  for (let n = 0; n < 20_000; n++) {
    try {
      await client.write(`/fill/${n}`, "x".repeat(4000));
    } catch (error) {
      return (error as XenstoreError).code;
    }
  }
  return "never refused";
}

/** Resolves when the store takes changes again. */
async function waitForRoom(): Promise<void> {
  while (!lines.some((line) => line.includes("storing works again"))) {
    await new Promise((resolve) => setTimeout(resolve));
  }
}

/** Writes until that is acknowledged: the tab that had the store may be gone by then. */
async function insist(path: string, value: string): Promise<void> {
  for (;;) {
    try {
      await (shared as SharedStore).client.write(path, value);
      return;
    } catch (error) {
      if ((error as XenstoreError).code !== "ECONNRESET") throw error;
    }
  }
}

/** The message of what opening a store ends in; empty: it opens. */
async function refusal(options: SharedOptions, script = "/worker.js"): Promise<string> {
  try {
    const worker = () => new Worker(script, { type: "module" });
    await (await openShared({ worker, ...options })).close();
    return "";
  } catch (error) {
    return (error as Error).message;
  }
}

/** The message of what opening files ends in; empty: they are open, and stay so. */
async function files(folder: string): Promise<string> {
  try {
    await opfsStorage(folder);
    return "";
  } catch (error) {
    return (error as Error).message;
  }
}

/** Resolves when the client of this page was connected again. */
async function reconnected(): Promise<void> {
  while (!states.some(({ state }) => state === "reconnected")) {
    await (shared as SharedStore).client.read("/").catch(() => {});
  }
}

/** Ends this page's worker as the browser does that lacks memory: nobody is told. */
function endWorker(): void {
  workers.at(-1)?.terminate();
}

/** What a browser does with a page that is left, and may be come back to. */
function leaveFor(): void {
  dispatchEvent(new PageTransitionEvent("pagehide", { persisted: true }));
}

function comeBack(): void {
  dispatchEvent(new PageTransitionEvent("pageshow", { persisted: true }));
}

/** Removes something that a browser has, so that this one lacks it. */
function lose(what: "locks"): void {
  Object.defineProperty(navigator, what, { value: undefined });
}

/** What outside code calls; see the tests. */
const tests = {
  fill,
  insist,
  refusal,
  files,
  waitForRoom,
  reconnected,
  lose,
  endWorker,
  leaveFor,
  comeBack,
  prepare,
  runOne,
  operations,
  join,
  watch,
  states,
  events,
  lines,
  read: (path: string) => (shared as SharedStore).client.read(path, { default: null }),
  write: (path: string, value: string) => (shared as SharedStore).client.write(path, value),
  waitFor: (path: string, value: string) => (shared as SharedStore).client.waitFor(path, value),
  owns: () => (shared as SharedStore).owns,
  leave: () => (shared as SharedStore).close(),
};

export type Tests = typeof tests;

Object.assign(globalThis, { tests });
// In a worker the page asks by messages.
if (typeof document === "undefined") {
  addEventListener("message", async ({ data: [name, ...words] }) => {
    const call = tests[name as "prepare"] as (...words: unknown[]) => Promise<unknown>;
    postMessage(await call(...words));
  });
}
