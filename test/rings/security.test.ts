// Security: the published cases that rings, domains and events can bring about.
// Holds   one test for each, named by its advisory.
// Never   asks another daemon.
// Source  security, Advisories about store daemons.

import { describe, expect, it } from "vitest";
import {
  OPT_QUOTA_NODES,
  STAT_BYTES_USED,
  STAT_CONNECTIONS,
  STAT_FAULTS,
  STAT_NODES,
  STAT_TRANSACTIONS,
} from "../../assembly/abi.ts";
import { type Guest, request } from "./guest.ts";
import { World } from "./world.ts";

const strings = (...all: (string | number)[]) => all.map((one) => `${one}\0`).join("");
const used = (world: World) => world.core.stat(STAT_BYTES_USED);

/** What one guest may cost at most: its quota of 2 MiB, and what the store needs to serve it. */
const GUEST_BYTES = 8 << 20;

it("XSA-38: any indexes shut a ring off or are served, and the others are served", () => {
  const world = new World();
  const other = world.introduce(5);
  other.ok("WRITE", "a\0v");
  const guest = world.introduce(3);
  const edges = [0, 1, 1023, 1024, 1025, 2048, 0x7fffffff, 0x80000000, 0xfffffc00, 0xffffffff];
  let served = 0;
  for (const reqCons of edges) {
    for (const reqProd of edges) {
      for (const rspCons of edges) {
        for (const rspProd of edges) {
          guest.indexes = [reqCons, reqProd, rspCons, rspProd];
          const sound = (reqProd - reqCons) >>> 0 <= 1024 && (rspProd - rspCons) >>> 0 <= 1024;
          guest.kick();
          if (!sound) expect(guest.error).toBe(2);
          else served += 1;
          guest.reconnect();
        }
      }
    }
  }
  expect(served).toBeGreaterThan(100);
  expect(other.ask("READ", "a\0")).toBe("v");
});

it("XSA-72: a directory beyond a message is E2BIG, and comes in parts", () => {
  const world = new World();
  const guest = world.introduce(3);
  const names = [...Array(600).keys()].map((n) => `n${String(n).padStart(8, "0")}`);
  for (const name of names) world.dom0.ok("WRITE", `/local/domain/3/${name}\0v`);
  expect(guest.ask("DIRECTORY", strings("/local/domain/3"))).toBe("ERROR E2BIG|");
  let all = "";
  while (!all.endsWith("||")) {
    const part = guest.ask("DIRECTORY_PART", strings("/local/domain/3", all.length));
    all += part.slice(part.indexOf("|") + 1);
  }
  expect(all.split("|").slice(0, -2)).toEqual(names);
});

it("XSA-206: a guest that writes without end does not keep the toolstack from committing", () => {
  const world = new World();
  const guest = world.introduce(3);
  world.dom0.ok("WRITE", "/local/domain/3/n\0v");
  world.dom0.ok("SET_PERMS", strings("/local/domain/3/n", "n3"));
  let worst = 0;
  for (let second = 0; second < 60; second++) {
    for (let tries = 1; ; tries++) {
      const txId = Number.parseInt(world.dom0.ask("TRANSACTION_START", "\0"), 10);
      world.dom0.ask("READ", strings("/local/domain/3/n"), txId);
      // The guest has its ring full of writes all the time.
      guest.stuff(() => request("WRITE", "n\0w"));
      guest.kick();
      guest.take();
      world.dom0.ok("WRITE", `/t${second % 10}\0v`, txId);
      const end = world.dom0.ask("TRANSACTION_END", "T\0", txId);
      worst = Math.max(worst, tries);
      if (end === "OK|") break;
      expect(end).toBe("ERROR EAGAIN|");
      world.pass(5);
    }
    world.pass(1000);
  }
  expect(guest.error).toBe(0);
  expect(worst).toBeLessThan(200);
  expect(world.core.stat(STAT_TRANSACTIONS)).toBe(0);
});

