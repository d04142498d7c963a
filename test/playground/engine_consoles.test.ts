// Engine consoles: the command line tools in a domain's console.
// Holds   nothing.
// Never   sleeps.
// Source  the XenStore command line.

import { describe, expect, it } from "vitest";
import { parseLine } from "../../hosts/playground/engine/console_line.ts";
import { ConsoleRun } from "../../hosts/playground/engine/console_run.ts";
import { consolesOf } from "../../hosts/playground/engine/consoles.ts";
import type { ConsoleLine } from "../../hosts/playground/model/protocol.ts";
import { openRig } from "./engine_rig.ts";

describe("a line", () => {
  it.each([
    ["xenstore read /a", "read", ["xenstore", "read", "/a"]],
    ["xenstore-read /a", "read", ["xenstore-read", "/a"]],
    ["read /a", "read", ["xenstore", "read", "/a"]],
    ["control help", "control", ["xenstore-control", "help"]],
    ["xenstore-control help", "control", ["xenstore-control", "help"]],
    ['write /a "b  c"', "write", ["xenstore", "write", "/a", "b  c"]],
    ["write /a 'x|y'", "write", ["xenstore", "write", "/a", "x|y"]],
    ["write /a x\\;y", "write", ["xenstore", "write", "/a", "x;y"]],
  ])("%s is a tool", (line, command, argv) => {
    expect(parseLine(line)).toEqual({ kind: "tool", command, argv });
  });

  it.each([
    ["", "nothing"],
    ["   ", "nothing"],
    ["help", "help"],
    ["files", "files"],
  ])("%j is its own", (line, kind) => expect(parseLine(line)).toEqual({ kind }));

  it.each([
    ["reed /a", 127, /Did you mean "read"/],
    ["xenstore-wtch /a", 127, /Did you mean "xenstore-watch"/],
    ["xl list", 127, /"help" lists/],
    ["__proto__", 127, /no such command/],
    ["read 'a", 2, /Close it/],
    ["ls | grep x", 2, /no pipes here/],
    ["ls > file", 2, /no redirections/],
    ["read a; read b", 2, /several commands/],
  ])("%s can't be run", (line, code, text) => {
    expect(parseLine(line)).toMatchObject({ kind: "wrong", code });
    expect((parseLine(line) as { text: string }).text).toMatch(text);
  });
});

