// Peers: Xen's own store daemons and ours, each started in a folder of its own.
// Holds   how each is started without Xen, how its readiness is seen and how it is ended.
// Never   talks to a peer beyond one connection that shows that it answers.
// Source  our own; the options are those of "Command line", daemons.

import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import net from "node:net";
import { join, resolve } from "node:path";
import { XS_GET_DOMAIN_PATH } from "../../assembly/xs_wire.ts";
import { encode } from "../message.ts";

/** What may be asked of a peer when it is started. */
export type PeerOptions = {
  /** "raised" (the default): no load meets a quota; "default": the daemon's own. */
  quota?: "raised" | "default";
  /** Further options of the command line, after ours. */
  arguments?: string[];
  /** How many times as fast the daemon's monotonic clock runs (C and OCaml); default 1. */
  clock?: number;
  /** Every domid exists without a file of its own; default true. */
  allDomains?: boolean;
};

/** A running daemon. */
export type Peer = {
  /** "C 4.17", "oxenstored 4.17" or "ours". */
  name: string;
  /** Path of its Unix socket. */
  socket: string;
  pid: number;
  /** Folder of the fake machine: ring pages, event channels, states of domains. */
  machine: string;
  /** File with everything it wrote to its standard output and error. */
  log: string;
  /** Settles when the process has ended: how, in words. */
  ended: Promise<string>;
  /** Ends it and waits until it is gone. */
  stop(): Promise<void>;
};

type Kind = "c" | "ocaml" | "ours";

const XEN_LIB = process.env.XEN_LIB ?? "/usr/lib/xen-4.17";
const ROOT = rootOf(import.meta.dirname);
const SHIM_SOURCE = join(ROOT, "test/peers/shim.c");
const SHIM = join(ROOT, "build/test/shim.so");
/** Our daemon's program. */
export const OURS = join(ROOT, "build/hosts/xenstored.mjs");
const RAISED = "2000000000";
const START_LIMIT_MS = 30_000;
const STOP_LIMIT_MS = 5_000;
/** A socket's path must fit struct sockaddr_un. */
const SOCKET_PATH_MAX = 107;