describe("XSA-233: a domain and its device model end in any way", () => {
  const ways: Record<string, (world: World) => void> = {
    "the target dies, the other is released": (world) => {
      world.destroy(3);
      world.dom0.ok("RELEASE", strings(5));
    },
    "the other dies, the target is released": (world) => {
      world.destroy(5);
      world.dom0.ok("RELEASE", strings(3));
    },
    "the target is released, then both die": (world) => {
      world.dom0.ok("RELEASE", strings(3));
      world.machine.destroy(5);
      world.machine.destroy(3);
    },
    "both are released in one piece": (world) => {
      world.dom0.write(
        Buffer.concat([request("RELEASE", strings(3)), request("RELEASE", strings(5))]),
      );
      world.settle();
      world.dom0.replies.length = 0;
    },
  };
  it.each(Object.entries(ways))("%s", (_what, end) => {
    const world = new World();
    const before = world.core.stat(STAT_CONNECTIONS);
    const nodes = world.core.stat(STAT_NODES);
    world.introduce(3).ok("WRITE", "a\0v");
    world.introduce(5).ok("WRITE", "a\0v");
    world.dom0.ok("SET_TARGET", strings(5, 3));
    end(world);
    world.settle();
    expect(world.core.stat(STAT_CONNECTIONS)).toBe(before);
    expect(world.dom0.ask("IS_DOMAIN_INTRODUCED", strings(3))).toBe("F|");
    expect(world.dom0.ask("IS_DOMAIN_INTRODUCED", strings(5))).toBe("F|");
    // What is left was made by domain 0.
    expect(world.core.stat(STAT_NODES) - nodes).toBeLessThanOrEqual(2);
    expect(world.core.stat(STAT_FAULTS)).toBe(0);
  });
});

it("XSA-322 and 417: no grant from before a domain's time works for it", () => {
  const world = new World();
  world.machine.allExist = false;
  world.dom0.ok("WRITE", "/early\0v");
  world.dom0.ok("SET_PERMS", strings("/early", "n0", "b9"));
  const first = world.introduce(9);
  expect(first.ask("READ", strings("/early"))).toBe("ERROR EACCES|");
  world.dom0.ok("WRITE", "/late\0v");
  world.dom0.ok("SET_PERMS", strings("/late", "n0", "b9"));
  expect(first.ask("READ", strings("/late"))).toBe("v");
  world.destroy(9);
  const second = world.introduce(9);
  for (const path of ["/early", "/late"]) {
    expect(second.ask("READ", strings(path))).toBe("ERROR EACCES|");
    expect(second.ask("WRITE", `${path}\0w`)).toBe("ERROR EACCES|");
  }
});

it("XSA-324: an event that is longer than a message is left out, and the connection lives", () => {
  const world = new World();
  const guest = world.introduce(3);
  const token = "t".repeat(4096 - "w".length - 2);
  guest.ok("WATCH", `w\0${token}\0`);
  expect(guest.heard().length).toBe(1);
  guest.ok("WRITE", "w/longer/than/before\0v");
  expect(guest.heard()).toEqual([]);
  guest.ok("WRITE", "w\0v");
  expect(guest.heard()).toEqual([`w|${token}|`]);
  guest.ok("UNWATCH", `w\0${token}\0`);
});

it("XSA-330: watches that are set and reset without end cost nothing", () => {
  const world = new World();
  const guest = world.introduce(3);
  const turn = () => {
    for (let i = 0; i < 10; i++) guest.put(request("WATCH", strings("w", `t${i}`)));
    guest.put(request("RESET_WATCHES", "\0"));
    guest.kick();
    guest.heard();
  };
  for (let i = 0; i < 100; i++) turn();
  const before = used(world);
  for (let i = 0; i < 10_000; i++) turn();
  expect(used(world)).toBe(before);
  guest.replies.length = 0;
  guest.ok("WRITE", "w\0v");
  expect(guest.heard()).toEqual([]);
});

