// Tidy: the rules of the house, checked on every file, each with an example that must fail.
// Holds   the list of files, as git would see them.
// Never   changes a file.
// Source  ARCHITECTURE.md, CONTRIBUTING.md.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import * as abi from "../../assembly/abi.ts";
import * as limits from "../../assembly/limits.ts";
import * as xsWire from "../../assembly/xs_wire.ts";
import { Core, WASM_PATH, wasmModule } from "../core.ts";
import { typeNumber } from "../message.ts";
import * as check from "./checks.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

function files(folder: string, ending: RegExp): check.Source[] {
  if (!existsSync(path.join(ROOT, folder))) return [];
  return readdirSync(path.join(ROOT, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => ending.test(name) && !/node_modules|__snapshots__|(^|\/)\./.test(name))
    .map((name) => path.posix.join(folder, name.split(path.sep).join("/")))
    .map((name) => ({ path: name, text: readFileSync(path.join(ROOT, name), "utf8") }));
}

const assembly = files("assembly", /\.ts$/);
const hosts = files("hosts", /\.(tsx?|mjs)$/);
const tests = files("test", /\.(tsx?|mjs|js)$/);
const specs = tests.filter((source) => source.path.startsWith("test/unit/"));
const sources = [...assembly, ...hosts, ...tests];

describe("imports", () => {
  it("go in one direction", () => {
    expect(check.importProblems(sources)).toEqual([]);
  });

  it("make no circle", () => {
    expect(check.importCircles([...assembly, ...hosts])).toEqual([]);
  });

  it("are found where there are some", () => {
    const found = new Map(sources.map((source) => [source.path, check.importsOf(source)]));
    expect(found.get("assembly/store/path.ts")).toContain("assembly/base/bytes");
    expect([...found.values()].flat().length).toBeGreaterThan(200);
  });

  it.each([
    ["assembly/store/x.ts", 'import { a } from "../connection/outbox";'],
    ["assembly/store/x.ts", 'import { a } from "../wire/header";'],
    ["assembly/base/x.ts", 'import {\n  a,\n} from "../store/path";'],
    ["assembly/ops/x.ts", 'import { a } from "../../hosts/shared/core.ts";'],
    ["assembly/abi.ts", 'import { a } from "./limits";'],
    ["hosts/shared/x.ts", 'import { a } from "../node/load.ts";'],
    ["hosts/node/x.ts", 'import { a } from "../../assembly/store/path";'],
    ["hosts/node/x.ts", 'const a = await import("../../test/core.ts");'],
    ["hosts/shared/x.ts", 'import { a } from "../client/api.ts";'],
    ["hosts/client/x.ts", 'import { a } from "../embed/store.ts";'],
    ["hosts/embed/x.ts", 'import { a } from "../testing/faults.ts";'],
    ["hosts/testing/x.ts", 'import { a } from "../node/load.ts";'],
    ["hosts/node/x.ts", 'import { a } from "../entry/node.ts";'],
    ["hosts/node/x.ts", 'import { a } from "../deno/main.ts";'],
    ["hosts/browser/x.ts", 'import { a } from "../node/load.ts";'],
    ["hosts/entry/x.ts", 'import { a } from "../../test/core.ts";'],
    ["hosts/playground/engine/x.ts", 'import { a } from "../../embed/store.ts";'],
    ["hosts/playground/engine/x.ts", 'import { a } from "../../entry/node.ts";'],
    ["hosts/playground/engine/x.ts", 'import { a } from "../page/tree.tsx";'],
    ["hosts/playground/model/x.ts", 'import { a } from "../engine/session.ts";'],
    ["hosts/browser/x.ts", 'import { a } from "../playground/model/words.ts";'],
  ])("are refused where they go up: %s: %s", (file, text) => {
    expect(check.importProblems([{ path: file, text }])).toHaveLength(1);
  });

  it.each([
    ["hosts/client/x.ts", 'import { a } from "../shared/wire.ts";'],
    ["hosts/embed/x.ts", 'import type { Client } from "../client/api.ts";'],
    ["hosts/testing/x.ts", 'import { a } from "../embed/store.ts";'],
    ["hosts/deno/x.ts", 'import { a } from "../node/storage.ts";'],
    ["hosts/entry/x.ts", 'export { a } from "../browser/opfs.ts";'],
    ["hosts/playground/engine/x.ts", 'import { a } from "../../entry/browser.ts";'],
    ["hosts/playground/page/x.tsx", 'import { a } from "../model/words.ts";'],
  ])("are fine where they go down: %s: %s", (file, text) => {
    expect(check.importProblems([{ path: file, text }])).toEqual([]);
  });

  it("that make a circle are found", () => {
    const one = { path: "hosts/shared/a.ts", text: 'import { b } from "./b.ts";' };
    const two = { path: "hosts/shared/b.ts", text: 'export { a } from "./a.ts";' };
    expect(check.importCircles([one, two])).toHaveLength(1);
  });
});

describe("what belongs to no runtime", () => {
  it("names none", () => {
    expect(check.runtimeProblems(hosts)).toEqual([]);
    for (const folder of check.NEUTRAL.slice(0, 2)) {
      expect(
        hosts.some((one) => one.path.startsWith(`hosts/${folder}/`)),
        folder,
      ).toBe(true);
    }
  });

  it.each([
    'import fs from "node:fs";',
    'const fs = await import("node:fs");',
    'import { WebSocket } from "ws";',
    "const home = process.env.HOME;",
    "if (typeof Deno !== 'undefined') Deno.exit(1);",
    "return Buffer.from(text);",
    "let timer: NodeJS.Timeout;",
    "document.title = name;",
    "await navigator.locks.request(name, run);",
  ])("is found out when it does: %s", (text) => {
    expect(check.runtimeProblems([{ path: "hosts/client/x.ts", text }])).toHaveLength(1);
    expect(check.runtimeProblems([{ path: "hosts/node/x.ts", text }])).toEqual([]);
  });

  it("may speak of them", () => {
    const text = '/** As in Deno. */\n// a process\nconst level = "process";\nsay("a Buffer");\n';
    expect(check.runtimeProblems([{ path: "hosts/client/x.ts", text }])).toEqual([]);
  });
});

describe("headers", () => {
  it("stand on every file", () => {
    const described = sources.filter((source) => !source.path.endsWith(".d.ts"));
    expect(check.headerProblems(described)).toEqual([]);
  });

  it("that lack a line are found", () => {
    const whole = "// A: b.\n// Holds   c\n// Never   d\n// Source  e\n\nx();\n";
    expect(check.headerProblems([{ path: "a.ts", text: whole }])).toEqual([]);
    const less = whole.replace("// Never   d\n", "");
    expect(check.headerProblems([{ path: "a.ts", text: less }])).toHaveLength(1);
    expect(check.headerProblems([{ path: "a.ts", text: "x();\n// A: b\n" }])).toHaveLength(1);
  });
});

describe("files", () => {
  it(`have at most ${check.LINES_MAX} lines`, () => {
    const { tooLong, long } = check.sizeProblems(sources);
    if (long.length > 0) console.log(`long files:\n  ${long.join("\n  ")}`);
    expect(tooLong).toEqual([]);
  });

  it("that are longer are found", () => {
    const text = "x\n".repeat(check.LINES_MAX + 1);
    expect(check.sizeProblems([{ path: "a.ts", text }]).tooLong).toHaveLength(1);
  });

  it("name no machine and no registry", () => {
    const others = files("docs", /\.md$/);
    const top = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", "package.json"];
    for (const name of top) {
      if (!existsSync(path.join(ROOT, name))) continue;
      others.push({ path: name, text: readFileSync(path.join(ROOT, name), "utf8") });
    }
    const own = sources.filter((source) => !source.path.startsWith("test/tidy/"));
    expect(check.privateProblems([...own, ...others])).toEqual([]);
  });

  it("that name a machine are found", () => {
    const text = `see ${["", "home", "somebody", "x"].join("/")}`;
    expect(check.privateProblems([{ path: "a.ts", text }])).toHaveLength(1);
  });
});

describe("the core", () => {
  it("allocates nothing behind its own back", () => {
    expect(check.allocationProblems(assembly)).toEqual([]);
  });

  it("is found out when it does", () => {
    const text = "function f(): void {\n  const a = new Thing();\n}\n";
    expect(check.allocationProblems([{ path: "assembly/a.ts", text }])).toHaveLength(1);
    const top = 'const a = new Thing();\n// a new Thing();\n  log("new Thing()");\n';
    expect(check.allocationProblems([{ path: "assembly/a.ts", text: top }])).toEqual([]);
  });

  it("imports nothing", () => {
    expect(WebAssembly.Module.imports(wasmModule())).toEqual([]);
    const more = new WebAssembly.Module(
      Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 2, 7, 1, 1, 97, 1, 98, 0, 0),
    );
    expect(WebAssembly.Module.imports(more)).toHaveLength(1);
  });

  it("exports what the index names, in snake_case", () => {
    const index = assembly.find((source) => source.path === "assembly/index.ts")?.text ?? "";
    const named = [...index.matchAll(/^export function (\w+)/gm)].map((match) => match[1]);
    const exported = WebAssembly.Module.exports(wasmModule()).map(({ name }) => name);
    expect(exported.sort()).toEqual([...named, "memory"].sort());
    expect(named.filter((name) => !/^[a-z][a-z_]*$/.test(name))).toEqual([]);
    expect(named.length).toBeGreaterThan(15);
  });

  it("says the version of the boundary that the hosts were written for", () => {
    expect(new Core().raw.abi_version()).toBe(abi.ABI_VERSION);
  });
});

