// Page: what stands in a ring's page before and after the store has served it.
// Holds   guests that behave, and those that do so in their own way.
// Never   breaks a page; broken.test.ts does.
// Source  the XenStore protocol, ring; clients.

import { expect, it } from "vitest";
import { LOOK_AGAIN_MS } from "../../assembly/abi.ts";
import { type Guest, request } from "./guest.ts";
import { World } from "./world.ts";

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
const word = (guest: Guest, at: number) => hex(guest.bytes.subarray(at, at + 4));

it("a READ of an empty node moves the bytes of the worked example", () => {
  const world = new World();
  const guest = world.introduce(3);
  world.dom0.ok("MKDIR", "/tool\0");
  world.dom0.ok("SET_PERMS", "/tool\0r0\0");
  const bytes = request("READ", "/tool\0");
  expect(hex(bytes)).toBe("02000000010000000000000006000000" + "2f746f6f6c00");
  guest.put(bytes);
  expect(word(guest, 2052)).toBe("16000000");
  guest.kick();
  expect(word(guest, 2048)).toBe("16000000");
  expect(hex(guest.bytes.subarray(1024, 1040))).toBe("02000000010000000000000000000000");
  expect(word(guest, 2060)).toBe("10000000");
});

it("an introduced page says what is offered, and is told so", () => {
  const world = new World();
  const guest = world.guest(3);
  guest.indexes = [7, 9, 11, 13];
  guest.connection = 1;
  guest.error = 3;
  world.dom0.ok("INTRODUCE", "3\x001\x005\0");
  expect(guest.indexes).toEqual([0, 0, 0, 0]);
  expect(guest.features).toBe(15);
  expect(guest.connection).toBe(0);
  expect(guest.error).toBe(0);
  expect(guest.notified).toBe(1);
});

it("features that were masked before are not offered", () => {
  const world = new World();
  world.dom0.ok("SET_FEATURE", "3\x004\0");
  expect(world.introduce(3).features).toBe(4);
});

it("the control domain's ring keeps its indexes at the start", () => {
  const world = new World([], true);
  const kernel = world.guest(0);
  expect(kernel.features).toBe(15);
  expect(kernel.notified).toBeGreaterThan(0);
  expect(kernel.ask("WRITE", "/a\0v")).toBe("OK|");
  expect(kernel.ask("INTRODUCE", "3\x001\x005\0")).toBe("OK|");
  expect(kernel.ask("IS_DOMAIN_INTRODUCED", "3\0")).toBe("T|");
});

it("indexes overflow, and the queues go on", () => {
  const world = new World();
  const guest = world.introduce(3);
  guest.indexes = [0xfffffff8, 0xfffffff8, 0xfffffff8, 0xfffffff8];
  expect(guest.ask("WRITE", `a\0${"v".repeat(40)}`)).toBe("OK|");
  expect(guest.reqProd).toBe(16 + 42 - 8);
  expect(guest.rspProd).toBe(16 + 3 - 8);
  expect(guest.ask("READ", "a\0")).toBe("v".repeat(40));
  expect(guest.error).toBe(0);
});

it("a request that goes over the end of its queue is read around it, at every place", () => {
  const world = new World();
  const guest = world.introduce(3);
  for (let at = 980; at <= 1024; at++) {
    guest.indexes = [at, at, at, at];
    expect(guest.ask("WRITE", `a\0value ${at}`)).toBe("OK|");
    expect(guest.ask("READ", "a\0")).toBe(`value ${at}`);
  }
});

it("a queue of requests that is full to the last byte is served", () => {
  const world = new World();
  const guest = world.introduce(3);
  const bytes = request("WRITE", `a\0${"v".repeat(1024 - 16 - 2)}`);
  expect(bytes.length).toBe(1024);
  expect(guest.put(bytes)).toBe(1024);
  guest.kick();
  expect(guest.reqCons).toBe(1024);
  expect(guest.error).toBe(0);
  expect(guest.ask("READ", "a\0")).toBe("OK|");
  guest.drain();
  expect(guest.replies.map((reply) => reply.payload.length)).toEqual([1006]);
});

it("a queue of replies that is full to the last byte is no reason to stop", () => {
  const world = new World();
  const guest = world.introduce(3);
  world.dom0.ok("WRITE", `/local/domain/3/a\0${"v".repeat(1024 - 16)}`);
  guest.put(request("READ", "a\0"));
  guest.put(request("READ", "a\0"));
  guest.kick();
  expect(guest.rspProd - guest.rspCons).toBe(1024);
  expect(guest.error).toBe(0);
  guest.drain();
  expect(guest.replies.map((reply) => reply.payload.length)).toEqual([1008, 1008]);
});

