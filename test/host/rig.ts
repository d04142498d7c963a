// Rig: runs the built daemon in a temporary folder, and speaks to it byte by byte.
// Holds   the processes and folders of one test file; `release` ends and removes them.
// Never   waits for a time: only for what a process says or does.
// Source  our own.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import process from "node:process";
import { loadLibc } from "../../hosts/node/libc.ts";
import { encode, type Message, Splitter, typeNumber } from "../message.ts";

export const DAEMON = path.resolve("build/hosts/xenstored.mjs");
/** What runs the daemon: Node, or the words of XENSTORE_RUNTIME, such as "deno run -A". */
export const RUNTIME = process.env.XENSTORE_RUNTIME?.split(" ") ?? [process.execPath];
export const ON_DENO = process.env.XENSTORE_RUNTIME?.includes("deno") ?? false;
/** How the daemon may do its socket work, and why that can't be tried here: "" if it can. */
export const TRANSPORTS = [
  ["epoll", (await loadLibc()) ? "" : " (left out: the package koffi can't be loaded)"],
  ["net", ""],
] as const;

const folders: string[] = [];
const children = new Set<ChildProcess>();

/** What a program printed and how it ended. */
export interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

export function temporaryFolder(): string {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "xenstore-host-"));
  folders.push(folder);
  return folder;
}

/** Ends every process started here and removes every folder. */
export async function release(): Promise<void> {
  for (const child of children) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    child.kill("SIGKILL");
    await once(child, "exit");
  }
  for (const folder of folders) fs.rmSync(folder, { recursive: true, force: true });
}

/** A program that was started; its output is collected. */
export class Program {
  readonly child: ChildProcess;
  out = "";
  err = "";
  readonly ended: Promise<Ended>;
  #heard = new Set<() => void>();
  #over = false;

  constructor(command: string, args: readonly string[], env: NodeJS.ProcessEnv = {}) {
    const { XENSTORED_PATH: _p, XENSTORED_RUNDIR: _r, NOTIFY_SOCKET: _n, ...rest } = process.env;
    this.child = spawn(command, args, {
      env: { ...rest, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    children.add(this.child);
    this.child.stdout?.on("data", (chunk) => this.#hear("out", chunk));
    this.child.stderr?.on("data", (chunk) => this.#hear("err", chunk));
    this.ended = once(this.child, "close").then(([code]) => {
      this.#over = true;
      for (const call of this.#heard) call();
      return { code, out: this.out, err: this.err };
    });
  }

  /** Waits until it printed something that matches; throws when it ends without. */
  async says(pattern: RegExp, where: "out" | "err" = "out"): Promise<RegExpExecArray> {
    for (;;) {
      const match = pattern.exec(this[where]);
      if (match) return match;
      if (this.#over) throw new Error(`ended without saying ${pattern}:\n${this.out}${this.err}`);
      await new Promise<void>((resolve) => this.#heard.add(resolve));
      this.#heard.clear();
    }
  }

  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  #hear(where: "out" | "err", chunk: Buffer): void {
    this[where] += chunk.toString();
    for (const call of this.#heard) call();
  }
}

/** A daemon in the foreground with its sockets in a folder of its own. */
export class Daemon extends Program {
  readonly folder: string;
  readonly socket: string;

  /**
   * @param file  the built daemon, or a copy of it
   * @param by    a command in front that ends by executing its arguments
   */
  constructor(
    folder: string,
    args: readonly string[],
    env: NodeJS.ProcessEnv = {},
    file = DAEMON,
    by: readonly string[] = [],
  ) {
    const all = [...by, ...RUNTIME, file, "--no-fork", "--output-pid", ...args];
    super(all[0] as string, all.slice(1), { XENSTORED_RUNDIR: folder, ...env });
    this.folder = folder;
    this.socket = path.join(folder, "socket");
  }

  get pid(): number {
    return this.child.pid as number;
  }

  async ready(): Promise<this> {
    await this.says(/^\d+$/m);
    return this;
  }

  /** Stops it as a service manager does. */
  stop(): Promise<Ended> {
    this.signal("SIGTERM");
    return this.ended;
  }

  /** A line of /proc/<pid>/status in KiB. */
  memoryKiB(what: "VmRSS" | "VmHWM"): number {
    const status = fs.readFileSync(`/proc/${this.pid}/status`, "utf8");
    return Number(new RegExp(`^${what}:\\s+(\\d+)`, "m").exec(status)?.[1]);
  }

  /** Sockets it has open. */
  socketCount(): number {
    const folder = `/proc/${this.pid}/fd`;
    return fs.readdirSync(folder).filter((fd) => linkOf(`${folder}/${fd}`).startsWith("socket:"))
      .length;
  }
}

/** Where a link leads; a descriptor may be closed while it is looked at. */
function linkOf(file: string): string {
  try {
    return fs.readlinkSync(file);
  } catch {
    return "";
  }
}

/** Starts a daemon and waits until it serves. */
export function startDaemon(args: readonly string[] = [], env: NodeJS.ProcessEnv = {}) {
  return new Daemon(temporaryFolder(), args, env).ready();
}

/** Runs a command to its end. */
export function run(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Ended> {
  return new Program(process.execPath, args, env).ended;
}

/** One client's connection, message by message. */
export class Caller {
  readonly socket: net.Socket;
  /** Resolves when the daemon hung up. */
  readonly closed: Promise<void>;
  #splitter = new Splitter();
  #got: Message[] = [];
  #heard: () => void = () => {};
  #over = false;

  constructor(socket: net.Socket) {
    this.socket = socket;
    socket.on("error", () => {});
    socket.on("data", (bytes) => {
      this.#got.push(...this.#splitter.push(bytes));
      this.#heard();
    });
    this.closed = new Promise<void>((resolve) => {
      socket.on("close", () => {
        this.#over = true;
        this.#heard();
        resolve();
      });
    });
  }

  static async open(path: string, allowHalfOpen = false): Promise<Caller> {
    const socket = net.connect({ path, allowHalfOpen });
    await once(socket, "connect");
    return new Caller(socket);
  }

  /** Sends a request; its payload has one character for each byte. */
  send(type: string, payload: string, reqId = 0): void {
    this.socket.write(message(type, payload, reqId));
  }

  /** The next `count` messages; throws when the daemon hangs up before. */
  async take(count: number): Promise<Message[]> {
    while (this.#got.length < count) {
      if (this.#over) throw new Error(`the daemon hung up after ${this.#got.length} messages`);
      await new Promise<void>((resolve) => {
        this.#heard = resolve;
      });
    }
    return this.#got.splice(0, count);
  }

  /** Sends a request and returns the next message's payload. */
  async ask(type: string, payload: string): Promise<string> {
    this.send(type, payload);
    return (await this.take(1))[0]?.payload as string;
  }

  close(): void {
    this.socket.destroy();
  }
}

/** The bytes of one request. */
export function message(type: string, payload: string, reqId = 0): Uint8Array {
  return encode({ type: typeNumber(type), reqId, txId: 0, payload });
}
