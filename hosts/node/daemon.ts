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
  HANDLE_SOCKET_READ_ONLY,
  OPT_JOURNAL,
  OPT_PRIV_DOMID,
  OPT_TRACE,
  TASK_CHECK,
  TASK_FILE,
  TASK_UPDATE,
} from "../../assembly/abi.ts";
import type { Config } from "../shared/config.ts";
import { Core } from "../shared/core.ts";
import type { HandedMachine, Machine } from "../shared/machine.ts";
import type { Rings } from "../shared/rings.ts";
import type { Clock } from "../shared/runtime.ts";
import { Server } from "../shared/server.ts";
import type { Storage } from "../shared/storage.ts";
import { adoptSockets, answerInstead, handedMachine, LISTENERS, serveAdopted } from "./adopt.ts";
import { bootName } from "./boot.ts";
import { Database } from "./database.ts";
import type { MapFile } from "./file_page.ts";
import { makeFolder } from "./folder.ts";
import type { Handover } from "./handover.ts";
import {
  abandon,
  alone,
  pidFileHolder,
  removePidFile,
  socketHolder,
  writePidFile,
} from "./holder.ts";
import { type Libc, SUN_PATH_SIZE } from "./libc.ts";
import { loadModule } from "./load.ts";
import { NodeLog, reason } from "./log.ts";
import { fileMapper, findMachine } from "./machine.ts";
import type { Places } from "./places.ts";
import { faultOf } from "./program.ts";
import { type NotesFile, takeNotes } from "./ring_notes.ts";
import { discardState } from "./state_file.ts";
import { takePlace } from "./successor.ts";
import { answers, type Transport, type Watch } from "./transport.ts";
import { checkTransport, makeTransport } from "./transports.ts";
import { type Running, refusal, update } from "./update.ts";

/** The system's own time that never jumps: it goes on when a process takes another's place. */
const START_MS = Number(process.hrtime.bigint()) / 1e6 - performance.now();

export const clock: Clock = {
  nowMs: () => START_MS + performance.now(),
  after: (ms, call) => void setTimeout(call, ms).unref(),
};

/** A core that was told the settings. Throws an Error when the module can't be had. */
export function makeCore(config: Config): Core {
  const core = new Core(loadModule(), crypto.getRandomValues(new Uint32Array(2)), bootName());
  tellSettings(core, config);
  return core;
}

function tellSettings(core: Core, config: Config): void {
  for (const [key, value] of config.core) core.configure(key, value);
}

/** What may come from outside. */
export interface Parts {
  /** With the state of a process before; the daemon then goes on by `takeOver`. */
  readonly core?: Core;
  /** Put around the storage of the database. */
  readonly wrap?: (storage: Storage) => Storage;
  /** Bytes of journals below which no snapshot is written. */
  readonly compactMin?: number;
}

export class Daemon implements Running {
  // These three are there once the core is: from the beginning, or from `start` on.
  server!: Server;
  core!: Core;
  transport!: Transport;
  readonly log: NodeLog;
  readonly places: Places;
  readonly libc: Libc | null;
  readonly foreground: boolean;
  readonly cwd = process.cwd();
  /** It has said that it is ready. */
  serving = false;
  machine: Machine | null = null;
  #config: Config;
  #parts: Parts;
  #watch: Watch | null = null;
  #rings: Rings | null = null;
  #database: Database | null = null;
  /** Noted of rings; they go on by it once they have been resumed. */
  #notes: NotesFile | null = null;
  #machineLink = "";
  #pidFile: string;
  #ownsPidFile = false;

  /** Makes what it can but opens nothing; throws when the transport can't be had. */
  constructor(
    config: Config,
    places: Places,
    libc: Libc | null,
    foreground: boolean,
    parts: Parts = {},
  ) {
    this.libc = libc;
    this.foreground = foreground;
    this.log = new NodeLog(places.data, foreground, libc);
    this.places = places;
    this.#config = config;
    this.#parts = parts;
    this.#pidFile = config.pidFile;
    checkTransport(config.transport, libc);
    if (parts.core) this.#serveWith(parts.core);
  }

