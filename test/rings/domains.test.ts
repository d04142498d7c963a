// Domains: they come, are introduced again, released, shut down and die, with their rings.
// Holds   each case of INTRODUCE, RELEASE, RESUME, SET_TARGET and death as the pages show it.
// Never   repeats what the transcripts of test/spec say of the store alone.
// Source  the XenStore protocol, domains.

import { describe, expect, it } from "vitest";
import { OPT_QUOTA_NODES, STAT_CONNECTIONS, STAT_FAULTS } from "../../assembly/abi.ts";
import { request } from "./guest.ts";
import { Caller, World } from "./world.ts";

/** A payload of strings. */
const strings = (...all: (string | number)[]) => all.map((one) => `${one}\0`).join("");

function watching(world: World): void {
  world.dom0.ok("WATCH", strings("@introduceDomain", "in"));
  world.dom0.ok("WATCH", strings("@releaseDomain", "out"));
  world.dom0.heard();
}

describe("INTRODUCE", () => {
  it.each([
    ["too few strings", strings(3, 1)],
    ["nothing", ""],
    ["port 0", strings(3, 1, 0)],
    ["a negative port", strings(3, 1, -5)],
    ["a port that is no number", strings(3, 1, "x")],
    ["a domid that is no number", strings("x", 1, 5)],
    ["a negative domid", strings(-3, 1, 5)],
    ["the domid of nobody", strings(32757, 1, 5)],
    ["a domid beyond 16 bits", strings(65539, 1, 5)],
    ["a domid beyond 32 bits", strings("4294967299", 1, 5)],
  ])("refuses %s and maps nothing", (_what, payload) => {
    const world = new World();
    expect(world.dom0.ask("INTRODUCE", payload)).toBe("ERROR EINVAL|");
    expect(world.rings.count).toBe(0);
    expect(world.core.stat(STAT_CONNECTIONS)).toBe(1);
  });

  it("of a domain that does not exist is refused and leaves nothing behind", () => {
    const world = new World();
    world.machine.allExist = false;
    watching(world);
    expect(world.dom0.ask("INTRODUCE", strings(3, 1, 5))).toBe("ERROR EINVAL|");
    expect(world.dom0.ask("IS_DOMAIN_INTRODUCED", strings(3))).toBe("F|");
    expect(world.dom0.heard()).toEqual([]);
    expect(world.rings.count).toBe(0);
    world.guest(3);
    world.dom0.ok("INTRODUCE", strings(3, 1, 5));
    expect(world.dom0.heard()).toEqual(["@introduceDomain|in|"]);
  });

  it("of a domain that is dead is refused", () => {
    const world = new World();
    world.introduce(3);
    world.destroy(3);
    expect(world.dom0.ask("INTRODUCE", strings(3, 1, 5))).toBe("ERROR EINVAL|");
    expect(world.rings.count).toBe(0);
  });

  it("fires its event once, for the first time, and to nobody in the domain itself", () => {
    const world = new World();
    watching(world);
    const guest = world.introduce(3);
    expect(world.dom0.heard()).toEqual(["@introduceDomain|in|"]);
    world.dom0.ok("INTRODUCE", strings(3, 1, 5));
    expect(world.dom0.heard()).toEqual([]);
    expect(guest.heard()).toEqual([]);
  });

  it("again binds the new port and no longer hears the old one", () => {
    const world = new World();
    const guest = world.introduce(3);
    world.dom0.ok("INTRODUCE", strings(3, 1, 9));
    guest.put(request("READ", "\0"));
    guest.notify(5);
    world.settle();
    expect(guest.take()).toBe(0);
    guest.notify(9);
    world.settle();
    expect(guest.take()).toBe(16 + 7);
    expect(world.rings.count).toBe(1);
  });

  it("again resets the ring, and half a request is forgotten", () => {
    const world = new World();
    const guest = world.introduce(3);
    guest.ok("WATCH", strings("w", "t"));
    expect(guest.ask("TRANSACTION_START", "\0")).toBe("1|");
    guest.send(request("WRITE", "half\0x").subarray(0, 19));
    guest.heard();
    guest.notified = 0;
    world.dom0.ok("INTRODUCE", strings(3, 1, 5));
    expect(guest.indexes).toEqual([0, 0, 0, 0]);
    expect(guest.notified).toBe(1);
    guest.forget();
    expect(guest.ask("TRANSACTION_END", "T\0", 1)).toBe("ERROR ENOENT|");
    guest.ok("WRITE", "w\0x");
    expect(guest.heard()).toEqual([]);
  });

  it("again says that the connection stands when the page asked for a new one", () => {
    const world = new World();
    const guest = world.introduce(3);
    guest.connection = 1;
    guest.notified = 0;
    world.dom0.ok("INTRODUCE", strings(3, 1, 5));
    expect(guest.connection).toBe(0);
    expect(guest.notified).toBe(1);
  });

  it("of many domains with one write introduces them all", () => {
    const world = new World();
    const domids = [...Array(200).keys()].map((n) => n + 1);
    for (const domid of domids) world.guest(domid);
    world.dom0.write(
      Buffer.concat(domids.map((domid) => request("INTRODUCE", strings(domid, 1, 5), domid))),
    );
    world.settle();
    expect(world.dom0.replies.map((reply) => [reply.reqId, reply.payload])).toEqual(
      domids.map((domid) => [domid, "OK\0"]),
    );
    expect(world.rings.count).toBe(200);
    expect(world.guest(77).ask("GET_DOMAIN_PATH", strings(77))).toBe("/local/domain/77|");
  });

  it("by several programs at once answers each, in its own order", () => {
    const world = new World();
    const second = new Caller(world);
    world.dom0.write(
      Buffer.concat([request("INTRODUCE", strings(3, 1, 5)), request("READ", "/\0", 2)]),
    );
    second.write(
      Buffer.concat([request("INTRODUCE", strings(4, 1, 5)), request("READ", "/\0", 2)]),
    );
    world.settle();
    for (const caller of [world.dom0, second]) {
      expect(caller.replies.map((reply) => reply.payload)).toEqual(["OK\0", ""]);
    }
    expect(world.rings.count).toBe(2);
  });

  it("of the control domain resets its kernel's ring alone", () => {
    const world = new World([], true);
    const kernel = world.guest(0);
    watching(world);
    kernel.ok("WATCH", strings("/a", "t"));
    world.dom0.ok("INTRODUCE", strings(0, 1, 1));
    expect(kernel.indexes).toEqual([0, 0, 0, 0]);
    expect(world.dom0.heard()).toEqual([]);
    kernel.forget();
    expect(kernel.ask("READ", "/\0")).toBe("");
  });

  it("asked by the control domain's kernel for itself is answered in the new ring", () => {
    const world = new World([], true);
    const kernel = world.guest(0);
    kernel.put(request("INTRODUCE", strings(0, 1, 1)));
    kernel.kick();
    kernel.forget();
    world.settle();
    kernel.take();
    kernel.replies.length = 0;
    kernel.forget();
    expect(kernel.error).toBe(0);
    expect(world.dom0.ask("READ", "/\0")).toBe("");
  });

  it("by a guest is refused", () => {
    const world = new World();
    expect(world.introduce(3).ask("INTRODUCE", strings(4, 1, 5))).toBe("ERROR EACCES|");
    expect(world.rings.count).toBe(1);
  });
});

