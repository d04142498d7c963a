// Install: the other runtimes and tools that tests and documents use, fetched when first needed.
// Holds   where each is; build/runtimes/<hash of the lock file> has the packages.
// Never   touches the root's packages, runs install scripts, or fails: who asks gets a reason.
// Source  our own.

import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { pathToFileURL } from "node:url";

const HERE = path.resolve("test/runtimes");
const ALL = path.resolve("build/runtimes");
/**
 * PATH without the folders that npm puts in front for a script: one of the packages there brings a
 * very old npm along.
 */
export const SYSTEM_PATH = (process.env.PATH ?? "")
  .split(path.delimiter)
  .filter((folder) => !folder.includes("node_modules"))
  .join(path.delimiter);

/** A failed installation is not tried again before. */
const TRY_AGAIN_MS = 10 * 60_000;

/** What each name stands for, below node_modules. `folder` marks packages to import or to run. */
const PLACES = {
  node20: "node20/bin/node",
  node22: "node22/bin/node",
  node24: "node24/bin/node",
  deno: "@deno/linux-x64-glibc/deno",
  bun: "@oven/bun-linux-x64/bin/bun",
  playwright: "playwright-core/index.mjs",
  axe: "axe-core/axe.min.js",
  publint: "publint/src/cli.js",
  nodeTypes: "@types/node/package.json",
  attw: "@arethetypeswrong/cli/dist/index.js",
  typedoc: "typedoc/bin/typedoc",
  typedocMarkdown: "typedoc-plugin-markdown/dist/index.js",
  /** TypeScript 6, whose compiler has an API; the root's is the native one. */
  tsc6: "typescript/bin/tsc",
  tsc5: "typescript-5/bin/tsc",
  ws: "ws/wrapper.mjs",
} as const;

export type ToolName = keyof typeof PLACES;

/** A tool's file, absolute; or one sentence about why it is not there. */
export type Tool =
  | { readonly path: string; readonly missing: null }
  | { readonly path: null; readonly missing: string };

/**
 * Where a tool is. Installs all of them if that was not done yet, which takes a minute and the
 * network; others who ask meanwhile wait. Never rejects: `missing` is the reason to skip a test.
 */
export async function tool(name: ToolName): Promise<Tool> {
  const folder = await packages();
  if (folder.missing !== null) return { path: null, missing: `${name}: ${folder.missing}` };
  const file = path.join(folder.path, "node_modules", PLACES[name]);
  if (fs.existsSync(file)) return { path: file, missing: null };
  const machine = `${process.platform} ${process.arch}`;
  return { path: null, missing: `${name}: there is no package of it for ${machine}` };
}

/** The tool's file, where a test was already skipped without it. */
export async function toolPath(name: ToolName): Promise<string> {
  const found = await tool(name);
  if (found.path === null) throw new Error(found.missing);
  return found.path;
}

/** Imports a module of the installed packages, such as `playwright` or `ws`. */
export async function importTool<Module>(name: ToolName): Promise<Module> {
  return (await import(pathToFileURL(await toolPath(name)).href)) as Module;
}

let known: Promise<Tool> | undefined;

/** The folder that holds node_modules. */
function packages(): Promise<Tool> {
  known ??= install();
  return known;
}

async function install(): Promise<Tool> {
  const hash = createHash("sha256").update(fs.readFileSync(path.join(HERE, "package-lock.json")));
  const folder = path.join(ALL, hash.digest("hex").slice(0, 12));
  fs.mkdirSync(ALL, { recursive: true });
  const lock = `${folder}.lock`;
  while (!fs.existsSync(folder)) {
    const failed = lastFailure(folder);
    if (failed !== null) return { path: null, missing: failed };
    if (!take(lock)) {
      await sleep(200);
      continue;
    }
    try {
      if (!fs.existsSync(folder)) await fill(folder);
    } finally {
      fs.rmSync(lock, { force: true });
    }
  }
  return { path: folder, missing: null };
}

/** Makes the lock file, or says that somebody who lives has it. */
function take(lock: string): boolean {
  try {
    fs.writeFileSync(lock, String(process.pid), { flag: "wx" });
    return true;
  } catch {
    if (!lives(lock)) fs.rmSync(lock, { force: true });
    return false;
  }
}

function lives(lock: string): boolean {
  try {
    const pid = Number(fs.readFileSync(lock, "utf8"));
    // A file that was made this moment has no number yet.
    if (!(pid > 0)) return Date.now() - fs.statSync(lock).mtimeMs < 10_000;
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Installs beside the folder and renames, so that it is there entirely or not at all. */
async function fill(folder: string): Promise<void> {
  const temporary = `${folder}.${process.pid}`;
  fs.mkdirSync(temporary, { recursive: true });
  for (const name of ["package.json", "package-lock.json"]) {
    fs.copyFileSync(path.join(HERE, name), path.join(temporary, name));
  }
  const reason = await npm(temporary);
  // Two may have filled at once, after a lock whose holder was gone: the first one's stays.
  if (reason === null && !fs.existsSync(folder)) fs.renameSync(temporary, folder);
  fs.rmSync(temporary, { recursive: true, force: true });
  if (reason !== null) fs.writeFileSync(`${folder}.failed`, reason);
}

function lastFailure(folder: string): string | null {
  const note = `${folder}.failed`;
  if (!fs.existsSync(note)) return null;
  if (Date.now() - fs.statSync(note).mtimeMs < TRY_AGAIN_MS) return fs.readFileSync(note, "utf8");
  fs.rmSync(note, { force: true });
  return null;
}

/** Runs npm ci in the folder. Returns null, or why it failed. */
function npm(cwd: string): Promise<string | null> {
  const args = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
  args.push("--fetch-retries=1", "--fetch-timeout=60000");
  const env = { ...process.env, PATH: SYSTEM_PATH };
  const child = spawn("npm", args, { cwd, env, stdio: ["ignore", "ignore", "pipe"] });
  let errors = "";
  child.stderr.on("data", (chunk: Buffer) => {
    errors += chunk.toString();
  });
  return new Promise((resolve) => {
    child.on("error", (error) => resolve(`npm could not be started: ${error.message}`));
    child.on("close", (code) => {
      const line = /npm error (?!code\b)(.+)/.exec(errors)?.[1] ?? `exit code ${code}`;
      resolve(code === 0 ? null : `test/runtimes could not be installed: ${line}`);
    });
  });
}
