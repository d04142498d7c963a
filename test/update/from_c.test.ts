// From C: the C daemon replaces itself by ours, and its clients go on.
// Holds   the C daemon of Xen 4.17 on a fake machine, in a folder of its own.
// Never   waits for a time: what a client or a guest is told is waited for.
// Source  the XenStore protocol, live-update; test/peers for the fake machine.

import fs from "node:fs";
import path from "node:path";
import process from "node:process";
import { afterAll, describe, expect } from "vitest";
import { Caller, DAEMON, message, release, temporaryFolder } from "../host/rig.ts";
import { SocketLink } from "../peers/link.ts";
import { type Peer, startC, unavailable } from "../peers/peer.ts";
import { portOf, RingLink, raiseDomainEvent, setDomainState } from "../peers/ring.ts";
import { testUnless } from "../peers/unless.ts";
import { commandOf, koffiMissing, liveUpdate, within } from "./control.ts";
import { Worker } from "./load.ts";

afterAll(release);

const peerMissing = unavailable("c");

const start = () => startC(path.join(temporaryFolder(), "c"));

/** Connects; the C daemon lets one connection wait at most, so it must have taken this one. */
async function open(peer: Peer): Promise<Caller> {
  const caller = await Caller.open(peer.socket);
  await caller.ask("READ", "/tool\0");
  return caller;
}

/** The command line of ours: the machine of the C daemon is a folder like that of a simulated one. */
const lineFor = ({ machine }: Peer, ...more: string[]) => {
  return ["--no-fork", "--simulate", machine, ...more].join(" ");
};

async function updated(peer: Peer, ...more: string[]): Promise<void> {
  expect(await liveUpdate(peer.socket, DAEMON, lineFor(peer, ...more))).toBe("OK");
  expect(commandOf(peer.pid)).toContain(DAEMON);
}

describe.each(["epoll", "net"])("with sockets over %s", (transport) => {
  const missing = koffiMissing ? "the package koffi can't be loaded" : peerMissing;

  testUnless(missing, "connections, nodes, permissions and watches go on", async () => {
    const peer = await start();
    const [a, b] = [await open(peer), await open(peer)];
    for (const name of ["z", "a", "m"]) await a.ask("WRITE", `/order/${name}\0${name}`);
    expect(await a.ask("SET_PERMS", "/order/m\0n0\0r5\0b7\0")).toBe("OK\0");
    a.send("WATCH", "/order\0token\0");
    expect(await a.take(2)).toHaveLength(2);
    a.send("WATCH", "@releaseDomain\0released\0");
    expect(await a.take(2)).toHaveLength(2);
    await updated(peer, "--transport", transport);
    expect(await b.ask("DIRECTORY", "/order\0")).toBe("z\0a\0m\0");
    expect(await b.ask("GET_PERMS", "/order/m\0")).toBe("n0\0r5\0b7\0");
    expect(await b.ask("WRITE", "/order/a\0new")).toBe("OK\0");
    expect((await a.take(1))[0]?.payload).toBe("/order/a\0token\0");
    expect(await a.ask("READ", "/order/a\0")).toBe("new");
    expect(await a.ask("UNWATCH", "@releaseDomain\0released\0")).toBe("OK\0");
    const late = await open(peer);
    expect(await late.ask("READ", "/order/z\0")).toBe("z");
    const reader = await Caller.open(`${peer.socket}_ro`);
    expect(await reader.ask("WRITE", "/order/z\0")).toBe("EROFS\0");
    await peer.stop();
    expect(fs.existsSync(peer.socket)).toBe(false);
    expect(fs.existsSync(path.join(path.dirname(peer.socket), "state_dump"))).toBe(false);
  });

  testUnless(
    missing,
    "half a message, whole ones behind it, and replies nobody has read",
    async () => {
      const peer = await start();
      const caller = await open(peer);
      await caller.ask("WRITE", `/big\0${"v".repeat(2000)}`);
      const half = await open(peer);
      const bytes = message("READ", "/big\0", 9);
      await new Promise((resolve) => half.socket.write(bytes.subarray(0, 5), resolve));
      const slow = await open(peer);
      slow.socket.pause();
      const count = 500;
      for (let id = 0; id < count; id++) slow.send("READ", "/big\0", id);
      await updated(peer, "--transport", transport);
      half.socket.write(bytes.subarray(5));
      expect(await half.take(1)).toMatchObject([{ reqId: 9, payload: "v".repeat(2000) }]);
      slow.socket.resume();
      const replies = await slow.take(count);
      expect(replies.map(({ reqId }) => reqId)).toEqual(Array.from({ length: count }, (_, n) => n));
      await peer.stop();
    },
  );

  testUnless(missing, "clients and guests at work do not notice", async () => {
    const peer = await start();
    const dom0 = await open(peer);
    const guest = new RingLink(peer.machine, 5);
    expect(await dom0.ask("INTRODUCE", `5\0${1}\0${portOf(5)}\0`)).toBe("OK\0");
    expect(await dom0.ask("MKDIR", "/local/domain/5\0")).toBe("OK\0");
    expect(await dom0.ask("SET_PERMS", "/local/domain/5\0n5\0")).toBe("OK\0");
    guest.attach();
    const workers = [new Worker(guest, "domain 5", "load")];
    await workers[0]?.prepare();
    for (let n = 0; n < 10; n++) {
      const worker = new Worker(await SocketLink.open(peer.socket), `client ${n}`, `/load/${n}`);
      await worker.prepare();
      workers.push(worker);
    }
    for (const worker of workers) await worker.watch(worker.base);
    // The C daemon waits until no transaction is open anywhere, so there are none.
    const runs = Promise.all(workers.map((worker) => worker.run(false)));
    await Promise.race([updated(peer, "--transport", transport), runs]);
    for (let n = 0; n < 2; n++) {
      await Promise.race([updated(peer, "--transport", transport), runs]);
    }
    for (const worker of workers) worker.stop();
    await runs;
    for (const worker of workers) await worker.mustHaveSeen(worker.base, worker.signals);
    dom0.send("WATCH", "@releaseDomain\0released\0");
    await dom0.take(2);
    setDomainState(peer.machine, 5, "dying");
    raiseDomainEvent(peer.machine);
    expect((await dom0.take(1))[0]?.payload).toBe("@releaseDomain\0released\0");
    await peer.stop();
  });
});

testUnless(peerMissing, "limits are those of the command line", async () => {
  const peer = await start();
  const caller = await open(peer);
  await updated(peer, "-E", "77");
  expect(await caller.ask("GET_QUOTA", "nodes\0")).toBe("77\0");
  expect(await caller.ask("GET_QUOTA", "watches\0")).toBe("128\0");
  process.kill(peer.pid, "SIGTERM");
  await caller.closed;
  await peer.stop();
});

testUnless(peerMissing, "the C daemon's own command line is understood", async () => {
  const peer = await start();
  const caller = await open(peer);
  await caller.ask("WRITE", "/a\0b");
  expect(await liveUpdate(peer.socket, DAEMON)).toBe("OK");
  expect(commandOf(peer.pid)).toContain("-U");
  expect(await caller.ask("READ", "/a\0")).toBe("b");
  const txId = Number.parseInt(await caller.ask("TRANSACTION_START", "\0"), 10);
  expect(await within(caller, txId, "WRITE", "/a\0c")).toBe("OK\0");
  expect(await within(caller, txId, "TRANSACTION_END", "T\0")).toBe("OK\0");
  process.kill(peer.pid, "SIGTERM");
  await caller.closed;
  await peer.stop();
});
