// Start: what keeps the daemon from starting, the background, pid files, a second daemon.
// Holds   nothing.
// Never   needs to be root: what root may do anyway is tried as somebody else, or named.
// Source  the command line, Daemon xenstored and Environment and places.

import fs from "node:fs";
import path from "node:path";
import process from "node:process";
import { afterAll, describe, expect, test } from "vitest";
import manifest from "../../package.json" with { type: "json" };
import {
  Caller,
  DAEMON,
  Daemon,
  message,
  Program,
  release,
  run,
  startDaemon,
  temporaryFolder,
} from "./rig.ts";

afterAll(release);

const start = (args: readonly string[], env: NodeJS.ProcessEnv) => run([DAEMON, ...args], env);

/** The only line of text on standard error, without the program's name. */
function complaint({ code, out, err }: { code: number | null; out: string; err: string }): string {
  expect({ code, out }).toEqual({ code: 1, out: "" });
  expect(err).toMatch(/^xenstored: [^\n]+\n$/);
  return err.slice("xenstored: ".length, -1);
}

test("--help and --version print and end", async () => {
  expect(await start(["--help"], {})).toMatchObject({ code: 0, err: "" });
  const version = `xenstored ${manifest.version}\n`;
  expect(await start(["--version"], {})).toEqual({ code: 0, out: version, err: "" });
});

test("a wrong option is one line and exit code 1", async () => {
  expect(complaint(await start(["-E", "many"], {}))).toMatch(/^-E .*"many".*whole number/);
});

describe("a second daemon", () => {
  test.each(["-N", "--verbose"])(
    "refuses a socket that is served, naming its process (%s)",
    async (how) => {
      const first = await startDaemon();
      const env = { XENSTORED_RUNDIR: first.folder };
      expect(complaint(await start([how], env))).toBe(
        `${first.socket}: another daemon is running there: process ${first.pid}`,
      );
      const caller = await Caller.open(first.socket);
      expect(await caller.ask("READ", "/tool\0")).toBe("");
      await first.stop();
    },
  );

  test("refuses a pid file that a running daemon holds, naming its process", async () => {
    const pidFile = path.join(temporaryFolder(), "pid");
    const first = await startDaemon(["--pid-file", pidFile]);
    const second = await start(["-N", "-F", pidFile], { XENSTORED_RUNDIR: temporaryFolder() });
    expect(complaint(second)).toBe(
      `pid file ${pidFile}: another daemon holds it: process ${first.pid}`,
    );
    await first.stop();
  });

  test("takes the place of one that was killed", async () => {
    const folder = temporaryFolder();
    const pidFile = path.join(folder, "pid");
    const first = await new Daemon(folder, ["-F", pidFile]).ready();
    first.signal("SIGKILL");
    await first.ended;
    expect(fs.readdirSync(folder).sort()).toEqual(["pid", "socket", "socket_ro", "tdb"]);
    const second = await new Daemon(folder, ["-F", pidFile]).ready();
    expect(fs.readFileSync(pidFile, "utf8")).toBe(`${second.pid}\n`);
    await second.stop();
  });

  test("is not kept away by a pid file that names another program", async () => {
    const pidFile = path.join(temporaryFolder(), "pid");
    const sleeper = new Program("sleep", ["1000"]);
    fs.writeFileSync(pidFile, `${sleeper.child.pid}\n`);
    const daemon = await startDaemon(["-F", pidFile]);
    expect(fs.readFileSync(pidFile, "utf8")).toBe(`${daemon.pid}\n`);
    await daemon.stop();
  });
});

