// Trace: what is recorded of a store, as text, played again, and played in a store's place.
// Holds   nothing.
// Never   looks below the interface.
// Source  our own.

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { Client } from "../../hosts/client/api.ts";
import { ManualClock } from "../../hosts/embed/clock.ts";
import type { TraceRecord } from "../../hosts/embed/trace.ts";
import { playTrace } from "../../hosts/testing/playback.ts";
import { replay } from "../../hosts/testing/replay.ts";
import { formatTrace, readTrace } from "../../hosts/testing/trace_text.ts";
import { runOperations } from "../client/operations.ts";
import { open, openTest } from "../embed/open.ts";

/** Traffic of some kinds: watches, transactions, a guest that reboots, errors. */
async function traffic(store: Awaited<ReturnType<typeof openTest>>): Promise<void> {
  const { client } = store;
  const watch = client.watch("/a", { token: "t" });
  await watch.next();
  await client.write("/a/b", Uint8Array.of(0, 1, 34, 92, 200));
  await watch.next();
  await client.transaction(async (tx) => {
    await tx.write("/a/c", String(await tx.list("/a")));
  });
  await watch.next();
  await client.read("/nothing").catch(() => {});
  const guest = await store.guest(7);
  await Promise.all([1, 2, 3, 4].map((n) => guest.client.write(`n${n}`, "x")));
  const again = await guest.reboot();
  await again.client.write("n", "x");
  await (await store.asDomain(7)).list("/local/domain/7");
  await watch.return();
  await again.destroy();
}

describe("a trace", () => {
  it("has each message in and out, with its connection and its time", async () => {
    const records: TraceRecord[] = [];
    const clock = new ManualClock(50);
    const store = await open({ clock, trace: (record) => records.push(record) });
    await store.client.write("/a", "1");
    clock.advance(25);
    const watch = store.client.watch("/a", { token: "tok" });
    await watch.next();
    await (await store.asDomain(7)).close();
    const guest = await store.guest(8);
    await guest.client.read("x", { default: "" });
    await guest.shutdown();
    const lines = formatTrace(records).trimEnd().split("\n");
    const own = lines.filter((line) => !/ S0 /.test(line));
    expect(own.map((line) => line.replace(/req=\d+/, "req=N"))).toEqual([
      "50 S1 ! open",
      '50 S1 > WRITE req=N tx=0 "/a\\01"',
      '50 S1 < WRITE req=N tx=0 "OK\\0"',
      '75 S1 > WATCH req=N tx=0 "/a\\0tok\\0"',
      '75 S1 < WATCH req=N tx=0 "OK\\0"',
      '75 S1 < WATCH_EVENT req=N tx=0 "/a\\0tok\\0"',
      "75 D7.1 ! open",
      "75 D7.1 ! close by the client",
      "75 D8 ! open",
      '75 D8 > READ req=N tx=0 "x\\0"',
      '75 D8 < ERROR req=N tx=0 "ENOENT\\0"',
      "75 D8 ! shutdown",
    ]);
    // What the store did for its caller is there as well.
    expect(lines.some((line) => line.includes('S0 > INTRODUCE req=1 tx=0 "7'))).toBe(true);
  });

  it("can be read again as it was written", async () => {
    const store = await openTest();
    await traffic(store);
    const records = store.recorded().map((one) => ({ ...one, ms: Number(one.ms.toFixed(3)) }));
    expect(records.length).toBeGreaterThan(40);
    expect(readTrace(store.trace())).toEqual(records);
  });

  it("names the line that is none", () => {
    expect(() => readTrace('1 S1 ! open\n\n# note\n2 S1 > REED req=0 tx=0 ""')).toThrow(/line 4/);
  });

  it("of every byte is the same again", () => {
    const payload = Uint8Array.from({ length: 256 }, (_, byte) => byte);
    const record = { kind: "request", ms: 1.5, conn: "S1", type: 99, reqId: 7, txId: 3, payload };
    const [read] = readTrace(formatTrace([record as TraceRecord]));
    expect(read).toEqual(record);
  });

  it("is not kept if nobody wants it", async () => {
    const store = await openTest();
    const silent = await openTest({ record: false } as object);
    await store.client.read("/");
    await silent.client.read("/");
    expect(store.recorded().length).toBeGreaterThan(0);
    expect(silent.recorded()).toEqual([]);
  });
});

