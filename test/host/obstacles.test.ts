// Obstacles: names that cannot be used, a build that is missing; each is said in one line.
// Holds   nothing.
// Never   leaves a process that hangs: every start ends, or serves and is stopped.
// Source  the command line, Daemon xenstored and Environment and places.

import fs from "node:fs";
import path from "node:path";
import { afterAll, expect, test } from "vitest";
import { makeFolder } from "../../hosts/node/folder.ts";
import { DAEMON, Daemon, type Ended, release, run, startDaemon, temporaryFolder } from "./rig.ts";

afterAll(release);

/** The only line on standard error of a daemon that did not start. */
function complaint({ code, out, err }: Ended): string {
  expect({ code, out }).toEqual({ code: 1, out: "" });
  expect(err).toMatch(/^xenstored: [^\n]+\n$/);
  return err.slice("xenstored: ".length, -1);
}

/** The built daemon in a folder without the module it needs. */
function daemonAlone(folder: string): string {
  const file = path.join(folder, "hosts", "xenstored.mjs");
  fs.mkdirSync(path.dirname(file));
  fs.copyFileSync(DAEMON, file);
  return file;
}

test("a folder is made with those above it, and once more without harm", () => {
  const folder = path.join(temporaryFolder(), "a", "b", "c");
  makeFolder(folder, 0o755);
  makeFolder(folder, 0o755);
  expect(fs.statSync(folder).isDirectory()).toBe(true);
});

test("where the system makes no folder, that is said at once", () => {
  const plain = path.join(temporaryFolder(), "plain");
  fs.writeFileSync(plain, "");
  expect(() => makeFolder(plain, 0o755)).toThrow("EEXIST");
  expect(() => makeFolder(`${plain}/x/y`, 0o755)).toThrow("ENOTDIR");
  const nowhere = `${plain}-link`;
  fs.symlinkSync(`${plain}-missing/x`, nowhere);
  expect(() => makeFolder(`${nowhere}/y`, 0o755)).toThrow("EEXIST");
  if (fs.existsSync("/proc/self")) {
    expect(() => makeFolder("/proc/nowhere/x", 0o755)).toThrow("ENOENT");
  }
});

test("a pid file below a plain file, or below /proc, keeps the daemon from starting", async () => {
  const folder = temporaryFolder();
  const env = { XENSTORED_RUNDIR: path.join(folder, "run") };
  fs.writeFileSync(path.join(folder, "plain"), "");
  const below = path.join(folder, "plain", "pid");
  expect(complaint(await run([DAEMON, "-N", "-F", below], env))).toBe(`pid file ${below}: ENOTDIR`);
  if (!fs.existsSync("/proc/self")) return;
  const strange = "/proc/nowhere/pid";
  expect(complaint(await run([DAEMON, "-N", "-F", strange], env))).toBe(
    `pid file ${strange}: ENOENT`,
  );
  expect(fs.readdirSync(env.XENSTORED_RUNDIR)).toEqual([]);
});

test("a NOTIFY_SOCKET that no socket can have as its name is said, and the daemon serves", async () => {
  const daemon = await startDaemon([], { NOTIFY_SOCKET: `/${"x".repeat(300)}` });
  await daemon.says(/NOTIFY_SOCKET/, "err");
  expect((await daemon.stop()).code).toBe(0);
});

test("a module that is missing or cut short is named, with what makes it", async () => {
  const folder = temporaryFolder();
  const file = daemonAlone(folder);
  const module = path.join(folder, "xenstore.wasm");
  const env = { XENSTORED_RUNDIR: path.join(folder, "run") };
  expect(complaint(await run([file, "-N"], env))).toBe(
    `${module}: ENOENT; "npm run build" makes it`,
  );
  fs.writeFileSync(module, fs.readFileSync("build/xenstore.wasm").subarray(0, 1000));
  expect(complaint(await run([file], env))).toBe(
    `${module}: is no whole module; "npm run build" makes it`,
  );
  fs.copyFileSync("build/xenstore.wasm", module);
  const daemon = await new Daemon(env.XENSTORED_RUNDIR, [], {}, file).ready();
  expect((await daemon.stop()).code).toBe(0);
});