describe("portable files", () => {
  const portable = ["assembly/abi.ts", "assembly/xs_wire.ts", "assembly/limits.ts"];

  it("hold nothing but numbers", () => {
    for (const { path: file, text } of assembly.filter((one) => portable.includes(one.path))) {
      const lines = text
        .split("\n")
        .filter((line) => !/^(\s*\*.*|\s*\/\*\*.*|\/\/.*|)$/.test(line));
      for (const line of lines) {
        expect(line, file).toMatch(/^export const [A-Z][A-Z0-9_]*: [iu](32|64) = -?\w+;$/);
      }
    }
    for (const value of Object.values({ ...abi, ...limits, ...xsWire })) {
      expect(typeof value).toBe("number");
    }
  });

  it("give no number to two options, wants or connections", () => {
    for (const prefix of ["OPT_", "WANT_", "CONN_", "LOG_", "DOMAIN_", "ASK_", "STAT_", "XS_"]) {
      const all = Object.entries({ ...abi, ...xsWire }).filter(
        ([name]) => name.startsWith(prefix) && !/_(COUNT|SIZE)$/.test(name),
      );
      const values = all.map(([, value]) => value);
      expect(new Set(values).size, prefix).toBe(values.length);
    }
  });

  it("number the message types as the protocol does", () => {
    const types = Object.entries(xsWire).filter(([name]) => /^XS_(?!TYPE_COUNT|HEADER)/.test(name));
    expect(types.length).toBe(26);
    for (const [name, value] of types) expect(typeNumber(name.slice(3)), name).toBe(value);
  });
});

