// Questions: a guest changes its ring while the host looks up what the guest's request needs.
// Holds   requests that are taken back, rings that begin anew or break, between question and reply.
// Never   lets such a guest keep others from asking.
// Source  the XenStore protocol, ring; "Questions" in ARCHITECTURE.md.

import { describe, expect, it } from "vitest";
import { type Guest, request } from "./guest.ts";
import { World } from "./world.ts";

const strings = (...all: (string | number)[]) => all.map((one) => `${one}\0`).join("");
const HOME = "/local/domain/3";

/** Sends a request that needs the host's word; `meanwhile` happens before the host gives it. */
function asking(world: World, guest: Guest, meanwhile: () => void): void {
  const { machine } = world;
  const exists = machine.exists.bind(machine);
  let asked = 0;
  machine.exists = (domid) => {
    asked += 1;
    meanwhile();
    return exists(domid);
  };
  guest.put(request("SET_PERMS", strings(HOME, "n3", "r77")));
  guest.kick();
  machine.exists = exists;
  expect(asked).toBeGreaterThan(0);
}

describe("between question and answer", () => {
  it.each<[string, (guest: Guest) => void]>([
    ["takes its request back", (guest) => (guest.reqProd = 0)],
    ["begins anew", (guest) => (guest.connection = 1)],
    ["breaks its ring", (guest) => (guest.reqProd = guest.reqCons + 5000)],
  ])("a guest that %s keeps nobody else from asking", (_what, meanwhile) => {
    const world = new World();
    const guest = world.introduce(3);
    asking(world, guest, () => meanwhile(guest));
    world.dom0.ok("INTRODUCE", strings(50, 1, 5));
    world.dom0.ok("SET_PERMS", strings("/tool", "n0", "r78"));
    expect(world.dom0.ask("GET_PERMS", strings("/tool"))).toBe("n0|r78|");
  });

  it("a request is served as it was when it was asked about", () => {
    const world = new World();
    const guest = world.introduce(3);
    asking(world, guest, () => {
      guest.bytes.fill(0x62, 16, 16 + HOME.length);
    });
    expect(world.dom0.ask("GET_PERMS", strings(HOME))).toBe("n3|r77|");
  });
});

describe("the control domain's kernel", () => {
  it("introduces itself again, which ends what stood behind in its ring", () => {
    const world = new World([], true);
    const kernel = world.guest(0);
    kernel.put(request("INTRODUCE", strings(0, 1, 5)));
    kernel.put(request("WRITE", `/never\0v`));
    kernel.kick();
    expect(world.dom0.ask("READ", strings("/never"))).toBe("ERROR ENOENT|");
    kernel.put(request("WRITE", `/then\0v`));
    kernel.kick();
    expect(world.dom0.ask("READ", strings("/then"))).toBe("v");
  });
});

describe("a guest that breaks its ring and begins anew, again and again", () => {
  it("is named in the log once", () => {
    const world = new World();
    const guest = world.introduce(3);
    for (let n = 0; n < 50; n += 1) {
      guest.reqProd = guest.reqCons + 5000;
      guest.kick();
      expect(guest.error).not.toBe(0);
      guest.connection = 1;
      guest.kick();
      expect(guest.error).toBe(0);
    }
    expect(world.notices.filter((line) => line.includes("no longer served")).length).toBe(1);
  });
});
