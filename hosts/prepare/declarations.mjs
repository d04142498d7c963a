// Declarations: the types of the library's entries, as a reader's compiler takes them.
// Holds   which declaration files the entries reach, and what is changed in them.
// Never   checks types: that is what "npm run lint" does.
// Source  our own; TypeScript, declaration files.

import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import process from "node:process";

const EMITTED = "build/types";
const FOLDER = "build/lib/types";
const PROJECT = "hosts/entry/tsconfig.json";

/**
 * Names that the types use and that not every reader's settings declare: who has neither the DOM's
 * nor Node's types gets empty ones, for all others these lines add nothing.
 */
const GLOBALS = `/// <reference lib="es2022" />
/// <reference lib="esnext.disposable" />
export {};
declare global {
  interface AbortSignal {}
  interface Event {}
  interface MessagePort {}
  interface URL {}
  interface WebSocket {}
  interface Worker {}
  namespace WebAssembly {
    interface Module {}
  }
}
`;

/** What an import of a wasm file gives is the bundler's choice; most give its address. */
const WASM = `/** The address of the core, as bundlers give it; for the option \`wasm\` of \`createStore\`. */
declare const address: string;
export default address;
`;

/**
 * Declares the entries with the compiler.
 * @returns [name, contents] of each declaration file that one of them reaches
 */
export function declarations(names) {
  fs.rmSync(EMITTED, { recursive: true, force: true });
  const tsc = "node_modules/typescript/bin/tsc";
  const done = spawnSync(process.execPath, [tsc, "-p", PROJECT], { encoding: "utf8" });
  if (done.status !== 0) throw new Error(`the types could not be declared:\n${done.stdout}`);
  const entries = names.map((name) => `hosts/entry/${name}.d.ts`);
  const files = reached(entries).map((file) => [`${FOLDER}/${file}`, readable(file, entries)]);
  return [...files, [`${FOLDER}/globals.d.ts`, GLOBALS], [`${FOLDER}/wasm.d.ts`, WASM]];
}

/** The files and all that they import, in order of name. */
function reached(entries) {
  const found = new Set();
  const visit = (file) => {
    if (found.has(file)) return;
    found.add(file);
    for (const [, to] of text(file).matchAll(/(?:from |import\()"(\.[^"]+)\.ts"/g)) {
      visit(`${path.posix.join(path.posix.dirname(file), to)}.d.ts`);
    }
  };
  for (const file of entries) visit(file);
  return [...found].sort();
}

/** The file with paths of modules instead of sources, and without the core's names for numbers. */
function readable(file, entries) {
  let code = text(file).replace(/((?:from |import\()"\.[^"]+)\.ts"/g, '$1.js"');
  if (file.startsWith("assembly/")) code = code.replace(/: [iu]32;/g, ": number;");
  if (!entries.includes(file)) return code;
  const globals = path.posix.relative(path.posix.dirname(file), "globals.d.ts");
  return `/// <reference path="${globals}" />\n${code}`;
}

function text(file) {
  return fs.readFileSync(path.join(EMITTED, file), "utf8");
}
