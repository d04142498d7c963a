// Update: this daemon puts its next version in its place, with every connection and ring.
// Holds   the order of an update, and the way back when the next version does not get ready.
// Never   stands still before the next version has shown that it can take over.
// Source  the XenStore protocol, live-update; figures of the gap in ARCHITECTURE.md.

import fs from "node:fs";
import process from "node:process";
import { setTimeout } from "node:timers/promises";
import {
  CONN_RING,
  DUMP_UPDATE,
  HANDLE_EVENTS,
  HANDLE_SOCKET_READ_ONLY,
  NO_HANDLE,
} from "../../assembly/abi.ts";
import type { Core } from "../shared/core.ts";
import type { HandedMachine, Machine } from "../shared/machine.ts";
import { LISTENERS } from "./adopt.ts";
import { execute } from "./exec.ts";
import { type Handover, handoverEnvironment, packed } from "./handover.ts";
import type { Libc } from "./libc.ts";
import type { NodeLog } from "./log.ts";
import { notify } from "./notify.ts";
import type { Places } from "./places.ts";
import { commandOf, namesOthers, nextArguments } from "./program.ts";
import { ownCommand } from "./self.ts";
import { discardState, writeState } from "./state_file.ts";
import { LINE_FD, placeOf, succeed } from "./successor.ts";
import type { Descriptors, Transport } from "./transport.ts";
import { tryOut } from "./trial.ts";

/**
 * How long a new version may take to show that it can take over, while this one serves; then to
 * get ready, while nobody does; and more for each byte of the state.
 */
const TRIAL_MS = 60_000;
const READY_MS = 10_000;
const MS_PER_BYTE = 1e-4;
/** How long to wait for a snapshot to be written. */
const SNAPSHOT_MS = 30_000;
/** How often to look whether something else is over. */
const LOOK_MS = 20;

/** The answer to a request for an update that came to nothing; it begins as the C daemon's. */
export const refusal = (reason: string) => `Error activating new binary: ${reason}`;

/** What an update needs of a running daemon. */
export interface Running {
  readonly core: Core;
  readonly transport: Transport;
  readonly log: NodeLog;
  readonly places: Places;
  readonly libc: Libc | null;
  readonly machine: Machine | null;
  /** Folder of its database; empty: it has none. */
  readonly databaseFolder: string;
  /** Whether it has the standard streams of whoever started it. */
  readonly foreground: boolean;
  /** Folder it was started in. */
  readonly cwd: string;
  /** Lets go of the database, all changes stored; `retake` goes on with it. Throws an Error. */
  release(): void;
  retake(): void;
}

/** The next version: the command that starts it, and whether its options are others. */
interface Next {
  readonly command: readonly string[];
  readonly otherOptions: boolean;
}

/**
 * Replaces the program of this process. When it succeeds, the next version answers the request.
 * @param words  of TASK_UPDATE: the file, then NUL and the new command line or nothing
 * @returns      why it failed, as an answer to the request
 */
export async function update(daemon: Running, words: string): Promise<string> {
  const [file = "", commandLine = ""] = words.split("\0");
  const present = process.argv.slice(2);
  const command = commandOf(file, nextArguments(commandLine, present));
  const next = { command, otherOptions: namesOthers(commandLine, present) };
  daemon.log.notice(`live update: trying ${command.join(" ")}`);
  const failure =
    (await quiet(daemon.core)) ||
    (await rehearse(daemon, command)) ||
    (await quiet(daemon.core)) ||
    (daemon.core.taskConn() ? handOver(daemon, next) : "who asked for it has left");
  daemon.log.notice(`live update: ${file}: ${failure}; this version goes on`);
  return refusal(failure);
}

/** Waits until no snapshot of the database is being written. Returns why it is not over. */
async function quiet(core: Core): Promise<string> {
  const endMs = performance.now() + SNAPSHOT_MS;
  while (!core.dumpBegin(DUMP_UPDATE)) {
    if (performance.now() > endMs) return "a snapshot of the database is being written";
    await setTimeout(LOOK_MS);
  }
  core.dumpEnd();
  return "";
}

/** Has the new version try with a state of this moment; this one serves on meanwhile. */
async function rehearse(daemon: Running, command: readonly string[]): Promise<string> {
  const state = `${daemon.places.stateDump}.trial`;
  try {
    writeState(daemon.core, state);
    return await tryOut(command, state, limitFor(state, TRIAL_MS));
  } catch (error) {
    return (error as Error).message;
  } finally {
    discardState(state);
  }
}

function limitFor(state: string, ms: number): number {
  return Math.round(ms + fs.statSync(state).size * MS_PER_BYTE);
}