describe("RELEASE", () => {
  it("unmaps the page, and what is put there later moves nobody", () => {
    const world = new World();
    const guest = world.introduce(3);
    watching(world);
    world.dom0.ok("RELEASE", strings(3));
    expect(world.rings.count).toBe(0);
    expect(world.dom0.heard()).toEqual(["@releaseDomain|out|"]);
    const page = Buffer.from(guest.bytes);
    guest.put(request("READ", "\0"));
    const touched = Buffer.from(guest.bytes);
    guest.kick();
    world.pass(10_000);
    expect(Buffer.from(guest.bytes)).toEqual(touched);
    expect(touched).not.toEqual(page);
  });

  it("and INTRODUCE in one piece give the domain a new connection", () => {
    const world = new World();
    const guest = world.introduce(3);
    guest.ok("WATCH", strings("w", "t"));
    guest.heard();
    world.dom0.write(
      Buffer.concat([
        request("RELEASE", strings(3)),
        request("INTRODUCE", strings(3, 1, 6)),
        request("RELEASE", strings(3)),
        request("INTRODUCE", strings(3, 1, 7)),
      ]),
    );
    world.settle();
    expect(world.dom0.replies.splice(0).map((reply) => reply.payload)).toEqual(
      Array(4).fill("OK\0"),
    );
    expect(world.rings.count).toBe(1);
    expect(world.core.stat(STAT_CONNECTIONS)).toBe(2);
    guest.forget();
    expect(guest.indexes).toEqual([0, 0, 0, 0]);
    expect(guest.ask("GET_DOMAIN_PATH", strings(3))).toBe("/local/domain/3|");
  });

  it("in the middle of a message, of a reply and of a transaction leaves nothing", () => {
    const world = new World();
    const before = world.core.stat(STAT_CONNECTIONS);
    const guest = world.introduce(3);
    guest.polite = false;
    world.dom0.ok("WRITE", `/local/domain/3/long\0${"v".repeat(2000)}`);
    expect(guest.ask("TRANSACTION_START", "\0")).toBe("1|");
    guest.put(request("READ", "long\0"));
    guest.kick();
    guest.put(request("WRITE", "a\0v").subarray(0, 10));
    guest.kick();
    world.dom0.ok("RELEASE", strings(3));
    expect(world.core.stat(STAT_CONNECTIONS)).toBe(before);
    expect(world.core.stat(4)).toBe(0);
    expect(world.core.stat(STAT_FAULTS)).toBe(0);
  });
});

