// Backup tool: dump, restore, export and import against a store in memory.
// Holds   what they ask, what they say, and what they do with damaged files.
// Never   opens a socket or a file.
// Source  docs/tools.md, Backup.

import { describe, expect, it } from "vitest";
import { encodeRecord } from "../../hosts/shared/stream.ts";
import { EXPORT, file, LINES, node, run, small, stream, TREE } from "./backups.ts";
import { type Rules, ScriptedStore, ScriptedStream } from "./scripted.ts";
import { exampleStream } from "./streams.ts";
import { type Call, runOurs } from "./tools.ts";

describe("export", () => {
  it("writes a node a line, parents first, in the store's order", async () => {
    const { out, err, exit, text } = await run("xenstore export --json", TREE);
    expect({ out, err, exit }).toEqual({ out: "", err: "", exit: 0 });
    expect(text("-")).toBe(EXPORT);
  });
  it("reads in one transaction, which is ended by a commit", async () => {
    const { asked } = await run("xenstore-export /file", TREE);
    expect(asked[0]).toBe("TRANSACTION_START |");
    expect(asked.at(-1)).toBe("TRANSACTION_END T| tx 7");
    expect(asked.slice(1).every((request) => request.endsWith("tx 7"))).toBe(true);
  });
  it("takes a part of the tree, without special nodes", async () => {
    const { text } = await run("xenstore export --prefix /a /file", TREE);
    const body = [` ${LINES[2].slice(1)}`, LINES[3], LINES[4]];
    expect(text("/file")).toBe([LINES[0].replace('"/"', '"/a"'), ...body, "]}", ""].join("\n"));
  });
  it("reads wide directories in parts", async () => {
    const { text } = await run("xenstore export --prefix /w", {
      "DIRECTORY /w|": "!E2BIG",
      "DIRECTORY_PART /w|0|": "5|b|c|",
      "DIRECTORY_PART /w|4|": "5|d||",
    });
    expect([...(text("-") ?? "").matchAll(/"path":"([^"]*)"/g)].map(([, path]) => path)).toEqual([
      "/w",
      "/w/b",
      "/w/c",
      "/w/d",
    ]);
  });
});