describe("XSA-326: one guest costs a bounded amount of memory", () => {
  /** Puts requests for as long as they are taken; never reads. */
  function flood(world: World, guest: Guest, make: (n: number) => Uint8Array, most: number): void {
    for (let n = 0, idle = 0; n < most && idle < 100; ) {
      const put = guest.stuff(() => make(n++));
      idle = put > 0 ? 0 : idle + 1;
      guest.kick();
      world.pass(put > 0 ? 1 : 20);
    }
    expect(guest.error).toBe(0);
  }

  const ways: Record<string, (n: number) => Uint8Array> = {
    "requests whose replies it does not read": () => request("DIRECTORY", strings("/local")),
    "long replies that it does not read": () => request("READ", strings("long")),
    watches: (n) => request("WATCH", strings("/", `token ${n}${"t".repeat(2000)}`)),
    "transactions with all they may hold": (n) =>
      n % 200 === 0
        ? request("TRANSACTION_START", "\0")
        : Buffer.from(request("WRITE", `n${n % 200}\0${"v".repeat(2000)}`)).fill(
            Math.floor(n / 200) + 1,
            8,
            9,
          ),
    "nodes of the largest size": (n) => request("WRITE", `m${n}\0${"v".repeat(2040)}`),
    "paths of the longest": (n) => request("WRITE", `/local/domain/3/${n}${"/d".repeat(990)}\0v`),
  };
  it.each(Object.entries(ways))("%s", (_what, make) => {
    const world = new World();
    const guest = world.introduce(3);
    guest.ok("WRITE", `long\0${"v".repeat(1900)}`);
    const other = world.introduce(5);
    const before = used(world);
    flood(world, guest, make, 4000);
    expect(used(world) - before).toBeLessThan(GUEST_BYTES);
    other.ok("WRITE", "a\0v");
    // It reads again, and is served again.
    guest.drain();
    world.pass(1000);
    guest.drain();
    guest.reconnect();
    expect(guest.ask("GET_DOMAIN_PATH", strings(3))).toBe("/local/domain/3|");
    world.destroy(3);
    expect(world.core.stat(STAT_FAULTS)).toBe(0);
  });
});

it("XSA-416: what a guest's unread requests cost is what they hold", () => {
  const world = new World();
  const guest = world.introduce(3);
  guest.polite = false;
  const before = used(world);
  for (let i = 0; i < 40; i++) {
    guest.stuff(() => request("WRITE", `n\0${"v".repeat(2000)}`));
    guest.kick();
    world.pass(100);
  }
  expect(used(world) - before).toBeLessThan(1 << 18);
});

it("XSA-419: what a guest has put under another's node goes with it, a hundred times", () => {
  const world = new World([[OPT_QUOTA_NODES, 100]]);
  const owner = world.introduce(5);
  owner.ok("WRITE", "shared\0v");
  owner.ok("SET_PERMS", strings("shared", "b5"));
  const nodes = world.core.stat(STAT_NODES);
  const shared = "/local/domain/5/shared";
  for (let round = 0; round < 100; round++) {
    world.dom0.ok("INTRODUCE", strings(3, 1, 5));
    const guest = world.guest(3);
    for (let i = 0; i < 100; i++) guest.ok("WRITE", `${shared}/${i}\0v`);
    expect(guest.ask("WRITE", `${shared}/more\0v`)).toBe("ERROR ENOSPC|");
    expect(world.core.stat(STAT_NODES)).toBe(nodes + 100);
    world.destroy(3);
    expect(world.core.stat(STAT_NODES)).toBe(nodes);
    world.machine.domain(3);
    world.pass(1000);
  }
  expect(owner.ask("DIRECTORY", strings("shared"))).toBe("");
});

describe("XSA-425: a domain is released while its neighbours are served", () => {
  it.each([
    ["the one before", 3],
    ["the one after", 5],
    ["all but itself", 0],
  ])("%s", (_what, victim) => {
    const world = new World([], true);
    const kernel = world.guest(0);
    const guests = [3, 4, 5].map((domid) => world.introduce(domid));
    world.dom0.ok("SET_TARGET", strings(4, 5));
    for (const guest of guests) {
      guest.ok("WATCH", strings("@releaseDomain", "t"));
      guest.put(request("WRITE", "late\0v"));
      guest.notify();
    }
    for (const domid of victim ? [victim] : [3, 5]) kernel.put(request("RELEASE", strings(domid)));
    kernel.kick();
    expect(kernel.drain()).toBeGreaterThan(0);
    guests[1].drain();
    expect(guests[1].ask("READ", "late\0")).toBe("OK|");
    expect(world.core.stat(STAT_FAULTS)).toBe(0);
  });
});

it("XSA-484: RESET_WATCHES within a transaction ends it, and the connection lives", () => {
  const world = new World();
  const guest = world.introduce(3);
  expect(guest.ask("TRANSACTION_START", "\0")).toBe("1|");
  expect(guest.ask("TRANSACTION_START", "\0")).toBe("2|");
  guest.ok("WRITE", "a\0v", 1);
  expect(guest.ask("RESET_WATCHES", "\0", 1)).toBe("OK|");
  expect(world.core.stat(STAT_TRANSACTIONS)).toBe(0);
  expect(guest.ask("TRANSACTION_END", "T\0", 2)).toBe("ERROR ENOENT|");
  expect(guest.ask("READ", "a\0")).toBe("ERROR ENOENT|");
});
