// Engine quotas: what domains have used of their limits, where their nodes are, and a load.
// Holds   nothing.
// Never   sleeps.
// Source  the XenStore protocol, quotas.

import { describe, expect, it } from "vitest";
import { largestSubtrees } from "../../hosts/playground/engine/largest.ts";
import { Mirror } from "../../hosts/playground/engine/mirror.ts";
import type { QuotaInfo } from "../../hosts/playground/model/protocol.ts";
import { openRig, type Rig } from "./engine_rig.ts";

async function quotas(
  rig: Rig,
  is: (all: readonly QuotaInfo[]) => boolean = () => true,
): Promise<readonly QuotaInfo[]> {
  rig.look({ quotas: true });
  await rig.until(() => rig.seen.quotas !== undefined && is(rig.seen.quotas));
  return rig.seen.quotas ?? [];
}

const meter = (all: readonly QuotaInfo[], domid: number, name: string) =>
  all.find((one) => one.domid === domid)?.meters.find((one) => one.name === name);

describe("quotas", () => {
  it("show what is used, the most there was, and the limits", async () => {
    const rig = await openRig();
    await rig.call("domain.add", { domid: 3 });
    await rig.call("console.do", { domid: 3, line: "write a/b 1" });
    const all = await quotas(rig, (list) => meter(list, 3, "nodes")?.used === 3);
    expect(all.map(({ domid }) => domid)).toEqual([0, 3]);
    expect(meter(all, 3, "nodes")).toMatchObject({ used: 3, highest: 3, limit: 1000 });
    expect(meter(all, 0, "nodes")?.limit).toBe(0);
    expect(all[1].meters.map(({ name }) => name)).toEqual([
      ...["nodes", "watches", "outstanding", "memory", "transactions"],
    ]);
    expect(all[1].meters.every(({ counts }) => counts.endsWith("."))).toBe(true);
    expect(all[1].largest[0]).toEqual({ path: "/local/domain/3/a", nodes: 2 });
  });

  it("follow what is set, by the page and by others", async () => {
    const rig = await openRig();
    await rig.call("domain.add", { domid: 3 });
    await quotas(rig);
    await rig.call("quota.set", { domid: 3, name: "watches", value: 5 });
    await quotas(rig, (list) => meter(list, 3, "watches")?.limit === 5);
    await rig.call("console.do", { domid: 0, line: "control quota set nodes 77" });
    await quotas(rig, (list) => meter(list, 3, "nodes")?.limit === 77);
    await rig.call("quota.set", { domid: 3, name: "nodes", value: 2 });
    expect((await rig.call("console.do", { domid: 3, line: "write x 1" })).code).toBe(0);
    expect((await rig.call("console.do", { domid: 3, line: "write y 1" })).code).toBe(1);
    await quotas(rig, (list) => meter(list, 3, "nodes")?.used === 2);
  });

  it.each([
    [{ domid: 0, name: "nodes", value: 1 }, /no limits/],
    [{ domid: 9, name: "nodes", value: 1 }, /no domain 9/],
    [{ domid: 3, name: "noodles", value: 1 }, /no quota "noodles"/],
    [{ domid: 3, name: "nodes", value: -1 }, /integer/],
    [{ domid: 3, name: "nodes", value: 1.5 }, /integer/],
    [{ domid: 3, name: "nodes", value: 2 ** 31 }, /integer/],
  ])("refuse %j", async (args, text) => {
    const rig = await openRig();
    await rig.call("domain.add", { domid: 3 });
    expect(await rig.refusal("quota.set", args)).toMatch(text);
  });

  it("leave out domains that have ended, and refuse limits for them", async () => {
    const rig = await openRig();
    await rig.call("domain.add", { domid: 3 });
    await quotas(rig, (list) => list.length === 2);
    await rig.call("domain.kill", { domid: 3 });
    await quotas(rig, (list) => list.length === 1);
    const args = { domid: 3, name: "nodes", value: 1 };
    expect(await rig.refusal("quota.set", args)).toMatch(/Introduce it first/);
  });

  it("are not asked for when nothing has changed", async () => {
    const rig = await openRig();
    await quotas(rig);
    let asked = 0;
    const { hidden } = rig.session;
    const control = hidden.control.bind(hidden);
    hidden.control = (...words) => {
      asked += 1;
      return control(...words);
    };
    for (let n = 0; n < 20; n++) {
      const { frames } = rig;
      rig.engine.renew();
      await rig.until(() => rig.frames > frames);
    }
    expect(asked).toBe(0);
    await rig.session.page.write("/tool/x", "1");
    await rig.until(() => asked > 0);
  });
});