describe("dump", () => {
  it("writes a stream that holds what the store holds", async () => {
    const { exit, files } = await run("xenstore dump /file", TREE);
    expect(exit).toBe(0);
    const expected = stream(
      node("/"),
      node("/a"),
      node("/a/x", "1"),
      node("/a/y", "", "n3", "r0"),
      encodeRecord({
        ...{ kind: "node", conn: 0, txId: 0, access: 0, path: "/b" },
        value: Uint8Array.of(255, 0),
        perms: [{ access: "n", domid: 0, inert: false }],
      }),
      node("@releaseDomain", "", "n0", "r32757"),
      node("@introduceDomain"),
    );
    expect(Buffer.from(files.get("/file") ?? []).toString("hex")).toBe(
      Buffer.from(expected).toString("hex"),
    );
  });
  it("leaves out what may not be read, says so, and exits with 2", async () => {
    const rules = { "READ /a|": "!EACCES", "DIRECTORY /a|": "!EACCES", ...TREE };
    const { err, exit, text } = await run("xenstore export", rules);
    expect(exit).toBe(2);
    expect(err).toBe(
      "xenstore: incomplete: 1 node may not be read and left out, with all below, such as /a\n",
    );
    expect(text("-")).toBe(EXPORT.replace(/,\{"path":"\/a[^\n]*\n/g, ""));
  });
  it("leaves out a node that goes while it is read", async () => {
    const rules = { "DIRECTORY /b|": "!ENOENT", ...TREE };
    const { exit, text } = await run("xenstore export", rules);
    expect(exit).toBe(0);
    expect(text("-")).toBe(EXPORT.replace(/,\{"path":"\/b[^\n]*\n/, ""));
  });
  it("names what it can't begin with, and leaves no file", async () => {
    const closed = await run("xenstore dump /file", { "READ /|": "!EACCES" });
    expect(closed).toMatchObject({
      exit: 1,
      err: "xenstore: / may not be read: Permission denied; --prefix PATH names a part that may be\n",
    });
    expect(closed.files.size).toBe(0);
    const none = await run("xenstore dump -p /none /file", { "READ /none|": "!ENOENT" });
    expect(none.err).toBe("xenstore: couldn't read /none: No such file or directory\n");
    const wrong = await run("xenstore dump --prefix data /file");
    expect(wrong.err).toBe(
      'xenstore: --prefix: "data" is no absolute path, such as /local/domain/3\n',
    );
    expect(wrong.asked).toEqual([]);
  });
  it("reads again when others changed what it read", async () => {
    const rules = { ...TREE, "READ /a/x|": ["0", "1"], "TRANSACTION_END T|": ["!EAGAIN", "OK|"] };
    const { err, text } = await run("xenstore export", rules);
    expect(err).toBe("");
    expect(text("-")).toBe(EXPORT);
  });
  it("says so when others never stop changing it", async () => {
    const { err, exit, text, asked } = await run("xenstore export", {
      ...TREE,
      "TRANSACTION_END T|": "!EAGAIN",
    });
    expect(asked.filter((one) => one.startsWith("TRANSACTION_START")).length).toBe(3);
    expect(err).toContain("the store changed each of the 3 times it was read;");
    expect(exit).toBe(0);
    expect(text("-")).toBe(EXPORT);
  });
  it.each([
    ["has none to give", { TRANSACTION_START: "!ENOSPC" }],
    ["has too little room", { "READ /b|": ["!ENOSPC", "\xff\x00"] }],
  ])("reads without a transaction, and says so, when the store %s", async (_why, rules) => {
    const { err, exit, text } = await run("xenstore export", { ...rules, ...without(TREE, rules) });
    expect(err).toContain("no transaction to read in (No space left on device);");
    expect(exit).toBe(0);
    expect(text("-")).toBe(EXPORT);
  });
  it("gives up a transaction in which the store gets slower and slower", async () => {
    const names = Array.from({ length: 9000 }, (_, i) => `n${i}`);
    const half = `${names.slice(0, 400).join("|")}|`;
    const tree: Rules = {
      "DIRECTORY /|": `${names.slice(0, 20).join("|")}|`,
      ...Object.fromEntries(names.slice(0, 20).map((name) => [`DIRECTORY /${name}|`, half])),
    };
    let requests = 0;
    // Each look at the clock is later than the one before, by more and more.
    const nowMs = () => (requests++) ** 3 * 20;
    const { err, exit, asked } = await run("xenstore export", tree, { nowMs });
    expect(err).toContain("the store is too slow to read it all in one transaction;");
    expect(exit).toBe(0);
    expect(asked.filter((one) => one.startsWith("TRANSACTION_END"))).toEqual([
      "TRANSACTION_END F| tx 7",
    ]);
  });
  it("does not write a stream to a terminal", async () => {
    const { err, exit, files } = await run("xenstore dump -", TREE, { columns: 80 });
    expect([exit, files.size]).toEqual([1, 0]);
    expect(err).toContain("standard output is a terminal");
  });
  it("gives up its transaction when it is interrupted", async () => {
    const controller = new AbortController();
    const store = new ScriptedStore({ ...TREE, "READ /a/x|": [[]] });
    const files = new Map<string, Uint8Array>();
    const call: Call = { argv: ["xenstore", "dump", "/file"], files, signal: controller.signal };
    const done = runOurs(call, new ScriptedStream(store));
    while (!store.log.some((one) => one.startsWith("READ /a/x"))) {
      await new Promise((next) => setImmediate(next));
    }
    controller.abort(new Error("interrupted"));
    await expect(done).rejects.toThrow("interrupted");
    expect(store.log.at(-1)).toBe("TRANSACTION_END F| tx 7");
    expect(files.size).toBe(0);
  });
});

/** `rules` less those that `others` has. */
const without = (rules: Rules, others: object): Rules =>
  Object.fromEntries(Object.entries(rules).filter(([name]) => !(name in others)));

const LOADED = [
  "TRANSACTION_START |",
  "WRITE /|",
  "SET_PERMS /|n0|",
  "WRITE /a|1",
  "SET_PERMS /a|n3|r0|",
  "GET_PERMS @releaseDomain|",
  "SET_PERMS @releaseDomain|n0|r32757|",
  "TRANSACTION_END T|",
];
const bare = (asked: readonly string[]) => asked.map((one) => one.replace(" tx 7", ""));

describe("restore", () => {
  it("writes values and permissions in one transaction", async () => {
    const { asked, err, exit } = await run(
      "xenstore restore /f",
      {},
      { files: file("/f", small()) },
    );
    expect({ err, exit }).toEqual({ err: "", exit: 0 });
    expect(bare(asked)).toEqual(LOADED);
  });
  it("leaves a special node alone that has its permissions", async () => {
    const rules = { "GET_PERMS @releaseDomain|": "n0|r32757|" };
    const { asked } = await run("xenstore restore /f", rules, { files: file("/f", small()) });
    expect(bare(asked)).toEqual(LOADED.filter((one) => !one.startsWith("SET_PERMS @")));
  });
  it("takes of another program's stream what is public, and no inert entry", async () => {
    const extra = encodeRecord({
      ...{ kind: "node", conn: 3, txId: 9, access: 2, path: "/secret" },
      value: Buffer.from("x"),
      perms: [{ access: "n", domid: 0, inert: false }],
    });
    const unknown = Uint8Array.of(9, 0, 0, 0, 3, 0, 0, 0, 1, 2, 3, 0, 0, 0, 0, 0);
    const bytes = stream(node("/"), unknown, extra, node("/a", "1", "n3", "r5!", "r0"));
    const { asked, err } = await run("xenstore restore /f", {}, { files: file("/f", bytes) });
    expect(bare(asked)).toEqual(LOADED.filter((one) => !one.includes("@")));
    expect(err).toBe(
      "xenstore: /f: records of unknown types left out: 1, the first of type 9 at offset 48\n",
    );
  });
  it("reads what the newest C daemon wrote", async () => {
    const { asked, exit } = await run(
      "xenstore-restore -",
      {},
      { files: file("-", exampleStream()) },
    );
    expect(exit).toBe(0);
    expect(asked.filter((one) => one.startsWith("WRITE")).map((one) => one.slice(6))).toEqual([
      "/| tx 7",
      "/tool| tx 7",
      "/tool/xenstored| tx 7",
      "/tool/v|hello tx 7",
    ]);
  });
  it("reads an export, and import reads a stream", async () => {
    const files = file("/json", EXPORT);
    const exported = await run("xenstore restore /json", {}, { files });
    const dumped = (await run("xenstore dump /stream", TREE)).files;
    const imported = await run("xenstore import /stream", {}, { files: dumped });
    expect(exported.asked.length).toBe(15);
    expect(imported.asked).toEqual(exported.asked);
  });
  it("reads a dump of oxenstored", async () => {
    const hex = (text: string) => Buffer.from(text, "latin1").toString("hex");
    const store = (path: string, perms: string, value: string) =>
      `store,${hex(path)},${hex(perms)},${hex(value)}\n`;
    const text = [
      "$xenstored-dump-format\nglobal,3\nevtchn-dev,5,1\ndom,0,0,1,2\n",
      store("/", "n0", ""),
      store("/a", "n3\0r0", "1"),
      store("/@releaseDomain", "n0,r32757", ""),
    ].join("");
    const { asked, exit } = await run("xenstore import", {}, { files: file("-", text) });
    expect(exit).toBe(0);
    expect(bare(asked)).toEqual(LOADED);
  });
  it("takes a part of the file", async () => {
    const files = file("/f", EXPORT);
    const { asked } = await run("xenstore restore -p /a /f", {}, { files });
    expect(asked.filter((one) => one.startsWith("WRITE")).map((one) => one.split("|")[0])).toEqual([
      "WRITE /a",
      "WRITE /a/x",
      "WRITE /a/y",
    ]);
    const none = await run("xenstore restore --prefix /none /f", {}, { files });
    expect(none).toMatchObject({
      exit: 1,
      err: "xenstore: /f has no node at or below /none; nothing was restored\n",
      asked: [],
    });
  });
  it("removes with --replace what the file does not have, below the part it has", async () => {
    const files = file("/f", stream(node("/a"), node("/a/x"), node("/a/x/y")));
    const rules = { "DIRECTORY /a|": "x|z|", "DIRECTORY /a/x|": "y|q|" };
    const { asked } = await run("xenstore restore --replace /f", rules, { files });
    const removed = bare(asked).filter((one) => one.startsWith("RM"));
    expect(removed).toEqual(["RM /a/z|", "RM /a/x/q|"]);
    expect(asked.at(-1)).toBe("TRANSACTION_END T| tx 7");
    const kept = await run("xenstore restore /f", rules, { files });
    expect(kept.asked.filter((one) => /^(RM|DIRECTORY)/.test(one))).toEqual([]);
  });
  it("says whose node can't be restored, or leaves it to domain 0 if told so", async () => {
    const files = file("/f", small());
    const rules = { "SET_PERMS /a|n3|": "!ENOENT" };
    const refused = await run("xenstore restore /f", rules, { files });
    expect(refused).toMatchObject({
      exit: 1,
      err:
        "xenstore: the owner of /a is a domain that doesn't exist; " +
        "--keep-orphans leaves it to domain 0; nothing was restored\n",
    });
    expect(refused.asked.at(-1)).toBe("TRANSACTION_END F| tx 7");
    const kept = await run("xenstore restore --keep-orphans /f", rules, { files });
    expect(kept.err).toBe("xenstore: nodes of domains that don't exist, given to domain 0: 1\n");
    expect(kept.asked).toContain("SET_PERMS /a|n0|r0| tx 7");
  });
  it.each([
    [
      "!EACCES",
      "/a may not be written: Permission denied; only the control domain may write everything",
    ],
    ["!ENOSPC", "no room for /a: No space left on device; see quotas and the daemon's storage"],
    ["!EIO", "/a could not be written: Input/output error"],
  ])("says what stands in the way of a write: %s", async (reply, text) => {
    const rules = { "WRITE /a|": reply };
    const { err, exit } = await run("xenstore restore /f", rules, { files: file("/f", small()) });
    expect(err).toBe(`xenstore: ${text}; nothing was restored\n`);
    expect(exit).toBe(1);
  });
  it("repeats a transaction that met others' changes", async () => {
    const rules = { "TRANSACTION_END T|": ["!EAGAIN", "OK|"] };
    const { asked, exit } = await run("xenstore restore /f", rules, { files: file("/f", small()) });
    expect(exit).toBe(0);
    expect(bare(asked)).toEqual([...LOADED, ...LOADED]);
  });
  it("divides a large file, and says how far it came when a later part fails", async () => {
    const all = Array.from({ length: 12_000 }, (_, i) => node(`/n${i}`));
    const files = file("/f", stream(node("/"), ...all));
    let looks = 0;
    const nowMs = () => (looks++) ** 3 * 20;
    const { asked } = await run("xenstore restore /f", {}, { files, nowMs });
    const starts = asked.filter((one) => one.startsWith("TRANSACTION_START"));
    expect(starts.length).toBe(2);
    expect(asked.filter((one) => one.startsWith("WRITE")).length).toBe(12_001);
    looks = 0;
    const rules = { "WRITE /n11999|": "!ENOSPC" };
    const { err } = await run("xenstore restore /f", rules, { files, nowMs });
    expect(err).toMatch(/; the first 10\d\d\d of 12001 nodes are restored, and it can be repeated/);
  });
});

describe("progress", () => {
  const many = stream(node("/"), ...Array.from({ length: 3000 }, (_, i) => node(`/n${i}`)));
  /** A clock on which each look takes so long. */
  const slow = (ms: number) => {
    let now = 0;
    return () => {
      now += ms;
      return now;
    };
  };
  it("is drawn on a terminal for what takes long, and taken away", async () => {
    const options = { files: file("/f", many), nowMs: slow(200), errColumns: 60 };
    const { err, exit } = await run("xenstore restore /f", {}, options);
    expect(exit).toBe(0);
    const drawn = err.split("\r").slice(1);
    expect(drawn.some((line) => /^xenstore: \[#*\.*\] +\d+ % [\d,]+ of 3,001 /.test(line))).toBe(
      true,
    );
    expect(drawn.every((line) => line.replace("\x1b[K", "").length < 60)).toBe(true);
    expect(err.endsWith("\r\x1b[K")).toBe(true);
  });
  it("counts without end where the end is not known", async () => {
    const half = `${Array.from({ length: 700 }, (_, i) => `n${i}`).join("|")}|`;
    const options = { nowMs: slow(200), errColumns: 200 };
    const { err } = await run("xenstore dump /f", { "DIRECTORY /|": half }, options);
    expect(err.replaceAll("\x1b", "^")).toMatch(/\rxenstore: \d+ nodes, \d+\/s\^\[K/);
    expect(err.endsWith("\r\x1b[K")).toBe(true);
  });
  it("is not drawn for what is done soon, nor where no terminal is", async () => {
    const files = file("/f", many);
    const quick = await run("xenstore restore /f", {}, { files, nowMs: slow(0), errColumns: 60 });
    const piped = await run("xenstore restore /f", {}, { files, nowMs: slow(200) });
    expect([quick.err, piped.err]).toEqual(["", ""]);
  });
});

describe("usage", () => {
  it.each([
    ["xenstore dump", "xenstore: Usage: xenstore dump [-h] [--prefix PATH] FILE\n"],
    ["xenstore-dump a b", "xenstore-dump: Usage: xenstore-dump [-h] [--prefix PATH] FILE\n"],
    [
      "xenstore export -h",
      "xenstore: Usage: xenstore export [-h] [--json] [--prefix PATH] [FILE]\n",
    ],
    ["xenstore dump --json a", "xenstore: Usage: xenstore dump [-h] [--prefix PATH] FILE\n"],
  ])("of %s is shown", async (line, text) => {
    const { err, exit } = await run(line);
    expect(err.endsWith(text)).toBe(true);
    expect(exit).toBe(1);
  });
});