/** From here on nothing is read or written, until the next version does or this one goes on. */
function handOver(daemon: Running, next: Next): string {
  const usec = process.hrtime.bigint() / 1000n;
  notify(daemon.libc, process.env, ["RELOADING=1", `MONOTONIC_USEC=${usec}`]);
  const undo = [() => daemon.retake()];
  try {
    daemon.release();
    const machine = daemon.machine?.handOver?.() ?? null;
    undo.push(() => daemon.machine?.goOn?.());
    const open = daemon.transport.handOver();
    const failure = daemon.libc
      ? replace(daemon, daemon.libc, next, open, machine)
      : follow(daemon, next, open, machine);
    discardState(daemon.places.stateDump);
    return failure;
  } catch (error) {
    return (error as Error).message;
  } finally {
    goOn(daemon, undo);
  }
}

/** The old version serves again. */
function goOn(daemon: Running, undo: readonly (() => void)[]): void {
  for (const step of undo) {
    try {
      step();
    } catch (error) {
      daemon.log.notice(`after a live update that failed: ${(error as Error).message}`);
    }
  }
  notify(daemon.libc, process.env, ["READY=1"]);
}

/** The new program in this process. Returns why that failed. */
function replace(
  daemon: Running,
  libc: Libc,
  { command, otherOptions }: Next,
  open: Descriptors,
  machine: HandedMachine | null,
): string {
  const { core, places } = daemon;
  name(core, open, machine, (fd) => fd);
  writeState(core, places.stateDump);
  const fds = descriptorsOf(open, machine);
  const asker = open.connections.find(({ conn }) => conn === core.taskConn())?.fd;
  const back = ownCommand(nextArguments("", process.argv.slice(2)));
  const more = { fds: packed(fds), asker: asker ?? NO_HANDLE, back, otherOptions };
  const env = handoverEnvironment({ ...common(daemon), ...more });
  return execute(libc, command, env, fds);
}

/** A new process that follows this one. Returns why it did not get ready. */
function follow(
  daemon: Running,
  { command, otherOptions }: Next,
  open: Descriptors,
  machine: HandedMachine | null,
): string {
  const { core, places, libc, foreground } = daemon;
  const fds = descriptorsOf(open, machine);
  const inSuccessor = new Map(fds.map((fd, index) => [fd, placeOf(index)]));
  name(core, open, machine, (fd) => inSuccessor.get(fd) ?? NO_HANDLE);
  writeState(core, places.stateDump);
  const env = handoverEnvironment({ ...common(daemon), otherOptions, ready: LINE_FD });
  const limitMs = limitFor(places.stateDump, READY_MS);
  return succeed(command, env, fds, foreground, limitMs, (pid) => {
    notify(libc, process.env, [`MAINPID=${pid}`]);
    process.exit(0);
  });
}

function common({ core, places, log, cwd, databaseFolder }: Running): Handover {
  return {
    state: places.stateDump,
    cwd,
    fds: "",
    readOnly: core.global(HANDLE_SOCKET_READ_ONLY),
    database: databaseFolder,
    trace: log.trace.name,
    tracing: log.trace.isOpen,
    asker: NO_HANDLE,
    back: [],
    otherOptions: false,
    failure: "",
    ready: NO_HANDLE,
  };
}

function descriptorsOf(open: Descriptors, machine: HandedMachine | null): number[] {
  const events = machine && machine.events >= 0 ? [machine.events] : [];
  return [...open.listeners, ...open.connections].map(({ fd }) => fd).concat(events);
}

/** Tells the core which descriptor and which port belongs to what. */
function name(
  core: Core,
  open: Descriptors,
  machine: HandedMachine | null,
  as: (fd: number) => number,
): void {
  for (const { conn } of core.connections()) core.setHandle(conn, NO_HANDLE);
  for (const { conn, fd } of open.connections) core.setHandle(conn, as(fd));
  for (const { which, kind } of LISTENERS) {
    const listener = open.listeners.find((one) => one.kind === kind);
    core.setGlobal(which, listener ? as(listener.fd) : NO_HANDLE);
  }
  const events = machine?.events ?? NO_HANDLE;
  core.setGlobal(HANDLE_EVENTS, events >= 0 ? as(events) : NO_HANDLE);
  if (machine) namePorts(core, machine);
}

function namePorts(core: Core, machine: HandedMachine): void {
  for (const { conn, kind, domid } of core.connections()) {
    if (kind === CONN_RING) core.setHandle(conn, machine.ports.get(domid) ?? NO_HANDLE);
  }
}