describe("the largest subtrees", () => {
  const NOTHING = new Uint8Array(0);

  it("are parts of homes and of what is beside them, as deep as nearly all is", () => {
    const mirror = new Mirror();
    const make = (path: string, perms: string) =>
      mirror.apply({ kind: "create", path, value: NOTHING, perms });
    for (let n = 0; n < 50; n++) make(`/local/domain/3/data/cache/${n}`, "n3");
    for (let n = 0; n < 5; n++) make(`/local/domain/3/device/${n}`, "n3");
    for (let n = 0; n < 7; n++) make(`/local/domain/0/backend/vif/3/${n}`, "n0 r3");
    for (let n = 0; n < 3; n++) make(`/vm/uuid/${n}`, "n0");
    make("/vm/uuid/of-3", "n3");
    make("/local/domain/4", "n4");
    const found = largestSubtrees(mirror);
    expect(found.get(3)?.slice(0, 3)).toEqual([
      { path: "/local/domain/3/data/cache", nodes: 51 },
      { path: "/local/domain/3/device", nodes: 6 },
      { path: "/vm/uuid/of-3", nodes: 1 },
    ]);
    expect(found.get(0)?.slice(0, 2)).toEqual([
      { path: "/local/domain/0/backend/vif", nodes: 9 },
      { path: "/vm/uuid", nodes: 4 },
    ]);
    expect(found.get(4)).toEqual([{ path: "/local/domain/4", nodes: 1 }]);
  });

  it("count every node of a domain once", () => {
    const mirror = new Mirror();
    let state = 7;
    const next = (below: number) => {
      state = (state * 48271) % 2147483647;
      return state % below;
    };
    for (let n = 0; n < 300; n++) {
      const path = Array.from({ length: 1 + next(5) }, () => `/${"abc"[next(3)]}`).join("");
      mirror.apply({ kind: "create", path, value: NOTHING, perms: `n${next(2)}` });
    }
    for (const [domid, list] of largestSubtrees(mirror)) {
      const sum = list.reduce((all, { nodes }) => all + nodes, 0);
      expect(sum).toBeLessThanOrEqual(mirror.ownedBy(domid));
      expect(list.length).toBeLessThanOrEqual(5);
    }
  });
});

describe("a load", () => {
  it("makes about so many operations as are asked for, by several domains, and stops", async () => {
    const rig = await openRig();
    await rig.call("domain.add", { domid: 3 });
    await rig.call("domain.add", { domid: 4, home: "xl" });
    const { history } = rig.session;
    const start = performance.now();
    await rig.call("load.set", { rate: 2000 });
    await rig.until(() => history.last > 1500);
    const seconds = (performance.now() - start) / 1000;
    expect(history.last / seconds).toBeLessThan(2600);
    const domids = new Set([...history.operations.from(1)].map(({ domid }) => domid));
    expect(domids).toEqual(new Set([0, 3, 4]));
    await rig.until(() => rig.seen.session?.load === 2000);
    await rig.call("load.set", { rate: 0 });
    const { last } = history;
    const { frames } = rig;
    rig.engine.renew();
    await rig.until(() => rig.frames > frames + 1 || rig.seen.session?.load === 0);
    expect(history.last).toBe(last);
  });

  it("goes on without those that may not write, or are gone", async () => {
    const rig = await openRig();
    await rig.call("domain.add", { domid: 3 });
    await rig.call("quota.set", { domid: 3, name: "nodes", value: 2 });
    await rig.call("domain.add", { domid: 4 });
    await rig.call("load.set", { rate: 1000 });
    const { history } = rig.session;
    await rig.until(() => history.last > 300);
    await rig.call("domain.kill", { domid: 4 });
    const { last } = history;
    await rig.until(() => history.last > last + 300);
    const late = [...history.operations.from(last + 100)];
    expect(new Set(late.map(({ domid }) => domid))).toEqual(new Set([0]));
    expect(rig.notices).toEqual([]);
  });

  it.each([-1, 1.5, 20_001, Number.NaN])("refuses %d", async (rate) => {
    const rig = await openRig();
    expect(await rig.refusal("load.set", { rate })).toMatch(/0 to 20000/);
  });

  it("ends with its session", async () => {
    const rig = await openRig();
    await rig.call("load.set", { rate: 500 });
    const { history } = rig.session;
    await rig.until(() => history.last > 20);
    const { emptyBeginning } = await import("../../hosts/playground/engine/openings.ts");
    await rig.engine.open(() => emptyBeginning());
    await rig.until(() => rig.seen.session?.load === 0);
    expect(rig.session.history.last).toBe(0);
    expect(rig.notices).toEqual([]);
  });
});
