// Trace file and notices to the service manager: what the daemon tells others about itself.
// Holds   nothing.
// Never   compares a time: only its form.
// Source  the command line, Trace file; CONTROL, log and logfile.

import fs from "node:fs";
import path from "node:path";
import { afterAll, expect, test } from "vitest";
import { AF_UNIX, loadLibc, SOCK_DGRAM, unixAddress } from "../../hosts/node/libc.ts";
import { Caller, DAEMON, Daemon, release, startDaemon, temporaryFolder } from "./rig.ts";

afterAll(release);

const TIME = String.raw`\d{8} \d\d:\d\d:\d\d`;

/** Asks something until `done`; a request's reply is the event that is waited for. */
async function askUntil(caller: Caller, done: () => boolean): Promise<void> {
  while (!done()) await caller.ask("READ", "/tool\0");
}

const text = (file: string) => fs.readFileSync(file, "latin1");

test("requests and replies are traced with the local time, NULs as blanks", async () => {
  const file = path.join(temporaryFolder(), "trace");
  const daemon = await startDaemon(["--trace-file", file]);
  const caller = await Caller.open(daemon.socket);
  await caller.ask("WRITE", "/a/b\0v\xff");
  await caller.ask("READ", "/nope\0");
  await daemon.stop();
  expect(text(file)).toMatch(/^\n\*\*\*\n/);
  expect(text(file)).toMatch(
    new RegExp(`^io: IN 0x\\w+ \\(d0\\) ${TIME} WRITE \\(/a/b v\xff\\)$`, "m"),
  );
  expect(text(file)).toMatch(new RegExp(`^io: OUT 0x\\w+ \\(d0\\) ${TIME} WRITE \\(OK \\)$`, "m"));
  expect(text(file)).toMatch(/ ERROR \(ENOENT \)$/m);
  expect(fs.statSync(file).mode & 0o777).toBe(0o600);
});

test("SIGHUP opens the trace file again after it was moved away", async () => {
  const file = path.join(temporaryFolder(), "trace");
  const daemon = await startDaemon(["-T", file]);
  const caller = await Caller.open(daemon.socket);
  await caller.ask("WRITE", "/before\0");
  fs.renameSync(file, `${file}.1`);
  daemon.signal("SIGHUP");
  await askUntil(caller, () => fs.existsSync(file));
  await caller.ask("WRITE", "/after\0");
  await daemon.stop();
  expect(text(`${file}.1`)).toContain("/before");
  expect(text(file)).toMatch(/^\n\*\*\*\n/);
  expect(text(file)).toContain("/after");
});

test("a relative name lies below XENSTORED_ROOTDIR, which is made", async () => {
  const folder = temporaryFolder();
  const root = path.join(folder, "lib");
  const daemon = await startDaemon(["-T", "trace"], { XENSTORED_ROOTDIR: root });
  expect(fs.readdirSync(root)).toEqual(["tdb", "trace"]);
  await daemon.stop();
});

test("CONTROL logfile and log open, close and open again", async () => {
  const root = temporaryFolder();
  const daemon = await startDaemon([], { XENSTORED_ROOTDIR: root });
  const caller = await Caller.open(daemon.socket);
  expect(await caller.ask("CONTROL", "logfile\0one\0")).toBe("OK\0");
  await caller.ask("WRITE", "/first\0");
  expect(await caller.ask("CONTROL", "log\0off\0")).toBe("OK\0");
  await caller.ask("WRITE", "/second\0");
  expect(await caller.ask("CONTROL", "log\0on\0")).toBe("OK\0");
  await caller.ask("WRITE", "/third\0");
  await daemon.stop();
  const trace = text(path.join(root, "one"));
  expect(trace).toContain("/first");
  expect(trace).not.toContain("/second");
  expect(trace).toContain("/third");
  expect(trace.split("***").length).toBe(3);
});

test("CONTROL logfile answers OK for a file that cannot be opened, and that is said", async () => {
  const daemon = await startDaemon();
  const caller = await Caller.open(daemon.socket);
  expect(await caller.ask("CONTROL", "logfile\0/nowhere/trace\0")).toBe("OK\0");
  await daemon.says(/\/nowhere\/trace cannot be opened: ENOENT/, "err");
  expect(await caller.ask("READ", "/tool\0")).toBe("");
  await daemon.stop();
});

test("a full disk ends the trace, not the daemon", async () => {
  const daemon = await startDaemon();
  const caller = await Caller.open(daemon.socket);
  expect(await caller.ask("CONTROL", "logfile\0/dev/full\0")).toBe("OK\0");
  expect(await caller.ask("READ", "/tool\0")).toBe("");
  await daemon.says(/ENOSPC/, "err");
  expect(await caller.ask("READ", "/tool\0")).toBe("");
  await daemon.stop();
});

test("CONTROL print goes to the output of a daemon in the foreground", async () => {
  const daemon = await startDaemon();
  const caller = await Caller.open(daemon.socket);
  expect(await caller.ask("CONTROL", "print\0hello there\0")).toBe("OK\0");
  await daemon.says(/hello there/);
  await daemon.stop();
});

test("systemd is told when the daemon is ready, by a datagram", async ({ skip }) => {
  const libc = await loadLibc();
  if (!libc) return skip("koffi is not installed");
  const socket = path.join(temporaryFolder(), "notify");
  const fd = libc.socket(AF_UNIX, SOCK_DGRAM, 0);
  const address = unixAddress(socket);
  expect(libc.bind(fd, address, address.length)).toBe(0);
  const told = new Promise<string>((resolve) => {
    const watch = libc.watch(fd, () => {
      const bytes = Buffer.alloc(100);
      const len = libc.recv(fd, libc.address(bytes), bytes.length, 0);
      watch.close();
      resolve(bytes.toString("utf8", 0, len));
    });
  });
  const daemon = await startDaemon([], { NOTIFY_SOCKET: socket });
  expect(await told).toBe("READY=1");
  libc.close(fd);
  await daemon.stop();
});

test("systemd is told by its own program where koffi is missing, else that is said", async () => {
  const folder = temporaryFolder();
  const file = path.join(folder, "hosts", "xenstored.mjs");
  fs.mkdirSync(path.dirname(file));
  fs.copyFileSync(DAEMON, file);
  fs.copyFileSync("build/xenstore.wasm", path.join(folder, "xenstore.wasm"));
  const env = { NOTIFY_SOCKET: path.join(folder, "notify"), PATH: folder };
  const silent = await new Daemon(path.join(folder, "run"), [], env, file).ready();
  await silent.says(/neither the package koffi nor the program systemd-notify/, "err");
  await silent.stop();
  const program = path.join(folder, "systemd-notify");
  fs.writeFileSync(program, `#!/bin/sh\necho "$@" > ${folder}/said\n`, { mode: 0o755 });
  const heard = await new Daemon(path.join(folder, "run"), [], env, file).ready();
  expect(await heard.stop()).toMatchObject({ code: 0, err: "" });
  expect(text(path.join(folder, "said"))).toBe("--ready\n");
});
