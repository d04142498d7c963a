// No koffi: where a process can't exchange its program, another one follows it.
// Holds   a copy of the daemon that finds no package, in a folder of its own.
// Never   waits for a time: what a client or a program says is waited for.
// Source  the XenStore protocol, live-update.

import fs from "node:fs";
import path from "node:path";
import process from "node:process";
import { afterAll, describe, expect, test } from "vitest";
import { Caller, DAEMON, Daemon, release, run, temporaryFolder } from "../host/rig.ts";
import { SocketLink } from "../peers/link.ts";
import { portOf, RingLink } from "../peers/ring.ts";
import { daemonWithoutKoffi, koffiMissing, liveUpdate, program } from "./control.ts";
import { Worker } from "./load.ts";

const PROGRAM = daemonWithoutKoffi();

/** A daemon that ends as it should removes its file; processes that follow one are nobody's children. */
const pidFiles: string[] = [];

afterAll(async () => {
  for (const file of pidFiles) {
    if (fs.existsSync(file)) process.kill(Number(fs.readFileSync(file, "utf8")), "SIGKILL");
  }
  await release();
});

interface Site {
  readonly folder: string;
  readonly socket: string;
  readonly machine: string;
  pid(): number;
  /** Ends whichever process serves now, and waits until it is gone. */
  stop(): Promise<void>;
}

async function site(...args: string[]): Promise<Site> {
  const folder = temporaryFolder();
  const [machine, pidFile] = [path.join(folder, "guests"), path.join(folder, "pid")];
  pidFiles.push(pidFile);
  const all = ["-F", pidFile, "--simulate", machine, ...args];
  const first = await new Daemon(folder, all, {}, PROGRAM).ready();
  const pid = () => Number(fs.readFileSync(pidFile, "utf8"));
  const stop = async () => {
    const last = await Caller.open(first.socket);
    process.kill(pid(), "SIGTERM");
    await last.closed;
    await first.ended;
  };
  return { folder, socket: first.socket, machine, pid, stop };
}

test("clients and guests notice nothing of three processes that follow one another", async () => {
  const at = await site();
  const dom0 = await Caller.open(at.socket);
  const guest = new RingLink(at.machine, 1);
  expect(await dom0.ask("INTRODUCE", `1\0${1}\0${portOf(1)}\0`)).toBe("OK\0");
  expect(await dom0.ask("MKDIR", "/local/domain/1\0")).toBe("OK\0");
  expect(await dom0.ask("SET_PERMS", "/local/domain/1\0n1\0")).toBe("OK\0");
  guest.attach();
  const workers = [new Worker(guest, "domain 1", "load")];
  for (let n = 0; n < 10; n++) {
    workers.push(new Worker(await SocketLink.open(at.socket), `client ${n}`, `/load/${n}`));
  }
  for (const worker of workers) await worker.prepare();
  for (const worker of workers) await worker.watch(worker.base);
  const runs = Promise.all(workers.map((worker) => worker.run()));
  const pids = new Set([at.pid()]);
  for (let n = 0; n < 3; n++) {
    const over = runs.then(() => "the clients have stopped");
    expect(await Promise.race([liveUpdate(at.socket, PROGRAM), over])).toBe("OK");
    pids.add(at.pid());
  }
  expect(pids.size).toBe(4);
  for (const worker of workers) worker.stop();
  await runs;
  for (const worker of workers) await worker.mustHaveSeen(worker.base, worker.signals);
  for (const { link } of workers) link.close();
  dom0.close();
  await at.stop();
  expect(fs.existsSync(at.socket)).toBe(false);
  expect(fs.existsSync(path.join(at.folder, "state_dump"))).toBe(false);
});

test("a client that leaves is gone: no process keeps a descriptor of it", async () => {
  const at = await site();
  const callers = await Promise.all(Array.from({ length: 20 }, () => Caller.open(at.socket)));
  for (const caller of callers) await caller.ask("READ", "/tool\0");
  for (let n = 0; n < 2; n++) expect(await liveUpdate(at.socket, PROGRAM)).toBe("OK");
  const one = await Caller.open(at.socket);
  // It counts only once it has been accepted.
  await one.ask("READ", "/tool\0");
  const before = socketsOf(at.pid());
  for (const caller of callers) caller.close();
  while (socketsOf(at.pid()) > before - callers.length) await one.ask("READ", "/tool\0");
  one.close();
  await at.stop();
});

