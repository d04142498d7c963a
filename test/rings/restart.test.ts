// Restart: the store's process ends, and a new one serves the guests that went on meanwhile.
// Holds   a world whose changes outlive its store.
// Never   lets a guest help: it sees its ring, and nothing of what happened.
// Source  the XenStore protocol, ring and domains; "Life of a restart" in ARCHITECTURE.md.

import { describe, expect, it } from "vitest";
import { STAT_CONNECTIONS, STAT_FAULTS } from "../../assembly/abi.ts";
import { Server } from "../../hosts/shared/server.ts";
import { type Message, WATCH_EVENT } from "../message.ts";
import { Killed } from "./guard.ts";
import { type Guest, request } from "./guest.ts";
import { World } from "./world.ts";

const strings = (...all: (string | number)[]) => all.map((one) => `${one}\0`).join("");
const NEVER = Number.POSITIVE_INFINITY;
const home = (domid: number) => `/local/domain/${domid}`;

/** A world that stores its changes, with guests 3 and 4. */
function inhabited(): { world: World; guest: Guest; other: Guest } {
  const world = new World([], true, true);
  const guest = world.introduce(3);
  const other = world.introduce(4);
  world.dom0.ok("SET_PERMS", strings(home(3), "n3", "r4"));
  return { world, guest, other };
}

describe("after a restart", () => {
  it("a guest is served on the same ring, with its watches and its nodes", () => {
    const { world, guest, other } = inhabited();
    guest.ok("WRITE", "name\0before");
    other.ok("WATCH", strings(`${home(3)}/name`, "t"));
    other.heard();
    world.restart();
    expect(guest.ask("READ", "name\0")).toBe("before");
    guest.ok("WRITE", "name\0after");
    expect(other.heard()).toEqual([`${home(3)}/name|t|`]);
    expect(world.dom0.ask("READ", strings(`${home(3)}/name`))).toBe("after");
    expect(world.core.stat(STAT_FAULTS)).toBe(0);
  });

  it("a request that came while there was no store is answered", () => {
    const { world, guest } = inhabited();
    world.restart(() => {
      guest.put(request("WRITE", "late\0v"));
      guest.notify();
    });
    guest.take();
    expect(guest.replies.map(({ payload }) => payload)).toEqual(["OK\0"]);
  });

  it("an event waits for a guest that had no room for it", () => {
    const { world, guest, other } = inhabited();
    other.ok("WATCH", strings(home(3), "t"));
    other.heard();
    const paths = Array.from({ length: 30 }, (_, n) => `${home(3)}/node-${n}`);
    for (const [n] of paths.entries()) guest.ok("WRITE", `node-${n}\0v`);
    world.restart();
    expect(other.heard()).toEqual(paths.map((path) => `${path}|t|`));
  });

  it("a transaction that was open ends in EAGAIN, and the next one goes on", () => {
    const { world, guest } = inhabited();
    const lost = Number.parseInt(guest.ask("TRANSACTION_START", "\0"), 10);
    guest.ok("WRITE", "a\0v", lost);
    world.restart();
    expect(guest.ask("TRANSACTION_END", "T\0", lost)).toBe("ERROR EAGAIN|");
    const next = Number.parseInt(guest.ask("TRANSACTION_START", "\0"), 10);
    expect(next).not.toBe(lost);
    guest.ok("WRITE", "a\0w", next);
    guest.ok("TRANSACTION_END", "T\0", next);
    expect(guest.ask("READ", "a\0")).toBe("w");
  });

  it("the control domain's kernel is served on", () => {
    const { world } = inhabited();
    const kernel = world.guest(0);
    kernel.ok("WRITE", "/tool\0v");
    world.restart();
    expect(kernel.ask("READ", "/tool\0")).toBe("v");
  });

  it("without a machine the domains are still known, and nobody waits for their rings", () => {
    const { world, guest } = inhabited();
    guest.ok("WRITE", "name\0v");
    const core = world.newCore();
    const server = new Server(core, world.clock, { records: () => {} });
    world.guard.begin(core);
    expect(core.stat(STAT_CONNECTIONS)).toBe(2);
    server.withoutMachine();
    expect(core.stat(STAT_CONNECTIONS)).toBe(0);
    expect([...core.domains()]).toEqual([0, 3, 4]);
  });

  it("again and again, nothing gathers", () => {
    const { world, guest } = inhabited();
    for (let n = 0; n < 20; n++) {
      world.restart();
      guest.ok("WRITE", `name\0${n}`);
      expect(world.core.stat(STAT_CONNECTIONS)).toBe(world.rings.count + 1);
    }
  });
});

