// Session: a store with its history: operations, causes, changes, files, time.
// Holds   what is asked of the engine's middle, without page or worker.
// Never   sleeps.
// Source  our own; "The playground" in ARCHITECTURE.md.

import fs from "node:fs";
import { afterEach, describe, expect, it } from "vitest";
import { createStore } from "../../hosts/entry/node.ts";
import { readTrace, replay } from "../../hosts/entry/testing_node.ts";
import {
  bareBeginning,
  emptyBeginning,
  readBeginning,
} from "../../hosts/playground/engine/openings.ts";
import { Session } from "../../hosts/playground/engine/session.ts";
import { readSession } from "../../hosts/playground/engine/session_read.ts";
import { sessionText, travel } from "../../hosts/playground/engine/session_write.ts";
import { traceText } from "../../hosts/playground/engine/trace_export.ts";

const wasm = fs.readFileSync("build/xenstore.wasm");
const sink = { changed() {}, input() {}, change() {}, failed() {} };
const open: Session[] = [];

async function begin(beginning = emptyBeginning()): Promise<Session> {
  const session = await Session.open(beginning, wasm, sink);
  session.begin();
  open.push(session);
  return session;
}

afterEach(async () => {
  for (const session of open.splice(0)) await session.close();
});

async function story(): Promise<Session> {
  const session = await begin();
  const guest = await session.store.guest(7);
  const watch = session.page.watch("/local/domain/7/key");
  await watch.next();
  await guest.client.write("key", "1");
  await watch.next();
  await session.page.transaction(async (tx) => {
    await tx.write("/a/b", "x");
    await tx.setPerms("/a/b", "n0 r7");
  });
  await session.page.rm("/a");
  await session.page.rm("/nowhere/below").catch(() => {});
  await guest.destroy();
  return session;
}

