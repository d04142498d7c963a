// Docs: the documents that are made are those of the sources and the build.
// Holds   nothing.
// Never   writes into docs/: "npm run docs" does.
// Source  our own.

import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { tool } from "../runtimes/install.ts";
import {
  builtSizes,
  markdownFiles,
  type Reflection,
  sizesOf,
  sizesPage,
  writeReference,
} from "./reference.ts";

/** How far a figure may be from the build's, as a part of it. */
const TOLERANCE = 0.05;

describe("docs/sizes.md", () => {
  it("has the sizes of the build, but for a few percent", () => {
    const written = sizesOf(fs.readFileSync("docs/sizes.md", "utf8"));
    const sizes = builtSizes();
    expect([...written.keys()], 'run "npm run docs"').toEqual(sizes.map(({ name }) => name));
    for (const { name, raw, minified, gzip } of sizes) {
      for (const [i, built] of [raw, minified, gzip].entries()) {
        const figure = written.get(name)?.[i] ?? null;
        if (built === null) expect(figure, name).toBe(null);
        else {
          const off = Math.abs((figure as number) - built) / built;
          expect(off, `${name}: ${figure} is not ${built}; run "npm run docs"`).toBeLessThan(
            TOLERANCE,
          );
        }
      }
    }
    expect(sizes.length).toBeGreaterThan(5);
  });

  it("is read as it is written", () => {
    const rows = [
      { name: "a.js", raw: 1500, minified: null, gzip: 100 },
      { name: "b alone", raw: null, minified: 2000, gzip: 900 },
    ];
    expect([...sizesOf(sizesPage(rows))]).toEqual([
      ["a.js", [1500, null, 100]],
      ["b alone", [null, 2000, 900]],
    ]);
  });
});

describe("docs/api", () => {
  it("is made of the docstrings as they are, and every export has one", async (ctx) => {
    const { missing } = await tool("typedoc");
    if (missing !== null) return ctx.skip(missing);
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "xenstore-docs-"));
    const out = path.join(folder, "api");
    const known = await writeReference(out);
    expect(undocumented(known)).toEqual([]);
    expect(markdownFiles("docs/api")).toEqual(markdownFiles(out));
    for (const name of markdownFiles(out)) {
      const made = fs.readFileSync(path.join(out, name), "utf8");
      const written = fs.readFileSync(path.join("docs/api", name), "utf8");
      expect(written === made, `docs/api/${name} is old; run "npm run docs"`).toBe(true);
    }
    fs.rmSync(folder, { recursive: true });
  });

  it("an export without a docstring would be found, unless it is a number of the protocol", () => {
    const one = { name: "a", kind: 64, signatures: [{ name: "a", kind: 4096 }] };
    const number = { name: "XS_READ", kind: 32, type: { type: "intrinsic" }, defaultValue: "2" };
    const fine = { name: "b", kind: 256, comment: {} };
    const children = [{ name: "m", kind: 2, comment: {}, children: [one, number, fine] }];
    expect(undocumented({ name: "all", kind: 1, children })).toEqual(["m: a"]);
  });
});

/** Kinds of typedoc: a constant, and what another entry exports as well. */
const [VARIABLE, REFERENCE] = [32, 4_194_304];

/** Exports that no docstring stands on; the protocol's numbers speak for themselves. */
function undocumented(all: Reflection): string[] {
  return (all.children ?? []).flatMap((module) => {
    const wanting = (module.children ?? []).filter((one) => {
      if (one.kind === REFERENCE) return false;
      const numbers = one.kind === VARIABLE && /^[A-Z0-9_]+$/.test(one.name);
      const own = one.comment ?? one.signatures?.find(({ comment }) => comment);
      return !numbers && own === undefined;
    });
    const names = wanting.map(({ name }) => `${module.name}: ${name}`);
    return module.comment ? names : [`${module.name} itself`, ...names];
  });
}

describe("docs/runtimes.md", () => {
  it("names the versions that the tests run on", () => {
    const page = fs.readFileSync("docs/runtimes.md", "utf8");
    const { optionalDependencies, dependencies } = JSON.parse(
      fs.readFileSync("test/runtimes/package.json", "utf8"),
    );
    const row = page.split("\n").find((line) => line.startsWith("| tried")) ?? "";
    const tried = Object.values(optionalDependencies as Record<string, string>);
    expect(tried.length).toBe(5);
    for (const version of tried) expect(row).toContain(version.replace(/^.*@/, ""));
    for (const name of ["typescript", "typescript-5"]) {
      const [, short] = /(\d+\.\d+)\.\d+$/.exec(dependencies[name]) ?? [];
      expect(page).toMatch(new RegExp(`TypeScript 7\\.0.*\\b${short}\\b`));
    }
  });
});
