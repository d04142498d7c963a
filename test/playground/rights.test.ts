// Rights: what the playground says of a domain's rights is what the store grants.
// Holds   words for each case, and random lists that are tried with real requests.
// Never   sets a list that names a domain of the host's own.
// Source  the XenStore protocol, Permissions.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Client } from "../../hosts/client/api.ts";
import { isXenstoreError } from "../../hosts/entry/names.ts";
import { rightsOf } from "../../hosts/playground/model/rights.ts";
import { formatPerms, type Perm, parsePerms } from "../../hosts/playground/model/words.ts";
import { open } from "../embed/open.ts";

interface Case {
  readonly perms: string;
  readonly domid: number;
  readonly target?: number;
  readonly read: readonly [ok: boolean, why: string];
  readonly write: readonly [ok: boolean, why: string];
}

const NOBODY = "No entry names domain 3, and the first entry n0 gives everybody else nothing.";
const OTHERS = "No entry names domain 3 or its target, domain 5, and the first entry r0";
const FIRST = "Only the first entry that fits counts, not b3 or w3.";
const EVERY = "The entry r32757, which is for every domain, lets it read";
const TARGETS = "The entry r5 of its target, domain 5, lets it read";

const CASES: readonly Case[] = [
  {
    ...{ perms: "n3", domid: 0 },
    read: [true, "Domain 0 may do everything."],
    write: [true, "Domain 0 may do everything."],
  },
  {
    ...{ perms: "n3 n3", domid: 3 },
    read: [true, "Domain 3 owns it."],
    write: [true, "Domain 3 owns it."],
  },
  {
    ...{ perms: "n5", domid: 3, target: 5 },
    read: [true, "It acts for domain 5, its target, which owns it."],
    write: [true, "It acts for domain 5, its target, which owns it."],
  },
  {
    ...{ perms: "n0 r3", domid: 3 },
    read: [true, "The entry r3 lets it read."],
    write: [false, "The entry r3 lets it read, but not write."],
  },
  {
    ...{ perms: "n0 w3", domid: 3 },
    read: [false, "The entry w3 lets it write, but not read."],
    write: [true, "The entry w3 lets it write."],
  },
  {
    ...{ perms: "b0 n3", domid: 3 },
    read: [false, "The entry n3 shuts it out."],
    write: [false, "The entry n3 shuts it out."],
  },
  {
    ...{ perms: "n0 r5", domid: 3, target: 5 },
    read: [true, `${TARGETS}.`],
    write: [false, `${TARGETS}, but not write.`],
  },
  {
    ...{ perms: "n0 r32757", domid: 3 },
    read: [true, `${EVERY}.`],
    write: [false, `${EVERY}, but not write.`],
  },
  { ...{ perms: "n0 r5", domid: 3 }, read: [false, NOBODY], write: [false, NOBODY] },
  {
    ...{ perms: "r0", domid: 3, target: 5 },
    read: [true, `${OTHERS} lets everybody else read.`],
    write: [false, `${OTHERS} lets everybody else read, but not write.`],
  },
  {
    ...{ perms: "n0 r3 b3 w3", domid: 3 },
    read: [true, `The entry r3 lets it read. ${FIRST}`],
    write: [false, `The entry r3 lets it read, but not write. ${FIRST}`],
  },
];

describe("rights in words", () => {
  it.each(CASES)("$perms for domain $domid", ({ perms, domid, target, read, write }) => {
    const said = rightsOf(parsePerms(perms), domid, target ?? null);
    expect([said.read.ok, said.read.why]).toEqual(read);
    expect([said.write.ok, said.write.why]).toEqual(write);
  });

  it("are none without a list", () => {
    expect(rightsOf([], 3, null).read.ok).toBe(false);
    expect(rightsOf([], 0, null).write.ok).toBe(true);
  });
});

/** Few numbers, so that entries often fit; 32757 stands for every domain, and can't own. */
const domids = fc.constantFrom(0, 3, 4, 5, 7);
const letters = fc.constantFrom<Perm["access"][]>("n", "r", "w", "b");
const lists = fc
  .tuple(
    fc.record({ access: letters, domid: domids }),
    fc.array(fc.record({ access: letters, domid: fc.oneof(domids, fc.constant(32757)) }), {
      maxLength: 4,
    }),
  )
  .map(([first, rest]): Perm[] => [first, ...rest]);

async function may(request: Promise<unknown>): Promise<boolean> {
  try {
    await request;
    return true;
  } catch (error) {
    if (isXenstoreError(error, "EACCES")) return false;
    throw error;
  }
}

describe("rights of random lists", () => {
  it.each([
    ["without targets", null],
    ["with a target", 5],
    ["with the control domain as a target", 0],
    ["with itself as a target", 3],
  ])("are those of the store, %s", async (_what, target) => {
    const store = await open({ seed: 1 });
    const clients = new Map<number, Client>();
    for (const domid of [3, 4, 5]) clients.set(domid, await store.asDomain(domid));
    clients.set(0, store.client);
    if (target !== null) await store.client.domain(3).setTarget(target);
    await fc.assert(
      fc.asyncProperty(lists, async (perms) => {
        await store.client.write("/n", "v");
        await store.client.setPerms("/n", formatPerms(perms));
        for (const [domid, client] of clients) {
          const said = rightsOf(perms, domid, domid === 3 ? target : null);
          const real = {
            read: await may(client.read("/n")),
            write: await may(client.write("/n", "w")),
          };
          expect({ read: said.read.ok, write: said.write.ok }).toEqual(real);
        }
      }),
      { numRuns: 300 },
    );
  });
});
