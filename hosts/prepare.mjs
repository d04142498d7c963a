// Prepare: makes everything in build/ that is missing or out of date, on a fresh clone too.
// Holds   what is built from what; build/inputs.json remembers the hash of each part's sources.
// Never   touches anything outside node_modules and build; needs no package before npm ci ran.
// Source  our own.

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { FOLDER, library } from "./prepare/library.mjs";
import { FOLDER as PLAYGROUND, playground } from "./prepare/playground.mjs";
import { table } from "./prepare/sizes.mjs";

const NODE_MIN = 20;
const ON_DENO = "deno" in process.versions;
/** Who only wants to start the daemon does not care for sizes. */
const STARTING = process.env.npm_lifecycle_event === "start";
/** Set once the packages have been installed, so that this is not tried for ever. */
const INSTALLED = "XENSTORE_INSTALLED";
const ROOT = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const STAMPS = "build/inputs.json";
const HOST_INPUTS = ["hosts", "assembly", "package.json", "package-lock.json"];
const CORE_INPUTS = ["assembly", "asconfig.json", "package-lock.json"];

/** What there is to build: outputs from an entry, rebuilt when any of `inputs` changed. */
const PARTS = [
  { out: "build/xenstore.wasm", make: core, target: "release", inputs: CORE_INPUTS },
  { out: "build/debug.wasm", make: core, target: "debug", inputs: CORE_INPUTS },
  {
    out: "build/hosts/xenstored.mjs",
    make: bundle,
    entry: "hosts/node/main.ts",
    inputs: HOST_INPUTS,
  },
  {
    out: "build/hosts/xenstore.mjs",
    make: bundle,
    entry: "hosts/node/cli.ts",
    inputs: HOST_INPUTS,
  },
  {
    out: `${FOLDER}/node.js`,
    make: library,
    // Nothing else may lie there: all of it is published.
    folder: FOLDER,
    inputs: [...HOST_INPUTS, "tsconfig.json"],
    done: () => console.log(table(readJson("build/sizes.json"))),
  },
  {
    out: `${PLAYGROUND}/index.html`,
    make: playground,
    folder: PLAYGROUND,
    inputs: HOST_INPUTS,
    // Who only starts the daemon or packs the package does not need it.
    asked: "--playground",
  },
  {
    out: "build/test/bench.mjs",
    make: bundle,
    entry: "test/bench/main.ts",
    inputs: [...HOST_INPUTS, "test/bench"],
    optional: true,
  },
];

process.chdir(ROOT);
try {
  checkNode();
  install();
  process.exitCode = await build(process.argv.includes("--force"));
} catch (error) {
  console.error(`prepare: ${error.message}`);
  process.exitCode = 1;
}

/** Builds what is out of date; every part is tried. Returns the exit code. */
async function build(force) {
  const stamps = readJson(STAMPS) ?? {};
  const hashes = new Map();
  const failures = new Set();
  for (const part of PARTS) {
    if (part.optional && !fs.existsSync(part.entry)) continue;
    if (part.asked && !process.argv.includes(part.asked)) continue;
    const stamp = hashOf(part.inputs, hashes);
    if (!force && stamps[part.out] === stamp && fs.existsSync(part.out)) continue;
    try {
      const startMs = performance.now();
      const files = await part.make(part);
      for (const [name, bytes, mode] of files) put(name, bytes, mode);
      if (part.folder) removeOthers(part.folder, new Set(files.map(([name]) => name)));
      stamps[part.out] = stamp;
      put(STAMPS, `${JSON.stringify(stamps, null, 2)}\n`);
      console.log(`built ${part.out} (${((performance.now() - startMs) / 1000).toFixed(1)} s)`);
      if (!STARTING) part.done?.();
    } catch (error) {
      const known = failures.has(error.message);
      failures.add(error.message);
      const reason = known ? " for the same reason" : `:\n${error.message}`;
      console.error(`prepare: ${part.out} could not be built${reason}`);
    }
  }
  return failures.size ? 1 : 0;
}

function checkNode() {
  if (Number.parseInt(process.versions.node, 10) >= NODE_MIN) return;
  throw new Error(`Node ${NODE_MIN} or newer is needed, this is ${process.version}`);
}

/** Installs what package-lock.json asks for, unless node_modules holds it. */
function install() {
  const wanted = readJson("package-lock.json")?.packages ?? {};
  const present = readJson("node_modules/.package-lock.json")?.packages ?? {};
  const missing = Object.entries(wanted).find(
    // Optional packages of other machines' kinds are never there.
    ([name, { version, optional }]) =>
      name !== "" && (name in present ? present[name].version !== version : !optional),
  );
  if (ON_DENO ? hasAllNamed() : !missing) return;
  console.log("installing packages");
  if (ON_DENO) return installWithDeno();
  const ci = npm("ci");
  if (ci.status === 0) return;
  // npm ci refuses a lock file made where a package for another kind of machine was out of reach.
  const done = ci.stderr.includes("EUSAGE") ? npm("install", "--no-save") : ci;
  if (done.status !== 0) throw new Error(`the packages could not be installed:\n${done.stderr}`);
}

