// Update: a daemon replaces itself while it is worked with, and nobody notices.
// Holds   a daemon for each test, in a folder of its own.
// Never   waits for a time: what a client or a program says is waited for.
// Source  the XenStore protocol, live-update; control, live-update.

import { once } from "node:events";
import fs from "node:fs";
import path from "node:path";
import process from "node:process";
import { afterAll, describe, expect, test } from "vitest";
import { AF_UNIX, loadLibc, SOCK_DGRAM, unixAddress } from "../../hosts/node/libc.ts";
import {
  Caller,
  DAEMON,
  Daemon,
  message,
  ON_DENO,
  Program,
  release,
  startDaemon,
  TRANSPORTS,
  temporaryFolder,
} from "../host/rig.ts";
import { campaign } from "./campaign.ts";
import { commandOf, koffiMissing, liveUpdate, program, within } from "./control.ts";

afterAll(release);

for (const [transport] of TRANSPORTS) {
  const netOnDeno = ON_DENO && transport === "net";
  const missing = netOnDeno ? " (left out: Deno keeps its sockets to itself)" : koffiMissing;
  describe.skipIf(missing !== "")(`over ${transport}${missing}`, () => {
    const start = (...args: string[]) => {
      return new Daemon(temporaryFolder(), ["--transport", transport, ...args]).ready();
    };

    test("fifty clients and five guests at work notice nothing of six updates", async () => {
      const more = (done: number) => done < 6;
      const report = await campaign({ transport, clients: 50, guests: 5, more });
      expect(report.updates).toBe(6);
      expect(report.requests).toBeGreaterThan(0);
    });

    test("a transaction stays open, with what it has seen and changed", async () => {
      const daemon = await start();
      const [a, b] = [await Caller.open(daemon.socket), await Caller.open(daemon.socket)];
      await a.ask("WRITE", "/x\0old");
      const ids = [await a.ask("TRANSACTION_START", "\0"), await a.ask("TRANSACTION_START", "\0")];
      const [kept, lost] = ids.map((id) => Number.parseInt(id, 10)) as [number, number];
      await within(a, kept, "WRITE", "/y\0inside");
      expect(await within(a, lost, "READ", "/x\0")).toBe("old");
      await within(a, lost, "WRITE", "/z\0inside");
      expect(await liveUpdate(daemon.socket)).toBe("OK");
      expect(await b.ask("READ", "/y\0")).toBe("ENOENT\0");
      expect(await within(a, kept, "READ", "/y\0")).toBe("inside");
      expect(await b.ask("WRITE", "/x\0new")).toBe("OK\0");
      expect(await within(a, lost, "READ", "/x\0")).toBe("old");
      expect(await within(a, lost, "TRANSACTION_END", "T\0")).toBe("EAGAIN\0");
      expect(await within(a, kept, "TRANSACTION_END", "T\0")).toBe("OK\0");
      expect(await b.ask("READ", "/y\0")).toBe("inside");
      await daemon.stop();
    });

    test("half a message goes on where it was cut, at each of its bytes", async () => {
      const daemon = await start();
      await (await Caller.open(daemon.socket)).ask("WRITE", "/a\0value");
      const bytes = message("READ", "/a\0", 7);
      const callers = await Promise.all([...bytes].map(() => Caller.open(daemon.socket)));
      for (const [at, caller] of callers.entries()) {
        await new Promise((resolve) => caller.socket.write(bytes.subarray(0, at), resolve));
      }
      expect(await liveUpdate(daemon.socket)).toBe("OK");
      for (const [at, caller] of callers.entries()) {
        caller.socket.write(bytes.subarray(at));
        expect(await caller.take(1)).toMatchObject([{ reqId: 7, payload: "value" }]);
      }
      await daemon.stop();
    });

    test("replies that a client has not read yet come once and in order", async () => {
      const daemon = await start("--simulate", path.join(temporaryFolder(), "guests"));
      const slow = await Caller.open(daemon.socket);
      await slow.ask("WRITE", `/big\0${"v".repeat(2000)}`);
      slow.socket.pause();
      const count = 3000;
      for (let id = 0; id < count; id++) slow.send("READ", "/big\0", id);
      expect(await liveUpdate(daemon.socket)).toBe("OK");
      expect(await liveUpdate(daemon.socket)).toBe("OK");
      slow.socket.resume();
      const replies = await slow.take(count);
      expect(replies.map(({ reqId }) => reqId)).toEqual(Array.from({ length: count }, (_, n) => n));
      expect(replies.every(({ payload }) => payload.length === 2000)).toBe(true);
      await daemon.stop();
    });

    test("both sockets are listened on, and what is read only stays so", async () => {
      const daemon = await start();
      const reader = await Caller.open(`${daemon.socket}_ro`);
      expect(await reader.ask("READ", "/tool\0")).toBe("");
      expect(await liveUpdate(daemon.socket)).toBe("OK");
      expect(await reader.ask("WRITE", "/a\0b")).toBe("EROFS\0");
      const other = await Caller.open(`${daemon.socket}_ro`);
      expect(await other.ask("WRITE", "/a\0b")).toBe("EROFS\0");
      await daemon.stop();
      expect(fs.existsSync(daemon.socket) || fs.existsSync(`${daemon.socket}_ro`)).toBe(false);
    });

    test("a client that leaves afterwards is gone: no descriptor is kept", async () => {
      const daemon = await start();
      const callers = await Promise.all(
        Array.from({ length: 40 }, () => Caller.open(daemon.socket)),
      );
      for (const caller of callers) await caller.ask("READ", "/tool\0");
      const before = daemon.socketCount();
      expect(await liveUpdate(daemon.socket)).toBe("OK");
      expect(await liveUpdate(daemon.socket)).toBe("OK");
      const one = await Caller.open(daemon.socket);
      for (const caller of callers) caller.close();
      // Each request takes the daemon through its event loop, in which it hears of the ends.
      while (daemon.socketCount() > before - callers.length + 1) await one.ask("READ", "/tool\0");
      await daemon.stop();
    });

    test("a client that has closed its writing side gets all replies, then the end", async () => {
      const daemon = await start();
      const caller = await Caller.open(daemon.socket, true);
      await caller.ask("WRITE", `/big\0${"v".repeat(2000)}`);
      caller.socket.pause();
      const count = 1000;
      const requests = Array.from({ length: count }, (_, id) => message("READ", "/big\0", id));
      caller.socket.end(Buffer.concat(requests));
      expect(await liveUpdate(daemon.socket)).toBe("OK");
      caller.socket.resume();
      const replies = await caller.take(count);
      expect(replies.map(({ reqId }) => reqId)).toEqual(requests.map((_, id) => id));
      await once(caller.socket, "end");
      caller.close();
      await daemon.stop();
    });

    test("another command line may ask for another transport", async (ctx) => {
      if (ON_DENO) ctx.skip("there is no way back from Deno's own sockets");
      const daemon = await start();
      const caller = await Caller.open(daemon.socket);
      await caller.ask("WRITE", "/a\0b");
      for (const other of ["net", "auto", "net"]) {
        const line = `--no-fork --transport ${other}`;
        expect(await liveUpdate(daemon.socket, DAEMON, line)).toBe("OK");
        expect(await caller.ask("READ", "/a\0")).toBe("b");
      }
      await daemon.stop();
    });

    test("the trace goes on in its file, the pid file stays", async () => {
      const folder = temporaryFolder();
      const [trace, pidFile] = [path.join(folder, "trace"), path.join(folder, "pid")];
      const daemon = await start("-T", trace, "-F", pidFile);
      const caller = await Caller.open(daemon.socket);
      await caller.ask("WRITE", "/before\0");
      expect(await liveUpdate(daemon.socket)).toBe("OK");
      await caller.ask("WRITE", "/after\0");
      expect(fs.readFileSync(pidFile, "utf8")).toBe(`${daemon.pid}\n`);
      await daemon.stop();
      expect(fs.existsSync(pidFile)).toBe(false);
      const text = fs.readFileSync(trace, "latin1");
      expect(text).toMatch(/WRITE \(\/before[\s\S]*WRITE \(\/after/);
      expect(text.match(/\*\*\*/g)).toHaveLength(1);
    });
  });
}

describe.skipIf(koffiMissing !== "")(`the database goes on${koffiMissing}`, () => {
  /** Ends a daemon at once and starts it again on the same database. */
  async function killed(daemon: Daemon, ...args: string[]): Promise<Daemon> {
    daemon.signal("SIGKILL");
    await daemon.ended;
    return new Daemon(daemon.folder, args).ready();
  }

  test.each(["process", "disk"])("what was written before and after is there (%s)", async (how) => {
    const args = ["--durability", how];
    const first = await new Daemon(temporaryFolder(), args).ready();
    const caller = await Caller.open(first.socket);
    await caller.ask("WRITE", "/before\0update");
    expect(await liveUpdate(first.socket)).toBe("OK");
    await caller.ask("WRITE", "/after\0update");
    expect(await liveUpdate(first.socket, program("#!/bin/sh\nexit 1\n"))).not.toBe("OK");
    await caller.ask("WRITE", "/after\0failure");
    const second = await killed(first, ...args);
    const other = await Caller.open(second.socket);
    expect(await other.ask("READ", "/before\0")).toBe("update");
    expect(await other.ask("READ", "/after\0")).toBe("failure");
    await second.stop();
  });

  test("a database that was not in use holds everything from the update on", async () => {
    const daemon = await new Daemon(temporaryFolder(), ["--durability", "process"]).ready();
    const caller = await Caller.open(daemon.socket);
    await caller.ask("WRITE", "/old\0value");
    expect(await liveUpdate(daemon.socket, DAEMON, "-N --durability off")).toBe("OK");
    await caller.ask("RM", "/old\0");
    await caller.ask("WRITE", "/new\0value");
    expect(await liveUpdate(daemon.socket, DAEMON, "-N --durability process")).toBe("OK");
    const second = await killed(daemon);
    const other = await Caller.open(second.socket);
    expect(await other.ask("READ", "/old\0")).toBe("ENOENT\0");
    expect(await other.ask("READ", "/new\0")).toBe("value");
    await second.stop();
  });
});

describe.skipIf(koffiMissing !== "")(`in the background${koffiMissing}`, () => {
  test("the process stays, wherever it was started from", async () => {
    const folder = temporaryFolder();
    const env = { XENSTORED_RUNDIR: folder };
    const by = ["sh", "-c", `cd ${folder} && exec "$@"`, "sh"];
    const all = [...by.slice(1), process.execPath, DAEMON, "-F", "pid", "-T", "trace"];
    const { code, err } = await new Program(by[0] as string, all, env).ended;
    expect({ code, err }).toEqual({ code: 0, err: "" });
    const pid = Number(fs.readFileSync(path.join(folder, "pid"), "utf8"));
    const socket = path.join(folder, "socket");
    const caller = await Caller.open(socket);
    for (let n = 0; n < 2; n++) expect(await liveUpdate(socket)).toBe("OK");
    expect(commandOf(pid)).toContain("-U");
    expect(await caller.ask("READ", "/tool\0")).toBe("");
    process.kill(pid, "SIGTERM");
    await caller.closed;
    expect(fs.existsSync(path.join(folder, "pid"))).toBe(false);
  });
});

test("whoever manages the service hears of the update, and of one that fails", async ({ skip }) => {
  const libc = await loadLibc();
  if (!libc) return skip("koffi is not installed");
  const socket = path.join(temporaryFolder(), "notify");
  const fd = libc.socket(AF_UNIX, SOCK_DGRAM, 0);
  const address = unixAddress(socket);
  expect(libc.bind(fd, address, address.length)).toBe(0);
  const hear = () => {
    const bytes = Buffer.alloc(200);
    const len = libc.recv(fd, libc.address(bytes), bytes.length, 0);
    return bytes.toString("utf8", 0, len).replace(/\d{3,}/, "N");
  };
  const reloading = "RELOADING=1\nMONOTONIC_USEC=N";
  const daemon = await startDaemon([], { NOTIFY_SOCKET: socket });
  expect(hear()).toBe("READY=1");
  expect(await liveUpdate(daemon.socket)).toBe("OK");
  expect([hear(), hear()]).toEqual([reloading, "READY=1"]);
  // It passes its trial, and then the state can't be written.
  fs.mkdirSync(path.join(daemon.folder, "state_dump"));
  expect(await liveUpdate(daemon.socket)).not.toBe("OK");
  expect([hear(), hear()]).toEqual([reloading, "READY=1"]);
  libc.close(fd);
  await daemon.stop();
});
