// Script examples: each of them runs; the editor offers what the library has.
// Holds   the examples in a store of this process, and the words next to the client's methods.
// Never   needs a browser: what differs there is tested there.
// Source  our own; hosts/client/api.ts.

import { afterEach, expect, test } from "vitest";
import { createStore, type LocalStore } from "../../hosts/embed/store.ts";
import * as library from "../../hosts/entry/browser.ts";
import { EXAMPLES } from "../../hosts/playground/page/script_examples.ts";
import { prepare } from "../../hosts/playground/page/script_module.ts";
import * as words from "../../hosts/playground/page/script_words.ts";
import { wasmModule } from "../core.ts";

let store: LocalStore | null = null;

afterEach(async () => {
  await store?.close();
  store = null;
});

async function open(): Promise<LocalStore> {
  store = (await createStore({ module: wasmModule() })) as LocalStore;
  return store;
}

/** Runs a script in a function: what it imports comes from the argument. */
async function runIn(text: string, made: LocalStore): Promise<string[]> {
  const body = text.replace(/^import (\{[^}]*\}) from "xenstore";$/m, "const $1 = library;");
  const make = Object.getPrototypeOf(async () => {}).constructor as FunctionConstructor;
  const lines: string[] = [];
  const log = (...values: unknown[]) => lines.push(values.map(String).join(" "));
  const given = {
    ...library,
    connect: () => made.connect(),
    asDomain: (domid: number) => made.asDomain(domid),
  };
  await make("library", "console", body)(given, { log });
  return lines;
}

test.each(EXAMPLES.map((example) => [example.id, example] as const))("%s", async (id, { text }) => {
  expect(() => prepare(text, "http://localhost/script.js")).not.toThrow();
  for (const line of text.split("\n")) expect(line.length).toBeLessThanOrEqual(100);
  const lines = await runIn(text.replace("SECONDS = 3", "SECONDS = 0.05"), await open());
  const said: Record<string, string | RegExp> = {
    "read-write": "43",
    wait: "it is 4",
    counter: "counter: 20",
    handshake: "frontend: connected",
    load: /^\d+ operations a second$/,
  };
  const wanted = said[id];
  const found = lines.some((line) =>
    wanted instanceof RegExp ? wanted.test(line) : line === wanted,
  );
  expect([id, found, lines]).toEqual([id, true, lines]);
});

/** Names of methods and getters, own and inherited. */
function membersOf(value: object): string[] {
  const names = new Set<string>();
  for (let at: object = value; at !== Object.prototype; at = Object.getPrototypeOf(at)) {
    for (const name of Object.getOwnPropertyNames(at)) names.add(name);
  }
  return [...names];
}

test("the editor offers what a client has", async () => {
  const { client } = await open();
  const tx = await client.begin();
  const watch = client.watch("/tool");
  const has = (members: readonly string[], offered: readonly words.Word[]) => {
    for (const [name] of offered) expect(members).toContain(name);
  };
  const { CLIENT_WORDS, DOMAIN_WORDS, NODE_WORDS, TRANSACTION_WORDS } = words;
  has(membersOf(client), [...NODE_WORDS, ...CLIENT_WORDS]);
  has(membersOf(tx), [...NODE_WORDS, ...TRANSACTION_WORDS]);
  has(membersOf(client.domain(3)), DOMAIN_WORDS);
  has([...membersOf(watch), "initial", "previous"], words.WATCH_WORDS);
  await watch.return();
  await tx.abort();
  // And nothing is missing.
  const known = new Set([...NODE_WORDS, ...CLIENT_WORDS].map(([name]) => name));
  const methods = membersOf(Object.getPrototypeOf(client) as object);
  const missing = methods.filter((name) => name !== "constructor" && !known.has(name));
  expect(missing).toEqual([]);
});

test("what it offers to import is there", () => {
  for (const [name] of words.IMPORT_WORDS) {
    if (name !== "asDomain") expect(Object.keys(library)).toContain(name);
  }
});
