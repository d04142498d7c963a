// Held: a client has left, but another process still has its socket open.
// Holds   a server in this process, and second descriptors of its sockets.
// Never   waits for a time.
// Source  epoll(7): what is waited for ends with the last descriptor of a socket, not with one.

import fs from "node:fs";
import path from "node:path";
import { afterAll, expect, test } from "vitest";
import { CONN_SOCKET } from "../../assembly/abi.ts";
import { type Libc, loadLibc } from "../../hosts/node/libc.ts";
import type { Transport } from "../../hosts/node/transport.ts";
import { makeTransport } from "../../hosts/node/transports.ts";
import { Core } from "../../hosts/shared/core.ts";
import { Server } from "../../hosts/shared/server.ts";
import { WASM_PATH } from "../core.ts";
import { Caller, release, TRANSPORTS, temporaryFolder } from "../host/rig.ts";
import { words } from "./control.ts";

const F_DUPFD = 0;
/** A number that no descriptor of the server gets. */
const FAR = 500;
const OTHERS = 5;

const libc = await loadLibc();
const open: Transport[] = [];

afterAll(async () => {
  for (const transport of open) transport.close();
  await release();
});

/** A server that listens; work that requests wait for is never done by itself. */
async function serve(): Promise<{ server: Server; transport: Transport; socket: string }> {
  const module = new WebAssembly.Module(fs.readFileSync(WASM_PATH));
  const core = new Core(module, new Uint32Array([1, 2]));
  const clock = { nowMs: () => performance.now(), after: () => {} };
  const server = new Server(core, clock, { records: () => {} });
  const transport = makeTransport("epoll", libc, server, () => {});
  open.push(transport);
  const socket = path.join(temporaryFolder(), "socket");
  await transport.listen(socket, CONN_SOCKET);
  return { server, transport, socket };
}

const descriptors = (transport: Transport) => transport.handOver().connections.map(({ fd }) => fd);

const leftOut = TRANSPORTS[0][1];

test.skipIf(leftOut)(
  `whoever gets the number of its descriptor next is not taken for it${leftOut}`,
  async () => {
    const { server, transport, socket } = await serve();
    const asked = new Promise<void>((resolve) => {
      server.onTask = () => resolve();
    });
    const other = await Caller.open(socket);
    await other.ask("READ", "/\0");
    const [ofOther] = descriptors(transport);
    const leaving = await Caller.open(socket);
    await leaving.ask("READ", "/\0");
    const left = descriptors(transport).find((fd) => fd !== ofOther) as number;
    // As a predecessor has it that has not ended yet.
    const second = (libc as Libc).fcntl(left, F_DUPFD, FAR);
    expect(second).toBeGreaterThanOrEqual(FAR);
    leaving.close();
    while (descriptors(transport).length > 1) await other.ask("READ", "/\0");
    const next = await Caller.open(socket);
    await next.ask("READ", "/\0");
    expect(descriptors(transport)).toContain(left);
    // While its request waits, nothing is read from it: only the end of a socket can be heard.
    next.send("CONTROL", words("-f", "/a"));
    await asked;
    for (let n = 0; n < OTHERS; n++) await other.ask("READ", "/\0");
    server.taskDone(Buffer.from(""));
    expect((await next.take(1))[0]?.payload).toBe("OK\0");
    (libc as Libc).close(second);
    next.close();
    other.close();
  },
);
