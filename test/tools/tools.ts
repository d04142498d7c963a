// Tools: ways to run a command line tool in a test: ours in this process, ours built, Debian's.
// Holds   what a run gave: output, errors, exit code.
// Never   compares.
// Source  our own.

import { spawn } from "node:child_process";
import { existsSync, mkdirSync, rmSync, symlinkSync } from "node:fs";
import { join, resolve } from "node:path";
import { openStore } from "../../hosts/node/address.ts";
import type { ByteStream } from "../../hosts/shared/byte_stream.ts";
import { byteString, type Draft, type ToolHost } from "../../hosts/shared/cli/host.ts";
import { runTool } from "../../hosts/shared/cli/tool.ts";
import { Client } from "../../hosts/shared/client.ts";
import { XenstoreError } from "../../hosts/shared/errors.ts";

/** What one run of a tool gave; texts have one character for each byte. */
export interface Run {
  out: string;
  err: string;
  /** Exit code, or the signal's name, or "goes on" for one that had to be ended. */
  exit: number | string;
}

/** One call of a tool: the program's name and its arguments, one character for each byte. */
export interface Call {
  argv: readonly [name: string, ...args: string[]];
  env?: Readonly<Record<string, string | undefined>>;
  /** Columns of the terminal it writes to; none unless given. */
  columns?: number;
  /** Ended once it has written that many lines; for tools that don't end. */
  lines?: number;
  /** Files it reads and writes, for a run in this process; "-" is standard input. */
  files?: Map<string, Uint8Array>;
  /** Columns of the terminal that its errors go to; none unless given. */
  errColumns?: number;
  /** Its clock. */
  nowMs?: () => number;
  /** Interrupts it. */
  signal?: AbortSignal;
}

const BUNDLE = resolve(import.meta.dirname, "../../build/hosts/xenstore.mjs");
const DEBIAN = process.env.XENSTORE_UTILS ?? "/usr/bin";
const DEBIAN_CONTROL = join(process.env.XEN_LIB ?? "/usr/lib/xen-4.17", "bin/xenstore-control");

/** Why Debian's tools can't be compared with, or null when they are there. */
export function debianMissing(): string | null {
  if (process.platform !== "linux") return `Debian's tools: not Linux but ${process.platform}`;
  const file = join(DEBIAN, "xenstore-ls");
  return existsSync(file) ? null : `no ${file} (Debian's package xenstore-utils)`;
}

/** Why our built tools can't be run, or null. */
export function bundleMissing(): string | null {
  return existsSync(BUNDLE) ? null : `no ${BUNDLE} (npm run build)`;
}

/** Why Debian's xenstore-control can't be compared with, or null. */
export function debianControlMissing(): string | null {
  return existsSync(DEBIAN_CONTROL) ? null : `no ${DEBIAN_CONTROL} (package xen-utils-4.17)`;
}

/** Runs Debian's tool. */
export function runDebian(call: Call): Promise<Run> {
  const [name] = call.argv;
  const file = name === "xenstore-control" ? DEBIAN_CONTROL : join(DEBIAN, name);
  return runProcess(call, file);
}

/** Runs our built tool through a link of its name in `dir`. */
export function runBuilt(call: Call, dir: string): Promise<Run> {
  const [name] = call.argv;
  const file = join(dir, name);
  mkdirSync(dir, { recursive: true });
  rmSync(file, { force: true });
  symlinkSync(BUNDLE, file);
  return runProcess(call, file);
}