describe("what is in the way at the start is one line and exit code 1", () => {
  const folder = temporaryFolder();
  const plain = path.join(folder, "plain");
  fs.writeFileSync(plain, "x");

  test.each<[string, string[], NodeJS.ProcessEnv, RegExp]>([
    ["a file instead of the folder", [], { XENSTORED_RUNDIR: plain }, /plain: EEXIST$/],
    ["a file above the folder", [], { XENSTORED_RUNDIR: `${plain}/x` }, /plain\/x: ENOTDIR$/],
    ["a file instead of the socket", [], { XENSTORED_PATH: plain }, /no socket is in the way$/],
    [
      "a path that is too long",
      [],
      { XENSTORED_RUNDIR: `/tmp/${"x".repeat(200)}` },
      /too long for a socket: 21\d bytes, 107 are allowed$/,
    ],
    [
      "a full disk for the pid file",
      ["-F", "/dev/full"],
      {},
      /^pid file \/dev\/full: the disk is full/,
    ],
    [
      "a full disk for the trace",
      ["-T", "/dev/full"],
      {},
      /^trace file \/dev\/full: the disk is full/,
    ],
    ["no folder for the trace", ["-T", `${plain}/t`], {}, /^trace file .*ENOTDIR$/],
    [
      "no configuration file",
      ["--config-file", "/nowhere"],
      {},
      /^--config-file: \/nowhere .*ENOENT$/,
    ],
  ])("%s", async (_what, args, env, text) => {
    const places = { XENSTORED_RUNDIR: path.join(folder, "run"), ...env };
    for (const how of [["-N"], []]) {
      expect(complaint(await start([...how, ...args], places))).toMatch(text);
    }
    const left = fs.existsSync(path.join(folder, "run"))
      ? fs.readdirSync(path.join(folder, "run"))
      : [];
    expect(left).toEqual([]);
    expect(fs.existsSync("/dev/full")).toBe(true);
  });

  test.skipIf(process.getuid?.() !== 0)(
    `a folder that is not the user's${process.getuid?.() ? " (left out: only root can make one)" : ""}`,
    async () => {
      const closed = path.join(temporaryFolder(), "closed");
      fs.mkdirSync(closed, { mode: 0o700 });
      fs.chmodSync(path.dirname(closed), 0o755);
      const program = new Program(
        "setpriv",
        ["--reuid=65534", "--clear-groups", process.execPath, DAEMON, "-N"],
        {
          XENSTORED_RUNDIR: `${closed}/run`,
        },
      );
      expect(complaint(await program.ended)).toMatch(
        /run: not allowed to write there \(EACCES; run as root, or use --try\)$/,
      );
    },
  );
});

describe("in the background", () => {
  test("the command returns when the daemon answers, which goes on by itself", async () => {
    const folder = temporaryFolder();
    const pidFile = path.join(folder, "run", "pid");
    const env = { XENSTORED_RUNDIR: folder };
    const { code, out, err } = await run([DAEMON, "-P", "-F", pidFile], env);
    expect({ code, err }).toEqual({ code: 0, err: "" });
    const pid = Number(out);
    expect(fs.readFileSync(pidFile, "utf8")).toBe(`${pid}\n`);
    expect(fs.readlinkSync(`/proc/${pid}/cwd`)).toBe("/");
    const output = [0, 1, 2].map((fd) => fs.readlinkSync(`/proc/${pid}/fd/${fd}`));
    expect(output).toEqual(["/dev/null", "/dev/null", "/dev/null"]);
    const caller = await Caller.open(path.join(folder, "socket"));
    expect(await caller.ask("READ", "/tool\0")).toBe("");
    process.kill(pid, "SIGTERM");
    await caller.closed;
    while (fs.existsSync(`/proc/${pid}/fd/0`)) await run(["--version"]);
    expect(fs.existsSync(pidFile)).toBe(false);
  });

  test("relative names are taken from where the command was given", async () => {
    const folder = temporaryFolder();
    fs.writeFileSync(path.join(folder, "x.conf"), "pid-file = run.pid\n");
    const shell = `cd ${folder} && exec "$0" "$@"`;
    const args = ["-c", shell, process.execPath, DAEMON, "--config-file", "x.conf", "-P"];
    const { out } = await new Program("sh", args, { XENSTORED_RUNDIR: "sub" }).ended;
    expect(fs.readFileSync(path.join(folder, "run.pid"), "utf8")).toBe(out);
    const caller = await Caller.open(path.join(folder, "sub", "socket"));
    process.kill(Number(out), "SIGTERM");
    await caller.closed;
  });
});