describe("a trace that is played again", () => {
  it("gets the same answers from a store that begins alike", async () => {
    const first = await openTest({ seed: 1 });
    await traffic(first);
    const played = await replay(await open(), readTrace(first.trace()));
    expect(played.differences).toEqual([]);
    expect(played.requests).toBeGreaterThan(15);
    expect(played.events).toBeGreaterThan(2);
  });

  it("gets the same answers to many requests at once", async () => {
    const first = await openTest();
    await runOperations(first, 1500, 21);
    const second = await open();
    const played = await replay(second, first.recorded());
    expect(played.differences).toEqual([]);
    expect(await second.hash()).toBe(await first.hash());
  });

  it("tells what differs, line by line", async () => {
    const first = await openTest();
    await first.client.write("/a", "1");
    await first.client.read("/a");
    await first.client.read("/b").catch(() => {});
    const text = first.trace().replace("/a\\01", "/a\\02").replace("ENOENT", "EACCES");
    const { differences } = await replay(await open(), readTrace(text));
    expect(differences.map(({ recorded, got }) => [recorded, got].map(bare))).toEqual([
      ['READ "1"', 'READ "2"'],
      ['ERROR "EACCES\\0"', 'ERROR "ENOENT\\0"'],
    ]);
  });

  it("may be one of a real host's kind", async () => {
    const text = readFileSync(new URL("../differential/traces/guest.txt", import.meta.url), "utf8");
    const trace = readTrace(text);
    const played = await replay(await open(), trace);
    expect(played.requests).toBe(trace.filter(({ kind }) => kind === "request").length);
    expect(played.differences).toEqual([]);
  });
});

describe("a trace of a real host that is played again", () => {
  /** A trace from its lines, without times. */
  const traceOf = (lines: string) =>
    readTrace(lines.trimEnd().replace(/^ *(\S)/gm, (_all, first, at) => `${at} ${first}`));
  const play = async (lines: string) => replay(await open(), traceOf(lines));
  const WATCHED = `S1 > WATCH req=1 tx=0 "@releaseDomain\\0t\\0"
    S1 < WATCH req=1 tx=0 "OK\\0"
    S1 < WATCH_EVENT req=0 tx=0 "@releaseDomain\\0t\\0"
    S1 > INTRODUCE req=2 tx=0 "7\\01\\03\\0"
    S1 < INTRODUCE req=2 tx=0 "OK\\0"
  `;
  const RELEASED = `S1 < WATCH_EVENT req=0 tx=0 "@releaseDomain\\0t\\0"
  `;

  it("has its domains shut down where only an event tells of it", async () => {
    const both = await play(`${WATCHED}${RELEASED}D7 ! close\n${RELEASED}`);
    expect(both).toMatchObject({ differences: [], shutdowns: 1, events: 3 });
    const one = await play(`${WATCHED}D7 ! close\n${RELEASED}`);
    expect(one).toMatchObject({ differences: [], shutdowns: 0, events: 2 });
    const told = await play(`${WATCHED}D7 ! shutdown\n${RELEASED}D7 ! destroyed\n${RELEASED}`);
    expect(told).toMatchObject({ differences: [], shutdowns: 0, events: 3 });
    const named = await play(`${WATCHED}S1 > RELEASE req=3 tx=0 "7\\0"
      S1 < RELEASE req=3 tx=0 "OK\\0"
      ${RELEASED}`);
    expect(named).toMatchObject({ differences: [], shutdowns: 0 });
  });

  it("may have made one of two events alike, if the first had not left", async () => {
    const lines = (before: string, behind: string) => `S1 > WATCH req=1 tx=0 "/a\\0t\\0"
      ${before}S2 > WRITE req=1 tx=0 "/a\\01"
      S2 < WRITE req=1 tx=0 "OK\\0"
      ${behind}S1 > READ req=2 tx=0 "/a\\0"
      S1 < READ req=2 tx=0 "1"
    `;
    const heard = `S1 < WATCH req=1 tx=0 "OK\\0"
      S1 < WATCH_EVENT req=0 tx=0 "/a\\0t\\0"
      `;
    expect(await play(lines("", heard))).toMatchObject({ differences: [], merged: 1 });
    const lost = await play(lines(heard, ""));
    expect(lost).toMatchObject({ merged: 0, differences: [{ conn: "S1", recorded: null }] });
  });

  it("may end anywhere, also before a reply, and its connections may not have read all", async () => {
    const cut = await play('S1 > WRITE req=1 tx=0 "/a\\01"');
    expect(cut).toMatchObject({ requests: 1, replies: 0, unread: 1, differences: [] });
    const gone = await play(`S1 > WATCH req=1 tx=0 "/a\\0t\\0"
      S1 < WATCH req=1 tx=0 "OK\\0"
      S1 ! close
      S2 > READ req=1 tx=0 "/b\\0"
      S2 < ERROR req=1 tx=0 "ENOENT\\0"`);
    expect(gone).toMatchObject({ unread: 1, differences: [] });
  });

  it("may begin with what the host did itself", async () => {
    const store = await open();
    const played = await replay(
      store,
      traceOf(`S0 > WRITE req=1 tx=0 "/local/domain/7\\0"
        S0 < WRITE req=1 tx=0 "OK\\0"
        S0 > SET_PERMS req=2 tx=0 "/local/domain/7\\0n7\\0"
        S0 < SET_PERMS req=2 tx=0 "OK\\0"
        S0 > INTRODUCE req=3 tx=0 "7\\01\\01\\0"
        S0 < INTRODUCE req=3 tx=0 "OK\\0"
        D7 ! open
        D7 > WRITE req=1 tx=0 "data\\01"
        D7 < WRITE req=1 tx=0 "OK\\0"
        D7.1 > READ req=1 tx=0 "data\\0"
        D7.1 < READ req=1 tx=0 "1"
        R1 > WRITE req=1 tx=0 "/x\\01"
        R1 < ERROR req=1 tx=0 "EROFS\\0"`),
    );
    expect(played).toMatchObject({ requests: 6, replies: 6, differences: [], shutdowns: 0 });
    expect(await store.client.read("/local/domain/7/data")).toBe("1");
  });

  it("of a store with guests in it, from its first record on", async () => {
    const first = await openTest({ tree: '/vm = ""  (n0)' });
    await (await first.asDomain(7, { home: "xl" })).write("data/a", "1");
    const [request] = first.recorded().filter(({ kind }) => kind === "request");
    expect(request).toMatchObject({ conn: "S0" });
    const played = await replay(await open(), readTrace(first.trace()));
    expect(played.differences).toEqual([]);
  });
});

