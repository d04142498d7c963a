// Sizes: how much of a program the library makes.
// Holds   how the core and each entry are measured.
// Never   judges.
// Source  our own.

import fs from "node:fs";
import path from "node:path";
import process from "node:process";
import { gzipSync } from "node:zlib";

/** Where a program that only connects takes `connect` from, as in a page. */
const CLIENT = "hosts/entry/browser.ts";

/**
 * Bytes of the core and of each entry: `raw`, the module and all it imports as they are published;
 * `minified`, as one file of a bundler; `gzip`, of that (of the raw bytes for the core). Last what
 * a page has of it that only uses `connect`.
 * @returns {name, raw, minified, gzip} of each, the core first
 */
export async function measure(esbuild, options, metafile, core) {
  const wasm = fs.readFileSync(core);
  const row = { name: "core.wasm", raw: wasm.length, minified: null, gzip: zipped(wasm) };
  const bundle = async (entry) => {
    const settings = { ...options, ...entry, minify: true, metafile: false };
    const { contents } = (await esbuild.build(settings)).outputFiles[0];
    return { minified: contents.length, gzip: zipped(contents) };
  };
  const rows = options.entryPoints.map(async (entry) => {
    const name = `${path.basename(entry, ".ts")}.js`;
    const raw = published(metafile, `${options.outdir}/${name}`);
    return { name, raw, ...(await bundle({ entryPoints: [entry] })) };
  });
  const contents = `export { connect } from "./${CLIENT}";`;
  const stdin = { contents, resolveDir: process.cwd() };
  rows.push(
    bundle({ stdin, entryPoints: [] }).then((sizes) => {
      return { name: "connect alone", raw: null, ...sizes };
    }),
  );
  return [row, ...(await Promise.all(rows))];
}

/** One line for each row, for people. */
export function table(rows) {
  const kilo = (bytes) => (bytes === null ? "" : `${(bytes / 1000).toFixed(1)} kB`).padStart(10);
  const lines = rows.map(({ name, raw, minified, gzip }) => {
    return `${name.padEnd(20)}${kilo(raw)}${kilo(minified)}${kilo(gzip)}`;
  });
  const heads = ["raw", "minified", "gzip"].map((head) => head.padStart(10)).join("");
  return [`${"".padEnd(20)}${heads}`, ...lines].join("\n");
}

/** Bytes of a module and of all that it imports at once. */
function published(metafile, output) {
  const files = new Set();
  const visit = (file) => {
    if (files.has(file)) return;
    files.add(file);
    for (const { path: to, kind, external } of metafile.outputs[file].imports) {
      if (!external && kind === "import-statement") visit(to);
    }
  };
  visit(output);
  let bytes = 0;
  for (const file of files) bytes += metafile.outputs[file].bytes;
  return bytes;
}

function zipped(bytes) {
  return gzipSync(bytes, { level: 9 }).length;
}