describe.skipIf(koffiMissing !== "")(`a version with koffi and one without${koffiMissing}`, () => {
  test("take over from one another, and clients that leave are gone", async () => {
    const folder = temporaryFolder();
    const pidFile = path.join(folder, "pid");
    pidFiles.push(pidFile);
    const daemon = await new Daemon(folder, ["-F", pidFile]).ready();
    const pid = () => Number(fs.readFileSync(pidFile, "utf8"));
    const leaving = await Promise.all(Array.from({ length: 40 }, () => Caller.open(daemon.socket)));
    for (const caller of leaving) await caller.ask("READ", "/tool\0");
    // Every second one leaves now: the descriptors handed over have gaps.
    for (const caller of leaving.filter((_, n) => n % 2)) caller.close();
    const worker = new Worker(await SocketLink.open(daemon.socket), "client", "/load");
    await worker.prepare();
    await worker.watch("/load");
    const working = worker.run();
    for (const file of [PROGRAM, PROGRAM, DAEMON, PROGRAM, DAEMON]) {
      const over = working.then(() => "the client has stopped");
      expect(await Promise.race([liveUpdate(daemon.socket, file), over])).toBe("OK");
    }
    const one = await Caller.open(daemon.socket);
    // It counts only once it has been accepted.
    await one.ask("READ", "/tool\0");
    const before = socketsOf(pid());
    const open = leaving.filter((_, n) => n % 2 === 0);
    for (const caller of open) caller.close();
    while (socketsOf(pid()) > before - open.length) await one.ask("READ", "/tool\0");
    worker.stop();
    await working;
    await worker.mustHaveSeen("/load", worker.signals);
    worker.link.close();
    process.kill(pid(), "SIGTERM");
    await one.closed;
    await daemon.ended;
  });
});

describe("a new process that does not get ready leaves the old one serving", () => {
  test.each([
    ["ends", "process.exit(5)", "it ended before it was ready"],
    ["finds a fault", 'process.argv.push("--entry-nb", "many")', /--entry-nb.* is not allowed/],
  ])("when it %s", async (_, code, reason) => {
    const at = await site();
    const caller = await Caller.open(at.socket);
    expect(await caller.ask("WRITE", "/a\0b")).toBe("OK\0");
    const file = program(
      `if (!process.env.XENSTORED_TRIAL) ${code};\nawait import(${JSON.stringify(PROGRAM)});\n`,
      "x.mjs",
    );
    const pid = at.pid();
    const reply = await liveUpdate(at.socket, file);
    expect(reply).toMatch(/^Error activating new binary: /);
    expect(reply).toMatch(reason);
    expect(await caller.ask("READ", "/a\0")).toBe("b");
    expect(at.pid()).toBe(pid);
    expect(await liveUpdate(at.socket, PROGRAM)).toBe("OK");
    expect(await caller.ask("READ", "/a\0")).toBe("b");
    caller.close();
    await at.stop();
  });
});

test("a daemon in the background is followed by one in the background", async () => {
  const folder = temporaryFolder();
  const pidFile = path.join(folder, "pid");
  pidFiles.push(pidFile);
  const env = { XENSTORED_RUNDIR: folder };
  const { code, err } = await run([PROGRAM, "-F", pidFile], env);
  expect({ code, err }).toEqual({ code: 0, err: "" });
  const socket = path.join(folder, "socket");
  const caller = await Caller.open(socket);
  const pid = () => Number(fs.readFileSync(pidFile, "utf8"));
  const first = pid();
  expect(await liveUpdate(socket, PROGRAM)).toBe("OK");
  expect(pid()).not.toBe(first);
  expect(await caller.ask("READ", "/tool\0")).toBe("");
  process.kill(pid(), "SIGTERM");
  await caller.closed;
});

/** Sockets that a process has open. */
function socketsOf(pid: number): number {
  const folder = `/proc/${pid}/fd`;
  const links = fs.readdirSync(folder).map((fd) => linkOf(path.join(folder, fd)));
  return links.filter((link) => link.startsWith("socket:")).length;
}

function linkOf(file: string): string {
  try {
    return fs.readlinkSync(file);
  } catch {
    return "";
  }
}
