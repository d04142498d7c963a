// Watches: events at odd moments, watches that are refused, and connections made again.
// Holds   a store that answers by rules.
// Never   asks a real store.
// Source  the XenStore protocol, Watches; Clients, Device files; hosts/client/api.ts.

import { describe, expect, it } from "vitest";
import { event, HANG_UP, payload, type Rules, typeOf } from "../tools/scripted.ts";
import { failure, script } from "./script.ts";

const AGAIN = { reconnect: { attempts: 3, backoff: () => 1 } };

describe("events", () => {
  it("that come before the reply to the watch are its first", async () => {
    const reply = { type: typeOf.get("WATCH") as number, payload: payload("OK|") };
    const early = [event("/a|t|"), event("/a/b|t|"), reply];
    const { client } = await script({ WATCH: [early] });
    const watch = client.watch("/a", { token: "t" });
    expect((await watch.next()).value).toMatchObject({ path: "/a", initial: true });
    expect((await watch.next()).value).toMatchObject({ path: "/a/b", initial: false });
  });
  it("of a token that nobody has are thrown away", async () => {
    const { client, streams } = await script();
    const watch = client.watch("/a", { token: "t" });
    await watch.ready;
    streams[0].deliver(event("/a|other|"));
    streams[0].deliver(event("/a/last|t|"));
    await watch.next();
    expect((await watch.next()).value?.path).toBe("/a/last");
  });
  it("that were under way when the watch was removed are not handed out", async () => {
    const { client, streams } = await script();
    const watch = client.watch("/a", { token: "t" });
    await watch.next();
    streams[0].holding = true;
    streams[0].deliver(event("/a/late|t|"));
    const [removed, next] = [watch.return(), watch.next()];
    streams[0].release();
    await removed;
    expect(await next).toEqual({ done: true, value: undefined });
  });
});

describe("a watch", () => {
  it("that the store refuses rejects and is not removed", async () => {
    const { client, asked } = await script({ WATCH: "!ENOSPC" });
    const watch = client.watch("/a");
    const error = await failure(watch.ready);
    expect(error).toMatchObject({ code: "ENOSPC", op: "WATCH", path: "/a" });
    expect(await failure(watch.next())).toBe(error);
    await watch.return();
    expect(asked().length).toBe(1);
  });
  it("whose depth a kernel would drop is refused without asking", async () => {
    const { client, asked } = await script({ GET_FEATURE: "15|" }, {}, { passesDepth: false });
    const error = await failure(client.watch("/a", { depth: 1 }).ready);
    expect(error?.code).toBe("EOPNOTSUPP");
    expect(asked()).toEqual([]);
  });
  it("asks once what the store offers, however many there are with a depth", async () => {
    const { client, asked } = await script({ GET_FEATURE: "15|" });
    await Promise.all([0, 1, 2].map((depth) => client.watch("/a", { depth }).ready));
    const lines = asked();
    expect(lines.filter((line) => line.startsWith("GET_FEATURE")).length).toBe(1);
    expect(lines).toContain("WATCH /a|w3|2|");
  });
  it("that is removed before the store was asked is never set", async () => {
    const { client, asked } = await script({ GET_FEATURE: "15|" });
    const watch = client.watch("/a", { depth: 1 });
    const { ready } = watch;
    await watch.return();
    expect((await failure(ready))?.code).toBe("ECANCELED");
    await client.read("/b");
    expect(asked().filter((line) => /^(UN)?WATCH/.test(line))).toEqual([]);
  });
  it("gives its token back when the store has confirmed its removal", async () => {
    const { client, streams } = await script();
    const watch = client.watch("/a", { token: "t" });
    await watch.ready;
    streams[0].holding = true;
    const removed = watch.return();
    expect((await failure(client.watch("/b", { token: "t" }).ready))?.code).toBe("EEXIST");
    streams[0].release();
    await removed;
    await client.watch("/b", { token: "t" }).ready;
  });
});

