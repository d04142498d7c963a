// Guide: the blocks of code in docs/library.md, as programs that can be checked and run.
// Holds   how a block is marked, and what is in scope where one does not begin with it.
// Never   changes what a block says.
// Source  our own.
//
//   ```js                        runs on Node; what it prints stands behind each console.log
//   ```js page | deno | node24   is checked by the compiler only
//   ```js examples/file.mjs      is a part of that file
//   ```sh                        commands

export interface Block {
  readonly language: string;
  /** What stands behind the language. */
  readonly mark: string;
  readonly code: string;
  /** Line of the document, from 1. */
  readonly line: number;
}

/** All fenced blocks of a document. */
export function blocksOf(text: string): Block[] {
  return [...text.matchAll(/^```(\w+) ?(.*)\n([\s\S]*?)^```$/gm)].map((match) => ({
    language: match[1] as string,
    mark: match[2] as string,
    code: match[3] as string,
    line: text.slice(0, match.index).split("\n").length,
  }));
}

/** Made for a block that uses it and does not say where it comes from. */
const GIVEN: readonly (readonly [name: string, made: string])[] = [
  ["store", "const store = await createTestStore({ tree: TREE });"],
  ["xs", "const xs = await store.connect();"],
  ["guest", "const guest = await store.asDomain(7);"],
];
const TREE = `{ children: { local: { children: { domain: { children: {
  0: { children: { name: { value: "Domain-0" } } },
  3: { perms: "n3", children: { name: { value: "web" }, memory: { children: { target: { value: "524288" } } } } },
} } } } } }`;

/** A block as a whole module. */
export function programOf(code: string): string {
  const plain = code.replace(/\/\/.*$/gm, "").replace(/"(?:[^"\\]|\\.)*"/g, '""');
  const declared = (name: string) =>
    new RegExp(`\\b(?:const|let|function|import)\\b[^;=(]*\\b${name}\\b`).test(plain);
  const used = (name: string) => new RegExp(`(?<![.\\w])${name}\\b`).test(plain) && !declared(name);
  const names = new Set(GIVEN.map(([name]) => name).filter(used));
  if (names.has("guest") || names.has("xs")) names.add("store");
  const before = GIVEN.filter(([name]) => names.has(name) && !declared(name)).map(
    ([, made]) => made,
  );
  const imports = [
    'import * as library from "xenstore";',
    'import { createTestStore as makeStore } from "xenstore/testing";',
  ];
  const exports = EXPORTS.filter(used);
  const own = exports.length > 0 ? [`const { ${exports.join(", ")} } = library;`] : [];
  const [head, body] = split(code);
  return [
    ...imports,
    head,
    ...own,
    ...before.map((line) => line.replace("createTestStore", "makeStore").replace("TREE", TREE)),
    body,
    ...(before.length > 0 && names.has("store") ? ["await store.close();"] : []),
    "export {};",
    "",
  ].join("\n");
}

const EXPORTS = [
  "connect",
  "createStore",
  "fileStorage",
  "formatPerms",
  "isXenstoreError",
  "serve",
  "ConnectionLostError",
  "ManualClock",
  "MemoryStorage",
  "portTransport",
  "webSocketTransport",
  "openShared",
];

/** Imports, and what follows them. */
function split(code: string): [string, string] {
  const lines = code.split("\n");
  const last = lines.findLastIndex((line) => line.startsWith("import "));
  return [lines.slice(0, last + 1).join("\n"), lines.slice(last + 1).join("\n")];
}

/** What the comments behind its calls of console.log say that a block prints. */
export function printed(code: string): string[] {
  return [...code.matchAll(/\bconsole\.log\(.*\);\s*\/\/ (.*)$/gm)].map(
    ([, said]) => said as string,
  );
}