describe("shutdown and death", () => {
  it("a shutdown is told once, and again after RESUME", () => {
    const world = new World();
    world.introduce(3);
    watching(world);
    world.machine.shutdown(3);
    world.settle();
    expect(world.dom0.heard()).toEqual(["@releaseDomain|out|"]);
    world.machine.shutdown(3);
    world.settle();
    expect(world.dom0.heard()).toEqual([]);
    world.dom0.ok("RESUME", strings(3));
    world.machine.shutdown(3);
    world.settle();
    expect(world.dom0.heard()).toEqual(["@releaseDomain|out|"]);
    expect(world.dom0.ask("IS_DOMAIN_INTRODUCED", strings(3))).toBe("T|");
  });

  it("several deaths in one look are all told", () => {
    const world = new World();
    watching(world);
    for (const domid of [3, 4, 5]) world.introduce(domid);
    world.dom0.heard();
    for (const domid of [4, 3, 5]) world.machine.destroy(domid);
    world.settle();
    expect(world.dom0.heard()).toEqual(
      ["@releaseDomain|out|"].concat(Array(2).fill("@releaseDomain|out|")),
    );
    expect(world.rings.count).toBe(0);
  });

  it("a domain that was only named is forgotten without a word when it dies", () => {
    const world = new World();
    watching(world);
    world.guest(9);
    world.dom0.ok("WRITE", "/n\0v");
    world.dom0.ok("SET_PERMS", strings("/n", "n0", "r9"));
    world.destroy(9);
    expect(world.dom0.heard()).toEqual([]);
    expect(world.introduce(9).ask("READ", strings("/n"))).toBe("ERROR EACCES|");
  });

  it("a new domain with an old number has a page, rights and counts of its own", () => {
    const world = new World([[OPT_QUOTA_NODES, 100]]);
    const old = world.introduce(3);
    for (let i = 1; i < 100; i++) old.ok("WRITE", `n${i}\0v`);
    expect(old.ask("WRITE", "more\0v")).toBe("ERROR ENOSPC|");
    world.dom0.ok("WRITE", "/n\0v");
    world.dom0.ok("SET_PERMS", strings("/n", "n0", "r3"));
    expect(old.ask("READ", strings("/n"))).toBe("v");
    world.destroy(3);
    const next = world.introduce(3);
    expect(next.bytes).not.toBe(old.bytes);
    expect(next.ask("READ", strings("/n"))).toBe("ERROR EACCES|");
    old.put(request("WRITE", "x\0v"));
    old.kick();
    expect(next.ask("READ", "x\0")).toBe("ERROR ENOENT|");
    for (let i = 1; i < 100; i++) next.ok("WRITE", `n${i}\0v`);
    expect(next.ask("WRITE", "more\0v")).toBe("ERROR ENOSPC|");
  });

  it("a number that is used again before anybody looked is a new domain", () => {
    const world = new World();
    watching(world);
    world.introduce(3).ok("WRITE", "a\0v");
    world.dom0.heard();
    world.machine.destroy(3);
    world.machine.domain(3);
    world.settle();
    expect(world.dom0.heard()).toEqual(["@releaseDomain|out|"]);
    expect(world.dom0.ask("READ", strings("/local/domain/3/a"))).toBe("ERROR ENOENT|");
    world.dom0.ok("INTRODUCE", strings(3, 1, 5));
  });
});

describe("targets", () => {
  it("a device model reads what its target may read, until either ends", () => {
    const world = new World();
    const target = world.introduce(3);
    const model = world.introduce(5);
    target.ok("WRITE", "a\0v");
    expect(model.ask("READ", strings("/local/domain/3/a"))).toBe("ERROR EACCES|");
    world.dom0.ok("SET_TARGET", strings(5, 3));
    expect(model.ask("READ", strings("/local/domain/3/a"))).toBe("v");
    target.reconnect();
    expect(model.ask("READ", strings("/local/domain/3/a"))).toBe("v");
    world.destroy(3);
    const next = world.introduce(3);
    next.ok("WRITE", "a\0v");
    expect(model.ask("READ", strings("/local/domain/3/a"))).toBe("ERROR EACCES|");
  });

  it.each([
    ["the target first", [3, 5]],
    ["the device model first", [5, 3]],
  ])("both dying in one look, %s, is told for each", (_what, order) => {
    const world = new World();
    watching(world);
    world.introduce(3);
    world.introduce(5);
    world.dom0.ok("SET_TARGET", strings(5, 3));
    world.dom0.heard();
    for (const domid of order) world.machine.destroy(domid);
    world.settle();
    expect(world.dom0.heard()).toEqual(["@releaseDomain|out|", "@releaseDomain|out|"]);
    expect(world.core.stat(STAT_FAULTS)).toBe(0);
  });
});
