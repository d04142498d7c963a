// Engine domains: how they come, change and go, by the page's hand and by that of others.
// Holds   nothing.
// Never   sleeps.
// Source  the XenStore protocol, domains.

import { describe, expect, it } from "vitest";
import type { DomainInfo } from "../../hosts/playground/model/protocol.ts";
import { openRig, type Rig } from "./engine_rig.ts";

async function info(rig: Rig, domid: number): Promise<DomainInfo | undefined> {
  const section = () => rig.seen.domains?.find((one) => one.domid === domid);
  await rig.call("tree.expand", { path: "/", expanded: true });
  const frames = rig.frames;
  rig.engine.renew();
  await rig.until(() => rig.frames > frames);
  return section();
}

describe("domains", () => {
  it("begin with domain 0 alone, and get numbers and colours of their own", async () => {
    const rig = await openRig();
    expect(await info(rig, 0)).toMatchObject({ name: "Domain-0", colour: 0, introduced: true });
    const numbers = [];
    for (let n = 0; n < 9; n++) numbers.push(await rig.call("domain.add", {}));
    expect(numbers).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
    const colours = [...rig.session.domains.values()].map(({ colour }) => colour);
    expect(colours.slice(0, 8)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    expect(colours.slice(8)).not.toContain(0);
  });

  it("have the home that was asked for", async () => {
    const rig = await openRig();
    await rig.call("domain.add", { domid: 3, name: "web" });
    await rig.call("domain.add", { domid: 4, home: "xl" });
    const { mirror } = rig.session;
    expect(mirror.find("/local/domain/3")?.perms).toBe("n3");
    expect(mirror.find("/local/domain/4/control")?.perms).toBe("n0 r4");
    expect(await info(rig, 3)).toMatchObject({ name: "web", home: "/local/domain/3" });
  });

  it.each([
    [{ domid: 0 }, /is there already/],
    [{ domid: -1 }, /integer from 1/],
    [{ domid: 1.5 }, /integer from 1/],
    [{ domid: 0x7ff0 }, /integer from 1/],
    [{ domid: Number.NaN }, /integer from 1/],
  ])("refuse the number in %j", async (args, message) => {
    const rig = await openRig();
    expect(await rig.refusal("domain.add", args)).toMatch(message);
    expect([...rig.session.domains.keys()]).toEqual([0]);
  });

  it("refuse what makes no sense now, and say what helps", async () => {
    const rig = await openRig();
    expect(await rig.refusal("domain.kill", { domid: 9 })).toMatch(/no domain 9 here/);
    expect(await rig.refusal("domain.release", { domid: 0 })).toMatch(/control domain/);
    await rig.call("domain.add", { domid: 3 });
    expect(await rig.refusal("domain.add", { domid: 3 })).toMatch(/Choose another number/);
    expect(await rig.refusal("domain.introduce", { domid: 3 })).toMatch(/introduced already/);
    expect(await rig.refusal("domain.forget", { domid: 3 })).toMatch(/End it first/);
    expect(await rig.refusal("domain.target", { domid: 3, target: 3 })).toMatch(/for itself/);
    await rig.call("domain.kill", { domid: 3 });
    expect(await rig.refusal("domain.kill", { domid: 3 })).toMatch(/has ended already/);
    expect(await rig.refusal("domain.introduce", { domid: 3 })).toMatch(/Reboot it/);
    expect(await rig.refusal("domain.shutdown", { domid: 3 })).toMatch(/Reboot it/);
  });

  it("shut down, end, and come back as new ones", async () => {
    const rig = await openRig();
    await rig.call("domain.add", { domid: 3 });
    await rig.call("domain.shutdown", { domid: 3 });
    expect(await info(rig, 3)).toMatchObject({ state: "shutdown", introduced: true });
    expect(await rig.refusal("domain.shutdown", { domid: 3 })).toMatch(/already/);
    await rig.call("domain.kill", { domid: 3 });
    expect(await info(rig, 3)).toMatchObject({ state: "dead", introduced: false });
    expect(rig.session.mirror.find("/local/domain/3")).toBeNull();
    await rig.call("domain.reboot", { domid: 3 });
    expect(await info(rig, 3)).toMatchObject({ state: "running", introduced: true });
    const { code } = await rig.call("console.do", { domid: 3, line: "write a b" });
    expect(code).toBe(0);
    expect(rig.session.mirror.find("/local/domain/3/a")).not.toBeNull();
  });

  it("of xl have their home anew after a reboot", async () => {
    const rig = await openRig();
    await rig.call("domain.add", { domid: 4, home: "xl" });
    await rig.call("console.do", { domid: 4, line: "write data/old 1" });
    await rig.call("domain.reboot", { domid: 4 });
    expect(rig.session.mirror.find("/local/domain/4/data/old")).toBeNull();
    expect(rig.session.mirror.find("/local/domain/4/data")?.perms).toBe("n4");
  });

  it("are released and introduced again, with a ring that begins anew", async () => {
    const rig = await openRig();
    await rig.call("domain.add", { domid: 3 });
    await rig.call("console.do", { domid: 3, line: "write a b" });
    await rig.call("domain.release", { domid: 3 });
    expect(await info(rig, 3)).toMatchObject({ state: "running", introduced: false });
    expect(await rig.refusal("domain.release", { domid: 3 })).toMatch(/not introduced/);
    await rig.call("domain.introduce", { domid: 3 });
    expect(await info(rig, 3)).toMatchObject({ state: "running", introduced: true });
    const { out } = await rig.call("console.do", { domid: 3, line: "list /local/domain/3" });
    expect(out).toBe("");
  });

  it("lose a target with its end", async () => {
    const rig = await openRig();
    await rig.call("domain.add", { domid: 3 });
    await rig.call("domain.add", { domid: 4 });
    await rig.call("domain.target", { domid: 4, target: 3 });
    expect(await info(rig, 4)).toMatchObject({ target: 3 });
    expect((await rig.call("console.do", { domid: 4, line: "ls /local/domain/3" })).code).toBe(0);
    await rig.call("domain.kill", { domid: 3 });
    expect(await info(rig, 4)).toMatchObject({ target: null });
    await rig.call("domain.forget", { domid: 3 });
    expect(await info(rig, 3)).toBeUndefined();
  });

  it("that others introduce, release and shut down are seen as they are", async () => {
    const rig = await openRig();
    const { page } = rig.session;
    await page.domain(5).introduce({ gfn: 1, port: 1 });
    await page.write("/local/domain/5/name", "by hand");
    await page.setPerms("/local/domain/5", "n5");
    expect(await info(rig, 5)).toMatchObject({ name: "by hand", introduced: true, colour: 5 });
    const { code } = await rig.call("console.do", { domid: 5, line: "write here yes" });
    expect(code).toBe(0);
    const watch = await rig.call("console.do", { domid: 5, line: "watch here" });
    await page.domain(5).release();
    expect(await rig.code(watch.run)).toBe("130");
    expect(rig.printed(watch.run, "err")).toMatch(/does not serve domain 5/);
    expect(await info(rig, 5)).toMatchObject({ introduced: false, state: "running" });
    const refused = await rig.call("console.do", { domid: 5, line: "read here" });
    expect(refused).toMatchObject({ code: 1, err: expect.stringMatching(/Introduce it/) });
  });

  it("stay as they are when a domain that has ended gets a limit", async () => {
    const rig = await openRig();
    await rig.call("domain.add", { domid: 3 });
    await rig.call("domain.kill", { domid: 3 });
    await rig.session.page
      .domain(3)
      .setQuota("nodes", 5)
      .catch(() => {});
    expect(await info(rig, 3)).toMatchObject({ state: "dead" });
  });

  it("end what runs in their consoles", async () => {
    const rig = await openRig();
    await rig.call("domain.add", { domid: 3 });
    const watch = await rig.call("console.do", { domid: 3, line: "watch /local/domain/3" });
    expect((await info(rig, 3))?.running).toEqual([
      { run: watch.run, line: "watch /local/domain/3" },
    ]);
    await rig.call("domain.kill", { domid: 3 });
    expect(await rig.code(watch.run)).toBe("130");
    expect(rig.printed(watch.run, "err")).toMatch(/was ended/);
    expect((await info(rig, 3))?.running).toEqual([]);
  });

  it("come back with a session that was saved, as they were", async () => {
    const rig = await openRig();
    await rig.call("domain.add", { domid: 3, name: "web" });
    await rig.call("domain.add", { domid: 11, name: "same colour" });
    await rig.call("domain.add", { domid: 4 });
    await rig.call("domain.add", { domid: 5 });
    await rig.call("domain.target", { domid: 4, target: 3 });
    await rig.call("domain.shutdown", { domid: 11 });
    await rig.call("domain.kill", { domid: 5 });
    await rig.call("domain.add", { domid: 6 });
    await rig.call("domain.release", { domid: 6 });
    await rig.call("console.do", { domid: 3, line: "write a b" });
    const before = [...rig.session.domains.values()].map(
      ({ domid, name, colour, state, introduced, target }) => {
        return { domid, name, colour, state, introduced, target };
      },
    );
    const { readBeginning } = await import("../../hosts/playground/engine/openings.ts");
    const { readSession } = await import("../../hosts/playground/engine/session_read.ts");
    const text = new TextDecoder().decode(await rig.call("export.session", {}));
    await rig.engine.open(() => readBeginning(readSession(text), null));
    for (const one of before) expect(rig.session.domains.get(one.domid)).toMatchObject(one);
    const { code, out } = await rig.call("console.do", { domid: 3, line: "read a" });
    expect([code, out]).toEqual([0, "b\n"]);
    expect((await rig.call("console.do", { domid: 4, line: "read /local/domain/3/a" })).code).toBe(
      0,
    );
    // Nothing of that is history.
    expect(rig.session.history.operation(rig.session.history.last)?.type).toBe("READ");
    await rig.call("domain.reboot", { domid: 5 });
    await rig.call("domain.introduce", { domid: 6 });
    for (const domid of [5, 6]) {
      expect(rig.session.domains.get(domid)).toMatchObject({ state: "running", introduced: true });
    }
  });
});