describe("settings from a file", () => {
  const folder = temporaryFolder();
  const conf = path.join(folder, "oxenstored.conf");

  test("are checked by --config-test, and what is unknown is warned about", async () => {
    fs.writeFileSync(conf, "quota-maxentity = 10\ncolour = blue\n");
    const ended = await start(["--config-file", conf, "--config-test"], {});
    expect(ended).toEqual({
      code: 0,
      out: "",
      err: `xenstored: ${conf}, line 2: unknown key colour\n`,
    });
  });

  test("give way to the command line", async () => {
    fs.writeFileSync(conf, "quota-maxentity = 10\nquota-maxwatch = 20\n");
    const daemon = await startDaemon(["--config-file", conf, "-E", "30"]);
    const caller = await Caller.open(daemon.socket);
    expect(await caller.ask("GET_QUOTA", "nodes\0")).toBe("30\0");
    expect(await caller.ask("GET_QUOTA", "watches\0")).toBe("20\0");
    await daemon.stop();
  });
});

test("XENSTORED_PATH names the socket", async () => {
  const folder = temporaryFolder();
  const socket = path.join(folder, "my-store");
  const daemon = await new Daemon(temporaryFolder(), [], { XENSTORED_PATH: socket }).ready();
  expect(fs.readdirSync(folder)).toEqual(["my-store", "my-store.tdb", "my-store_ro"]);
  expect(fs.readdirSync(daemon.folder)).toEqual([]);
  await daemon.stop();
});

test("options reach the core", async () => {
  const args = ["-E", "1", "-S", "2", "-W", "3", "-t", "4", "-A", "5", "-M", "6", "-Q", "memory=7"];
  const daemon = await startDaemon([...args, "-q", "memory=8"]);
  const caller = await Caller.open(daemon.socket);
  const names = ["nodes", "node-size", "watches", "transactions", "node-permissions", "path-max"];
  for (const [n, name] of [...names, "memory", "soft-memory"].entries()) {
    expect([name, await caller.ask("GET_QUOTA", `${name}\0`)]).toEqual([name, `${n + 1}\0`]);
  }
  await daemon.stop();
});

test("--try writes domain 0's nodes and prints commands that work as they stand", async () => {
  const folder = temporaryFolder();
  const env = {
    XDG_RUNTIME_DIR: path.join(folder, "a user's"),
    XDG_STATE_HOME: path.join(folder, "state"),
  };
  const program = new Program(process.execPath, [DAEMON, "--try"], env);
  await program.says(/export XENSTORED_PATH=.*\n/);
  expect(program.out).toContain(path.join(folder, "a user's", "xenstored", "socket"));
  const commands = program.out.split("\n").filter((line) => line.includes("xenstore.mjs"));
  expect(commands.length).toBe(5);
  const outputs: string[] = [];
  for (const command of commands) {
    const { code, out, err } = await new Program("sh", ["-c", command]).ended;
    expect({ code, err }).toEqual({ code: 0, err: "" });
    outputs.push(out);
  }
  expect(outputs[0]).toContain('/local/domain/0/name = "Domain-0"');
  expect(outputs[0]).toContain('/local/domain/0/domid = "0"');
  // What the host wrote is read by a guest.
  expect(outputs[4]).toBe("1\n");
  expect(outputs[0]).toContain('/vm = ""');
  expect(outputs[2]).toBe("world\n");
  program.signal("SIGINT");
  expect((await program.ended).code).toBe(0);
});

test("a bare copy without any package serves with what Node brings", async () => {
  const folder = temporaryFolder();
  fs.mkdirSync(path.join(folder, "hosts"));
  fs.copyFileSync(DAEMON, path.join(folder, "hosts", "xenstored.mjs"));
  fs.copyFileSync("build/xenstore.wasm", path.join(folder, "xenstore.wasm"));
  const file = path.join(folder, "hosts", "xenstored.mjs");
  const daemon = new Daemon(path.join(folder, "run"), ["--verbose"], {}, file);
  await daemon.says(/\(net\)$/m, "err");
  await daemon.ready();
  const caller = await Caller.open(daemon.socket);
  caller.socket.write(message("READ", "/tool\0", 5));
  expect(await caller.take(1)).toMatchObject([{ reqId: 5, payload: "" }]);
  await daemon.stop();
  const run2 = await run([file, "-N", "--transport", "epoll"], { XENSTORED_RUNDIR: folder });
  expect(complaint(run2)).toMatch(/^--transport epoll: needs .*koffi.* allowed here is net$/);
});
