// Abuse: what a guest may try with its ring besides the published cases, and what that costs.
// Holds   floods, deaf guests, pages that change under the store's hands.
// Never   measures a time: work is counted.
// Source  security, Other abuse.

import { describe, expect, it } from "vitest";
import {
  OPT_QUOTA_MEMORY,
  OPT_TIMEOUT_WATCH_EVENT,
  STAT_BYTES_USED,
  STAT_FAULTS,
  STAT_TRANSACTIONS,
} from "../../assembly/abi.ts";
import { encode } from "../message.ts";
import { type Guest, request } from "./guest.ts";
import { World } from "./world.ts";

const strings = (...all: (string | number)[]) => all.map((one) => `${one}\0`).join("");
const used = (world: World) => world.core.stat(STAT_BYTES_USED);

/** Counts how often the store looks at a domain's page. */
function counting(world: World, domid: number): { loads: number } {
  const { page } = world.machine.domain(domid);
  const load = page.load.bind(page);
  const count = { loads: 0 };
  page.load = (offset, words) => {
    count.loads += 1;
    load(offset, words);
  };
  return count;
}

describe("a page that changes while it is read", () => {
  it("has each index read once for a look", () => {
    const world = new World();
    const guest = world.introduce(3);
    const { page } = world.machine.domain(3);
    const load = page.load.bind(page);
    page.load = (offset, words) => {
      load(offset, words);
      // Whoever looked again would find a queue that is broken.
      const [before] = [guest.reqProd];
      if (offset === 2048) guest.reqProd = before + 0x4000;
      else guest.reqProd = before - 0x4000;
    };
    const put = request("WRITE", "a\0v");
    guest.put(put);
    guest.kick();
    expect(guest.error).toBe(0);
    expect(world.dom0.ask("READ", "/local/domain/3/a\0")).toBe("v");
  });

  it("has each byte of a request read once, and its first form counts", () => {
    const world = new World();
    const guest = world.introduce(3);
    const { page } = world.machine.domain(3);
    const read = page.read.bind(page);
    let reads = 0;
    page.read = (offset, bytes) => {
      reads += bytes.length;
      read(offset, bytes);
      guest.bytes.fill(0xff, 0, 1024);
    };
    const bytes = request("WRITE", "a\0v");
    guest.put(bytes);
    guest.kick();
    expect(reads).toBe(bytes.length);
    expect(guest.error).toBe(0);
    expect(world.dom0.ask("READ", "/local/domain/3/a\0")).toBe("v");
  });

  it("has no say any more about the half of a request that was taken", () => {
    const world = new World();
    const guest = world.introduce(3);
    const bytes = request("WRITE", "a\0value");
    guest.put(bytes.subarray(0, 18));
    guest.kick();
    expect(guest.reqCons).toBe(18);
    guest.bytes.fill(0xff, 0, 18);
    guest.put(bytes.subarray(18));
    guest.kick();
    expect(world.dom0.ask("READ", "/local/domain/3/a\0")).toBe("value");
  });

  it("on our side of it moves nothing that has been checked", () => {
    const world = new World();
    const guest = world.introduce(3);
    const { page } = world.machine.domain(3);
    const write = page.write.bind(page);
    page.write = (offset, bytes) => {
      write(offset, bytes);
      guest.rspProd = 0xdeadbeef;
    };
    guest.put(request("GET_DOMAIN_PATH", strings(3)));
    guest.kick();
    expect(guest.rspProd).toBe(16 + 16);
  });
});

describe("events without data", () => {
  it("a million of them are a few looks", () => {
    const world = new World();
    const guest = world.introduce(3);
    const count = counting(world, 3);
    for (let i = 0; i < 1_000_000; i++) guest.notify();
    world.settle();
    expect(count.loads).toBeLessThan(5);
  });

  it("at a port that is not bound are none", () => {
    const world = new World();
    const guest = world.introduce(3);
    const count = counting(world, 3);
    for (const port of [0, 1, 4, 6, 0xffffffff]) guest.notify(port);
    world.settle();
    expect(count.loads).toBe(0);
  });
});

