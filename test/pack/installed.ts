// Installed: the packed package in an empty project, as a user has it.
// Holds   the tarball and the project, in a temporary folder that goes with the process.
// Never   uses the network, and never looks into the sources.
// Source  our own.

import { spawn } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { SYSTEM_PATH, type Tool, type ToolName, tool } from "../runtimes/install.ts";

export interface Installed {
  /** The project: package.json, node_modules, programs. */
  readonly project: string;
  /** The installed package. */
  readonly root: string;
  readonly tarball: string;
  /** Files of the tarball, without `package/`. */
  readonly files: readonly string[];
}

export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const PROGRAMS = path.join(import.meta.dirname, "programs");

/** Packs, and installs into a project without optional packages. */
export async function installed(): Promise<Installed> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "xenstore-pack-"));
  process.once("exit", () => fs.rmSync(folder, { recursive: true, force: true }));
  const packed = await must("npm", ["pack", "--pack-destination", folder], process.cwd());
  const name = packed.stdout.trim().split("\n").at(-1) as string;
  const tarball = path.join(folder, name);
  const listing = await must("tar", ["tzf", tarball], folder);
  const files = listing.stdout.trim().split("\n");
  const project = await emptyProject(folder, "project");
  await install(project, tarball, "--omit=optional");
  for (const program of fs.readdirSync(PROGRAMS)) {
    fs.copyFileSync(path.join(PROGRAMS, program), path.join(project, program));
  }
  const root = path.join(project, "node_modules/xenstore");
  return { project, root, tarball, files: files.map((file) => file.replace(/^package\//, "")) };
}

/** A project that has nothing. */
export async function emptyProject(folder: string, name: string): Promise<string> {
  const project = path.join(folder, name);
  fs.mkdirSync(project);
  fs.writeFileSync(path.join(project, "package.json"), '{ "private": true, "type": "module" }\n');
  return project;
}

/** Installs a tarball with an npm that knows no package and may not ask for one. */
export async function install(project: string, tarball: string, ...options: string[]) {
  const cache = path.join(project, "..", "cache");
  const quiet = ["--no-audit", "--no-fund"];
  return must(
    "npm",
    ["install", tarball, "--offline", "--cache", cache, ...quiet, ...options],
    project,
  );
}

/** Runs a command and throws unless it ends well. */
export async function must(command: string, args: readonly string[], cwd: string) {
  const done = await run(command, args, cwd);
  if (done.code === 0) return done;
  const said = `${done.stdout}${done.stderr}`.slice(-2000);
  throw new Error(`${command} ${args.join(" ")}: ${done.code}\n${said}`);
}

/** Runs a command to its end. */
export function run(
  command: string,
  args: readonly string[],
  cwd: string,
  env: Record<string, string | undefined> = {},
): Promise<Outcome> {
  const plain = Object.entries(process.env).filter(([name]) => !/^(npm_|NODE_|VITEST)/.test(name));
  const child = spawn(command, args, {
    cwd,
    env: { ...Object.fromEntries(plain), PATH: SYSTEM_PATH, NO_COLOR: "1", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk: Buffer) => {
    stdout += chunk.toString();
  });
  child.stderr.on("data", (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, stdout, stderr }));
  });
}

/** The runtimes that the package is for, and how each runs a module. */
export const RUNTIMES: readonly ToolName[] = ["node20", "node22", "node24", "deno", "bun"];

/** Arguments that run a program with all rights, from what is installed and nothing else. */
export function argsOf(name: ToolName, program: string): string[] {
  if (name === "deno") return ["run", ...DENO, "--allow-all", program];
  return name === "bun" ? ["run", "--no-install", program] : [program];
}

/** Only what is installed, and no question to anybody. */
export const DENO = ["--no-remote", "--no-prompt", "--node-modules-dir=manual"];

/** All of them, with where they are. */
export async function runtimes(): Promise<readonly { name: ToolName; found: Tool }[]> {
  return Promise.all(RUNTIMES.map(async (name) => ({ name, found: await tool(name) })));
}
