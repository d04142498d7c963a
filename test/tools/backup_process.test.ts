// Backup process: the built tools and the files they leave.
// Holds   interruptions, modes, links, pipes, full disks and terminals.
// Never   needs a daemon.
// Source  docs/tools.md, Backup.

import { spawn, spawnSync } from "node:child_process";
import * as fs from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import type net from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { ScriptedStore, serve } from "./scripted.ts";
import { bundleMissing } from "./tools.ts";

const BUNDLE = resolve(import.meta.dirname, "../../build/hosts/xenstore.mjs");
const missing =
  process.platform === "win32" ? "no Unix sockets and modes on Windows" : bundleMissing();
const why = missing === null ? "" : ` (left out: ${missing})`;

describe.skipIf(missing !== null)(`the built tools${why}`, () => {
  let dir = "";
  let server: net.Server;
  let env: NodeJS.ProcessEnv;
  /** One for each connection there was. */
  let stores: ScriptedStore[] = [];
  /** Called when this request comes. */
  let onAsked: { start: string; call: () => void } | null = null;

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), "xs-backup-"));
    env = { ...process.env, XENSTORED_PATH: join(dir, "socket") };
    const half = `${Array.from({ length: 400 }, (_, i) => `node-${i}`).join("|")}|`;
    server = await serve(join(dir, "socket"), () => {
      // Whatever is asked about /silent gets no reply, ever.
      const rules = { "DIRECTORY /many|": half, "READ /silent|": [[]], READ: "v" };
      const store = new ScriptedStore(rules);
      stores.push(store);
      const answer = store.answer.bind(store);
      store.answer = (request) => {
        const answers = answer(request);
        if (onAsked !== null && store.log.at(-1)?.startsWith(onAsked.start)) onAsked.call();
        return answers;
      };
      return store;
    });
  });
  afterAll(async () => {
    await new Promise((closed) => server?.close(closed));
    await rm(dir, { recursive: true, force: true });
  });

  let files = "";
  beforeEach(() => {
    onAsked = null;
    stores = [];
    files = fs.mkdtempSync(join(dir, "files-"));
  });

  /** Runs the tool; what it leaves in `files` counts. */
  function run(args: string[], stdio: "pipe" | number = "pipe") {
    const child = spawn(process.execPath, [BUNDLE, ...args], {
      env,
      cwd: files,
      stdio: ["ignore", stdio, "pipe"],
    });
    let err = "";
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      err += text;
    });
    const ended = new Promise<{ err: string; exit: number | string }>((done) => {
      child.once("close", (code, signal) => done({ err, exit: signal ?? code ?? "?" }));
    });
    return { child, ended };
  }
  const mode = (name: string) => (fs.statSync(join(files, name)).mode & 0o777).toString(8);

  it("make a file that others can't read, and keep the mode of one that was there", async () => {
    fs.writeFileSync(join(files, "old"), "old", { mode: 0o640 });
    expect(await run(["dump", "new"]).ended).toEqual({ err: "", exit: 0 });
    expect(await run(["dump", "old"]).ended).toEqual({ err: "", exit: 0 });
    expect([mode("new"), mode("old")]).toEqual(["600", "640"]);
    expect(fs.readFileSync(join(files, "old"))).toEqual(fs.readFileSync(join(files, "new")));
    expect(fs.readdirSync(files).sort()).toEqual(["new", "old"]);
  });

  it("replace what a link points to, not the link", async () => {
    fs.writeFileSync(join(files, "target"), "old");
    fs.symlinkSync("target", join(files, "link"));
    expect((await run(["export", "link"]).ended).exit).toBe(0);
    expect(fs.readlinkSync(join(files, "link"))).toBe("target");
    expect(fs.readFileSync(join(files, "target"), "utf8")).toContain("xenstore-export");
  });

  it("write to what is no file without replacing it", async () => {
    fs.symlinkSync("/dev/null", join(files, "null"));
    expect(await run(["dump", "null"]).ended).toEqual({ err: "", exit: 0 });
    expect(fs.statSync(join(files, "null")).isCharacterDevice()).toBe(true);
    expect((await run(["dump", "."]).ended).err).toBe(
      "xenstore: . can't be written: Is a directory\n",
    );
  });

  it.each(["SIGINT", "SIGTERM", "SIGHUP"] as const)(
    "leave nothing, and an old file as it was, when %s ends them",
    async (signal) => {
      fs.writeFileSync(join(files, "old"), "precious");
      const { child, ended } = run(["dump", "--prefix", "/silent", "old"]);
      onAsked = { start: "READ /silent", call: () => child.kill(signal) };
      expect(await ended).toEqual({ err: "", exit: signal });
      expect(fs.readdirSync(files)).toEqual(["old"]);
      expect(fs.readFileSync(join(files, "old"), "utf8")).toBe("precious");
      expect(stores.at(-1)?.log.at(-1)).toBe("TRANSACTION_END F| tx 7");
    },
  );

  it("leave an old file as it was when the store goes away", async () => {
    fs.writeFileSync(join(files, "old"), "precious");
    const { ended } = run(["dump", "--prefix", "/silent", "old"]);
    const sockets: net.Socket[] = [];
    server.once("connection", (socket: net.Socket) => sockets.push(socket));
    onAsked = { start: "READ /silent", call: () => sockets.forEach((one) => void one.destroy()) };
    expect(await ended).toEqual({ err: "xenstore: connection to the store lost\n", exit: 1 });
    expect(fs.readdirSync(files)).toEqual(["old"]);
    expect(fs.readFileSync(join(files, "old"), "utf8")).toBe("precious");
  });

  it("restore what they dumped, through pipes too", async () => {
    expect((await run(["dump", "--prefix", "/many", "dump"]).ended).exit).toBe(0);
    const line = `"$0" "$1" export --prefix /many | "$0" "$1" import -`;
    for (const args of [
      ["-c", `${line}`],
      ["-c", `"$0" "$1" restore dump`],
    ]) {
      const done = spawned("bash", [...args, process.execPath, BUNDLE]);
      expect(await done).toEqual({ err: "", exit: 0 });
      const log = stores.flatMap((one) => one.log);
      stores = [];
      expect(log.filter((one) => one.startsWith("WRITE")).length).toBe(401);
      expect(log).toContain("WRITE /many/node-399|v tx 7");
    }
  });

  /** Runs a program in the folder of files. */
  function spawned(command: string, args: string[]) {
    const child = spawn(command, args, { env, cwd: files, stdio: ["ignore", "ignore", "pipe"] });
    let err = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      err += text;
    });
    return new Promise((done) => {
      child.once("close", (code, signal) => done({ err, exit: signal ?? code }));
    });
  }

  const noFull = fs.existsSync("/dev/full") ? "" : " (left out: no /dev/full)";
  it.skipIf(noFull !== "")(`say that a disk is full${noFull}`, async () => {
    const full = fs.openSync("/dev/full", "w");
    const { err, exit } = await run(["export"], full).ended;
    fs.closeSync(full);
    expect(err).toContain("write error: ENOSPC");
    expect(exit).toBe(1);
    expect(await run(["dump", "/dev/full"]).ended).toEqual({
      err: "xenstore: /dev/full can't be written: No space left on device\n",
      exit: 1,
    });
  });

  const root = process.getuid?.() === 0 ? " (left out: root may write everywhere)" : "";
  it.skipIf(root !== "")(`say which folder can't be written to${root}`, async () => {
    fs.chmodSync(files, 0o500);
    const { err } = await run(["dump", "x"]).ended;
    expect(err).toBe("xenstore: x can't be written: Permission denied\n");
  });

  const noScript = spawnSync("script", ["--version"]).error === undefined ? "" : "no script(1)";
  it.skipIf(noScript !== "")(
    `refuse to write a stream to a terminal${noScript === "" ? "" : ` (left out: ${noScript})`}`,
    async () => {
      const line = `${process.execPath} ${BUNDLE} dump - 2>errors`;
      await spawned("script", ["-qec", line, "/dev/null"]);
      expect(fs.readFileSync(join(files, "errors"), "utf8")).toBe(
        "xenstore: standard output is a terminal; give the dump a file or a pipe\n",
      );
    },
  );
});
