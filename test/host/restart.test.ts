// Restart: a daemon whose core fails begins again from its database, once.
// Holds   daemons with a core that fails when it is told to, with koffi and without.
// Never   waits for a time.
// Source  "The database" in docs/database.md; our own.

import fs from "node:fs";
import path from "node:path";
import process from "node:process";
import { afterAll, describe, expect, test } from "vitest";
import { portOf, RingLink } from "../peers/ring.ts";
import { commandOf, liveUpdate } from "../update/control.ts";
import { Worker } from "../update/load.ts";
import { CRASH, daemonWith, failsInLaterStarts, failsWhenAsked } from "./failing.ts";
import { Caller, Daemon, release, run, TRANSPORTS, temporaryFolder } from "./rig.ts";

const BEGINS = "it begins again from the database";
const [EXIT_SECOND, EXIT_BUG] = [1, 70];
const withoutKoffi = TRANSPORTS[0][1];

/** Daemons in the background are nobody's children. */
const pidFiles: string[] = [];

afterAll(async () => {
  for (const file of pidFiles) if (fs.existsSync(file)) process.kill(pidIn(file), "SIGKILL");
  await release();
});

const pidIn = (file: string): number => Number(fs.readFileSync(file, "utf8"));

/** Writes, then makes the core fail. Returns when the daemon has hung up. */
async function fail(socket: string, name: string): Promise<void> {
  const caller = await Caller.open(socket);
  for (let n = 0; n < 20; n++)
    expect(await caller.ask("WRITE", `/${name}/${n}\0v${n}`)).toBe("OK\0");
  caller.send("WRITE", `${CRASH}\0x`);
  await caller.closed;
  await expect(caller.take(1)).rejects.toThrow("hung up");
}

/** All that was acknowledged is there. */
async function holds(caller: Caller, name: string): Promise<void> {
  for (let n = 0; n < 20; n++) expect(await caller.ask("READ", `/${name}/${n}\0`)).toBe(`v${n}`);
}

/** A connection to whoever serves next. */
async function reopened(socket: string): Promise<Caller> {
  for (;;) {
    try {
      return await Caller.open(socket);
    } catch {
      // It is not there yet.
    }
  }
}

/** Starts a daemon in the background; whether it gets ready is in what the command says. */
async function background(file: string, folder: string) {
  const pidFile = path.join(folder, "pid");
  pidFiles.push(pidFile);
  const ended = await run([file, "-F", path.relative(process.cwd(), pidFile)], {
    XENSTORED_RUNDIR: folder,
  });
  return { ...ended, pid: () => pidIn(pidFile), socket: path.join(folder, "socket") };
}

describe.skipIf(withoutKoffi)(`with koffi${withoutKoffi}`, () => {
  const failing = daemonWith(failsWhenAsked(), true);

  test("it is the same process, with everything that was acknowledged; only once", async () => {
    const folder = temporaryFolder();
    const pidFile = path.join(folder, "pid");
    const daemon = await new Daemon(folder, ["-F", pidFile], {}, failing).ready();
    await fail(daemon.socket, "first");
    await daemon.says(/this is a bug in the daemon: .*\(at .*\); it begins again.*\n/, "err");
    const next = await reopened(daemon.socket);
    await holds(next, "first");
    expect(pidIn(pidFile)).toBe(daemon.pid);
    expect(await next.ask("TRANSACTION_START", "\0")).toMatch(/^\d+\0$/);
    await fail(daemon.socket, "second");
    const { code, err, out } = await daemon.ended;
    expect(code).toBe(EXIT_SECOND);
    const lines = err.trimEnd().split("\n");
    expect(lines).toHaveLength(2);
    expect(lines[0]).toMatch(/unreachable/);
    expect(lines[1]).toMatch(/; it ends: it began again \d+ s ago already/);
    expect(out).toBe(`${daemon.pid}\n`);
    const sound = await new Daemon(folder, []).ready();
    const caller = await Caller.open(sound.socket);
    await holds(caller, "first");
    await holds(caller, "second");
    caller.close();
    await sound.stop();
  });

  test("in the background, too, where relative names mean what they meant", async () => {
    const folder = temporaryFolder();
    const { code, err, pid, socket } = await background(failing, folder);
    expect({ code, err }).toEqual({ code: 0, err: "" });
    const before = pid();
    await fail(socket, "a");
    const caller = await reopened(socket);
    await holds(caller, "a");
    expect(pid()).toBe(before);
    process.kill(before, "SIGTERM");
    await caller.closed;
  });

  test("guests notice nothing", async () => {
    const folder = temporaryFolder();
    const machine = path.join(folder, "guests");
    const daemon = await new Daemon(folder, ["--simulate", machine], {}, failing).ready();
    const guest = new RingLink(machine, 1);
    const dom0 = await Caller.open(daemon.socket);
    expect(await dom0.ask("INTRODUCE", `1\x001\0${portOf(1)}\0`)).toBe("OK\0");
    expect(await dom0.ask("MKDIR", "/local/domain/1\0")).toBe("OK\0");
    expect(await dom0.ask("SET_PERMS", "/local/domain/1\0n1\0")).toBe("OK\0");
    guest.attach();
    const worker = new Worker(guest, "domain 1", "load");
    await worker.prepare();
    await worker.watch("load");
    const working = worker.run(false);
    await fail(daemon.socket, "a");
    const next = await reopened(daemon.socket);
    const before = worker.signals;
    while (worker.signals < before + 3) await next.ask("READ", "/\0");
    worker.stop();
    await working;
    await worker.mustHaveSeen("load", worker.signals);
    guest.close();
    next.close();
    expect((await daemon.stop()).code).toBe(0);
  });

  test("a live update that is over is not done again", async () => {
    const folder = temporaryFolder();
    const daemon = await new Daemon(folder, [], {}, failing).ready();
    expect(await liveUpdate(daemon.socket, failing)).toBe("OK");
    expect(commandOf(daemon.pid)).toContain("-U");
    await fail(daemon.socket, "a");
    const next = await reopened(daemon.socket);
    expect(commandOf(daemon.pid)).not.toContain("-U");
    await holds(next, "a");
    next.close();
    expect((await daemon.stop()).code).toBe(0);
  });
});