describe("a console", () => {
  it("runs tools as domain 0 and as a guest, each with its rights", async () => {
    const rig = await openRig();
    await rig.call("domain.add", { domid: 3 });
    const written = await rig.call("console.do", { domid: 0, line: "write /tool/x 'a b'" });
    expect(written).toMatchObject({ code: 0, out: "", err: "" });
    const read = await rig.call("console.do", { domid: 0, line: "xenstore-read /tool/x" });
    expect(read).toMatchObject({ code: 0, out: "a b\n" });
    const refused = await rig.call("console.do", { domid: 3, line: "xenstore-read /tool/x" });
    expect(refused).toMatchObject({ code: 1, err: "xenstore-read: couldn't read path /tool/x\n" });
    const own = await rig.call("console.do", { domid: 3, line: "write name me" });
    expect(own.code).toBe(0);
    expect(rig.session.mirror.find("/local/domain/3/name")).not.toBeNull();
    expect([...rig.session.labels.values()]).toContain("xenstore write");
  });

  it("tells of a run from its beginning to its end", async () => {
    const rig = await openRig();
    const run = await rig.call("console.run", { domid: 0, line: "list /local" });
    expect(await rig.code(run)).toBe("0");
    const own = rig.lines.filter((line) => line.run === run);
    expect(own.map(({ kind, text }) => [kind, text])).toEqual([
      ["begin", "list /local"],
      ["out", "domain\n"],
      ["end", "0"],
    ]);
  });

  it("has help, files, and clear words for what it does not know", async () => {
    const rig = await openRig();
    expect((await rig.call("console.do", { domid: 0, line: "help" })).out).toMatch(/watch PATH/);
    expect((await rig.call("console.do", { domid: 0, line: "" })).code).toBe(0);
    const unknown = await rig.call("console.do", { domid: 0, line: "rm-rf /" });
    expect(unknown).toMatchObject({ code: 127, err: expect.stringMatching(/no such command/) });
    expect(await rig.refusal("console.run", { domid: 9, line: "ls" })).toMatch(/no domain 9/);
    const long = await rig.call("console.do", { domid: 0, line: `write /a ${"x".repeat(20_000)}` });
    expect(long).toMatchObject({ code: 2, err: expect.stringMatching(/at most/) });
  });

  it("keeps files for dumps, within the session", async () => {
    const rig = await openRig();
    expect((await rig.call("console.do", { domid: 0, line: "files" })).out).toMatch(/no files yet/);
    await rig.call("console.do", { domid: 0, line: "write /tool/x 1" });
    expect((await rig.call("console.do", { domid: 0, line: "export tree" })).code).toBe(0);
    await rig.call("console.do", { domid: 0, line: "rm /tool/x" });
    const files = await rig.call("console.do", { domid: 0, line: "files" });
    expect(files.out).toMatch(/bytes {2}tree\n/);
    const back = await rig.call("console.do", { domid: 0, line: "import --prefix /tool tree" });
    expect(back).toMatchObject({ code: 0 });
    expect(rig.session.mirror.find("/tool/x")).not.toBeNull();
    const none = await rig.call("console.do", { domid: 0, line: "restore nothing" });
    expect(none.code).not.toBe(0);
  });

  it("watches until it is stopped, and waits for it to be set", async () => {
    const rig = await openRig();
    await rig.call("domain.add", { domid: 3 });
    const watch = await rig.call("console.do", { domid: 3, line: "watch here" });
    expect(watch).toMatchObject({ code: null, out: "here\n" });
    await rig.session.page.write("/local/domain/3/here/below", "1");
    await rig.until(() => rig.printed(watch.run) === "here\nhere/below\n");
    await rig.call("console.stop", { domid: 3, run: watch.run });
    expect(await rig.code(watch.run)).toBe("130");
    expect(rig.session.domains.get(3)?.running.size).toBe(0);
    // The guest's ring goes on.
    expect((await rig.call("console.do", { domid: 3, line: "write here 2" })).code).toBe(0);
    await rig.call("console.stop", { domid: 3, run: watch.run });
    await rig.call("console.stop", { domid: 3, run: 12345 });
  });

  it("lets several commands share a guest's ring", async () => {
    const rig = await openRig();
    await rig.call("domain.add", { domid: 3 });
    const lines = ["watch a", "watch a", "watch b"];
    const all = await Promise.all(lines.map((line) => rig.call("console.do", { domid: 3, line })));
    await rig.call("console.do", { domid: 3, line: "write a 1" });
    await rig.until(() =>
      all.every(({ run, out }, at) => at > 1 || rig.printed(run) === out + out),
    );
    expect(rig.printed(all[2].run)).toBe("b\n");
  });

  it("says why a domain can't be asked", async () => {
    const rig = await openRig();
    await rig.call("domain.add", { domid: 3 });
    const failed = async () => {
      const { code, err } = await rig.call("console.do", { domid: 3, line: "read a" });
      return `${code} ${err}`;
    };
    await rig.call("ring.hold", { domid: 3 });
    expect(await failed()).toMatch(/^1 .*moved by hand/);
    await rig.call("ring.break", { domid: 3, how: "req-index" });
    await rig.call("ring.reconnect", { domid: 3 });
    await rig.call("ring.poke", { domid: 3, word: "reqProd", value: 5000 });
    await rig.call("ring.notify", { domid: 3 });
    expect(await failed()).toMatch(/^1 .*error 2.*Reconnect/);
    await rig.call("domain.shutdown", { domid: 3 });
    expect(await failed()).toMatch(/^1 .*shut down/);
    await rig.call("domain.kill", { domid: 3 });
    expect(await failed()).toMatch(/^1 .*ended.*Reboot/);
  });

  it("repeats a line until it fails", async () => {
    const rig = await openRig();
    await rig.call("domain.add", { domid: 3 });
    const run = await consolesOf(rig.engine).repeat(3, "write n/{i} {i}", 50);
    expect(run.code).toBe(0);
    expect(rig.session.mirror.find("/local/domain/3/n")?.children?.size).toBe(50);
    await rig.call("quota.set", { domid: 3, name: "nodes", value: 60 });
    const over = await consolesOf(rig.engine).repeat(3, "write m/{i} {i}", 50);
    expect(over.code).toBe(1);
    expect(over.err).toMatch(/could not write path m\/\d+\n\[Ended with number \d+: write m/);
    const conns = [...rig.session.labels.values()].filter((label) => label.includes("repeated"));
    await consolesOf(rig.engine).repeat(0, "read /tool", 20);
    const after = [...rig.session.labels.values()].filter((label) => label.includes("repeated"));
    expect(after.length).toBe(conns.length + 1);
  });

  it("gives up what runs when another session is opened", async () => {
    const rig = await openRig();
    const watch = await rig.call("console.do", { domid: 0, line: "watch /" });
    const before = rig.session;
    const { emptyBeginning } = await import("../../hosts/playground/engine/openings.ts");
    await rig.engine.open(() => emptyBeginning());
    expect(await rig.code(watch.run)).toBe("130");
    expect(before.closed).toBe(true);
  });
});

describe("output", () => {
  it("goes in few pieces, and what is too much is left out", async () => {
    const lines: ConsoleLine[] = [];
    const run = new ConsoleRun(1, 0, "flood", (line) => lines.push(line));
    for (let n = 0; n < 30_000; n++) run.print("out", `${"x".repeat(99)}\n`);
    run.print("err", "and an error\n");
    run.end(0);
    await run.ended;
    const size = lines.reduce((sum, { text }) => sum + text.length, 0);
    expect(size).toBeLessThan(2_000_000);
    expect(lines.filter(({ text }) => text.includes("left out")).length).toBeGreaterThan(0);
    expect(lines.length).toBeLessThan(20);
    expect(lines.at(-1)).toMatchObject({ kind: "end", text: "0" });
    run.print("out", "nothing comes behind the end");
    run.end(1);
    expect(lines.at(-1)).toMatchObject({ kind: "end", text: "0" });
  });

  it("of a whole large tree does not flood the page", async () => {
    const rig = await openRig();
    const { page } = rig.session;
    const value = "v".repeat(2000);
    await Promise.all(Array.from({ length: 1000 }, (_, n) => page.write(`/big/${n}`, value)));
    const run = await rig.call("console.run", { domid: 0, line: "read -p /big/0 /big/1" });
    expect(await rig.code(run)).toBe("0");
    const keys = Array.from({ length: 1000 }, (_, n) => `/big/${n}`).join(" ");
    const all = await rig.call("console.run", { domid: 0, line: `read ${keys}` });
    expect(await rig.code(all)).toBe("0");
    expect(rig.printed(all).length).toBeLessThan(1_100_000);
    expect(rig.printed(all, "err")).toMatch(/left out/);
  });
});

describe("completion", () => {
  const complete = async (line: string, domid = 0, cursor = line.length) => {
    const rig = await openRig();
    await rig.call("domain.add", { domid: 3, name: "web" });
    await rig.session.page.write("/local/domain/3/device/vif/0/state", "4");
    await rig.session.page.write("/local/domain/3/data", "");
    await rig.call("console.do", { domid: 0, line: "export tree" });
    const { from, options } = await rig.call("console.complete", { domid, line, cursor });
    return { from, options };
  };

  it.each([
    ["xenstore-r", 0, ["xenstore-read", "xenstore-restore", "xenstore-rm"]],
    ["wa", 0, ["watch"]],
    ["xenstore wr", 9, ["write"]],
    ["xenstore con", 9, []],
    ["control q", 8, ["quota", "quota-soft"]],
    ["ls -", 3, ["--json", "-f", "-p"]],
    ["read /loc", 5, ["/local"]],
    ["read /local/domain", 5, ["/local/domain/0", "/local/domain/3"]],
    ["read /local/domain/3/d", 5, ["/local/domain/3/data", "/local/domain/3/device"]],
    ["read domid na", 11, ["name"]],
    ["write /tool ", 12, []],
    ["chmod /tool n", 12, []],
    ["watch @rel", 6, ["@releaseDomain"]],
    ["import t", 7, ["tree"]],
    ['read "/loc', 6, ["/local"]],
    ["nonsense /", 9, []],
    ["read /none/here/", 5, []],
  ])("of %j", async (line, from, options) => {
    expect(await complete(line)).toEqual({ from, options });
  });

  it("counts from the home, and tells no names that the domain may not read", async () => {
    expect(await complete("read d", 3)).toEqual({ from: 5, options: ["data", "device"] });
    expect(await complete("read device", 3)).toEqual({ from: 5, options: ["device/vif"] });
    expect(await complete("read /", 3)).toEqual({ from: 5, options: [] });
    expect(await complete("read /local/domain/3/", 3)).toMatchObject({
      options: ["/local/domain/3/data", "/local/domain/3/device"],
    });
  });

  it("is bounded", async () => {
    const rig = await openRig();
    const { page } = rig.session;
    await Promise.all(Array.from({ length: 500 }, (_, n) => page.write(`/many/${n}`, "")));
    const { options } = await rig.call("console.complete", {
      ...{ domid: 0, line: "read /many/", cursor: 11 },
    });
    expect(options.length).toBe(200);
  });
});
