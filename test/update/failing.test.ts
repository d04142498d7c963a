// Failing: a new version that can't take over leaves the old one serving, and it says why.
// Holds   a daemon for each test, with a client at work.
// Never   waits for a time: what a client or a program says is waited for.
// Source  control, live-update.

import fs from "node:fs";
import path from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { Caller, DAEMON, Daemon, release, TRANSPORTS, temporaryFolder } from "../host/rig.ts";
import { SocketLink } from "../peers/link.ts";
import { commandOf, daemonAfter, koffiMissing, liveUpdate, program, words } from "./control.ts";
import { Worker } from "./load.ts";

afterAll(release);

/** How often there was work, since each has a part of the store for itself. */
let works = 0;

const REFUSED = "Error activating new binary: ";

/** Does something while a client works with the daemon, and goes on working with it after. */
async function underWork(daemon: Daemon, action: () => Promise<void>): Promise<void> {
  const link = await SocketLink.open(daemon.socket);
  const base = `/busy/${++works}`;
  const worker = new Worker(link, "client", base);
  await worker.prepare();
  await worker.watch(base);
  const run = worker.run();
  await Promise.race([action(), run]).catch((error: Error) => {
    throw new Error(`${error.message}; the daemon said: ${daemon.err}`, { cause: error });
  });
  worker.stop();
  await run;
  await worker.mustHaveSeen(base, worker.signals);
  link.close();
}