describe("a guest that floods the store", () => {
  /** Both guests have work; in each round the flood adds more than was served. */
  it("has one look for each of another one's", () => {
    const world = new World();
    const guest = world.introduce(3);
    const flood = world.introduce(5);
    flood.ok("WRITE", "a\0v");
    const { page } = world.machine.domain(5);
    const store = page.store.bind(page);
    // It is on another processor: whenever the store has served it, there is more.
    page.store = (offset, words) => {
      store(offset, words);
      flood.take();
      flood.stuff(() => request("READ", "a\0"));
    };
    const count = counting(world, 5);
    flood.stuff(() => request("READ", "a\0"));
    flood.notify();
    let worst = 0;
    for (let i = 0; i < 100; i++) {
      guest.put(request("READ", "a\0", i));
      guest.notify();
      const before = count.loads;
      for (let steps = 0; guest.take() === 0; steps++) {
        if (steps > 1000) throw new Error("the other guest is not served");
        world.step();
      }
      worst = Math.max(worst, count.loads - before);
    }
    // Two rounds, of two looks each.
    expect(worst).toBeLessThanOrEqual(4);
    expect(guest.replies.length).toBe(100);
    expect(count.loads).toBeGreaterThan(100);
    page.store = store;
    world.settle();
  });

  it("with headers that promise a payload is waited for by nobody", () => {
    const world = new World();
    const guest = world.introduce(3);
    const other = world.introduce(5);
    guest.put(encode({ type: 11, reqId: 1, txId: 0, payload: "" }, 4096));
    guest.kick();
    for (let i = 0; i < 10; i++) {
      world.pass(1000);
      expect(other.ask("WRITE", "a\0v")).toBe("OK|");
      expect(world.dom0.ask("READ", "/local/domain/5/a\0")).toBe("v");
    }
    expect(guest.error).toBe(0);
  });

  it("with transactions that it never ends meets its limit, and others do not notice", () => {
    const world = new World();
    const guest = world.introduce(3);
    const other = world.introduce(5);
    const txId = Number.parseInt(other.ask("TRANSACTION_START", "\0"), 10);
    other.ok("WRITE", "a\0v", txId);
    let refused = 0;
    for (let i = 0; i < 1000; i++) {
      if (guest.ask("TRANSACTION_START", "\0").startsWith("ERROR")) refused += 1;
    }
    expect(refused).toBeGreaterThan(900);
    other.ok("TRANSACTION_END", "T\0", txId);
    expect(world.core.stat(STAT_TRANSACTIONS)).toBe(1000 - refused);
    world.destroy(3);
    expect(world.core.stat(STAT_TRANSACTIONS)).toBe(0);
  });

  it("with transactions that it does end leaves nothing", () => {
    const world = new World();
    const guest = world.introduce(3);
    const turn = () => {
      const txId = Number.parseInt(guest.ask("TRANSACTION_START", "\0"), 10);
      guest.ask("TRANSACTION_END", "F\0", txId);
    };
    for (let i = 0; i < 100; i++) turn();
    const before = used(world);
    for (let i = 0; i < 5000; i++) turn();
    expect(used(world)).toBe(before);
  });
});

