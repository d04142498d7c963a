// Program: other people's clients, found and run against one store.
// Holds   how a program is looked for, run, and its end waited for.
// Never   judges what a program printed.
// Source  our own.

import { spawn, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";

/** How a program ended and what it printed. */
export type Ended = { code: number | null; signal: string | null; out: string; err: string };

/** Says why a program can't be run, or null when it can. */
export function missing(program: string, debianPackage: string): string | null {
  const folders = program.startsWith("/") ? [""] : (process.env.PATH ?? "").split(delimiter);
  if (folders.some((folder) => existsSync(join(folder, program)))) return null;
  return `no ${program} (Debian's package ${debianPackage})`;
}

/** Says why Debian's Python can't load a module, or null when it can. */
export function missingModule(module: string, debianPackage: string): string | null {
  const why = missing(PYTHON, "python3");
  if (why !== null) return why;
  const tried = spawnSync(PYTHON, ["-c", `import ${module}`], {
    env: pythonEnv(""),
    stdio: "ignore",
  });
  return tried.status === 0 ? null : `no Python module ${module} (Debian's ${debianPackage})`;
}

/** Runs a program against the store at `socket` and waits for its end. */
export function run(socket: string, program: string, ...args: string[]): Promise<Ended> {
  const env = { ...pythonEnv(socket), XENSTORED_PATH: socket };
  const child = spawn(program, args, { env, stdio: ["ignore", "pipe", "pipe"] });
  const texts = { out: "", err: "" };
  child.stdout.setEncoding("latin1").on("data", (text) => {
    texts.out += text;
  });
  child.stderr.setEncoding("latin1").on("data", (text) => {
    texts.err += text;
  });
  return new Promise((done, fail) => {
    child.once("error", fail);
    child.once("close", (code, signal) => done({ code, signal, ...texts }));
  });
}

/** The interpreter that Debian's modules are made for. */
export const PYTHON = "/usr/bin/python3";
const XEN_MODULES = "/usr/lib/xen-4.17/lib/python";

function pythonEnv(socket: string): NodeJS.ProcessEnv {
  const { PYTHONHOME: _home, ...rest } = process.env;
  return { ...rest, PYTHONPATH: XEN_MODULES, PYTHONDONTWRITEBYTECODE: "1", XENSTORED_PATH: socket };
}