for (const [transport] of TRANSPORTS) {
  describe.skipIf(koffiMissing !== "")(`over ${transport}${koffiMissing}`, () => {
    const start = (...args: string[]) => {
      return new Daemon(temporaryFolder(), ["--transport", transport, ...args]).ready();
    };

    test.each([
      ["that ends with a code", () => program("#!/bin/sh\nexit 3\n"), /ended with code 3$/],
      ["of something else", () => program("#!/bin/sh\nexit 0\n"), /it is no xenstored that/],
      ["with a fault in it", () => daemonAfter('throw new Error("oh no")'), /Error: oh no$/],
      ["for a machine of another kind", () => program("\x7fELF...."), /can't|ended with code/],
    ])("a program %s", async (_, make, reason) => {
      const daemon = await start();
      await underWork(daemon, async () => {
        const reply = await liveUpdate(daemon.socket, make());
        expect(reply.slice(0, REFUSED.length)).toBe(REFUSED);
        expect(reply).toMatch(reason);
        expect(reply).not.toContain("\n");
      });
      expect(commandOf(daemon.pid)).not.toContain("-U");
      expect(fs.readdirSync(daemon.folder).filter((name) => /state/.test(name))).toEqual([]);
      await daemon.stop();
    });

    test("a command line that is wrong", async () => {
      const daemon = await start();
      await underWork(daemon, async () => {
        const reply = await liveUpdate(daemon.socket, DAEMON, "--no-fork --entry-nb many");
        expect(reply).toMatch(/^Error activating new binary: .*--entry-nb: "many" is not allowed/);
      });
      await daemon.stop();
    });

    test("no room for the state", async () => {
      const daemon = await start();
      // A folder in its place stands for all that keeps the file from being written.
      fs.mkdirSync(path.join(daemon.folder, "state_dump.trial"));
      await underWork(daemon, async () => {
        const reply = await liveUpdate(daemon.socket);
        expect(reply).toMatch(/^Error .*state_dump\.trial: the state cannot be written there/);
      });
      fs.rmdirSync(path.join(daemon.folder, "state_dump.trial"));
      fs.mkdirSync(path.join(daemon.folder, "state_dump"));
      await underWork(daemon, async () => {
        const reply = await liveUpdate(daemon.socket);
        expect(reply).toMatch(/^Error .*state_dump: the state cannot be written there/);
      });
      fs.rmdirSync(path.join(daemon.folder, "state_dump"));
      expect(await liveUpdate(daemon.socket)).toBe("OK");
      await daemon.stop();
    });

    test("a machine that can't be had, which turns out when all connections are adopted", async () => {
      const daemon = await start("--durability", "process");
      const caller = await Caller.open(daemon.socket);
      await underWork(daemon, async () => {
        await caller.ask("WRITE", "/kept\0before");
        const line = `--no-fork --transport ${transport} --simulate /dev/null/none`;
        const reply = await liveUpdate(daemon.socket, DAEMON, line);
        expect(reply).toMatch(/^Error activating new binary: .*ENOTDIR/);
        expect(await caller.ask("READ", "/kept\0")).toBe("before");
      });
      await caller.ask("WRITE", "/kept\0after");
      daemon.signal("SIGKILL");
      await daemon.ended;
      const next = await new Daemon(daemon.folder, []).ready();
      expect(await (await Caller.open(next.socket)).ask("READ", "/kept\0")).toBe("after");
      await next.stop();
    });

    test("a program that can't go on although it passed its trial gives its place back", async () => {
      const daemon = await start();
      const file = daemonAfter(
        'if (!process.env.XENSTORED_TRIAL) process.argv.push("--entry-nb", "many");',
      );
      await underWork(daemon, async () => {
        const reply = await liveUpdate(daemon.socket, file);
        expect(reply).toMatch(/^Error activating new binary: .*--entry-nb.* is not allowed/);
      });
      expect(commandOf(daemon.pid)).toContain(DAEMON);
      expect(await liveUpdate(daemon.socket)).toBe("OK");
      await daemon.stop();
    });
  });
}

describe.skipIf(koffiMissing !== "")(`the conversation${koffiMissing}`, () => {
  test("names what is wrong with a file, and begins again", async () => {
    const daemon = await new Daemon(temporaryFolder(), []).ready();
    const caller = await Caller.open(daemon.socket);
    const say = (...strings: string[]) => caller.ask("CONTROL", words(...strings));
    expect(await say("-f", `${daemon.folder}/none`)).toBe("File not accessible.\0");
    expect(await say("-f", path.resolve("package.json"))).toBe("File not executable.\0");
    expect(await say("-s")).toBe("Not in live-update session.\0");
    expect(await say("-c", "-N")).toBe("Not in live-update session.\0");
    expect(await say("-a")).toBe("No live-update session active.\0");
    expect(await say("-f", DAEMON)).toBe("OK\0");
    expect(await say("-f", DAEMON)).toBe("live-update session already active.\0");
    expect(await say("-a")).toBe("OK\0");
    expect(await say("-s")).toBe("Not in live-update session.\0");
    expect(await say("-z")).toBe("EINVAL\0");
    expect(await caller.ask("CONTROL", "live-update\0")).toBe("EINVAL\0");
    await daemon.stop();
  });

  test("belongs to one connection, and ends with it", async () => {
    const daemon = await new Daemon(temporaryFolder(), []).ready();
    const [a, b] = [await Caller.open(daemon.socket), await Caller.open(daemon.socket)];
    expect(await a.ask("CONTROL", words("-f", DAEMON))).toBe("OK\0");
    expect(await b.ask("CONTROL", words("-f", DAEMON))).toBe(
      "live-update session already active.\0",
    );
    expect(await b.ask("CONTROL", words("-s"))).toBe("Not in live-update session.\0");
    a.close();
    // The daemon hears of the end in some turn of its event loop.
    let reply = "";
    while (reply !== "OK\0") reply = await b.ask("CONTROL", words("-f", DAEMON));
    expect(await b.ask("CONTROL", words("-s", "-F", "-t", "5"))).toBe("OK\0");
    expect(commandOf(daemon.pid)).toContain("-U");
    expect(await b.ask("CONTROL", words("-f", DAEMON))).toBe("OK\0");
    await daemon.stop();
  });

  test("that is left while the new version tries ends the update", async () => {
    const daemon = await new Daemon(temporaryFolder(), []).ready();
    const folder = temporaryFolder();
    const [began, go] = [path.join(folder, "began"), path.join(folder, "go")];
    const file = program(
      `#!/bin/sh\nif [ -n "$XENSTORED_TRIAL" ]; then mkfifo ${go}; : > ${began}; read x < ${go}; fi\n` +
        `exec ${process.execPath} ${DAEMON} "$@"\n`,
    );
    const [a, b] = [await Caller.open(daemon.socket), await Caller.open(daemon.socket)];
    await a.ask("CONTROL", words("-f", file));
    a.send("CONTROL", words("-s"));
    while (!fs.existsSync(began)) await b.ask("READ", "/tool\0");
    a.close();
    fs.writeFileSync(go, "\n");
    await daemon.says(/who asked for it has left/, "err");
    expect(await b.ask("READ", "/tool\0")).toBe("");
    expect(commandOf(daemon.pid)).not.toContain("-U");
    await daemon.stop();
  });

  test("refuses what is not offered: guests and read-only clients", async () => {
    const daemon = await new Daemon(temporaryFolder(), []).ready();
    const reader = await Caller.open(`${daemon.socket}_ro`);
    expect(await reader.ask("CONTROL", words("-f", DAEMON))).toBe("EROFS\0");
    await daemon.stop();
  });
});

describe.skipIf(koffiMissing !== "")(`what is in the way${koffiMissing}`, () => {
  test("a trace file that can't be opened again keeps the old version, which goes on without", async () => {
    const trace = path.join(temporaryFolder(), "trace");
    const daemon = await new Daemon(temporaryFolder(), ["-T", trace]).ready();
    fs.rmSync(trace);
    fs.mkdirSync(trace);
    await underWork(daemon, async () => {
      expect(await liveUpdate(daemon.socket)).toMatch(/^Error activating new binary: .*EISDIR/);
    });
    expect(daemon.err).toMatch(/EISDIR; going on without it$/m);
    await daemon.stop();
  });

  test("a pid file that can't be written again is said, and the update goes on", async () => {
    const folder = path.join(temporaryFolder(), "pid");
    const daemon = await new Daemon(temporaryFolder(), ["-F", path.join(folder, "file")]).ready();
    fs.rmSync(folder, { recursive: true });
    fs.writeFileSync(folder, "");
    await underWork(daemon, async () => {
      expect(await liveUpdate(daemon.socket)).toBe("OK");
    });
    expect(daemon.err).toMatch(/^xenstored: pid file .*ENOTDIR$/m);
    await daemon.stop();
  });
});

test("-U without a state to take over is one line and exit code 1", async () => {
  const daemon = new Daemon(temporaryFolder(), ["-U"]);
  const { code, err } = await daemon.ended;
  expect({ code, err }).toEqual({
    code: 1,
    err: expect.stringMatching(/^xenstored: -U: .*\/state_dump: no state .*\(ENOENT\); [^\n]+\n$/),
  });
});