describe("a domain that is not the same any more", () => {
  const nodes = (world: World) => world.dom0.ask("DIRECTORY", strings("/local/domain"));

  it("has died: its nodes are gone, and whoever watches for it hears", () => {
    const { world, guest, other } = inhabited();
    guest.ok("WRITE", "name\0v");
    world.dom0.ok("SET_PERMS", strings("@releaseDomain", "n0", "r4"));
    other.ok("WATCH", strings("@releaseDomain", "t"));
    other.heard();
    world.restart(() => world.machine.destroy(3));
    expect(other.heard()).toEqual(["@releaseDomain|t|"]);
    expect(world.dom0.ask("IS_DOMAIN_INTRODUCED", strings(3))).toBe("F|");
    expect(nodes(world)).toBe("4|");
    expect(world.rings.count).toBe(2);
  });

  it("has died, and another has its number: that one gets nothing of it", () => {
    const { world, guest } = inhabited();
    guest.ok("WRITE", "secret\0v");
    world.restart(() => {
      world.machine.destroy(3);
      world.machine.domain(3);
    });
    expect(nodes(world)).toBe("4|");
    expect(world.dom0.ask("IS_DOMAIN_INTRODUCED", strings(3))).toBe("F|");
  });

  it("has died and was never introduced: nothing is named after it any more", () => {
    const { world } = inhabited();
    world.dom0.ok("WRITE", "/list\0v");
    world.dom0.ok("SET_PERMS", strings("/list", "n0", "r77", "w4"));
    world.restart();
    expect(world.dom0.ask("GET_PERMS", strings("/list"))).toBe("n0|r77|w4|");
    world.restart(() => world.machine.destroy(77));
    expect(world.dom0.ask("GET_PERMS", strings("/list"))).toBe("n0|w4|");
  });

  it("has shut down: that is told once", () => {
    const { world, other } = inhabited();
    world.dom0.ok("SET_PERMS", strings("@releaseDomain", "n0", "r4"));
    other.ok("WATCH", strings("@releaseDomain", "t"));
    other.heard();
    world.restart(() => world.machine.shutdown(3));
    expect(other.heard()).toEqual(["@releaseDomain|t|"]);
    expect(world.dom0.ask("IS_DOMAIN_INTRODUCED", strings(3))).toBe("T|");
    world.restart();
    expect(other.heard()).toEqual([]);
  });

  it("lives, but its page can't be had: the others are served, and it dies as any other", () => {
    const { world, guest, other } = inhabited();
    const map = world.machine.map.bind(world.machine);
    world.machine.map = (domid, port) => (domid === 3 ? null : map(domid, port));
    world.restart();
    guest.put(request("READ", "name\0"));
    guest.kick();
    expect(guest.take()).toBe(0);
    other.ok("WRITE", "name\0v");
    world.destroy(3);
    expect(nodes(world)).toBe("4|");
  });
});

/**
 * A conversation with all that is hard: half requests, replies longer than the ring, events, and
 * then requests that change nothing, for which nothing is stored. Each part waits for the replies.
 * @param halves  whether one of those comes in two parts
 */
