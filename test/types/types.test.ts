// Types: programs that use the installed package, checked as strictly as a compiler can.
// Holds   which settings there are, and which programs each must take.
// Never   skips the package's own declaration files.
// Source  our own; TypeScript, module and moduleResolution.

import fs from "node:fs";
import path from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { type Installed, installed, run } from "../pack/installed.ts";
import { type Tool, tool } from "../runtimes/install.ts";

const FIXTURES = path.join(import.meta.dirname, "fixtures");
const COMPILERS: Record<string, Tool> = {
  "TypeScript 7": { path: path.resolve("node_modules/typescript/bin/tsc"), missing: null },
  "TypeScript 6": await tool("tsc6"),
  "TypeScript 5.9": await tool("tsc5"),
};
const NODE_TYPES: Record<string, Tool> = {
  20: { path: path.resolve("node_modules/@types/node/package.json"), missing: null },
  24: await tool("nodeTypes"),
};

interface Settings {
  /** Checked by the newest compiler alone; others have the same view of it. */
  readonly once?: boolean;
  readonly compilerOptions: object;
  readonly files: readonly string[];
  /** Of Node. */
  readonly types?: 20 | 24;
}

const PAGE = { module: "esnext", moduleResolution: "bundler", lib: ["es2022", "dom"] };
const NODE = { module: "nodenext", lib: ["es2022"], types: ["node"] };
const SETTINGS: Record<string, Settings> = {
  "a program of Node 20": {
    once: true,
    compilerOptions: NODE,
    files: ["client.mts", "store.mts", "threads.mts"],
    types: 20,
  },
  "a program of Node 24": {
    compilerOptions: NODE,
    files: ["client.mts", "store.mts", "threads.mts"],
    types: 24,
  },
  "a program in module mode node16": {
    once: true,
    compilerOptions: { ...NODE, module: "node16" },
    files: ["client.mts", "store.mts"],
    types: 20,
  },
  "a page with a bundler": {
    once: true,
    compilerOptions: PAGE,
    files: ["client.mts", "store.mts", "page.mts"],
  },
  "a worker with a bundler": {
    once: true,
    compilerOptions: { ...PAGE, lib: ["es2022", "webworker"] },
    files: ["client.mts", "store.mts"],
  },
  "a page and Node at once": {
    compilerOptions: { ...PAGE, types: ["node"] },
    files: ["client.mts", "store.mts", "page.mts", "threads.mts"],
    types: 24,
  },
  "a program whose settings know neither": {
    compilerOptions: { ...PAGE, lib: ["es2022"] },
    files: ["bare.mts"],
  },
  "a CommonJS module of Node": {
    compilerOptions: NODE,
    files: ["old.cts"],
    types: 20,
  },
};

let at: Installed;

beforeAll(async () => {
  at = await installed();
});

/** Makes a project beside the installed package, and checks it. Returns what the compiler says. */
async function check(compiler: string, { compilerOptions, files, types }: Settings) {
  const project = fs.mkdtempSync(path.join(at.project, "types-"));
  const strict = { strict: true, exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true };
  const all = {
    compilerOptions: {
      ...strict,
      target: "es2022",
      skipLibCheck: false,
      noEmit: true,
      types: [],
      ...compilerOptions,
    },
    files,
  };
  for (const file of files) fs.copyFileSync(path.join(FIXTURES, file), path.join(project, file));
  fs.writeFileSync(path.join(project, "tsconfig.json"), JSON.stringify(all));
  if (types !== undefined) nodeTypes(types, project);
  const done = await run(process.execPath, [compiler, "-p", project, "--pretty", "false"], project);
  return { code: done.code, text: done.stdout.trim() };
}

/** Puts Node's types into the project; what they need lies where they do. */
function nodeTypes(version: 20 | 24, project: string): void {
  const folder = path.dirname(NODE_TYPES[version]?.path as string);
  const types = path.join(project, "node_modules/@types");
  fs.mkdirSync(types, { recursive: true });
  fs.symlinkSync(folder, path.join(types, "node"));
}

describe.each(Object.keys(COMPILERS))("%s", (compiler) => {
  const newest = compiler === Object.keys(COMPILERS)[0];
  const all = Object.entries(SETTINGS).filter(([, { once }]) => newest || !once);
  it.for(all)("takes %s", async ([, settings], ctx) => {
    const found = COMPILERS[compiler] as Tool;
    const types = settings.types === undefined ? null : (NODE_TYPES[settings.types] as Tool);
    const missing = found.missing ?? types?.missing;
    if (missing || found.path === null) return ctx.skip(missing ?? "");
    expect(await check(found.path, settings)).toEqual({ code: 0, text: "" });
  });
});

it("CommonJS in module mode node16, which knew no require of modules, is refused by name", async () => {
  const compilerOptions = { ...NODE, module: "node16" };
  const { path: compiler } = COMPILERS["TypeScript 7"] as Tool;
  const settings: Settings = { compilerOptions, files: ["old.cts"], types: 20 };
  const { code, text } = await check(compiler as string, settings);
  expect(code).not.toBe(0);
  expect(text).toMatch(
    /^old\.cts\(6,27\): error TS1471: Module 'xenstore' .* resolves to an ES module/,
  );
});

it("a wrong use is found: the checks above could fail", async () => {
  const folder = fs.mkdtempSync(path.join(at.project, "wrong-"));
  const right = fs.readFileSync(path.join(FIXTURES, "bare.mts"), "utf8");
  fs.writeFileSync(path.join(folder, "bare.mts"), right.replace("xs.read(", "xs.reed("));
  const options = { ...PAGE, lib: ["es2022"], strict: true, noEmit: true, types: [] };
  const settings = { compilerOptions: options, files: ["bare.mts"] };
  fs.writeFileSync(path.join(folder, "tsconfig.json"), JSON.stringify(settings));
  const { path: compiler } = COMPILERS["TypeScript 7"] as Tool;
  const { stdout } = await run(process.execPath, [compiler as string, "-p", folder], folder);
  expect(stdout).toContain("Property 'reed' does not exist on type 'Client'");
});
