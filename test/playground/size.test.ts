// Size: how much a browser has to fetch before the page can be used.
// Holds   the bound.
// Never   counts what is fetched later: the editor, and what scripts import.
// Source  our own; "The playground" in ARCHITECTURE.md.

import fs from "node:fs";
import path from "node:path";
import { gzipSync } from "node:zlib";
import { expect, it } from "vitest";

const FOLDER = "build/playground";
const FIRST = ["index.html", "style.css", "page.js", "engine.js", "xenstore.wasm"];
const BOUND = 300 * 1024;

/** The files, and all that they import by a static import. */
function needed(): string[] {
  const found = new Set<string>();
  const visit = (name: string): void => {
    if (found.has(name)) return;
    found.add(name);
    if (!name.endsWith(".js")) return;
    const code = fs.readFileSync(path.join(FOLDER, name), "utf8");
    for (const [, file] of code.matchAll(/(?:from|import)\s*"\.\/([\w.-]+)"/g))
      visit(file as string);
  };
  for (const name of FIRST) visit(name);
  return [...found];
}

it("the first load is below 300 KB", () => {
  const files = needed();
  expect(files.filter((name) => name.startsWith("part-")).length).toBeGreaterThan(0);
  const sizes = files.map((name) => gzipSync(fs.readFileSync(path.join(FOLDER, name))).length);
  const total = sizes.reduce((sum, size) => sum + size, 0);
  console.log(`first load: ${files.length} files, ${(total / 1024).toFixed(0)} KB gzip`);
  expect(total).toBeLessThan(BOUND);
});

it("asks for nothing outside its own folder", () => {
  for (const name of fs.readdirSync(FOLDER).filter((one) => /\.(html|css|js)$/.test(one))) {
    const text = fs.readFileSync(path.join(FOLDER, name), "utf8");
    const outside = [
      ...text.matchAll(/\b(?:src|href)="(https?:|\/)[^"]*"|url\(["']?(https?:|\/)/g),
    ];
    expect(
      outside.map(([all]) => all),
      name,
    ).toEqual([]);
  }
});
