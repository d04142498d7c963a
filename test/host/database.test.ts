// Database: where the daemon keeps its store, who may have it, and what is said when that fails.
// Holds   nothing.
// Never   waits for a time: a process that was killed has ended when the next one starts.
// Source  the command line, Daemon xenstored; issue "Nothing is lost".

import fs from "node:fs";
import path from "node:path";
import process from "node:process";
import { afterAll, describe, expect, test } from "vitest";
import { Caller, DAEMON, Daemon, Program, release, run, temporaryFolder } from "./rig.ts";

afterAll(release);

async function write(daemon: Daemon, node: string, value: string): Promise<void> {
  const caller = await Caller.open(daemon.socket);
  expect(await caller.ask("WRITE", `${node}\0${value}`)).toBe("OK\0");
  caller.close();
}

async function read(daemon: Daemon, node: string): Promise<string> {
  const caller = await Caller.open(daemon.socket);
  const value = await caller.ask("READ", `${node}\0`);
  caller.close();
  return value;
}

describe.each([["process"], ["disk"]])("with --durability %s", (durability) => {
  test.each(["SIGKILL", "SIGTERM"] as const)("the store is there after %s", async (signal) => {
    const folder = temporaryFolder();
    for (let round = 0; round < 3; round++) {
      const daemon = await new Daemon(folder, ["--durability", durability]).ready();
      if (round > 0) expect(await read(daemon, "/kept")).toBe(`${round - 1}`);
      await write(daemon, "/kept", `${round}`);
      daemon.signal(signal);
      expect((await daemon.ended).err).toBe("");
    }
    expect(fs.statSync(path.join(folder, "tdb")).mode & 0o777).toBe(0o700);
  });
});

test.each([[["--durability", "off"]], [["--internal-db"]], [["-I", "on"]]])(
  "with %j nothing is stored",
  async (args) => {
    const folder = temporaryFolder();
    const daemon = await new Daemon(folder, args).ready();
    await write(daemon, "/kept", "1");
    daemon.signal("SIGKILL");
    await daemon.ended;
    expect(fs.existsSync(path.join(folder, "tdb"))).toBe(false);
    const next = await new Daemon(folder, args).ready();
    expect(await read(next, "/kept")).toBe("ENOENT\0");
    await next.stop();
  },
);

test("XENSTORED_ROOTDIR says where it lies", async () => {
  const root = path.join(temporaryFolder(), "lib", "store");
  const daemon = await new Daemon(temporaryFolder(), [], { XENSTORED_ROOTDIR: root }).ready();
  await write(daemon, "/kept", "1");
  await daemon.stop();
  expect(fs.readdirSync(path.join(root, "tdb"))).toEqual(["journal.1"]);
  const other = await new Daemon(temporaryFolder(), [], { XENSTORED_ROOTDIR: root }).ready();
  expect(await read(other, "/kept")).toBe("1");
  await other.stop();
});

const linux = process.platform === "linux" ? "" : " (left out: only Linux tells)";
test.skipIf(linux !== "")(
  `two daemons do not share one, and the process is named${linux}`,
  async () => {
    const env = { XENSTORED_ROOTDIR: path.join(temporaryFolder(), "lib") };
    const first = await new Daemon(temporaryFolder(), [], env).ready();
    const second = await run([DAEMON, "-N"], { ...env, XENSTORED_RUNDIR: temporaryFolder() });
    expect(second.code).toBe(1);
    expect(second.err).toContain(`another daemon uses this database: process ${first.pid}; `);
    await first.stop();
  },
);

test("a database file of another daemon is moved aside, with a notice", async () => {
  const root = temporaryFolder();
  fs.writeFileSync(path.join(root, "tdb"), "TDB file\n");
  const daemon = await new Daemon(temporaryFolder(), [], { XENSTORED_ROOTDIR: root }).ready();
  await write(daemon, "/a", "1");
  await daemon.stop();
  expect(daemon.err).toMatch(/tdb: is no folder but the file of another daemon; it is kept as /);
  expect(fs.readFileSync(path.join(root, "tdb.foreign-1"), "utf8")).toBe("TDB file\n");
});

test("damage is told at the start, with file and offset, and the rest is there", async () => {
  const folder = temporaryFolder();
  const daemon = await new Daemon(folder, []).ready();
  await write(daemon, "/first", "1");
  await write(daemon, "/second", "2");
  await write(daemon, "/third", "3");
  daemon.signal("SIGKILL");
  await daemon.ended;
  const file = path.join(folder, "tdb", "journal.1");
  const bytes = fs.readFileSync(file);
  bytes[bytes.indexOf("/second") + 1] ^= 1;
  fs.writeFileSync(file, bytes);
  const next = await new Daemon(folder, []).ready();
  expect(await read(next, "/first")).toBe("1");
  expect(await read(next, "/second")).toBe("ENOENT\0");
  await next.stop();
  expect(next.err).toMatch(/journal\.1: damaged at byte \d+; .*kept as journal\.1\.damaged-1\n$/);
  expect(fs.readFileSync(`${file}.damaged-1`)).toEqual(bytes);
});

test("a place that can't be written keeps the daemon from starting, and it says what to do", async () => {
  const root = path.join(temporaryFolder(), "plain");
  fs.writeFileSync(root, "");
  const env = { XENSTORED_ROOTDIR: root, XENSTORED_RUNDIR: temporaryFolder() };
  const { code, err } = await run([DAEMON, "-N"], env);
  expect(code).toBe(1);
  expect(err).toMatch(/^xenstored: [^\n]*plain[^\n]*--internal-db stores nothing\n$/);
});

test("--try keeps its store with the user's state, and what was changed in it", async () => {
  const folder = temporaryFolder();
  const env = { XDG_RUNTIME_DIR: `${folder}/run`, XDG_STATE_HOME: `${folder}/state` };
  const socket = `${folder}/run/xenstored/socket`;
  for (const name of ["Domain-0", "mine"]) {
    const program = new Program(process.execPath, [DAEMON, "--try"], env);
    await program.says(/export XENSTORED_PATH=/);
    const caller = await Caller.open(socket);
    expect(await caller.ask("READ", "/local/domain/0/name\0")).toBe(name);
    expect(await caller.ask("WRITE", "/local/domain/0/name\0mine")).toBe("OK\0");
    caller.close();
    program.signal("SIGKILL");
    await program.ended;
  }
  expect(fs.existsSync(`${folder}/state/xenstored/tdb/journal.1`)).toBe(true);
});