/** Whether each package that package.json names is there; Deno keeps no list of what it installed. */
function hasAllNamed() {
  const named = Object.entries(readJson("package.json").devDependencies);
  return named.every(([name, wanted]) => {
    const { version } = readJson(`node_modules/${name}/package.json`) ?? {};
    return version !== undefined && (version === wanted || !/^\d/.test(wanted));
  });
}

/** Deno looks for packages once, at its start: so what follows is done by another one. */
function installWithDeno() {
  const { execPath, argv, env } = process;
  if (env[INSTALLED]) throw new Error("some packages can't be installed; try it with npm");
  const done = spawnSync(execPath, ["install", "--quiet"], { encoding: "utf8" });
  if (done.status !== 0) throw new Error(`the packages could not be installed:\n${done.stderr}`);
  const next = { stdio: "inherit", env: { ...env, [INSTALLED]: "1" } };
  process.exit(spawnSync(execPath, ["run", "-A", ...argv.slice(1)], next).status ?? 1);
}

function npm(...args) {
  const cli = process.env.npm_execpath;
  const [command, ...first] = cli?.endsWith(".js") ? [process.execPath, cli] : ["npm"];
  const stdio = ["ignore", "ignore", "pipe"];
  const all = [...first, ...args, "--loglevel=error"];
  const done = spawnSync(command, all, { stdio, encoding: "utf8" });
  if (done.error) throw new Error(`npm could not be started: ${done.error.message}`);
  return done;
}

/** Compiles the core for one target of asconfig.json. */
async function core({ target, out }) {
  const { default: asc } = await import("assemblyscript/asc");
  const files = [];
  const writeFile = (name, bytes) => files.push([name, bytes]);
  const { error, stderr } = await asc.main(["--target", target], { writeFile });
  if (error) throw new Error(`${stderr.toString()}${error.message}`);
  const wasm = files.find(([name]) => name === out)?.[1];
  if (!wasm) throw new Error(`asconfig.json's target "${target}" did not write ${out}`);
  const imports = WebAssembly.Module.imports(new WebAssembly.Module(wasm));
  if (imports.length === 0) return files;
  const names = imports.map(({ module, name }) => `${module}.${name}`);
  throw new Error(`the core must import nothing, but it imports ${names.join(", ")}`);
}

/** Bundles one program for Node; koffi stays outside, since it is optional and has native parts. */
async function bundle({ entry, out }) {
  const esbuild = await import("esbuild");
  const result = await esbuild.build({
    entryPoints: [entry],
    bundle: true,
    write: false,
    outfile: out,
    platform: "node",
    format: "esm",
    target: "node20",
    external: ["koffi"],
    banner: { js: "#!/usr/bin/env node" },
    legalComments: "none",
    logLevel: "silent",
  });
  return [[out, result.outputFiles[0].contents, 0o755]];
}

/** Puts a whole file in place, so that nobody who runs it now sees half of it. */
function put(name, bytes, mode = 0o644) {
  const temporary = `${name}.${process.pid}`;
  fs.mkdirSync(path.dirname(name), { recursive: true });
  fs.writeFileSync(temporary, bytes, { mode });
  fs.renameSync(temporary, name);
}

/** Removes what an earlier build left in a folder. */
function removeOthers(folder, files) {
  for (const file of filesOf(folder)) if (!files.has(file)) fs.rmSync(file);
}

/** Hash over the names and contents of files, and of all files below folders. */
function hashOf(inputs, known) {
  const hash = createHash("sha256").update(process.versions.node);
  for (const input of inputs) {
    if (!known.has(input)) known.set(input, filesHash(input));
    hash.update(known.get(input));
  }
  return hash.digest("hex");
}

function filesHash(input) {
  const hash = createHash("sha256");
  for (const file of filesOf(input)) hash.update(`${file}\0`).update(fs.readFileSync(file));
  return hash.digest();
}

function filesOf(name) {
  const stat = fs.statSync(name, { throwIfNoEntry: false });
  if (!stat) return [];
  if (!stat.isDirectory()) return [name];
  const children = fs.readdirSync(name).sort();
  return children.flatMap((child) => filesOf(`${name}/${child}`));
}

function readJson(file) {
  try {
    return JSON.parse(fs.readFileSync(file, "utf8"));
  } catch {
    return null;
  }
}
