// Peers of the bench: which daemons take part and how each is started.
// Holds   the names of the command line; the starters themselves are in test/peers.
// Never   leaves a daemon or its folder behind.
// Source  our own.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { type Peer, startC, startOcaml, startOurs, unavailable } from "../peers/peer.ts";
import { Connection } from "./connection.ts";
import { coreMissing } from "./core_client.ts";
import type { Daemon } from "./session.ts";
import type { System } from "./system.ts";

/** A daemon that can take part. */
export interface Contestant {
  name: string;
  /** Gives fixed answers only. */
  fixed: boolean;
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

const STARTERS: Record<string, (dir: string) => Promise<Peer>> = {
  c: startC,
  ocaml: startOcaml,
  ours: startOurs,
};

/**
 * Finds the daemons that were asked for.
 * @param asked  names of PEERS, or name=socket for a daemon that runs already
 * @returns those that can take part here, and for each other one the reason why not
 */
export function contestants(asked: string[], system: System, program: string) {
  const found: Contestant[] = [];
  const missing: string[] = [];
  for (const one of asked) {
    const [name, socket] = one.split("=", 2);
    if (socket) found.push(running(name, socket, system));
    else if (name === "floor") found.push(floor(program));
    else if (!(name in STARTERS)) throw new Error(unknownPeer(name));
    else {
      const why = unavailable(name as Parameters<typeof unavailable>[0]) ?? halfBuilt(name);
      if (why) missing.push(`${name}: ${why}`);
      else found.push({ name, fixed: false, start: () => inFolder(STARTERS[name]) });
    }
  }
  return { found, missing };
}

/** Our daemon is nothing without the core. */
const halfBuilt = (name: string) => (name === "ours" ? coreMissing() : null);

const unknownPeer = (name: string) =>
  `--peers: "${name}" is none of ${Object.keys(PEERS).join(", ")}, nor name=socket`;

async function inFolder(start: (dir: string) => Promise<Peer>): Promise<Daemon> {
  const dir = mkdtempSync(join(tmpdir(), "xsb-"));
  const remove = () => rmSync(dir, { recursive: true, force: true });
  try {
    const peer = await start(dir);
    return { socket: peer.socket, pid: peer.pid, stop: () => peer.stop().finally(remove) };
  } catch (error) {
    remove();
    throw error;
  }
}

/** A daemon of somebody else's: it is found by who answers on the socket, and left running. */
function running(name: string, socket: string, system: System): Contestant {
  return {
    name,
    fixed: false,
    async start() {
      const connection = new Connection(system, socket);
      const pid = system.peerPid(connection.fd);
      connection.close();
      return { socket, pid, stop: async () => {} };
    },
  };
}

function floor(program: string): Contestant {
  return {
    name: "floor",
    fixed: true,
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
      return { socket, pid: child.pid as number, stop };
    },
  };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, "exit");
  child.kill("SIGKILL");
  await gone;
}