  #serveWith(core: Core): void {
    this.core = core;
    this.log.onTrace = (open) => core.configure(OPT_TRACE, open ? 1 : 0);
    this.server = new Server(core, clock, this.log);
    this.server.onTask = (kind, words) => void this.#task(kind, words);
    this.transport = makeTransport(this.#config.transport, this.libc, this.server, (text) =>
      this.log.notice(text),
    );
    this.#watch = this.transport.watch ?? this.libc?.watch ?? null;
    if (this.#database) this.#keep(this.#database);
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
    await this.#takeDatabase();
    this.#serveWith(this.#database?.start() ?? makeCore(this.#config));
    this.#openTrace(traceFile);
    for (const file of [socket, socketReadOnly]) makeRoom(file);
    await this.#findMachine(null);
    const mapFile = this.machine ? await fileMapper() : null;
    // Rings of another start of the machine, or of a store that is not known, are not these.
    const { otherBoot = true } = this.#database?.persistence ?? {};
    this.#serveGuests(this.#takeNotes(!otherBoot, mapFile));
    await this.transport.listen(socket, CONN_SOCKET);
    await this.transport.listen(socketReadOnly, CONN_SOCKET_READ_ONLY);
    this.#takePidFile();
  }

  /**
   * Goes on where the process before stands still; its state is in the core already.
   * @param handover  what it says besides; null: it was the C daemon
   * @throws          Error of one line; nothing has been read or written on any connection then
   */
  async takeOver(handover: Handover | null, traceFile: string): Promise<void> {
    const { core, server } = this;
    await this.#findMachine(handedMachine(core, this.libc));
    const mapFile = this.machine ? await fileMapper() : null;
    await this.#orWithout(handover, () => this.#takeDatabaseOver(handover));
    await this.#orWithout(handover, () => this.#resumeTrace(handover, traceFile));
    core.setGlobal(HANDLE_SOCKET_READ_ONLY, handover?.readOnly);
    // What the command line names counts more than what the process before had, if it is another.
    if (handover?.otherOptions) tellSettings(core, this.#config);
    // From here to the end of the round nothing else has a turn.
    const { missing, listening } = adoptSockets(this, handover !== null);
    if (handover && handover.ready >= 0) takePlace(handover.ready);
    if (handover?.failure) answerInstead(core, handover.asker, refusal(handover.failure));
    this.#keepPidFile();
    // The process before has finished what it began.
    this.#serveGuests(this.#takeNotes(false, mapFile));
    serveAdopted(server);
    discardState(handover?.state ?? this.places.stateDump);
    await listening;
    for (const { kind, path } of LISTENERS) {
      if (!missing.includes(kind)) continue;
      makeRoom(path(this.places));
      await this.transport.listen(path(this.places), kind);
    }
  }

  /** Whoever has nobody to go back to goes on without what can't be had. */
  async #orWithout(handover: Handover | null, action: () => void | Promise<void>): Promise<void> {
    try {
      await action();
    } catch (error) {
      if (handover && !handover.failure) throw error;
      this.log.notice(`${(error as Error).message}; going on without it`);
    }
  }

  async #takeDatabaseOver(handover: Handover | null): Promise<void> {
    await this.#takeDatabase();
    if (!this.#database) return;
    try {
      // What the C daemon has is in no database of ours.
      this.#database.adopt(this.core, handover?.database === this.places.database);
      this.#keep(this.#database);
    } catch (error) {
      this.#database = null;
      this.core.configure(OPT_JOURNAL, 0);
      throw error;
    }
  }