function conversation(halves: boolean): Uint8Array[] {
  let reqId = 100;
  const ask = (type: string, payload: string) => request(type, payload, reqId++);
  const long = "x".repeat(2500);
  const many = Array.from({ length: 40 }, (_, n) => {
    return ask("WRITE", `list/a-child-with-a-long-name-${n}\0${n}`);
  });
  const hard = Buffer.concat([
    ask("WATCH", strings("list", "token")),
    ask("READ", "none\0"),
    ...many,
    ask("DIRECTORY", "list\0"),
    ask("WRITE", `long\0${long}`),
    ask("READ", "long\0"),
    ask("RM", "list/a-child-with-a-long-name-7\0"),
    ask("GET_PERMS", "list\0"),
    ask("MKDIR", "last\0"),
    ask("READ", "list\0"),
  ]);
  const reads = Buffer.concat([ask("DIRECTORY", "list\0"), ask("READ", "long\0")]);
  const perms = ask("GET_PERMS", "last\0");
  const parts = halves ? [perms.subarray(0, 18), perms.subarray(18)] : [perms];
  return [hard, ...parts, reads, ask("READ", "last\0")];
}

/**
 * What both guests get, when the store ends at a moment; and how many moments there were.
 * @param again   how many moments after its start the next store ends, too
 * @param noting  whether there are ring notes; without them no request comes in two parts, since
 *                the second alone would be left if the store ended right after the reply
 */
function play(
  killAt: number,
  again = NEVER,
  noting = true,
): { got: Message[][]; moments: number; leaks: string[] } {
  const { world, guest, other } = inhabited();
  const { guard } = world;
  other.ok("WATCH", strings(home(3), "t"));
  other.heard();
  guest.keeps = true;
  other.keeps = true;
  if (!noting) {
    world.noting = false;
    world.restart();
  }
  guard.moments = 0;
  guard.killAt = killAt;
  for (const part of conversation(noting)) {
    let rest = part;
    for (let idle = 0; idle < 4; ) {
      const put = guest.put(rest);
      rest = rest.subarray(put);
      outlive(world, again, () => guest.kick());
      const took = guest.take() + other.take();
      outlive(world, again, () => other.kick());
      idle = put + took > 0 ? 0 : idle + 1;
    }
  }
  expect(world.core.stat(STAT_FAULTS)).toBe(0);
  return { got: [guest.all, other.all], moments: guard.moments, leaks: guard.leaks };
}

/** Does something; if the store ends meanwhile, it is started again. */
function outlive(world: World, again: number, action: () => void): void {
  try {
    action();
  } catch (error) {
    if (!(error instanceof Killed)) throw error;
    world.guard.killAt = world.guard.moments + again;
    outlive(world, NEVER, () => world.restart());
  }
}

/** Each reply at its first place; all events. */
function withoutRepeated(messages: Message[]): Message[] {
  const seen = new Set<number>();
  return messages.filter(({ type, reqId }) => {
    const first = !seen.has(reqId);
    seen.add(reqId);
    return first || type === WATCH_EVENT;
  });
}

describe("a store that ends at any moment", () => {
  it("loses no reply or event, says none twice, and keeps their order", () => {
    const whole = play(NEVER);
    expect(whole.moments).toBeGreaterThan(50);
    expect(whole.got[0].length).toBeGreaterThan(80);
    expect(whole.got[1].length).toBeGreaterThan(40);
    for (let moment = 1; moment <= whole.moments; moment++) {
      for (const again of [NEVER, 1, 2, 4, 8]) {
        const { got, leaks } = play(moment, again);
        expect(got, `killed at moment ${moment}, and after ${again} more`).toEqual(whole.got);
        expect(leaks).toEqual([]);
      }
    }
  });

  it("says a reply twice where it can't note what it is about to say, and nothing else", () => {
    const whole = play(NEVER, NEVER, false);
    let twice = 0;
    for (let moment = 1; moment <= whole.moments; moment++) {
      const { got } = play(moment, NEVER, false);
      expect(got[1]).toEqual(whole.got[1]);
      const once = withoutRepeated(got[0]);
      expect(once).toEqual(whole.got[0]);
      twice += got[0].length - once.length;
    }
    expect(twice).toBeGreaterThan(0);
  });
});
