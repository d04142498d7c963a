// Client: the hosts' own client, as a guest of a machine in the same process.
// Holds   a store that runs by itself, on microtasks.
// Never   looks into a page.
// Source  the XenStore protocol, ring; our own.

import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { Client } from "../../hosts/shared/client.ts";
import { Core } from "../../hosts/shared/core.ts";
import { GuestRing } from "../../hosts/shared/guest_ring.ts";
import { LocalStream } from "../../hosts/shared/local_stream.ts";
import { LocalMachine } from "../../hosts/shared/machine_local.ts";
import { Server } from "../../hosts/shared/server.ts";
import { strings } from "../../hosts/shared/wire.ts";
import { WASM_PATH } from "../core.ts";

const XS_INTRODUCE = 8;

async function store(buffer?: ArrayBufferLike) {
  const core = new Core(new WebAssembly.Module(readFileSync(WASM_PATH)), new Uint32Array(2));
  const clock = { nowMs: () => performance.now(), after: () => {} };
  const server = new Server(core, clock, { records: () => {} });
  const machine = new LocalMachine();
  const soon = (work: () => boolean) => {
    queueMicrotask(() => work() && soon(work));
  };
  server.attach(machine, soon).start(0);
  const host = new Client(new LocalStream(server));
  const domain = machine.domain(7, buffer);
  await host.request(XS_INTRODUCE, strings("7", "1", "5"));
  await host.mkdir("/local/domain/7");
  await host.setPerms("/local/domain/7", [{ access: "n", domid: 7 }]);
  return { host, domain };
}

function enter(domain: LocalMachine["domain"] extends (...all: never[]) => infer D ? D : never) {
  const ring = new GuestRing(domain.page, () => domain.notify());
  domain.onEvent = () => ring.event();
  return ring;
}

it.each([
  ["an ArrayBuffer", () => new ArrayBuffer(4096)],
  ["a SharedArrayBuffer", () => new SharedArrayBuffer(4096)],
])("requests, long values and watches pass through a page in %s", async (_what, make) => {
  const { host, domain } = await store(make());
  const guest = new Client(enter(domain));
  await guest.watch("data", "token");
  expect((await guest.nextEvent()).path).toBe("data");
  const value = "v".repeat(2000);
  await guest.write("data", value);
  expect(Buffer.from(await host.read("/local/domain/7/data")).toString()).toBe(value);
  expect((await guest.nextEvent()).path).toBe("data");
  const values = await Promise.all([...Array(300).keys()].map(() => guest.read("data")));
  expect(values.every((one) => Buffer.from(one).toString() === value)).toBe(true);
  await guest.transaction(async (tx) => {
    await tx.write("a", "1");
    await tx.write("b", "2");
  });
  expect(await guest.directory("/local/domain/7")).toEqual(["data", "a", "b"]);
  guest.close();
  host.close();
});

it("a guest that enters a ring in use begins anew", async () => {
  const { host, domain } = await store();
  const first = enter(domain);
  const early = new Client(first);
  await early.watch("a", "token");
  first.write(new Uint8Array(10));
  const second = enter(domain);
  await second.reconnect();
  const guest = new Client(second);
  await guest.write("a", "v");
  expect(Buffer.from(await guest.read("a")).toString()).toBe("v");
  await guest.watch("b", "other");
  expect(await guest.nextEvent()).toEqual({ path: "b", token: "other" });
  host.close();
});

it("a guest whose ring was shut off is told so", async () => {
  const { host, domain } = await store();
  const guest = new Client(enter(domain));
  domain.page.store(2052, Uint32Array.of(5000));
  domain.notify();
  await expect(guest.read("a")).rejects.toThrow(/EIO|EBADF/);
  host.close();
});
