// Engine transactions: begun in the page, and those of others.
// Holds   nothing.
// Never   sleeps.
// Source  the XenStore protocol, Transactions.

import { describe, expect, it } from "vitest";
import type { TransactionInfo } from "../../hosts/playground/model/protocol.ts";
import { openRig, type Rig } from "./engine_rig.ts";

async function listed(
  rig: Rig,
  is: (all: readonly TransactionInfo[]) => boolean = () => true,
): Promise<readonly TransactionInfo[]> {
  rig.look({ transactions: true });
  rig.engine.renew();
  await rig.until(() => rig.seen.transactions !== undefined && is(rig.seen.transactions));
  return rig.seen.transactions ?? [];
}

describe("a transaction of the page", () => {
  it("runs lines, and is seen with what it touches", async () => {
    const rig = await openRig();
    await rig.session.page.write("/a", "one");
    const handle = await rig.call("tx.begin", { domid: 0 });
    const run = (line: string) => rig.call("tx.run", { handle, line });
    expect(await run("read /a")).toBe("one");
    expect(await run("write /a 'two words'")).toBe("");
    expect(await run("xenstore-read /a")).toBe("two words");
    expect(await run("mkdir /b/c")).toBe("");
    expect(await run("list /b")).toBe("c");
    expect(await run("ls /b")).toBe('c = ""');
    expect(await run("exists /none")).toBe("It is not there.");
    expect(await run("chmod /b n0 r3")).toBe("");
    expect(await run("getperms /b")).toBe("n0 r3");
    expect(await run("rm /b")).toBe("");
    const [info] = await listed(rig, (all) => all.length === 1);
    expect(info).toMatchObject({ handle, domid: 0, state: "open", verdict: null, why: "" });
    expect(rig.session.labels.get(info.conn)).toMatch(/transaction/);
    expect(rig.session.history.operation(info.began)).toMatchObject({
      ...{ type: "TRANSACTION_START", conn: info.conn },
    });
    expect(info.nodes.find(({ path }) => path === "/a")).toMatchObject({ change: "changed" });
    expect(info.lines.length).toBe(10);
    expect(await rig.call("tx.commit", { handle })).toBe("");
    expect(new TextDecoder().decode(rig.session.mirror.find("/a")?.value)).toBe("two words");
    const [ended] = await listed(rig, ([one]) => one?.state === "committed");
    expect(ended).toMatchObject({ handle, verdict: null, lines: info.lines });
  });

  it("that meets a conflict says which node, and who changed it", async () => {
    const rig = await openRig();
    await rig.session.page.write("/a", "1");
    const handle = await rig.call("tx.begin", { domid: 0 });
    await rig.call("tx.run", { handle, line: "read /a" });
    await rig.call("console.do", { domid: 0, line: "write /a 2" });
    const writer = rig.session.history.last;
    const [open] = await listed(rig, ([one]) => one?.verdict === "EAGAIN");
    const { conn } = rig.session.history.operation(writer) as { conn: string };
    expect(open.why).toBe(
      `/a: its value was read, and WRITE #${writer} by ${conn} changed that since.`,
    );
    expect(open.nodes[0]).toMatchObject({
      ...{ path: "/a", conflicts: ["value"] },
      others: [{ operation: writer, conn, type: "WRITE" }],
    });
    expect(await rig.call("tx.commit", { handle })).toBe("EAGAIN");
    const [ended] = await listed(rig, ([one]) => one?.state === "EAGAIN");
    expect(ended).toMatchObject({ why: open.why, nodes: open.nodes });
    const again = await rig.call("tx.retry", { handle });
    expect(again).not.toBe(handle);
    expect(rig.notices.at(-1)?.text).toBe("Done again: read /a: 2.");
    expect(await rig.call("tx.commit", { handle: again })).toBe("");
  });

  it("that listed children hears of one more", async () => {
    const rig = await openRig();
    await rig.session.page.mkdir("/d");
    const handle = await rig.call("tx.begin", { domid: 0 });
    await rig.call("tx.run", { handle, line: "list /d" });
    await rig.session.page.write("/d/new", "");
    const [open] = await listed(rig, ([one]) => one?.verdict === "EAGAIN");
    expect(open.why).toMatch(/^\/d: its children were listed, and WRITE #\d+ by S\d+ changed/);
    await rig.session.page.rm("/d");
    const [gone] = await listed(rig, ([one]) => (one?.nodes[0]?.others.length ?? 0) > 1);
    expect(gone.why).toMatch(/RM #\d+/);
  });

  it("of a guest goes over its ring", async () => {
    const rig = await openRig();
    await rig.call("domain.add", { domid: 3 });
    const handle = await rig.call("tx.begin", { domid: 3 });
    await rig.call("tx.run", { handle, line: "write key value" });
    const refused = rig.call("tx.run", { handle, line: "read /tool" });
    await expect(refused).rejects.toMatchObject({ code: "EACCES" });
    const [info] = await listed(rig, ([one]) => (one?.nodes.length ?? 0) > 0);
    expect(info).toMatchObject({ conn: "D3", domid: 3, handle });
    expect(await rig.call("tx.commit", { handle })).toBe("");
    expect(rig.session.mirror.find("/local/domain/3/key")).not.toBeNull();
  });

  it("ends with its domain's connection", async () => {
    const rig = await openRig();
    await rig.call("domain.add", { domid: 3 });
    const handle = await rig.call("tx.begin", { domid: 3 });
    await rig.call("ring.hold", { domid: 3 });
    await listed(rig, ([one]) => one?.state === "ECONNRESET");
    expect(await rig.refusal("tx.run", { handle, line: "read a" })).toMatch(/ECONNRESET/);
    expect(await rig.refusal("tx.begin", { domid: 3 })).toMatch(/moved by hand/);
    await rig.call("domain.kill", { domid: 3 });
    expect(await rig.refusal("tx.begin", { domid: 3 })).toMatch(/Reboot/);
    expect(await rig.refusal("tx.retry", { handle })).toMatch(/Reboot/);
  });

  it("refuses lines that are none, and does not keep them", async () => {
    const rig = await openRig();
    const handle = await rig.call("tx.begin", { domid: 0 });
    for (const [line, text] of [
      ["", /line is empty/],
      ["watch /a", /no "watch" in a transaction/],
      ["constructor /a", /no "constructor"/],
      ["read", /read PATH/],
      ["write /a", /write PATH VALUE/],
      ["read 'a", /Close the quote/],
    ] as const) {
      expect(await rig.refusal("tx.run", { handle, line })).toMatch(text);
    }
    const missing = rig.call("tx.run", { handle, line: "read /none" });
    await expect(missing).rejects.toMatchObject({ code: "ENOENT" });
    expect((await listed(rig, (all) => all.length > 0))[0].lines).toEqual(["read /none"]);
    await rig.call("tx.abort", { handle });
    expect(await rig.refusal("tx.commit", { handle })).toMatch(/was aborted/);
    expect(await rig.refusal("tx.commit", { handle: 99 })).toMatch(/not known/);
  });

  it("stays when it has ended, twenty of them until they are forgotten", async () => {
    const rig = await openRig();
    const kept = await rig.call("tx.begin", { domid: 0 });
    for (let n = 0; n < 25; n++) {
      const handle = await rig.call("tx.begin", { domid: 0 });
      await rig.call("tx.run", { handle, line: `write /n ${n}` });
      await rig.call("tx.commit", { handle });
    }
    const all = await listed(rig, (list) => list.length === 21);
    expect(all[0]).toMatchObject({ handle: kept, state: "open" });
    // One after the other shares a connection; at the same time they do not.
    expect(new Set(all.map(({ conn }) => conn)).size).toBe(2);
    await rig.call("tx.clear", {});
    expect(await listed(rig, (list) => list.length === 1)).toMatchObject([{ handle: kept }]);
  });

  it("is one of a bounded number", async () => {
    const rig = await openRig();
    for (let n = 0; n < 50; n++) await rig.call("tx.begin", { domid: 0 });
    expect(await rig.refusal("tx.begin", { domid: 0 })).toMatch(/give up some/);
    expect(await rig.refusal("tx.begin", { domid: 7 })).toMatch(/no domain 7/);
  });
});

describe("transactions of others", () => {
  it("are seen with where they began", async () => {
    const rig = await openRig();
    const other = await rig.session.client("somebody", 0);
    const first = await other.begin();
    await first.abort();
    const tx = await other.begin();
    await tx.read("/tool");
    const [info] = await listed(rig, (all) => all.length === 1);
    expect(info).toMatchObject({ handle: null, state: "open", lines: [] });
    expect(rig.session.history.operation(info.began)?.type).toBe("TRANSACTION_START");
    expect(info.began).toBeGreaterThan(1);
    await tx.abort();
    await listed(rig, (all) => all.length === 0);
    await other.close();
  });
});