  #resumeTrace(handover: Handover | null, traceFile: string): void {
    const { trace } = this.log;
    if (!handover) this.#openTrace(traceFile);
    else attempt(handover.trace, () => trace.resume(handover.trace, handover.tracing));
    this.log.onTrace(trace.isOpen);
  }

  /** As the process before had it; what is wrong with it is no reason to end. */
  #keepPidFile(): void {
    try {
      this.#takePidFile();
    } catch (error) {
      this.log.notice((error as Error).message);
    }
  }

  /** Opens the folder of the database, if there is to be one; nothing is read yet. */
  async #takeDatabase(): Promise<void> {
    const { durability } = this.#config;
    if (durability === "off") return;
    this.#database = await Database.take(this.places.database, {
      makeCore: () => makeCore(this.#config),
      disk: durability === "disk",
      clock,
      notice: (line) => this.log.notice(line),
      libc: this.libc,
      ...this.#parts,
    });
  }

  /** From here on nothing is told before it is stored. */
  #keep({ persistence }: Database): void {
    this.server.keeper = persistence;
    persistence.onWants = (bits) => this.server.others(bits);
  }

  get databaseFolder(): string {
    return this.#database ? this.places.database : "";
  }

  release(): void {
    this.server.drain();
    this.#database?.release();
  }

  retake(): void {
    this.#database?.retake(this.core);
  }

  async #task(kind: number, words: Uint8Array): Promise<void> {
    const text = Buffer.from(words).toString();
    let answer = "";
    if (kind === TASK_FILE) answer = faultOf(text);
    else if (kind === TASK_UPDATE) answer = await update(this, text);
    else if (kind === TASK_CHECK) answer = (await this.#database?.persistence.verify()) ?? "";
    this.server.taskDone(Buffer.from(answer));
  }

  #openTrace(name: string): void {
    if (!name) return;
    attempt(`trace file ${name}`, () => this.log.trace.open(name));
    this.log.onTrace(true);
  }

  #takePidFile(): void {
    if (!this.#pidFile) return;
    attempt(`pid file ${this.#pidFile}`, () => writePidFile(this.#pidFile));
    this.#ownsPidFile = true;
  }

  /** Looks for the machine below, if there is one. */
  async #findMachine(handed: HandedMachine | null): Promise<void> {
    this.machine = await findMachine(this.#config, this.#watch, handed);
  }

  #takeNotes(keep: boolean, map: MapFile | null): NotesFile | null {
    const { ringNotes } = this.places;
    return takeNotes(ringNotes, keep, map, (line) => this.log.notice(line));
  }

  /** Serves the guests of the machine. */
  #serveGuests(file: NotesFile | null): void {
    if (!this.machine) {
      this.server.withoutMachine();
      return;
    }
    const soon = (work: () => boolean) => this.transport.soon(work);
    this.#rings = this.server.attach(this.machine, soon, file?.notes);
    this.#dropRemains(this.machine);
    this.#rings.start(this.#config.core.get(OPT_PRIV_DOMID) ?? 0);
    this.#notes = file;
    if (this.#config.simulate) this.#linkMachine(path.resolve(this.#config.simulate));
  }

  /** Guests do not outlive their machine; a simulated one was never off. */
  #dropRemains(machine: Machine): void {
    if (machine.name !== "xen" || !this.#database?.persistence.otherBoot) return;
    this.log.notice("the store is from before the machine was started: its guests are removed");
    this.server.others(this.core.dropGuests());
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

  /**
   * Removes its files and stops listening; connections end with the process.
   * @param sound  false: the core has failed, and nothing of it is stored any more
   */
  stop(sound = true): void {
    this.#rings?.stop();
    // The transport may be missing: it is made late in the start.
    this.transport?.close();
    if (sound) this.#database?.end();
    else this.#abandon();
    if (sound) this.#notes?.remove();
    if (this.#machineLink) fs.rmSync(this.#machineLink, { force: true });
    if (this.#ownsPidFile) removePidFile(this.#pidFile);
    this.log.trace.close();
  }

  #abandon(): void {
    this.#database?.abandon();
    abandon(this.places.socket);
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