describe("without koffi", () => {
  test("in the foreground it ends, for whoever started it to start it again", async () => {
    const file = daemonWith(failsWhenAsked(), false);
    const folder = temporaryFolder();
    const daemon = await new Daemon(folder, [], {}, file).ready();
    await fail(daemon.socket, "a");
    const { code, err } = await daemon.ended;
    expect(code).toBe(EXIT_BUG);
    expect(err).toMatch(/^xenstored: this is a bug .*; it ends: whoever has started it .*\n$/);
    const next = await new Daemon(folder, [], {}, file).ready();
    const caller = await Caller.open(next.socket);
    await holds(caller, "a");
    caller.close();
    await next.stop();
  });

  test("in the background another process follows it", async () => {
    const folder = temporaryFolder();
    const file = daemonWith(failsWhenAsked(), false);
    const { code, pid, socket } = await background(file, folder);
    expect(code).toBe(0);
    const before = pid();
    await fail(socket, "a");
    const caller = await reopened(socket);
    await holds(caller, "a");
    await caller.ask("READ", "/\0");
    expect(pid()).not.toBe(before);
    process.kill(pid(), "SIGTERM");
    await caller.closed;
  });
});

test("what is not stored can't be begun again from", async () => {
  const file = daemonWith(failsWhenAsked(), withoutKoffi === "");
  const daemon = await new Daemon(temporaryFolder(), ["--internal-db"], {}, file).ready();
  await fail(daemon.socket, "a");
  const { code, err } = await daemon.ended;
  expect(code).toBe(EXIT_BUG);
  expect(err).toMatch(/; it ends: nothing is stored/);
});

describe.each([
  ["with koffi", true, withoutKoffi],
  ["without koffi", false, ""],
])("a core that fails in the start, %s%s", (_, koffi, leftOut) => {
  const file = daemonWith(failsInLaterStarts(), koffi);

  /** Something is stored, so that the next start begins a second journal. */
  async function stored(): Promise<string> {
    const folder = temporaryFolder();
    const daemon = await new Daemon(folder, [], {}, file).ready();
    const caller = await Caller.open(daemon.socket);
    expect(await caller.ask("WRITE", "/a\0b")).toBe("OK\0");
    caller.close();
    await daemon.stop();
    return folder;
  }

  test.skipIf(leftOut)("does not fail for ever", async () => {
    const daemon = new Daemon(await stored(), [], {}, file);
    const { code, err, out } = await daemon.ended;
    const lines = err.trimEnd().split("\n");
    expect(code).toBe(koffi ? EXIT_SECOND : EXIT_BUG);
    expect(lines).toHaveLength(koffi ? 2 : 1);
    if (koffi) expect(lines[0]).toMatch(new RegExp(`${BEGINS}$`));
    expect(lines.at(-1)).toMatch(/; it ends: /);
    expect(out).toBe("");
  });

  test.skipIf(leftOut)("does not fail for ever in the background", async () => {
    const folder = await stored();
    const { code, err } = await background(file, folder);
    expect(code).toBe(1);
    const lines = err.trimEnd().split("\n");
    expect(lines).toHaveLength(2);
    expect(lines[0]).toMatch(new RegExp(`${BEGINS}$`));
    expect(lines[1]).toMatch(/; it ends: it began again \d+ s ago already/);
    expect(fs.existsSync(path.join(folder, "socket.lock"))).toBe(false);
    const sound = await new Daemon(folder, []).ready();
    const caller = await Caller.open(sound.socket);
    expect(await caller.ask("READ", "/a\0")).toBe("b");
    caller.close();
    await sound.stop();
  });
});
