// Playground: the static files of the page, from hosts/playground.
// Holds   what is bundled from what, and the list of files that the service worker keeps.
// Never   writes a file: whoever calls gets names and contents.
// Source  our own.

import { createHash } from "node:crypto";
import fs from "node:fs";
import path from "node:path";

/** The folder of the files; any web server can serve it from any address. */
export const FOLDER = "build/playground";
const SOURCES = "hosts/playground";
/** Programs: the page, the worker with the store, and what scripts import. */
const PROGRAMS = { page: "page/main.tsx", engine: "engine/main.ts", script: "script/main.ts" };
const STYLE = "style.css";
const WORKER = "worker/service.ts";
const PAGE = "index.html";
const PLAIN = ["manifest.webmanifest", "icon.svg"];
const CORE = "build/xenstore.wasm";

/**
 * Builds the page.
 * @returns [name, contents] of each file, all below FOLDER
 */
export async function playground() {
  const esbuild = await import("esbuild");
  const options = {
    bundle: true,
    write: false,
    format: "esm",
    platform: "browser",
    target: "es2022",
    jsx: "automatic",
    jsxImportSource: "preact",
    minify: true,
    legalComments: "none",
    charset: "utf8",
    logLevel: "silent",
    define: { "process.env.NODE_ENV": '"production"' },
  };
  const { outputFiles, metafile } = await esbuild.build({
    ...options,
    entryPoints: Object.entries(PROGRAMS).map(([out, file]) => ({ in: `${SOURCES}/${file}`, out })),
    splitting: true,
    outdir: FOLDER,
    chunkNames: "part-[hash]",
    metafile: true,
  });
  const files = outputFiles.map((file) => [path.relative("", file.path), file.contents]);
  files.push([`${FOLDER}/${PAGE}`, page(metafile.outputs)]);
  files.push([`${FOLDER}/${STYLE}`, await bundled(esbuild, options, STYLE)]);
  for (const name of PLAIN) {
    files.push([`${FOLDER}/${name}`, fs.readFileSync(`${SOURCES}/${name}`)]);
  }
  files.push([`${FOLDER}/xenstore.wasm`, fs.readFileSync(CORE)]);
  files.push([`${FOLDER}/service.js`, await service(esbuild, options, files)]);
  return files;
}

/** One file with all that it imports. */
async function bundled(esbuild, options, name) {
  const built = await esbuild.build({ ...options, entryPoints: [`${SOURCES}/${name}`] });
  return built.outputFiles[0].contents;
}

/** The page, which says at once what page.js needs: else the browser asks for that only then. */
function page(outputs) {
  const parts = new Set();
  const follow = (file) => {
    for (const { path: next, kind } of outputs[file].imports) {
      if (kind !== "import-statement" || parts.has(next)) continue;
      parts.add(next);
      follow(next);
    }
  };
  follow(`${FOLDER}/page.js`);
  const links = [...parts].map((file) => {
    return `    <link rel="modulepreload" href="${path.relative(FOLDER, file)}" />\n`;
  });
  const text = fs.readFileSync(`${SOURCES}/${PAGE}`, "utf8");
  return new TextEncoder().encode(text.replace("  </head>", `${links.join("")}  </head>`));
}

/** The service worker: it keeps these very files, so it differs whenever one of them does. */
async function service(esbuild, options, files) {
  const hash = createHash("sha256");
  for (const [, contents] of files) hash.update(contents);
  const names = files.map(([name]) => path.relative(FOLDER, name)).sort();
  const built = await esbuild.build({
    ...options,
    entryPoints: [`${SOURCES}/${WORKER}`],
    define: {
      FILES: JSON.stringify(["./", ...names.filter((name) => name !== PAGE)]),
      VERSION: JSON.stringify(hash.digest("hex").slice(0, 16)),
    },
  });
  return built.outputFiles[0].contents;
}
