// Keep: nothing leaves the store before the changes it tells of are stored; many in one go.
// Holds   sockets and guests in rounds, with a keeper that sees what leaves too early.
// Never   measures: that fewer frames are faster is the bench's business.
// Source  our own; "The boundary" in ARCHITECTURE.md.

import { describe, expect, it } from "vitest";
import { STORAGE_BROKEN, STORAGE_FULL, STORAGE_OK } from "../../assembly/abi.ts";
import { encode, typeNumber } from "../message.ts";
import { request } from "./guest.ts";
import { Caller, shown, World } from "./world.ts";

const strings = (...all: (string | number)[]) => all.map((one) => `${one}\0`).join("");
const write = (path: string, value: string) => request("WRITE", `${path}\0${value}`);

/** A world that stores its changes. */
const kept = (control = false) => new World([], control, true);

function callers(world: World, count: number): Caller[] {
  return Array.from({ length: count }, () => new Caller(world));
}

describe("a round of inputs", () => {
  it("is stored in one frame, and answered after that", () => {
    const world = kept();
    const all = callers(world, 32);
    const before = world.guard.frames.length;
    world.server.begin();
    for (const [n, caller] of all.entries()) caller.write(write(`/round/${n}`, "v"));
    expect(all.map((caller) => caller.replies.length)).toEqual(all.map(() => 0));
    world.server.settle();
    expect(all.map((caller) => shown(caller.replies[0]?.payload ?? ""))).toEqual(
      all.map(() => "OK|"),
    );
    expect(world.guard.frames.length).toBe(before + 1);
    expect(world.guard.leaks).toEqual([]);
  });

  it("may lie within another, which is the one that counts", () => {
    const world = kept();
    const [caller] = callers(world, 1);
    world.server.begin();
    world.server.begin();
    caller.write(write("/nested", "v"));
    world.server.settle();
    expect(caller.replies).toHaveLength(0);
    world.server.settle();
    expect(caller.replies).toHaveLength(1);
  });

  it("keeps nobody waiting as long as nothing has to be stored", () => {
    const world = kept();
    const [reader, writer, later] = callers(world, 3);
    world.server.begin();
    reader.write(request("DIRECTORY", strings("/")));
    expect(reader.replies).toHaveLength(1);
    writer.write(write("/a", "v"));
    later.write(request("READ", strings("/a")));
    expect(writer.replies.length + later.replies.length).toBe(0);
    world.server.settle();
    expect(shown(later.replies[0].payload)).toBe("v");
    expect(world.guard.leaks).toEqual([]);
  });

  it("is stored in parts when there is too much of it", () => {
    const world = kept();
    const all = callers(world, 400);
    world.server.begin();
    for (const caller of all) caller.write(write("/large", "x".repeat(2000)));
    const early = all.filter((caller) => caller.replies.length > 0).length;
    expect(early).toBeGreaterThan(0);
    expect(early).toBeLessThan(400);
    world.server.settle();
    expect(all.filter((caller) => caller.replies.length === 1)).toHaveLength(400);
    expect(world.guard.leaks).toEqual([]);
  });

  it("of guests is stored in one frame, and each guest hears once", () => {
    const world = kept();
    const guests = Array.from({ length: 10 }, (_, n) => world.introduce(n + 1));
    world.settle();
    const before = world.guard.frames.length;
    for (const guest of guests) {
      guest.notified = 0;
      guest.put(write("name", `guest ${guest.domid}`));
      guest.notify();
    }
    world.settle();
    expect(world.guard.frames.length).toBe(before + 1);
    for (const guest of guests) {
      guest.take();
      expect(shown(guest.replies.shift()?.payload ?? "")).toBe("OK|");
      expect(guest.notified).toBe(1);
    }
    expect(world.guard.leaks).toEqual([]);
  });
});

describe("before a change is stored", () => {
  it("no event of it leaves, to a socket or to a guest", () => {
    const world = kept();
    const guest = world.introduce(3);
    guest.ok("WATCH", strings("/seen", "t"));
    world.dom0.ok("SET_PERMS", strings("/", "r0"));
    const [watcher, writer] = callers(world, 2);
    watcher.ask("WATCH", strings("/seen", "t"));
    watcher.heard();
    guest.heard();
    const frames = world.guard.frames.length;
    world.server.begin();
    writer.write(write("/seen", "v"));
    expect(watcher.events).toEqual([]);
    expect(guest.take()).toBe(0);
    world.server.settle();
    world.settle();
    expect(watcher.heard()).toEqual(["/seen|t|"]);
    expect(guest.heard()).toEqual(["/seen|t|"]);
    expect(world.guard.frames.length).toBeGreaterThan(frames);
    expect(world.guard.leaks).toEqual([]);
  });

  it("no connection is closed because of what was asked with it", () => {
    const world = kept();
    const [caller] = callers(world, 1);
    const long = encode({ type: typeNumber("WRITE"), reqId: 1, txId: 0, payload: "x" });
    new DataView(long.buffer, long.byteOffset).setUint32(12, 5000, true);
    world.server.begin();
    caller.write(Buffer.concat([write("/last", "words"), long]));
    expect(caller.closed).toBe(false);
    world.server.settle();
    expect(caller.closed).toBe(true);
    expect(shown(caller.replies[0].payload)).toBe("OK|");
    expect(world.guard.leaks).toEqual([]);
  });

  it("a domain that dies takes nothing with it that others may know already", () => {
    const world = kept();
    const guest = world.introduce(3);
    const [watcher] = callers(world, 1);
    watcher.ask("WATCH", strings("@releaseDomain", "t"));
    watcher.heard();
    guest.put(write("last", "words"));
    guest.notify();
    world.destroy(3);
    expect(watcher.heard()).toEqual(["@releaseDomain|t|"]);
    expect(world.guard.leaks).toEqual([]);
  });

  it("what leaves is seen: without the server's care the guard finds it", () => {
    const world = kept();
    const [caller] = callers(world, 1);
    world.server.mustWait = () => false;
    caller.write(write("/leak", "v"));
    world.settle();
    expect(world.guard.leaks).toEqual(["bytes of a socket"]);
    const guest = world.introduce(3);
    world.guard.leaks.length = 0;
    guest.put(write("name", "v"));
    guest.kick();
    expect(world.guard.leaks.join()).toContain("of domain 3");
  });
});

describe("a medium that fails", () => {
  it.each([
    ["EIO", STORAGE_BROKEN],
    ["ENOSPC", STORAGE_FULL],
  ])("gives %s to whoever changes something, and to nobody else", (name, status) => {
    const world = kept();
    const guest = world.introduce(3);
    const [reader, writer] = callers(world, 2);
    world.dom0.ok("WRITE", "/before\0v");
    world.guard.status = status;
    world.server.begin();
    writer.write(write("/after", "v"));
    reader.write(request("READ", strings("/before")));
    guest.put(write("name", "v"));
    guest.notify();
    world.server.settle();
    world.settle();
    guest.take();
    expect(shown(writer.replies.shift()?.payload ?? "")).toBe(`${name}|`);
    expect(shown(guest.replies.shift()?.payload ?? "")).toBe(`${name}|`);
    expect(shown(reader.replies.shift()?.payload ?? "")).toBe("v");
    world.guard.status = STORAGE_OK;
    expect(world.dom0.ask("READ", strings("/after"))).toBe("ERROR ENOENT|");
    expect(guest.ask("READ", strings("name"))).toBe("ERROR ENOENT|");
    guest.ok("WRITE", "name\0v");
    expect(world.guard.leaks).toEqual([]);
  });
});
