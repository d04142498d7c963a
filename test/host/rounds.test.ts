// Rounds: what comes in together is stored together, whichever way sockets are served.
// Holds   a server in this process with real sockets, and a keeper that counts.
// Never   waits for a time, and measures none.
// Source  our own; "The boundary" in ARCHITECTURE.md.

import fs from "node:fs";
import path from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { CONN_SOCKET } from "../../assembly/abi.ts";
import { loadLibc } from "../../hosts/node/libc.ts";
import type { Transport } from "../../hosts/node/transport.ts";
import { makeTransport } from "../../hosts/node/transports.ts";
import { Core } from "../../hosts/shared/core.ts";
import type { Clock } from "../../hosts/shared/runtime.ts";
import { Server } from "../../hosts/shared/server.ts";
import { WASM_PATH } from "../core.ts";
import { Guard } from "../rings/guard.ts";
import { Caller, release, TRANSPORTS, temporaryFolder } from "./rig.ts";

const module = new WebAssembly.Module(fs.readFileSync(WASM_PATH));
const clock: Clock = {
  nowMs: () => performance.now(),
  after: (ms, call) => void setTimeout(call, ms).unref(),
};

const open: Transport[] = [];

afterAll(async () => {
  for (const transport of open) transport.close();
  await release();
});

/** A server that listens, and so many clients of it. */
async function serve(name: "epoll" | "net", slow: boolean, count: number) {
  const core = new Core(module, new Uint32Array([1, 2]));
  const server = new Server(core, clock, { records: () => {} });
  const guard = new Guard();
  guard.slow = slow;
  guard.begin(core);
  server.keeper = guard;
  const connect = server.connect.bind(server);
  server.connect = (link, kind) => {
    const send = link.send.bind(link);
    link.send = (bytes) => {
      guard.leaves("bytes of a socket");
      return send(bytes);
    };
    return connect(link, kind);
  };
  const transport = makeTransport(name, await loadLibc(), server, () => {});
  open.push(transport);
  const socket = path.join(temporaryFolder(), "socket");
  await transport.listen(socket, CONN_SOCKET);
  const callers: Caller[] = [];
  for (let n = 0; n < count; n++) callers.push(await Caller.open(socket));
  for (const caller of callers) await caller.ask("READ", "/\0");
  return { guard, callers };
}

describe.each(TRANSPORTS)("with %s%s", (name, leftOut) => {
  it.skipIf(leftOut)(
    "a medium that is slow stores what many ask at once in one frame",
    async () => {
      const { guard, callers } = await serve(name, true, 20);
      for (const [n, caller] of callers.entries()) caller.send("WRITE", `/n${n}\0v`);
      for (const caller of callers) expect((await caller.take(1))[0]?.payload).toBe("OK\0");
      expect(guard.frames).toHaveLength(1);
      expect(guard.leaks).toEqual([]);
      for (const caller of callers) caller.close();
    },
  );

  it.skipIf(leftOut)("a medium that is fast lets nothing out before it is stored", async () => {
    const { guard, callers } = await serve(name, false, 5);
    const [watcher, ...writers] = callers as [Caller, ...Caller[]];
    await watcher.ask("WATCH", "/\0t\0");
    await watcher.take(1);
    for (const [n, caller] of writers.entries()) {
      for (let i = 0; i < 30; i++) caller.send("WRITE", `/n${n}-${i}\0v`);
    }
    for (const caller of writers) await caller.take(30);
    await watcher.take(30 * writers.length);
    expect(guard.frames.length).toBeGreaterThan(0);
    expect(guard.leaks).toEqual([]);
    for (const caller of callers) caller.close();
  });
});