describe("a session", () => {
  it("has operations with what came of them, and events with their causes", async () => {
    const session = await story();
    const { history, labels } = session;
    const all = [...history.operations.from(1)];
    const one = (type: string, path = "") =>
      all.find((done) => done.type === type && done.path.startsWith(path));
    expect(one("WRITE", "key")).toMatchObject({ conn: "D7", error: "", changes: 1, events: 1 });
    expect(one("WRITE", "key")?.heard[0]?.path).toBe("/local/domain/7/key");
    const [first] = one("WRITE", "key")?.heard ?? [];
    expect(history.records.get(first?.record ?? 0)?.record.kind).toBe("event");
    expect(one("WATCH")).toMatchObject({ events: 1, error: "" });
    expect(one("TRANSACTION_END")).toMatchObject({ detail: "commit", changes: 2 });
    expect(one("RM", "/a")).toMatchObject({ changes: 1, error: "" });
    expect(one("RM", "/nowhere")).toMatchObject({ changes: 0, error: "ENOENT" });
    expect(one("destroyed")?.changes).toBe(1);
    expect(labels.get(one("RM")?.conn ?? "")).toBe("this page");
    const { last } = history;
    await session.hidden.read("/tool");
    expect(history.last).toBe(last);
    for (const done of all) {
      if (done.type !== "destroyed")
        expect(history.records.get(done.reply)?.operation).toBe(done.n);
    }
  });

  it("knows who watches what, how deep, and how often it was told", async () => {
    const session = await begin();
    const all = session.page.watch("/w");
    const near = session.page.watch("/w", { depth: 1, token: "near" });
    await all.next();
    await near.next();
    await session.page.write("/w/a/b", "1");
    await all.next();
    const watches = session.history.watches();
    expect(watches.map(({ path, depth, events }) => [path, depth, events])).toEqual([
      ["/w", null, 2],
      ["/w", 1, 1],
    ]);
    await near.return();
    expect(session.history.watches()).toHaveLength(1);
  });

  it("puts each of many events to the write that made it", async () => {
    const session = await begin();
    const watch = session.page.watch("/w");
    await watch.next();
    const writer = await session.client("writer");
    const all = Array.from({ length: 100 }, (_, n) => writer.write(`/w/${n % 50}`, `${n}`));
    await Promise.all(all);
    // Equal events that wait are one, so each path is heard of once or twice.
    const writes = [...session.history.operations.from(1)].filter(({ type }) => type === "WRITE");
    expect(writes).toHaveLength(100);
    for (const { path, heard, changes } of writes) {
      expect(changes).toBeGreaterThan(0);
      for (const event of heard) expect(event.path).toBe(path);
    }
    const events = writes.reduce((sum, one) => sum + one.events, 0);
    const got = [...session.history.records.from(1)].filter(
      ({ record }) => record.kind === "event",
    );
    expect(events).toBe(got.length - 1);
    expect(events).toBeGreaterThanOrEqual(50);
  });

  it("goes to every moment, and comes back", async () => {
    const session = await story();
    const { history, mirror } = session;
    const real = await session.store.client.snapshot("/");
    const past = mirror.clone();
    travel(session, past, history.last, 0);
    expect(past.find("/local/domain/7")).toBeNull();
    expect(past.find("/local/domain/0/name")).not.toBeNull();
    const commit = [...history.operations.from(1)].find(({ detail }) => detail === "commit");
    travel(session, past, 0, commit?.n ?? 0);
    expect(new TextDecoder().decode(past.find("/a/b")?.value)).toBe("x");
    expect(past.find("/a/b")?.perms).toBe("n0 r7");
    travel(session, past, commit?.n ?? 0, history.last);
    expect([...past.walk()].length).toBe(mirror.count);
    expect(real.children?.a).toBeUndefined();
  });

  it("comes back from its file as it was, with its history", async () => {
    const before = await story();
    const file = [...sessionText(before)].join("");
    const read = readSession(file);
    expect(read.problems).toEqual([]);
    const after = await begin(readBeginning(read, null));
    expect(await after.store.hash()).toBe(await before.store.hash());
    expect(after.mirror.count).toBe(before.mirror.count);
    expect(after.history.last).toBe(before.history.last);
    const plain = (session: Session) =>
      [...session.history.operations.from(1)].map((done) => done.plain());
    expect(plain(after)).toEqual(plain(before));
    expect([...sessionText(after)].join("")).toBe(file);
    // What follows does not take names that were there.
    await after.page.write("/more", "1");
    const last = after.history.operation(after.history.last);
    expect(plain(before).some(({ conn }) => conn === last?.conn)).toBe(false);
  });

  it("is written up to a moment, and goes on from there", async () => {
    const before = await story();
    const commit = [...before.history.operations.from(1)].find(({ detail }) => detail === "commit");
    const text = [...sessionText(before, { to: commit?.n ?? 0 })].join("");
    const after = await begin(readBeginning(readSession(text), null));
    expect(after.history.last).toBe(commit?.n);
    expect(await after.store.client.read("/a/b")).toBe("x");
    expect(after.startDomains).toMatchObject([{ domid: 7, introduced: true, state: "running" }]);
    const tree = [...sessionText(before, { to: commit?.n ?? 0, treeOnly: true })].join("");
    const bare = await begin(readBeginning(readSession(tree), null));
    expect(await bare.store.hash()).toBe(await after.store.hash());
    expect(bare.history.last).toBe(bare.history.first);
  });

  it("takes what comes before a damaged line, and names that", async () => {
    const file = [...sessionText(await story())].join("");
    const lines = file.split("\n");
    const half = lines.slice(0, 10).join("\n").slice(0, -5);
    const read = readSession(half);
    expect(read.inputs).toHaveLength(8);
    expect(read.problems).toMatchObject([{ line: 10, why: "is not whole" }]);
    expect(() => readSession("{")).toThrow(/first line/);
    expect(() => readSession('{"xenstore-playground":99}')).toThrow(/newer playground/);
    const evil = { "xenstore-playground": 1, tree: ["", "n0", { "a/b": ["", "n0"] }] };
    expect(() => readSession(JSON.stringify(evil))).toThrow(/tree makes no sense at \/a\/b/);
    for (const line of ["7", "[]", '["q",1]', '["c",1,"create","x","",""]', '["z",1,"S1"]']) {
      const bad = readSession(`${lines[0]}\n${line}`);
      expect(bad.problems, line).toHaveLength(1);
    }
  });

  it("that plays a trace has its names and times, and goes on behind them", async () => {
    const text = [
      '1000 S7 > WATCH req=1 tx=0 "/a\\0t\\0"',
      '1000 S7 < WATCH req=1 tx=0 "OK\\0"',
      '1000 S7 < WATCH_EVENT req=0 tx=0 "/a\\0t\\0"',
      '2500.5 D3 > WRITE req=1 tx=0 "key\\0value"',
      '2500.5 D3 < WRITE req=1 tx=0 "OK\\0"',
      '4000 S7 > WRITE req=2 tx=0 "/a\\0b"',
      '4000 S7 < WATCH_EVENT req=0 tx=0 "/a\\0t\\0"',
      '4000 S7 < WRITE req=2 tx=0 "OK\\0"',
    ];
    const session = await begin(bareBeginning("A trace"));
    const trace = readTrace(text.join("\n"));
    session.retell(trace);
    await replay(session.store, trace);
    session.retell(null);
    const written = [...session.history.operations.from(1)].filter(({ type }) => type === "WRITE");
    expect(written.map(({ conn, ms }) => [conn, ms])).toEqual([
      ["D3", 2500.5],
      ["S7", 4000],
    ]);
    expect(written[1]?.events).toBe(1);
    await session.page.write("/later", "1");
    const later = session.history.operation(session.history.last);
    expect(later?.ms).toBeGreaterThanOrEqual(4000);
    expect(later?.conn).not.toBe("S7");
  });

  it("is exported with the permissions of special nodes that it began with", async () => {
    const before = await story();
    await before.page.setPerms("@releaseDomain", "n0 r7");
    const text = [...sessionText(before, { treeOnly: true })].join("");
    const after = await begin(readBeginning(readSession(text), null));
    expect(traceText(after)).toContain('SET_PERMS req=1 tx=0 "@releaseDomain\\0n0\\0r7\\0"');
  });

  it("is exported as a trace that plays again without a difference", async () => {
    const trace = readTrace(traceText(await story()));
    const store = await createStore();
    const { differences, requests } = await replay(store, trace);
    expect(differences).toEqual([]);
    expect(requests).toBeGreaterThan(10);
    await store.close();
  });
});
