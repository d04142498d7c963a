// Tasks: work that takes the host some time: one request waits for it, the others do not.
// Holds   a world whose host does what it is asked when the test says so.
// Never   does the work itself.
// Source  the XenStore protocol, CONTROL; "The boundary" in ARCHITECTURE.md.

import { describe, expect, it } from "vitest";
import { TASK_CHECK, TASK_FILE } from "../../assembly/abi.ts";
import { request } from "./guest.ts";
import { Caller, shown, World } from "./world.ts";

const text = (words: string) => new TextEncoder().encode(words);

/** A world whose host has been asked for something. */
function asked(...payload: string[]) {
  const world = new World([], true, true);
  const tasks: { kind: number; words: string }[] = [];
  world.server.onTask = (kind, words) =>
    tasks.push({ kind, words: shown(Buffer.from(words).toString()) });
  const caller = new Caller(world);
  caller.write(request("CONTROL", payload.map((one) => `${one}\0`).join("")));
  world.settle();
  return { world, tasks, caller };
}

describe("a task", () => {
  it("is told once, and keeps nobody waiting but who asked for it", () => {
    const { world, tasks, caller } = asked("live-update", "-f", "/new/daemon");
    world.dom0.ok("WRITE", "/meanwhile\0v");
    world.introduce(3).ok("WRITE", "name\0v");
    expect(tasks).toEqual([{ kind: TASK_FILE, words: "/new/daemon" }]);
    expect(caller.replies).toEqual([]);
    world.server.taskDone(text("/new/daemon: no such file"));
    world.settle();
    expect(shown(caller.replies[0].payload)).toBe("/new/daemon: no such file|");
    expect(tasks).toHaveLength(1);
    expect(world.guard.leaks).toEqual([]);
  });

  it("may be answered at once", () => {
    const world = new World([], false, true);
    world.server.onTask = (kind) => {
      world.server.taskDone(text(kind === TASK_CHECK ? "the database is whole" : ""));
    };
    expect(world.dom0.ask("CONTROL", "check\0")).toContain("the database is whole");
    expect(world.dom0.ask("CONTROL", "check\0")).toContain("the database is whole");
  });

  it("may be asked for by a guest's kernel, through its ring", () => {
    const { world, tasks } = asked("live-update", "-s");
    const kernel = world.guest(0);
    kernel.put(request("CONTROL", "live-update\0-f\0/new/daemon\0"));
    kernel.kick();
    expect(tasks).toHaveLength(1);
    expect(kernel.take()).toBe(0);
    world.server.taskDone(text(""));
    world.settle();
    kernel.take();
    expect(shown(kernel.replies[0].payload)).toBe("OK|");
  });

  it("whose asker is gone leaves nothing behind", () => {
    const { world, tasks, caller } = asked("live-update", "-f", "/new/daemon");
    caller.hangUp();
    world.server.taskDone(text("done"));
    world.settle();
    expect(world.dom0.ask("CONTROL", "live-update\0-a\0")).toMatch(/^No live-update session/);
    expect(tasks).toHaveLength(1);
  });
});

describe("a host that does no such work", () => {
  it("refuses to be replaced, and has no database to check", () => {
    const world = new World([], false, true);
    const refused = world.dom0.ask("CONTROL", "live-update\0-f\0/new/daemon\0");
    expect(refused).toBe("This daemon can't replace itself while it runs.|");
    expect(world.dom0.ask("CONTROL", "check\0")).toMatch(/^OK\n/);
  });
});
