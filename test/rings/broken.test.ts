// Broken: pages that a guest has broken, and how it gets a connection again.
// Holds   every case of bad input on a ring, with the error that the page shows afterwards.
// Never   lets another guest notice.
// Source  the XenStore protocol, ring (bad input, reconnection); security.

import { afterEach, describe, expect, it } from "vitest";
import {
  STAT_CONNECTIONS,
  STAT_FAULTS,
  STAT_TRANSACTIONS,
  STAT_WATCHES,
} from "../../assembly/abi.ts";
import { encode } from "../message.ts";
import { type Guest, request } from "./guest.ts";
import { World } from "./world.ts";

const RINGIDX = 2;
const PROTO = 3;

let world: World;
let guest: Guest;
let other: Guest;

function begin(): void {
  world = new World();
  guest = world.introduce(3);
  other = world.introduce(5);
  other.ok("WRITE", "a\0v");
}

/** The other guest is served, the store is whole, and nothing of the broken one is left. */
afterEach(() => {
  expect(other.ask("READ", "a\0")).toBe("v");
  expect(other.error).toBe(0);
  expect(world.core.stat(STAT_FAULTS)).toBe(0);
});

const BAD: [string, (guest: Guest) => void][] = [
  ["more requests than the queue holds", (g) => (g.reqProd = g.reqCons + 1025)],
  ["fewer than no requests", (g) => (g.reqProd = g.reqCons - 1)],
  ["more replies than the queue holds", (g) => (g.rspCons = g.rspProd - 1025)],
  ["replies taken that were never put", (g) => (g.rspCons = g.rspProd + 1)],
  ["an index of ours changed", (g) => (g.reqCons = g.reqProd + 5)],
  ["another index of ours changed", (g) => (g.rspProd = g.rspCons + 5000)],
  ["indexes far apart", (g) => (g.indexes = [0, 0x80000000, 0, 0])],
];

describe("a ring is shut off with error 2 for", () => {
  it.each(BAD)("%s", (_what, spoil) => {
    begin();
    guest.ok("WATCH", "@x\0t\0".replace("@x", "w"));
    guest.heard();
    expect(guest.ask("TRANSACTION_START", "\0")).toBe("1|");
    const watches = world.core.stat(STAT_WATCHES);
    spoil(guest);
    const broken = guest.indexes;
    guest.kick();
    expect(guest.error).toBe(RINGIDX);
    expect(guest.indexes).toEqual(broken);
    expect(world.core.stat(STAT_WATCHES)).toBe(watches - 1);
    expect(world.core.stat(STAT_TRANSACTIONS)).toBe(0);
    expect(world.dom0.ask("IS_DOMAIN_INTRODUCED", "3\0")).toBe("T|");
    expect(world.notices.join("\n")).toContain("domain 3");
    const lines = world.notices.length;
    for (let i = 0; i < 10; i++) guest.kick();
    world.pass(10_000);
    expect(world.notices.length).toBe(lines);
  });
});

describe("a ring is shut off with error 3 for", () => {
  it.each([4097, 0x7fffffff, 0x80000000, 0xffffffff])("a payload of %i bytes", (len) => {
    begin();
    guest.put(encode({ type: 2, reqId: 1, txId: 0, payload: "" }, len));
    guest.kick();
    expect(guest.error).toBe(PROTO);
    expect(guest.take()).toBe(0);
    expect(world.dom0.ask("IS_DOMAIN_INTRODUCED", "3\0")).toBe("T|");
  });

  it("a payload that is too long behind requests that are answered", () => {
    begin();
    guest.put(request("WRITE", "a\0v"));
    guest.put(encode({ type: 2, reqId: 1, txId: 0, payload: "" }, 4097));
    guest.kick();
    expect(guest.error).toBe(PROTO);
    expect(world.dom0.ask("READ", "/local/domain/3/a\0")).toBe("v");
  });

  it("a header that comes in two pieces", () => {
    begin();
    const bytes = encode({ type: 2, reqId: 1, txId: 0, payload: "" }, 5000);
    guest.put(bytes.subarray(0, 13));
    guest.kick();
    expect(guest.error).toBe(0);
    guest.put(bytes.subarray(13));
    guest.kick();
    expect(guest.error).toBe(PROTO);
  });
});

it("the error field is left alone where the feature was not offered", () => {
  begin();
  world.dom0.ok("SET_FEATURE", "7\x001\0");
  const plain = world.introduce(7);
  expect(plain.features).toBe(1);
  plain.error = 77;
  plain.reqProd = 5000;
  plain.kick();
  expect(plain.error).toBe(77);
  expect(plain.reqCons).toBe(0);
});

it("a page full of one byte is an idle ring wherever its indexes stand", () => {
  begin();
  guest.ok("WRITE", "a\0v");
  for (const byte of [0xa5, 0xff, 0]) {
    guest.bytes.fill(byte);
    guest.kick();
    expect(guest.indexes).toEqual(Array(4).fill(byte * 0x01010101));
    expect(guest.ask("READ", "a\0")).toBe("v");
  }
});