describe("ARCHITECTURE.md", () => {
  const file = path.join(ROOT, "ARCHITECTURE.md");
  const exists = (name: string) => existsSync(path.join(ROOT, name));

  it("names no file that is not there", () => {
    expect(check.missingPaths(readFileSync(file, "utf8"), exists)).toEqual([]);
  });

  it("has at most 250 lines", () => {
    expect(readFileSync(file, "utf8").split("\n").length).toBeLessThanOrEqual(251);
  });

  it("would be found out", () => {
    const text = "see `assembly/nowhere.ts`, `assembly/{abi,nothing}.ts` and `hosts/`";
    expect(check.missingPaths(text, exists)).toEqual([
      "assembly/nowhere.ts",
      "assembly/nothing.ts",
    ]);
  });
});

describe("unit specs", () => {
  it("stand for one file of the core each", () => {
    const wanted = specs
      .filter((source) => source.path.endsWith(".spec.ts"))
      .map((source) => source.path.replace(/^test\/unit\/(.*)\.spec\.ts$/, "assembly/$1.ts"));
    expect(wanted.filter((name) => !existsSync(path.join(ROOT, name)))).toEqual([]);
    expect(wanted.length).toBeGreaterThan(0);
  });
});

it("runs against a build", () => {
  expect(existsSync(WASM_PATH)).toBe(true);
});
