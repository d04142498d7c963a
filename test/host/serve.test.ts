// Serving: what both transports do with bytes, clients that misbehave, and many of them.
// Holds   one body of tests, run for each transport.
// Never   looks at what requests mean beyond what a transport needs.
// Source  the XenStore protocol, Malformed input and endings.

import { once } from "node:events";
import fs from "node:fs";
import path from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import {
  Caller,
  Daemon,
  message,
  ON_DENO,
  release,
  startDaemon,
  TRANSPORTS,
  temporaryFolder,
} from "./rig.ts";

afterAll(release);

/** Mode bits of a file. */
const mode = (file: string) => fs.statSync(file).mode & 0o777;

for (const [transport, leftOut] of TRANSPORTS)
  describe.skipIf(leftOut !== "")(`with the ${transport} transport${leftOut}`, () => {
    const start = (...args: string[]) => startDaemon(["--transport", transport, ...args]);

    test("sockets let in their owner only, and the folder is made", async () => {
      const folder = path.join(temporaryFolder(), "a", "b");
      const daemon = await new Daemon(folder, ["--transport", transport]).ready();
      expect(mode(folder)).toBe(0o755);
      expect(mode(daemon.socket)).toBe(0o600);
      expect(mode(`${daemon.socket}_ro`)).toBe(0o600);
      await daemon.stop();
    });

    test("requests of one chunk are answered in order, however the chunk is cut", async () => {
      const daemon = await start();
      const caller = await Caller.open(daemon.socket);
      expect(await caller.ask("WRITE", "/a/b\0value")).toBe("OK\0");
      const bytes = Buffer.concat([1, 2, 3].map((id) => message("READ", "/a/b\0", id)));
      for (const size of [1, 7, 16, 21, 22, bytes.length]) {
        for (let at = 0; at < bytes.length; at += size) {
          const part = bytes.subarray(at, at + size);
          await new Promise((resolve) => caller.socket.write(part, resolve));
        }
        const replies = await caller.take(3);
        expect(replies.map(({ reqId, payload }) => [reqId, payload])).toEqual([
          [1, "value"],
          [2, "value"],
          [3, "value"],
        ]);
      }
      await daemon.stop();
    });

    test("a change reaches another client's watch", async () => {
      const daemon = await start();
      const [a, b] = [await Caller.open(daemon.socket), await Caller.open(daemon.socket)];
      a.send("WATCH", "/w\0token\0");
      expect((await a.take(2)).map(({ payload }) => payload)).toEqual(["OK\0", "/w\0token\0"]);
      expect(await b.ask("WRITE", "/w/x\0")).toBe("OK\0");
      expect((await a.take(1))[0]?.payload).toBe("/w/x\0token\0");
      await daemon.stop();
    });

    test("the second socket reads and watches, and changes nothing", async () => {
      const daemon = await start();
      const writer = await Caller.open(daemon.socket);
      expect(await writer.ask("WRITE", "/a\0value")).toBe("OK\0");
      const reader = await Caller.open(`${daemon.socket}_ro`);
      expect(await reader.ask("READ", "/a\0")).toBe("value");
      expect(await reader.ask("WRITE", "/a\0other")).toBe("EROFS\0");
      expect(await reader.ask("RM", "/a\0")).toBe("EROFS\0");
      reader.send("WATCH", "/a\0t\0");
      expect((await reader.take(2))[1]?.payload).toBe("/a\0t\0");
      expect(await reader.ask("READ", "/a\0")).toBe("value");
      await daemon.stop();
    });

    test("a client that closes its writing side gets all replies, then the end", async () => {
      const daemon = await start();
      const caller = await Caller.open(daemon.socket, true);
      await caller.ask("WRITE", `/big\0${"v".repeat(2000)}`);
      const count = 2000;
      const requests = Array.from({ length: count }, (_, id) => message("READ", "/big\0", id));
      caller.socket.end(Buffer.concat(requests));
      const replies = await caller.take(count);
      expect(replies.map(({ reqId }) => reqId)).toEqual(requests.map((_, id) => id));
      await once(caller.socket, "end");
      caller.close();
      await daemon.stop();
    });

    test("a message that is too long ends its connection and no other", async () => {
      const daemon = await start();
      const [bad, good] = [await Caller.open(daemon.socket), await Caller.open(daemon.socket)];
      const header = Buffer.alloc(16);
      header.writeUInt32LE(2, 0);
      header.writeUInt32LE(4097, 12);
      bad.socket.write(header);
      await bad.closed;
      expect(await good.ask("READ", "/tool\0")).toBe("");
      await daemon.stop();
    });

    test("a client that never reads is held back, and loses nothing when it reads", async () => {
      const daemon = await start();
      const other = await Caller.open(daemon.socket);
      await other.ask("WRITE", `/big\0${"v".repeat(2000)}`);
      const slow = await Caller.open(daemon.socket);
      slow.socket.pause();
      const before = daemon.memoryKiB("VmRSS");
      const count = 100_000;
      // 200 MB of replies, thirty times what may wait for one connection.
      for (let id = 0; id < count; id++) slow.send("READ", "/big\0", id);
      for (let n = 0; n < 1000; n++) expect((await other.ask("READ", "/tool\0")).length).toBe(0);
      slow.socket.resume();
      const replies = await slow.take(count);
      expect(
        replies.findIndex(({ reqId, payload }, id) => reqId !== id || payload.length !== 2000),
      ).toBe(-1);
      expect(daemon.memoryKiB("VmHWM") - before).toBeLessThan((ON_DENO ? 128 : 64) * 1024);
      await daemon.stop();
    });

    test("a client that never reads and goes away leaves nothing behind", async () => {
      const daemon = await start();
      const other = await Caller.open(daemon.socket);
      await other.ask("WRITE", `/big\0${"v".repeat(2000)}`);
      const sockets = daemon.socketCount();
      const slow = await Caller.open(daemon.socket);
      slow.socket.pause();
      for (let id = 0; id < 5000; id++) slow.send("READ", "/big\0", id);
      for (let n = 0; n < 100; n++) await other.ask("READ", "/tool\0");
      slow.close();
      while (daemon.socketCount() > sockets) await other.ask("READ", "/tool\0");
      await daemon.stop();
    });

    test("a thousand clients are served side by side and forgotten", async () => {
      const daemon = await start();
      const first = await Caller.open(daemon.socket);
      await first.ask("READ", "/tool\0");
      const sockets = daemon.socketCount();
      const callers = await Promise.all(
        Array.from({ length: 1000 }, () => Caller.open(daemon.socket)),
      );
      const replies = await Promise.all(
        callers.map((caller, n) => caller.ask("WRITE", `/n/${n}\0${n}`)),
      );
      expect(new Set(replies)).toEqual(new Set(["OK\0"]));
      const values = await Promise.all(callers.map((caller, n) => caller.ask("READ", `/n/${n}\0`)));
      expect(values).toEqual(callers.map((_, n) => String(n)));
      for (const caller of callers) caller.close();
      while (daemon.socketCount() > sockets) await first.ask("READ", "/tool\0");
      await daemon.stop();
    });

    const stuck = ON_DENO && transport === "net" ? " (left out: Deno's accept ends at EMFILE)" : "";
    const noDescriptor = "without a descriptor for one more client, the others are served";
    test.skipIf(stuck !== "")(`${noDescriptor} and it is said${stuck}`, async () => {
      const folder = temporaryFolder();
      const limit = `ulimit -n 120; exec "$0" "$@"`;
      const daemon = new Daemon(folder, ["--transport", transport], {}, undefined, [
        "sh",
        "-c",
        limit,
      ]);
      await daemon.ready();
      const first = await Caller.open(daemon.socket);
      expect(await first.ask("READ", "/tool\0")).toBe("");
      const callers = await Promise.all(
        Array.from({ length: 200 }, () => Caller.open(daemon.socket)),
      );
      await daemon.says(/EMFILE|no descriptor left/, "err");
      expect(await first.ask("READ", "/tool\0")).toBe("");
      for (const caller of callers) caller.close();
      // A client may be turned away until the others' descriptors are closed.
      for (let served = false; !served; ) {
        const caller = await Caller.open(daemon.socket);
        served = await caller.ask("READ", "/tool\0").then(
          () => true,
          () => false,
        );
        caller.close();
      }
      await daemon.stop();
    });

    test.each(["SIGTERM", "SIGINT"] as const)("%s ends it cleanly", async (signal) => {
      const folder = temporaryFolder();
      const pidFile = path.join(folder, "pid");
      const daemon = new Daemon(folder, ["--transport", transport, "--pid-file", pidFile]);
      await daemon.ready();
      expect(fs.readFileSync(pidFile, "utf8")).toBe(`${daemon.pid}\n`);
      const caller = await Caller.open(daemon.socket);
      await caller.ask("READ", "/tool\0");
      daemon.signal(signal);
      expect(await daemon.ended).toMatchObject({ code: 0, err: "" });
      await caller.closed;
      expect(fs.readdirSync(folder)).toEqual([]);
    });

    test("a signal is heard while clients keep it busy", async () => {
      const daemon = await start();
      const busy = await Caller.open(daemon.socket);
      busy.socket.on("data", () => busy.send("READ", "/tool\0"));
      busy.send("READ", "/tool\0");
      await busy.take(10);
      expect((await daemon.stop()).code).toBe(0);
    });

    test("an idle daemon takes no processor time", async () => {
      const daemon = await start();
      const caller = await Caller.open(daemon.socket);
      await caller.ask("READ", "/tool\0");
      const before = switches(daemon.pid);
      // The life of another daemon is a stretch of time that nobody has to measure.
      await (await start()).stop();
      expect(switches(daemon.pid) - before).toBeLessThan(40);
      await daemon.stop();
    });
  });

/** How often a process's main thread has gone to sleep. */
function switches(pid: number): number {
  const status = fs.readFileSync(`/proc/${pid}/task/${pid}/status`, "utf8");
  return Number(/^voluntary_ctxt_switches:\s+(\d+)/m.exec(status)?.[1]);
}