describe("a guest that never reads", () => {
  function deaf(world: World): Guest {
    const guest = world.introduce(3);
    world.dom0.ok("WRITE", "/shared\0v");
    world.dom0.ok("SET_PERMS", strings("/shared", "b0"));
    guest.ok("WATCH", strings("/shared", "t"));
    guest.heard();
    return guest;
  }

  it.each([
    ["gets them all when it reads", 64 << 20, 100_000],
    ["gets the first of them as far as its quota goes", 1 << 20, 20_000],
  ])("has 100,000 events waiting for it, and %s", (_what, quota, least) => {
    const world = new World([
      [OPT_TIMEOUT_WATCH_EVENT, 0],
      [OPT_QUOTA_MEMORY, quota],
    ]);
    const guest = deaf(world);
    const other = world.introduce(5);
    const count = 100_000;
    for (let at = 0; at < count; at += 1000) {
      const writes = [...Array(1000).keys()].map((n) =>
        request("WRITE", `/shared/${Math.floor((at + n) / 100)}/${(at + n) % 100}\0v`),
      );
      for (const bytes of writes) world.dom0.write(bytes);
    }
    world.settle();
    world.dom0.replies.length = 0;
    expect(used(world)).toBeLessThan(128 << 20);
    other.ok("WRITE", "a\0v");
    const heard = guest.heard();
    // A node that was missing between is told of, too.
    const nodes = heard.filter((event) => event.split("/").length === 4);
    expect(nodes.length).toBeGreaterThanOrEqual(least);
    expect(nodes).toEqual(nodes.map((_event, n) => `/shared/${Math.floor(n / 100)}/${n % 100}|t|`));
    expect(world.core.stat(STAT_FAULTS)).toBe(0);
  });

  it("has 100,000 events waiting, and dies: they cost nothing any more", () => {
    const world = new World([[OPT_TIMEOUT_WATCH_EVENT, 0]]);
    deaf(world);
    const before = used(world);
    for (let n = 0; n < 100_000; n++) {
      world.dom0.write(request("WRITE", `/shared\0${n % 2}`));
      world.dom0.write(request("WRITE", `/shared/k\0${n % 2}`));
    }
    world.settle();
    world.dom0.replies.length = 0;
    world.dom0.ok("RM", "/shared/k\0");
    world.destroy(3);
    expect(used(world)).toBeLessThanOrEqual(before);
  });

  it("is told once of what happens again and again", () => {
    const world = new World();
    const guest = deaf(world);
    for (let i = 0; i < 30; i++) world.dom0.ok("WRITE", `/shared/long${"x".repeat(200)}\0${i}`);
    const full = (guest.rspProd - guest.rspCons) >>> 0;
    expect(full).toBeLessThanOrEqual(1024);
    // What is in the page cannot be taken back; what waits behind it is one event.
    expect(guest.heard().length).toBeLessThanOrEqual(7);
  });

  it("holds a sender up for as long as the timeout at most", () => {
    const world = new World();
    const guest = deaf(world);
    const sender = world.introduce(5);
    let last = 0;
    for (let n = 0; n < 400; n++) {
      const bytes = request("WRITE", `/shared/${n}/${"x".repeat(900)}\0v`, n);
      if (sender.put(bytes) < bytes.length) break;
      last = n;
      sender.kick();
      sender.drain();
      if (sender.replies.at(-1)?.reqId !== n) break;
      expect(sender.replies.at(-1)?.payload).toBe("OK\0");
    }
    expect(last).toBeGreaterThan(10);
    expect(sender.replies.at(-1)?.reqId).toBe(last - 1);
    world.pass(19_000);
    sender.drain();
    expect(sender.replies.at(-1)?.reqId).toBe(last - 1);
    world.pass(2000);
    sender.drain();
    expect(sender.replies.at(-1)?.reqId).toBe(last);
    sender.kick();
    guest.heard();
    expect(guest.ask("GET_DOMAIN_PATH", strings(3))).toBe("/local/domain/3|");
  });

  it("with all its watches on the root costs a bounded amount for each change", () => {
    const world = new World();
    const guest = world.introduce(3);
    let watches = 0;
    while (guest.ask("WATCH", strings("/local/domain/3", `t${watches}`)) === "OK|") watches += 1;
    expect(watches).toBe(128);
    guest.heard();
    const before = used(world);
    for (let i = 0; i < 10_000; i++) world.dom0.write(request("WRITE", `/local/domain/3/a\0${i}`));
    world.settle();
    world.dom0.replies.length = 0;
    expect(used(world) - before).toBeLessThan(1 << 20);
  });
});

describe("a guest that ends in the middle", () => {
  const ways: Record<string, (guest: Guest) => void> = {
    "of a header": (guest) => guest.put(request("WRITE", "a\0v").subarray(0, 7)),
    "of a payload": (guest) => guest.put(request("WRITE", "a\0v").subarray(0, 17)),
    "of a reply": (guest) => {
      for (let i = 0; i < 3; i++) guest.put(request("READ", "long\0"));
    },
    "of a transaction": (guest) => {
      guest.ask("TRANSACTION_START", "\0");
      guest.ask("WRITE", "b\0v", 1);
    },
    "of a transaction that another one waits for": (guest) => {
      guest.ask("TRANSACTION_START", "\0");
      guest.ask("WRITE", "/local/domain/5/a\0v", 1);
      guest.ask("READ", "/local/domain/5/a\0", 1);
    },
  };
  it.each(Object.entries(ways))("%s leaves nothing", (_what, begin) => {
    const world = new World();
    const other = world.introduce(5);
    other.ok("WRITE", "a\0v");
    const turn = () => {
      const guest = world.introduce(3);
      guest.ok("WRITE", `long\0${"v".repeat(1500)}`);
      begin(guest);
      guest.kick();
      world.destroy(3);
      world.machine.domain(3);
      world.dom0.ok("RM", "/local/domain/3\0");
      world.pass(100);
    };
    for (let i = 0; i < 5; i++) turn();
    const before = used(world);
    for (let i = 0; i < 200; i++) turn();
    expect(used(world)).toBe(before);
    expect(other.ask("READ", "a\0")).toBe("v");
    expect(world.core.stat(STAT_TRANSACTIONS)).toBe(0);
    expect(world.core.stat(STAT_FAULTS)).toBe(0);
  });
});