describe("a trace in a store's place", () => {
  async function program(client: Client): Promise<string[]> {
    const seen: string[] = [];
    const watch = client.watch("/vm");
    await watch.next();
    const uuid = await client.transaction(async (tx) => {
      await tx.write("/vm/name", "g1");
      return tx.read("/vm/uuid");
    });
    seen.push(uuid, ...(await client.list("/vm")));
    seen.push((await watch.next()).value.path);
    await client.read("/vm/none").catch((error) => seen.push(error.code));
    return seen;
  }

  async function record(): Promise<{ trace: string; seen: string[] }> {
    const store = await openTest({ tree: '/vm = ""  (n0)\n/vm/uuid = "12-34"  (n0)' });
    const seen = await program(store.client);
    return { trace: store.trace(), seen };
  }

  it("gives a program the answers that it got from a store", async () => {
    const { trace, seen } = await record();
    const played = await playTrace(readTrace(trace));
    expect(await program(played.client)).toEqual(seen);
    expect(played.unused().filter((line) => !line.includes("UNWATCH"))).toEqual([]);
    // Reads may be repeated.
    expect(await played.client.list("/vm")).toEqual(["uuid", "name"]);
    await played.client.close();
  });

  it("ends with what was not recorded, by name", async () => {
    const { trace } = await record();
    const { client, unused } = await playTrace(readTrace(trace));
    await expect(client.write("/vm/name", "other")).rejects.toThrow(/WRITE .*\/vm\/name\\0other/);
    expect(unused().join("\n")).toMatch(/WRITE .*\/vm\/name\\0g1/);
    await expect(playTrace([])).rejects.toThrow(/no request/);
  });
});

const bare = (line: string | null) => line?.replace(/^\S+ \S+ < (\S+) \S+ \S+ /, "$1 ") ?? null;
