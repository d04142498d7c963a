// Peers of the bench: which daemons take part and how each is started.
// Holds   the names of the command line; the starters themselves are in test/peers.
// Never   leaves a daemon or its folder behind.
// Source  our own.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import process from "node:process";
import { OURS, type Peer, startC, startOcaml, startOurs, unavailable } from "../peers/peer.ts";
import { Connection } from "./connection.ts";
import { coreMissing } from "./core_client.ts";
import type { Daemon } from "./session.ts";
import type { System } from "./system.ts";

/** How our own daemon stores what it is told, and where all daemons have their files. */
export interface Place {
  durability: Durability;
  folder: string;
}

export type Durability = "off" | "process" | "disk";
export const DURABILITIES: readonly string[] = ["off", "process", "disk"];

/** What a workload may need besides a daemon. */
export type Need = "update" | "database" | "core";

/** A daemon that can take part. */
export interface Contestant {
  name: string;
  /** Gives fixed answers only. */
  fixed: boolean;
  /** What it offers besides the protocol. */
  offers: readonly Need[];
  /** Starts a fresh one, or finds the one that runs already. */
  start(): Promise<Daemon>;
}

/** What each name of the command line stands for. */
export const PEERS: Record<string, string> = {
  c: "xenstored of Xen 4.17, quotas raised",
  ocaml: "oxenstored of Xen 4.17, quotas raised, no access log",
  ours: "this project's daemon, as built, quotas raised",
  floor: "fixed answers, no store: shows what generator and system calls cost by themselves",
};

type Start = (dir: string) => Promise<Peer>;

const STARTERS: Record<string, Start> = { c: startC, ocaml: startOcaml };

const PLACE: Place = { durability: "process", folder: tmpdir() };

/**
 * Finds the daemons that were asked for.
 * @param asked  names of PEERS, or name=socket for a daemon that runs already
 * @returns those that can take part here, and for each other one the reason why not
 */
export function contestants(
  asked: string[],
  system: System,
  program: string,
  place: Place = PLACE,
) {
  const found: Contestant[] = [];
  const missing: string[] = [];
  for (const one of asked) {
    const [name, socket] = one.split("=", 2);
    if (socket) found.push(running(name, socket, system));
    else if (name === "floor") found.push(floor(program));
    else if (!(name in PEERS)) throw new Error(unknownPeer(name));
    else {
      const why = unavailable(name as Parameters<typeof unavailable>[0]) ?? halfBuilt(name);
      if (why) missing.push(`${name}: ${why}`);
      else found.push(name === "ours" ? ours(place) : other(name, place));
    }
  }
  return { found, missing };
}

/** Our daemon is nothing without the core. */
const halfBuilt = (name: string) => (name === "ours" ? coreMissing() : null);

const unknownPeer = (name: string) =>
  `--peers: "${name}" is none of ${Object.keys(PEERS).join(", ")}, nor name=socket`;

function other(name: string, { folder }: Place): Contestant {
  const start = () => inFolder(STARTERS[name], folder);
  return { name, fixed: false, offers: [], start };
}

function ours({ durability, folder }: Place): Contestant {
  const start: Start = (dir) => startOurs(dir, { arguments: ["--durability", durability] });
  const stores = durability !== "off";
  return {
    name: "ours",
    fixed: false,
    offers: stores ? ["core", "update", "database"] : ["core", "update"],
    async start() {
      const daemon = await inFolder(start, folder);
      const dir = resolve(daemon.socket, "..");
      daemon.own = {
        program: OURS,
        database: stores ? join(dir, "tdb") : null,
        syncs: durability === "disk",
        again: () => killAndStart(daemon, dir, start),
      };
      return daemon;
    },
  };
}

async function inFolder(start: Start, folder: string): Promise<Daemon> {
  const dir = mkdtempSync(join(folder, "xsb-"));
  const remove = () => rmSync(dir, { recursive: true, force: true });
  try {
    const { socket, pid, stop } = await start(dir);
    return { socket, pid, stop: () => stop().finally(remove), own: null };
  } catch (error) {
    remove();
    throw error;
  }
}

/** The same daemon has another process afterwards. @returns ms from its start to its answer */
async function killAndStart(daemon: Daemon, dir: string, start: Start): Promise<number> {
  process.kill(daemon.pid, "SIGKILL");
  while (isRunning(daemon.pid)) await new Promise((next) => setTimeout(next, 1));
  const startMs = performance.now();
  const { pid, stop } = await start(dir);
  const ms = performance.now() - startMs;
  const remove = daemon.stop;
  daemon.pid = pid;
  // What the first one would have removed at its end is still to be removed.
  daemon.stop = () => stop().then(remove);
  return ms;
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** A daemon of somebody else's: it is found by who answers on the socket, and left running. */
function running(name: string, socket: string, system: System): Contestant {
  return {
    name,
    fixed: false,
    offers: [],
    async start() {
      const connection = new Connection(system, socket);
      const pid = system.peerPid(connection.fd);
      connection.close();
      return { socket, pid, stop: async () => {}, own: null };
    },
  };
}

function floor(program: string): Contestant {
  return {
    name: "floor",
    fixed: true,
    offers: [],
    async start() {
      const dir = mkdtempSync(join(tmpdir(), "xsb-"));
      const socket = join(dir, "socket");
      const stdio: ("ignore" | "pipe" | "inherit")[] = ["ignore", "pipe", "inherit"];
      const child = spawn(process.execPath, [program, "--floor", socket], { stdio });
      const stop = () => end(child).finally(() => rmSync(dir, { recursive: true, force: true }));
      process.once("exit", () => child.kill("SIGKILL"));
      // It writes one line when it listens.
      await Promise.race([
        once(child.stdout as NodeJS.ReadableStream, "data"),
        once(child, "exit"),
      ]);
      if (!existsSync(socket)) throw new Error("the server of fixed answers did not start");
      return { socket, pid: child.pid as number, stop, own: null };
    },
  };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, "exit");
  child.kill("SIGKILL");
  await gone;
}