describe("a new connection", () => {
  it("sets the watches again before what waits is sent", async () => {
    const { client, asked } = await script({ "READ /x": [HANG_UP, "1"] }, AGAIN);
    for (const path of ["/a", "/b"]) await client.watch(path).ready;
    asked();
    const [lost, waits] = [failure(client.read("/x")), client.read("/y")];
    expect(await lost).toMatchObject({ name: "ConnectionLostError", sent: true });
    await failure(waits);
    await client.read("/z");
    const lines = asked();
    expect(lines.indexOf("WATCH /a|w1|")).toBeLessThan(lines.indexOf("READ /z|"));
    expect(lines.filter((line) => line.startsWith("WATCH"))).toEqual([
      "WATCH /a|w1|",
      "WATCH /b|w2|",
    ]);
  });
  it("ends the one watch that is refused, with the refusal", async () => {
    const rules: Rules = { "WATCH /a": ["OK|", "!EACCES"], "READ /x": [HANG_UP, "1"] };
    const { client } = await script(rules, AGAIN);
    const [one, two] = [client.watch("/a"), client.watch("/b")];
    await Promise.all([one.next(), two.next()]);
    await failure(client.read("/x"));
    expect((await two.next()).value).toMatchObject({ path: "/b", initial: true, replayed: true });
    expect(await failure(one.next())).toMatchObject({ code: "EACCES", op: "WATCH", path: "/a" });
    expect(await one.next()).toEqual({ done: true, value: undefined });
  });
  it("sets a watch that was being set when the connection was lost", async () => {
    const { client } = await script({ WATCH: [HANG_UP, "OK|"] }, AGAIN);
    const watch = client.watch("/a");
    await watch.ready;
    expect(await watch.next()).toMatchObject({ value: { initial: true, replayed: false } });
  });
  it("refuses a depth that the new store does not offer", async () => {
    const rules: Rules = { GET_FEATURE: ["15|", "!ENOSYS"], "READ /x": [HANG_UP, "1"] };
    const { client } = await script(rules, AGAIN);
    const watch = client.watch("/a", { depth: 1 });
    await watch.next();
    await failure(client.read("/x"));
    expect((await failure(watch.next()))?.code).toBe("EOPNOTSUPP");
  });
  it("does not set a watch that was removed meanwhile", async () => {
    const { client, asked } = await script({ "READ /x": [HANG_UP, "1"] }, AGAIN);
    const watch = client.watch("/a");
    await watch.ready;
    await failure(client.read("/x"));
    await watch.return();
    asked();
    await client.read("/y");
    expect(asked()).toEqual(["READ /y|"]);
  });
  it("reads again for watchValues and waitFor what was lost on the way", async () => {
    const { client } = await script(
      { "READ /a": [HANG_UP, "1"], "READ /b": [HANG_UP, "2"] },
      AGAIN,
    );
    const values = client.watchValues("/a");
    expect((await values.next()).value).toMatchObject({ path: "/a", value: "1" });
    expect(await client.waitFor("/b", "2")).toBe("2");
  });
});

describe("waitFor", () => {
  it("asks to watch and to read at once, and removes its watch", async () => {
    const { client, asked } = await script({ READ: "4" });
    await client.waitFor("/a", "4");
    await client.read("/b");
    expect(asked()).toEqual(["WATCH /a|w1|", "READ /a|", "UNWATCH /a|w1|", "READ /b|"]);
  });
  it("ends when its watch is ended by close", async () => {
    const { client } = await script({ READ: "3" });
    const waiting = failure(client.waitFor("/a", "4"));
    await client.read("/b");
    await client.close();
    const error = await waiting;
    expect(["ECANCELED", "ECONNRESET"]).toContain(error?.code);
  });
  it.each(["timeout", "signal"])("removes its watch after a %s", async (how) => {
    const { client, asked } = await script({ READ: "3" });
    const options = how === "signal" ? { signal: AbortSignal.timeout(20) } : { timeout: 20 };
    expect(await failure(client.waitFor("/a", "4", options))).toBeInstanceOf(Error);
    await client.read("/b");
    expect(asked().slice(-2)).toEqual(["UNWATCH /a|w1|", "READ /b|"]);
  });
  it("does not try a value again that it has refused", async () => {
    const { client, streams } = await script({ READ: ["3", "3", "3", "4"] });
    const tried: unknown[] = [];
    let done = false;
    const waiting = client.waitFor("/a", (value) => tried.push(value) > 0 && value === "4");
    void waiting.then(() => {
      done = true;
    });
    for (let round = 0; round < 1000 && !done; round++) {
      streams[0].deliver(event("/a|w1|"));
      await client.mkdir("/b");
    }
    expect(await waiting).toBe("4");
    expect(tried).toEqual(["3", "4"]);
  });
  it("does not read for what happens below the node", async () => {
    const { client, streams, store } = await script({ READ: ["3", "3", "4"] });
    const waiting = client.waitFor("/a", "4");
    const reads = () => store.log.filter((line) => line.startsWith("READ")).length;
    for (let round = 0; round < 1000 && reads() < 2; round++) await client.mkdir("/b");
    streams[0].deliver(event("/a/below|w1|"));
    for (let round = 0; round < 9; round++) await client.mkdir("/b");
    expect(reads()).toBe(2);
    streams[0].deliver(event("/a|w1|"));
    expect(await waiting).toBe("4");
    expect(reads()).toBe(3);
  });
});
