// Reference: the documents that are made from the sources and from a build.
// Holds   how each is made; reference.json says how typedoc is to write.
// Never   writes into docs/: whoever calls says where.
// Source  our own; typedoc and its plugin for Markdown.

import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { toolPath } from "../runtimes/install.ts";

/** A reflection of typedoc, as far as it is looked at. */
export interface Reflection {
  readonly name: string;
  readonly kind: number;
  readonly comment?: object;
  readonly signatures?: readonly Reflection[];
  readonly children?: readonly Reflection[];
  readonly type?: { readonly type: string; readonly value?: unknown };
  readonly defaultValue?: string;
}

/**
 * Writes the reference of the library as Markdown into a folder.
 * @returns what typedoc knows: the entries, and below them what each exports
 */
export async function writeReference(folder: string): Promise<Reflection> {
  const [typedoc, plugin] = [await toolPath("typedoc"), await toolPath("typedocMarkdown")];
  const json = path.join(folder, "..", "reference.json");
  const args = ["--options", "test/docs/reference.json", "--plugin", plugin];
  args.push("--out", folder, "--json", json);
  const done = spawnSync(process.execPath, [typedoc, ...args], { encoding: "utf8" });
  if (done.status !== 0) throw new Error(`typedoc failed:\n${done.stdout}${done.stderr}`);
  for (const file of markdownFiles(folder)) {
    const name = path.join(folder, file);
    // The compiler's spelling of types ends lines with blanks.
    fs.writeFileSync(name, fs.readFileSync(name, "utf8").replace(/[ \t]+$/gm, ""));
  }
  const known = JSON.parse(fs.readFileSync(json, "utf8")) as Reflection;
  fs.rmSync(json);
  return known;
}

/** Names of all Markdown files below a folder, in order. */
export function markdownFiles(folder: string): string[] {
  const all = fs.readdirSync(folder, { recursive: true, encoding: "utf8" });
  return all.filter((name) => name.endsWith(".md")).sort();
}

/** A row of build/sizes.json: bytes; null where a figure makes no sense. */
export interface Size {
  readonly name: string;
  readonly raw: number | null;
  readonly minified: number | null;
  readonly gzip: number;
}

const SIZES_HEAD = `# Sizes

What the build prints, in thousands of bytes. \`npm run docs\` writes this page, and a test compares it with the build.

\`raw\` is a module with all that it imports, as it is published, the core not counted (but in the inline entries, which have it inside). \`minified\` is the same as one file of a bundler, \`gzip\` that file compressed. The last line is a program for a page that uses \`connect\` and nothing else.

| | raw | minified | gzip |
|---|---|---|---|
`;

/** The page docs/sizes.md. */
export function sizesPage(sizes: readonly Size[]): string {
  const kilo = (bytes: number | null) => (bytes === null ? "–" : (bytes / 1000).toFixed(1));
  const rows = sizes.map(({ name, raw, minified, gzip }) => {
    return `| ${name} | ${kilo(raw)} | ${kilo(minified)} | ${kilo(gzip)} |\n`;
  });
  return `${SIZES_HEAD}${rows.join("")}`;
}

/** The figures of a page that \`sizesPage\` made, by name. */
export function sizesOf(page: string): Map<string, readonly (number | null)[]> {
  const rows = page.split("\n").filter((line) => /^\| \S/.test(line) && !line.includes("minified"));
  return new Map(
    rows.map((row) => {
      const [name, ...figures] = row.split("|").slice(1, -1);
      const numbers = figures.map((text) => (text.includes("–") ? null : Number(text) * 1000));
      return [(name as string).trim(), numbers];
    }),
  );
}

export function builtSizes(): Size[] {
  return JSON.parse(fs.readFileSync("build/sizes.json", "utf8")) as Size[];
}