describe("a shut off ring is served again after", () => {
  function broken(): void {
    begin();
    guest.ok("WRITE", "a\0v");
    guest.reqProd = guest.reqCons + 2000;
    guest.kick();
    expect(guest.error).toBe(RINGIDX);
  }

  function revived(): void {
    expect(guest.indexes).toEqual([0, 0, 0, 0]);
    expect(guest.connection).toBe(0);
    expect(guest.error).toBe(0);
    guest.forget();
    expect(guest.ask("GET_DOMAIN_PATH", "3\0")).toBe("/local/domain/3|");
  }

  it("a reconnection", () => {
    broken();
    guest.reconnect();
    revived();
    expect(guest.ask("READ", "a\0")).toBe("v");
  });

  it("INTRODUCE", () => {
    broken();
    world.dom0.ok("INTRODUCE", "3\x001\x005\0");
    revived();
    expect(guest.ask("READ", "a\0")).toBe("v");
  });

  it("RELEASE and INTRODUCE, which forget what it owned", () => {
    broken();
    world.dom0.ok("RELEASE", "3\0");
    world.dom0.ok("INTRODUCE", "3\x001\x005\0");
    revived();
    expect(guest.ask("READ", "a\0")).toBe("ERROR EACCES|");
  });
});

it("the real death of a domain is told although its ring was shut off long before", () => {
  begin();
  world.dom0.ok("WATCH", "@releaseDomain\0t\0");
  world.dom0.heard();
  guest.reqProd = 5000;
  guest.kick();
  expect(world.dom0.heard()).toEqual([]);
  world.destroy(3);
  expect(world.dom0.heard()).toEqual(["@releaseDomain|t|"]);
  expect(world.dom0.ask("IS_DOMAIN_INTRODUCED", "3\0")).toBe("F|");
});

describe("a reconnection", () => {
  it("drops half a request, unsent replies, watches and transactions; nothing else changes", () => {
    begin();
    world.dom0.ok("SET_TARGET", "3\x005\0");
    world.dom0.ok("WATCH", "@releaseDomain\0t\0");
    world.dom0.heard();
    guest.ok("WATCH", "w\0t\0");
    expect(guest.ask("TRANSACTION_START", "\0")).toBe("1|");
    guest.ok("WRITE", "in\0x", 1);
    guest.ok("WRITE", "out\0x");
    const watches = world.core.stat(STAT_WATCHES);
    for (let i = 0; i < 9; i++) guest.put(request("DIRECTORY", "\0"));
    guest.put(request("WRITE", "half\0x").subarray(0, 20));
    guest.notify();
    guest.reconnect();
    expect(guest.indexes).toEqual([0, 0, 0, 0]);
    expect(guest.connection).toBe(0);
    expect(world.core.stat(STAT_WATCHES)).toBe(watches - 1);
    expect(world.core.stat(STAT_TRANSACTIONS)).toBe(0);
    expect(guest.ask("TRANSACTION_END", "T\0", 1)).toBe("ERROR ENOENT|");
    expect(guest.ask("READ", "in\0")).toBe("ERROR ENOENT|");
    expect(guest.ask("READ", "half\0")).toBe("ERROR ENOENT|");
    expect(guest.ask("READ", "out\0")).toBe("x");
    expect(guest.ask("READ", "/local/domain/5/a\0")).toBe("v");
    expect(guest.heard()).toEqual([]);
    expect(world.dom0.heard()).toEqual([]);
  });

  it("is told with an event", () => {
    begin();
    guest.notified = 0;
    guest.reconnect();
    expect(guest.notified).toBe(1);
  });

  it("works when the page is full of rubbish", () => {
    begin();
    guest.bytes.fill(0xff);
    guest.reconnect();
    expect(guest.indexes).toEqual([0, 0, 0, 0]);
    expect(guest.features).toBe(15);
    expect(guest.ask("GET_DOMAIN_PATH", "3\0")).toBe("/local/domain/3|");
  });

  it("is not done where the feature was not offered", () => {
    begin();
    world.dom0.ok("SET_FEATURE", "7\x002\0");
    const plain = world.introduce(7);
    plain.ok("WRITE", "a\0v");
    plain.connection = 1;
    expect(plain.ask("READ", "a\0")).toBe("v");
    expect(plain.connection).toBe(1);
  });

  it("that was asked for while the store writes is not lost", () => {
    begin();
    const { page } = world.machine.domain(3);
    const store = page.store.bind(page);
    page.store = (offset, words) => {
      page.store = store;
      guest.connection = 1;
      store(offset, words);
    };
    guest.put(request("READ", "\0"));
    guest.kick();
    guest.kick();
    expect(guest.connection).toBe(0);
    expect(guest.indexes).toEqual([0, 0, 0, 0]);
  });

  it("in a loop costs no memory and disturbs nobody", () => {
    begin();
    const connections = world.core.stat(STAT_CONNECTIONS);
    const turn = () => {
      guest.put(request("WATCH", "w\0t\0"));
      guest.put(request("TRANSACTION_START", "\0"));
      guest.put(request("DIRECTORY", "\0").subarray(0, 9));
      guest.notify();
      guest.reconnect();
    };
    for (let i = 0; i < 100; i++) turn();
    const used = world.core.stat(1);
    for (let i = 0; i < 5000; i++) turn();
    expect(world.core.stat(1)).toBe(used);
    expect(world.core.stat(STAT_CONNECTIONS)).toBe(connections);
  });
});