/** Daemons that must not outlive this process. */
const running = new Set<ChildProcess>();
process.once("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

const binary = (kind: Kind) =>
  kind === "ours" ? OURS : join(XEN_LIB, "bin", kind === "c" ? "xenstored" : "oxenstored");

/**
 * Says why a peer can't be had on this machine, or null when it can.
 * @returns one clause that names what is missing, fit for the reason of a skipped test
 */
export function unavailable(kind: Kind = "c"): string | null {
  if (process.platform !== "linux") return `${kind} daemon: not Linux but ${process.platform}`;
  const file = binary(kind);
  if (kind === "ours") return existsSync(file) ? null : "our daemon is not built: npm run build";
  if (!existsSync(file)) return `no ${file} (Debian's package xen-utils-4.17)`;
  if (shimIsFresh()) return null;
  if (!existsSync("/usr/include/xenctrl.h")) return "no xenctrl.h (Debian's package libxen-dev)";
  try {
    execFileSync("gcc", ["--version"], { stdio: "ignore" });
    return null;
  } catch {
    return "no gcc (Debian's package gcc)";
  }
}

/** Starts the C daemon of Xen 4.17 in `dir`, which is made if need be. */
export function startC(dir: string, options: PeerOptions = {}): Promise<Peer> {
  const raised = options.quota === "default" ? [] : raisedQuotas();
  return start("c", dir, options, binary("c"), ["--no-fork", ...raised]);
}

/** Starts the OCaml daemon of Xen 4.17 in `dir`, which is made if need be. */
export function startOcaml(dir: string, options: PeerOptions = {}): Promise<Peer> {
  mkdirSync(dir, { recursive: true });
  const config = join(resolve(dir), "oxenstored.conf");
  writeFileSync(config, ocamlConfig(resolve(dir), options).join("\n"));
  const args = ["--no-fork", "--no-access-log", "--config-file", config];
  return start("ocaml", dir, options, binary("ocaml"), args);
}

/** Starts our built daemon in `dir`, which is made if need be. */
export function startOurs(dir: string, options: PeerOptions = {}): Promise<Peer> {
  const raised = options.quota === "default" ? [] : raisedQuotas();
  return start("ours", dir, options, process.execPath, [OURS, "--no-fork", ...raised]);
}

/** The checkout's folder; bundles of this file stand elsewhere than the file. */
function rootOf(dir: string): string {
  return existsSync(join(dir, "package.json")) ? dir : rootOf(resolve(dir, ".."));
}

function raisedQuotas(): string[] {
  const named = ["transaction-nodes", "memory", "outstanding"];
  const short = ["--entry-nb", "--watch-nb", "--transaction"];
  return [
    ...short.flatMap((option) => [option, RAISED]),
    ...["--entry-size", "65536", "--perm-nb", "1000"],
    ...named.flatMap((name) => ["--quota", `${name}=${RAISED}`]),
  ];
}

function ocamlConfig(dir: string, options: PeerOptions): string[] {
  const lines = [
    `pid-file = ${dir}/own-pid`,
    `xenstored-kva = ${dir}/xen/xsd_kva`,
    `xenstored-port = ${dir}/xen/xsd_port`,
    `xenstored-log-file = ${dir}/xenstored.log`,
    `access-log-file = ${dir}/xenstored-access.log`,
    ...["merge-activate = true", "perms-activate = true", "persistent = false"],
  ];
  if (options.quota === "default") return lines;
  const large = ["maxentity", "maxwatch", "transaction", "maxrequests"];
  return [
    ...lines,
    "quota-activate = true",
    ...large.map((name) => `quota-${name} = ${RAISED}`),
    "quota-maxsize = 65536",
    "quota-path-max = 1024",
    "quota-maxoutstanding = 1000000",
    "quota-maxwatchevents = 1000000",
  ];
}

async function start(
  kind: Kind,
  folder: string,
  options: PeerOptions,
  file: string,
  args: string[],
): Promise<Peer> {
  const why = unavailable(kind);
  if (why !== null) throw new Error(why);
  const dir = resolve(folder);
  const machine = join(dir, "xen");
  const socket = join(dir, "socket");
  const log = join(dir, "log");
  if (socket.length > SOCKET_PATH_MAX) throw new Error(`socket path too long: ${socket}`);
  mkdirSync(machine, { recursive: true });
  for (const stale of [socket, join(machine, "evtchn")]) rmSync(stale, { force: true });
  const out = openSync(log, "w");
  const child = spawn(file, [...args, ...(options.arguments ?? [])], {
    env: environment(kind, dir, machine, options),
    stdio: ["ignore", out, out],
  });
  const ended = new Promise<string>((done) => {
    child.once("error", (error) => done(error.message));
    child.once("exit", (code, signal) => done(signal ? `signal ${signal}` : `exit code ${code}`));
  });
  running.add(child);
  ended.then(() => running.delete(child));
  await answers(socket, ended, log);
  const name = { c: "C 4.17", ocaml: "oxenstored 4.17", ours: "ours" }[kind];
  const pid = child.pid as number;
  return { name, socket, pid, machine, log, ended, stop: () => stop(child, ended) };
}

function environment(kind: Kind, dir: string, machine: string, options: PeerOptions) {
  const own = { ...process.env, XENSTORED_RUNDIR: dir };
  if (kind === "ours") return own;
  return {
    ...own,
    LD_PRELOAD: buildShim(),
    XSHIM_DIR: machine,
    XSHIM_RUNDIR: dir,
    XSHIM_ALL_DOMAINS: options.allDomains === false ? "0" : "1",
    XSHIM_AUTO_RING: "1",
    XSHIM_CLOCK: String(options.clock ?? 1),
  };
}

const shimIsFresh = () =>
  existsSync(SHIM) && statSync(SHIM).mtimeMs >= statSync(SHIM_SOURCE).mtimeMs;

/** Compiles the shim unless that is done; several processes may do it at once. */
function buildShim(): string {
  if (shimIsFresh()) return SHIM;
  mkdirSync(join(ROOT, "build/test"), { recursive: true });
  const own = `${SHIM}.${process.pid}`;
  const flags = ["-O2", "-Wall", "-Wextra", "-Wno-format-truncation", "-fPIC", "-shared"];
  execFileSync("gcc", [...flags, "-fvisibility=hidden", "-o", own, SHIM_SOURCE, "-ldl"]);
  renameSync(own, SHIM);
  return SHIM;
}

/** Waits until a request is answered; a daemon of Xen gives no other sign that it is ready. */
async function answers(socket: string, ended: Promise<string>, log: string): Promise<void> {
  let how: string | null = null;
  ended.then((text) => {
    how = text;
  });
  const limit = Date.now() + START_LIMIT_MS;
  while (!(await answersNow(socket))) {
    if (how !== null) throw new Error(`daemon ended, ${how}: ${readFileSync(log, "utf8")}`);
    if (Date.now() > limit) throw new Error(`no answer on ${socket}`);
    await new Promise((next) => setTimeout(next, 10));
  }
}

function answersNow(socket: string): Promise<boolean> {
  if (!existsSync(socket)) return Promise.resolve(false);
  return new Promise((done) => {
    const probe = net.connect(socket);
    probe.once("error", () => done(false));
    probe.once("close", () => done(false));
    probe.once("data", () => {
      done(true);
      probe.destroy();
    });
    probe.write(encode({ type: XS_GET_DOMAIN_PATH, reqId: 0, txId: 0, payload: "0\0" }));
  });
}

async function stop(child: ChildProcess, ended: Promise<string>): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill("SIGTERM");
  const kill = setTimeout(() => child.kill("SIGKILL"), STOP_LIMIT_MS);
  await ended;
  clearTimeout(kill);
}