it("a request that comes one byte at a time has the reply of a whole one", () => {
  const world = new World();
  const guest = world.introduce(3);
  for (const byte of request("WRITE", "a\0value")) {
    expect(guest.put(Uint8Array.of(byte))).toBe(1);
    expect(guest.replies).toEqual([]);
    guest.kick();
    guest.take();
  }
  expect(guest.replies.map((reply) => reply.payload)).toEqual(["OK\0"]);
  expect(guest.reqCons).toBe(guest.reqProd);
});

it("a message that is cut anywhere, with others around it, has the same reply", () => {
  const bytes = Buffer.concat([
    request("WRITE", "a\0v"),
    request("READ", "a\0", 2),
    request("DIRECTORY", "\0", 3),
  ]);
  const whole = new World().introduce(3);
  whole.send(bytes);
  for (let at = 1; at < bytes.length; at++) {
    const guest = new World().introduce(3);
    guest.send(bytes.subarray(0, at));
    guest.send(bytes.subarray(at));
    expect(guest.replies).toEqual(whole.replies);
  }
});

it("one event tells of many replies", () => {
  const world = new World();
  const guest = world.introduce(3);
  guest.notified = 0;
  for (let i = 0; i < 20; i++) guest.put(request("READ", "\0", i));
  guest.kick();
  expect(guest.notified).toBe(1);
  guest.drain();
  expect(guest.replies.map((reply) => reply.reqId)).toEqual([...Array(20).keys()]);
});

it("what is put while the store serves needs no event of its own", () => {
  const world = new World();
  const guest = world.introduce(3);
  const { page } = world.machine.domain(3);
  const store = page.store.bind(page);
  let late = 3;
  page.store = (offset, words) => {
    if (late > 0) guest.put(request("READ", "\0", late));
    late -= 1;
    store(offset, words);
  };
  guest.put(request("READ", "\0", 9));
  guest.kick();
  guest.take();
  expect(guest.replies.map((reply) => reply.reqId)).toEqual([9, 3, 2, 1]);
});

it("indexes that firmware has set to zero are taken as they are", () => {
  const world = new World();
  const guest = world.introduce(3);
  guest.ok("WRITE", "a\0v");
  guest.bytes.fill(0xff, 0, 2048);
  guest.indexes = [0, 0, 0, 0];
  expect(guest.ask("READ", "a\0")).toBe("v");
  expect(guest.reqCons).toBe(16 + 2);
  expect(guest.error).toBe(0);
});

it("a guest that tells of nothing but a whole request gets one above 1023 bytes served", () => {
  const world = new World();
  const guest = world.introduce(3);
  guest.polite = false;
  const bytes = request("WRITE", `a\0${"v".repeat(1500)}`);
  const first = guest.put(bytes);
  guest.kick();
  const rest = bytes.subarray(first);
  expect(guest.put(rest)).toBe(rest.length);
  world.settle();
  guest.take();
  expect(guest.replies).toEqual([]);
  world.pass(LOOK_AGAIN_MS);
  guest.take();
  expect(guest.replies.map((reply) => reply.payload)).toEqual(["OK\0"]);
});

it("a guest that never notifies after it has read gets a long reply all the same", () => {
  const world = new World();
  const guest = world.introduce(3);
  guest.polite = false;
  world.dom0.ok("WRITE", `/local/domain/3/a\0${"v".repeat(3000)}`);
  guest.put(request("READ", "a\0"));
  guest.kick();
  expect(guest.take()).toBe(1024);
  world.settle();
  expect(guest.take()).toBe(0);
  for (let i = 0; i < 3; i++) {
    world.pass(LOOK_AGAIN_MS);
    guest.take();
  }
  expect(guest.replies.map((reply) => reply.payload.length)).toEqual([3000]);
});

it("an idle ring is not looked at", () => {
  const world = new World();
  const guest = world.introduce(3);
  guest.ok("WRITE", "a\0v");
  guest.put(request("READ", "a\0"));
  world.pass(60_000);
  expect(guest.reqCons).not.toBe(guest.reqProd);
});

it("a guest that skips old replies at its start hears only new ones", () => {
  const world = new World();
  const guest = world.introduce(3);
  guest.put(request("READ", "\0"));
  guest.kick();
  guest.rspCons = guest.rspProd;
  expect(guest.ask("WRITE", "a\0v")).toBe("OK|");
});
