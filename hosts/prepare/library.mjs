// Library: what `import "xenstore"` and its parts give, as modules with their types.
// Holds   the entries, how they are bundled, where the core goes.
// Never   writes a file: whoever calls gets names and contents.
// Source  our own.

import fs from "node:fs";
import path from "node:path";
import { deflateRawSync } from "node:zlib";
import { declarations } from "./declarations.mjs";
import { measure } from "./sizes.mjs";

/** The folder of the modules; the core lies one above, as the sources' addresses of it say. */
export const FOLDER = "build/lib";
const CORE = "build/xenstore.wasm";
/** Sources of the modules: hosts/entry/<name>.ts becomes build/lib/<name>.js. */
const SOURCES = "hosts/entry";

/**
 * Builds all entries that have a source.
 * @returns [name, contents] of each file, all below FOLDER
 */
export async function library() {
  const esbuild = await import("esbuild");
  const names = entries();
  const options = bundling(names);
  const { outputFiles, metafile } = await esbuild.build({ ...options, splitting: true });
  const files = outputFiles.map((file) => [path.relative("", file.path), file.contents]);
  const types = declarations(exported(/"\.\/build\/lib\/types\/hosts\/entry\/(\w+)\.d\.ts"/g));
  const sizes = await measure(esbuild, options, metafile, CORE);
  return [...files, ...types, ["build/sizes.json", `${JSON.stringify(sizes, null, 2)}\n`]];
}

/** Names of all entries: those files of hosts/entry that the package's exports lead to. */
export function entries() {
  return exported(/"\.\/build\/lib\/(\w+)\.js"/g);
}

/** What the pattern finds in the package's exports, if it has a source. */
function exported(pattern) {
  const { exports } = JSON.parse(fs.readFileSync("package.json", "utf8"));
  const found = [...JSON.stringify(exports).matchAll(pattern)].map((match) => match[1]);
  return [...new Set(found)].filter((name) => fs.existsSync(`${SOURCES}/${name}.ts`)).sort();
}

function bundling(names) {
  const core = deflateRawSync(fs.readFileSync(CORE), { level: 9 }).toString("base64");
  return {
    entryPoints: names.map((name) => `${SOURCES}/${name}.ts`),
    bundle: true,
    write: false,
    metafile: true,
    outdir: FOLDER,
    // Beside the entries: the addresses of the core and of workers count from there.
    chunkNames: "part-[hash]",
    platform: "neutral",
    format: "esm",
    target: "es2022",
    external: ["node:*", "koffi"],
    define: { CORE_DEFLATED: JSON.stringify(core) },
    legalComments: "none",
    charset: "utf8",
    logLevel: "silent",
  };
}