function runProcess(call: Call, file: string): Promise<Run> {
  const [name, ...args] = call.argv;
  const bytes = args.map((arg) => Buffer.from(arg, "latin1"));
  const [command, words] = commandOf(call, file, bytes);
  const child = spawn(command, words, {
    // A shell passes on bytes that are no UTF-8; spawn's own arguments would lose them.
    argv0: command === file ? name : command,
    // The shell must take bytes for characters.
    env: { ...process.env, LC_ALL: "C", POSIXLY_CORRECT: undefined, ...call.env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let out = "";
  let err = "";
  let ended = false;
  child.stdout?.setEncoding("latin1").on("data", (text: string) => {
    out += text;
    if (call.lines === undefined || out.split("\n").length <= call.lines) return;
    ended = child.kill();
  });
  child.stderr?.setEncoding("latin1").on("data", (text: string) => {
    err += text;
  });
  return new Promise((done, failed) => {
    child.once("error", failed);
    child.once("close", (code, signal) => {
      done({ out, err, exit: ended ? "goes on" : (code ?? signal ?? "?") });
    });
  });
}

/** Through a shell where a plain start can't do it: odd bytes, or a terminal of a given width. */
function commandOf(call: Call, file: string, args: Buffer[]): [string, string[]] {
  const plain = args.every((arg) => arg.equals(Buffer.from(arg.toString())));
  if (call.columns === undefined && plain) return [file, args.map(String)];
  const [name] = call.argv;
  // printf makes the bytes; command substitution would drop newlines at the end, hence the x.
  const words = args.map((arg, i) => {
    const octal = [...arg].map((byte) => `\\${byte.toString(8).padStart(3, "0")}`).join("");
    return `a${i}="$(printf '${octal}x')"; set -- "$@" "\${a${i}%x}"`;
  });
  const run = [`set --`, ...words, `exec -a ${name} ${file} "$@"`].join("; ");
  if (call.columns === undefined) return ["bash", ["-c", run]];
  const sized = `stty cols ${call.columns} -opost; ${run}`;
  return ["script", ["-qec", `bash -c ${quoted(sized)}`, "/dev/null"]];
}

const quoted = (word: string) => `'${word.replaceAll("'", "'\\''")}'`;

/** Runs our tool in this process, on a connection found by its environment or on `stream`. */
export async function runOurs(call: Call, stream?: ByteStream): Promise<Run> {
  const [name, ...args] = call.argv;
  let out = "";
  let err = "";
  const clients: Client[] = [];
  const host: ToolHost = {
    env: call.env ?? {},
    columns: () => call.columns ?? null,
    out: (text) => {
      out += text;
    },
    flush: () => {
      if (call.lines === undefined || out.split("\n").length <= call.lines) return;
      throw new Ended();
    },
    err: (text) => {
      err += text;
    },
    connect: async () => {
      const client = new Client(stream ?? (await openStore(host.env)));
      clients.push(client);
      return client;
    },
    readFile: async (path) => {
      if (path !== "/kernel") throw new XenstoreError("ENOENT");
      return new Uint8Array(5000).fill("k".charCodeAt(0));
    },
    errColumns: () => call.errColumns ?? null,
    nowMs: call.nowMs ?? (() => performance.now()),
    pieces: (path) => pieces(call.files?.get(path)),
    draft: (path) => new MemoryDraft(path, call.files ?? new Map()),
    interruption: () => call.signal ?? new AbortController().signal,
  };
  try {
    const exit = await runTool(name, args, host);
    return { exit, out, err };
  } catch (error) {
    if (!(error instanceof Ended)) throw error;
    return { exit: "goes on", out, err };
  } finally {
    for (const client of clients) client.close();
  }
}

class Ended extends Error {}

/** A file in pieces of odd sizes. */
async function* pieces(bytes: Uint8Array | undefined): AsyncGenerator<Uint8Array, void> {
  if (bytes === undefined) throw new XenstoreError("ENOENT");
  const step = Math.max(7, bytes.length >> 3);
  for (let at = 0; at < bytes.length; at += step) yield bytes.subarray(at, at + step);
}

/** A file that is there when it is finished. */
class MemoryDraft implements Draft {
  readonly #path: string;
  readonly #files: Map<string, Uint8Array>;
  #parts: Uint8Array[] = [];

  constructor(path: string, files: Map<string, Uint8Array>) {
    this.#path = path;
    this.#files = files;
  }

  write(bytes: Uint8Array): void {
    this.#parts.push(bytes);
  }

  restart(): void {
    this.#parts = [];
  }

  finish(): void {
    this.#files.set(this.#path, new Uint8Array(Buffer.concat(this.#parts)));
  }

  abandon(): void {
    this.#parts = [];
  }
}

/** A byte string of text. */
export const bytes = (text: string) => byteString(Buffer.from(text));
