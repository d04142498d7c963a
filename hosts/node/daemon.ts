// Daemon: one running xenstored, from the first check to the removal of its files.
// Holds   the server, its transport, its log and the pid file.
// Never   takes a socket that somebody serves, and never leaves files behind on a clean end.
// Source  command line, Daemon xenstored; environment and places.

import fs from "node:fs";
import path from "node:path";
import process from "node:process";
import {
  CONN_SOCKET,
  CONN_SOCKET_READ_ONLY,
  OPT_PRIV_DOMID,
  OPT_TRACE,
  OPT_TRACE_SWITCHES,
} from "../../assembly/abi.ts";
import type { Config } from "../shared/config.ts";
import { Core } from "../shared/core.ts";
import type { Rings } from "../shared/rings.ts";
import type { Clock } from "../shared/runtime.ts";
import { Server } from "../shared/server.ts";
import { makeFolder } from "./folder.ts";
import { alone, pidFileHolder, removePidFile, socketHolder, writePidFile } from "./holder.ts";
import { type Libc, SUN_PATH_SIZE } from "./libc.ts";
import { loadModule } from "./load.ts";
import { NodeLog, reason } from "./log.ts";
import { findMachine } from "./machine.ts";
import type { Places } from "./places.ts";
import { answers, type Transport, type Watch } from "./transport.ts";
import { makeTransport } from "./transports.ts";

const clock: Clock = {
  nowMs: () => performance.now(),
  after: (ms, call) => void setTimeout(call, ms).unref(),
};

export class Daemon {
  readonly server: Server;
  readonly log: NodeLog;
  readonly transport: Transport;
  readonly places: Places;
  #config: Config;
  #watch: Watch | null;
  #rings: Rings | null = null;
  #machineLink = "";
  #pidFile: string;
  #ownsPidFile = false;

  /** Makes everything but opens nothing; throws when the transport can't be had. */
  constructor(config: Config, places: Places, libc: Libc | null, foreground: boolean) {
    const core = new Core(loadModule(), crypto.getRandomValues(new Uint32Array(2)));
    for (const [key, value] of config.core) core.configure(key, value);
    core.configure(OPT_TRACE_SWITCHES, config.traceSwitches);
    this.log = new NodeLog(places.data, foreground, libc);
    this.log.onTrace = (open) => core.configure(OPT_TRACE, open ? 1 : 0);
    this.server = new Server(core, clock, this.log);
    this.transport = makeTransport(config.transport, libc, this.server, (text) =>
      this.log.notice(text),
    );
    this.places = places;
    this.#config = config;
    this.#watch = this.transport.watch ?? libc?.watch ?? null;
    this.#pidFile = config.pidFile;
  }

  /**
   * Opens the files and sockets; clients may connect when it returns.
   * @param traceFile  to open, or empty
   * @throws           Error with one line that says what is in the way
   */
  async start(traceFile: string): Promise<void> {
    const { socket, socketReadOnly } = this.places;
    for (const file of [socket, socketReadOnly]) makeFolderOf(file);
    await alone(socket, () => this.#start(traceFile));
  }

  async #start(traceFile: string): Promise<void> {
    const { socket, socketReadOnly } = this.places;
    await refuseSecond(socket, this.#pidFile);
    if (traceFile) {
      attempt(`trace file ${traceFile}`, () => this.log.trace.open(traceFile));
      this.log.onTrace(true);
    }
    for (const file of [socket, socketReadOnly]) makeRoom(file);
    await this.#serveGuests();
    await this.transport.listen(socket, CONN_SOCKET);
    await this.transport.listen(socketReadOnly, CONN_SOCKET_READ_ONLY);
    if (!this.#pidFile) return;
    attempt(`pid file ${this.#pidFile}`, () => writePidFile(this.#pidFile));
    this.#ownsPidFile = true;
  }

  /** Serves the guests of the machine below, if there is one. */
  async #serveGuests(): Promise<void> {
    const machine = await findMachine(this.#config, this.#watch);
    if (!machine) return;
    this.#rings = this.server.attach(machine, (work) => this.transport.soon(work));
    this.#rings.start(this.#config.core.get(OPT_PRIV_DOMID) ?? 0);
    if (this.#config.simulate) this.#linkMachine(path.resolve(this.#config.simulate));
  }

  /** Whoever finds the socket finds the simulated machine beside it. */
  #linkMachine(folder: string): void {
    const link = this.places.machine;
    if (link === folder) return;
    attempt(link, () => {
      if (fs.lstatSync(link, { throwIfNoEntry: false })?.isSymbolicLink()) fs.unlinkSync(link);
      fs.symlinkSync(folder, link);
    });
    this.#machineLink = link;
  }

  /** Removes its files and stops listening; connections end with the process. */
  stop(): void {
    this.#rings?.stop();
    this.transport.close();
    if (this.#machineLink) fs.rmSync(this.#machineLink, { force: true });
    if (this.#ownsPidFile) removePidFile(this.#pidFile);
    this.log.trace.close();
  }
}

/** Throws when a daemon serves the socket, or holds the pid file, naming its process. */
async function refuseSecond(socket: string, pidFile: string): Promise<void> {
  if (await answers(socket)) {
    const pid = socketHolder(socket);
    const who = pid ? `process ${pid}` : "a process that this user may not look into";
    throw new Error(`${socket}: another daemon is running there: ${who}`);
  }
  const pid = pidFile ? pidFileHolder(pidFile) : 0;
  if (pid) throw new Error(`pid file ${pidFile}: another daemon holds it: process ${pid}`);
}

/** Makes the folder of a socket. */
function makeFolderOf(socket: string): void {
  const size = Buffer.byteLength(socket);
  if (size >= SUN_PATH_SIZE) {
    throw new Error(
      `${socket}: too long for a socket: ${size} bytes, ${SUN_PATH_SIZE - 1} are allowed`,
    );
  }
  const folder = path.dirname(socket);
  attempt(folder, () => makeFolder(folder, 0o755));
}

/** Removes the socket that an earlier daemon left. */
function makeRoom(socket: string): void {
  attempt(socket, () => {
    const stat = fs.lstatSync(socket, { throwIfNoEntry: false });
    if (stat && !stat.isSocket()) throw new Error("something that is no socket is in the way");
    if (stat) fs.unlinkSync(socket);
  });
}

/** Does something with a file; a failure is told in one line that starts with `what`. */
function attempt(what: string, action: () => void): void {
  try {
    action();
  } catch (error) {
    throw new Error(`${what}: ${explained(reason(error))}`);
  }
}

function explained(code: string): string {
  if (code === "EACCES" || code === "EPERM") {
    const who = process.getuid?.() === 0 ? "" : "; run as root, or use --try";
    return `not allowed to write there (${code}${who})`;
  }
  if (code === "ENOSPC") return "the disk is full (ENOSPC)";
  return code === "EROFS" ? "the disk is read only (EROFS)" : code;
}
