// Client: requests, replies, events and transactions over a stream in memory.
// Holds   what the client promises whatever the store answers.
// Never   opens a socket.
// Source  the XenStore protocol; Clients, Behaviour.

import { describe, expect, it } from "vitest";
import { Client } from "../../hosts/shared/client.ts";
import type { XenstoreError } from "../../hosts/shared/errors.ts";
import {
  event,
  HANG_UP,
  payload,
  type Rules,
  ScriptedStore,
  ScriptedStream,
  typeOf,
} from "./scripted.ts";

function connect(rules: Rules = {}) {
  const store = new ScriptedStore(rules);
  const stream = new ScriptedStream(store);
  return { client: new Client(stream), store, stream };
}

const text = (bytes: Uint8Array) => Buffer.from(bytes).toString("latin1");
const failure = (request: Promise<unknown>) =>
  request.then(
    () => null,
    (error: XenstoreError) => ({ code: error.code, op: error.op, path: error.path }),
  );

describe("requests", () => {
  it("replies are matched by their id, whatever their order", async () => {
    const { client, stream } = connect({ "READ /a": "1", "READ /b": "2", "READ /c": "!ENOENT" });
    stream.holding = true;
    const all = Promise.allSettled([client.read("/a"), client.read("/b"), client.read("/c")]);
    await Promise.resolve();
    stream.release(true);
    const [a, b, c] = await all;
    expect(a.status === "fulfilled" && text(a.value)).toBe("1");
    expect(b.status === "fulfilled" && text(b.value)).toBe("2");
    expect(c.status).toBe("rejected");
  });
  it.each([1, 2, 7, 17])("messages that come in pieces of %d bytes are put together", async (n) => {
    const { client, stream } = connect({ "READ /a": "value", "READ /b": "" });
    stream.chunk = n;
    const values = await Promise.all([client.read("/a"), client.read("/b"), client.read("/a")]);
    expect(values.map(text)).toEqual(["value", "", "value"]);
  });
  it("thousands of requests at once are all answered, in the order they were made", async () => {
    const { client, store } = connect();
    const paths = Array.from({ length: 3000 }, (_, i) => `/n${i}`);
    await Promise.all(paths.map((path) => client.read(path)));
    expect(store.log).toEqual(paths.map((path) => `READ ${path}|`));
  });
  it("a request that is too long is refused and not sent", async () => {
    const { client, store } = connect();
    expect(await failure(client.write("/a", "x".repeat(4094)))).toEqual({
      code: "E2BIG",
      op: "WRITE",
      path: "/a",
    });
    await client.write("/a", "x".repeat(4093));
    expect(store.log.length).toBe(1);
  });
  it("an error names the operation and the path", async () => {
    const { client } = connect({ GET_PERMS: "!EACCES" });
    const expected = { code: "EACCES", op: "GET_PERMS", path: "/a" };
    expect(await failure(client.getPerms("/a"))).toEqual(expected);
  });
  it("an error name that the protocol doesn't have counts as EINVAL", async () => {
    const { client } = connect({ READ: "!EQUOTA" });
    expect((await failure(client.read("/a")))?.code).toBe("EINVAL");
  });
  it("a reply of another type ends the connection", async () => {
    const { client, stream } = connect({ READ: [[{ type: typeOf.get("WRITE") as number }]] });
    expect((await failure(client.read("/a")))?.code).toBe("EBADF");
    expect((await failure(client.read("/a")))?.code).toBe("EBADF");
    expect(stream.closed).toBe(true);
  });
  it("a reply nobody asked for ends the connection", async () => {
    const { client, stream } = connect({ READ: [[{ reqId: 4711 }]] });
    expect((await failure(client.read("/a")))?.code).toBe("EBADF");
    expect(stream.closed).toBe(true);
  });
  it("a message above 4096 bytes ends the connection", async () => {
    const { client } = connect({ READ: "v".repeat(4097) });
    expect((await failure(client.read("/a")))?.code).toBe("EPROTO");
  });
  it("all that waits fails when the store hangs up", async () => {
    const { client } = connect({ "READ /b": HANG_UP });
    const event = failure(client.nextEvent());
    const codes = await Promise.all(["/b", "/c"].map((path) => failure(client.read(path))));
    expect(codes[0]?.code).toBe("EBADF");
    expect((await event)?.code).toBe("EBADF");
    expect((await failure(client.read("/d")))?.code).toBe("EBADF");
  });
});

describe("directories", () => {
  const parts = (first: string | string[], second: string) => ({
    "DIRECTORY /a|": "!E2BIG",
    "DIRECTORY_PART /a|0|": first,
    "DIRECTORY_PART /a|4|": second,
  });
  it("a long one is collected from parts", async () => {
    const { client } = connect(parts("5|b|c|", "5|d||"));
    expect(await client.directory("/a")).toEqual(["b", "c", "d"]);
  });
  it("one that ends exactly with a part is complete", async () => {
    const { client } = connect(parts("5|b|c|", "5||"));
    expect(await client.directory("/a")).toEqual(["b", "c"]);
  });
  it("one that changes between parts is read anew", async () => {
    const { client } = connect(parts(["5|b|c|", "6|x||"], "6|d||"));
    expect(await client.directory("/a")).toEqual(["x"]);
  });
  it("a store without parts can't tell a long one", async () => {
    const { client } = connect({ DIRECTORY: "!E2BIG", DIRECTORY_PART: "!ENOSYS" });
    expect((await failure(client.directory("/a")))?.code).toBe("E2BIG");
  });
});

describe("transactions", () => {
  it("what the body asks carries the transaction's id, and is committed", async () => {
    const { client, store } = connect();
    await client.transaction(async (tx) => {
      await tx.read("/a");
      await tx.write("/b", "1");
    });
    expect(store.log).toEqual([
      "TRANSACTION_START |",
      "READ /a| tx 7",
      "WRITE /b|1 tx 7",
      "TRANSACTION_END T| tx 7",
    ]);
  });
  it("the body is repeated as long as there are conflicts", async () => {
    const ends = [...Array<string>(9).fill("!EAGAIN"), "OK|"];
    const { client } = connect({ TRANSACTION_END: ends });
    let runs = 0;
    expect(await client.transaction(async () => ++runs)).toBe(10);
  });
  it("attempts can be limited", async () => {
    const { client } = connect({ TRANSACTION_END: "!EAGAIN" });
    let runs = 0;
    const done = client.transaction(async () => ++runs, { attempts: 3 });
    expect((await failure(done))?.code).toBe("EAGAIN");
    expect(runs).toBe(3);
  });
  it("a body that fails gives the transaction up", async () => {
    const { client, store } = connect({ READ: "!ENOENT" });
    expect(await failure(client.transaction((tx) => tx.read("/a")))).toMatchObject({ op: "READ" });
    expect(store.log.at(-1)).toBe("TRANSACTION_END F| tx 7");
  });
});

describe("watches", () => {
  it("events come in order, before and after the reply", async () => {
    const reply = { type: typeOf.get("WATCH") as number, payload: payload("OK|") };
    const { client } = connect({ WATCH: [[event("/x|t|"), reply, event("/a|t|")]] });
    await client.watch("/a", "t");
    expect(await client.nextEvent()).toEqual({ path: "/x", token: "t" });
    expect(await client.nextEvent()).toEqual({ path: "/a", token: "t" });
  });
  it("an event without two strings is dropped", async () => {
    const { client, stream } = connect();
    stream.deliver(event("junk"));
    stream.deliver(event("/a|"));
    stream.deliver(event("/b||"));
    expect(await client.nextEvent()).toEqual({ path: "/b", token: "" });
  });
  it("a depth is sent to a store that offers it", async () => {
    const { client, store } = connect({ GET_FEATURE: "15|" });
    await client.watch("/a", "t", 2);
    expect(store.log).toEqual(["GET_FEATURE ", "WATCH /a|t|2|"]);
  });
  it.each(["0|", "!ENOSYS", "!EINVAL"])("a depth is refused where features are %s", async (has) => {
    const { client, store } = connect({ GET_FEATURE: has });
    expect((await failure(client.watch("/a", "t", 2)))?.code).toBe("EOPNOTSUPP");
    expect(store.log).toEqual(["GET_FEATURE "]);
  });
  it("a depth is refused where the kernel serves watches", async () => {
    const { client, store, stream } = connect({ GET_FEATURE: "15|" });
    stream.passesDepth = false;
    expect((await failure(client.watch("/a", "t", 0)))?.code).toBe("EOPNOTSUPP");
    expect(store.log).toEqual([]);
  });
  it("the stream holds back while too many events wait, and goes on when they are taken", async () => {
    const { client, stream } = connect();
    for (let i = 0; i < 5000; i++) stream.deliver(event(`/n${i}|t|`));
    await new Promise((done) => setImmediate(done));
    expect(stream.paused).toBe(true);
    for (let i = 0; i < 5000; i++) expect((await client.nextEvent()).path).toBe(`/n${i}`);
    expect(stream.paused).toBe(false);
  });
  it("a request is answered although many events wait", async () => {
    const { client, stream } = connect({ READ: "v" });
    for (let i = 0; i < 5000; i++) stream.deliver(event(`/n${i}|t|`));
    await new Promise((done) => setImmediate(done));
    const value = client.read("/a");
    expect(stream.paused).toBe(false);
    expect(text(await value)).toBe("v");
    expect(stream.paused).toBe(true);
  });
  it("a client that never takes its events is given up at a bound", async () => {
    const { client, stream } = connect({ READ: HANG_UP });
    for (let i = 0; i < 70_000; i++) stream.deliver(event(`/n${i}|t|`));
    expect((await failure(client.read("/a")))?.code).toBe("ENOBUFS");
    expect(stream.closed).toBe(true);
  });
});

describe("permissions", () => {
  it("a list is taken apart and put together", async () => {
    const { client, store } = connect({ GET_PERMS: "n0|r3|b12|" });
    const perms = await client.getPerms("/a");
    expect(perms.map((perm) => perm.domid)).toEqual([0, 3, 12]);
    await client.setPerms("/a", perms);
    expect(store.log.at(-1)).toBe("SET_PERMS /a|n0|r3|b12|");
  });
  it("a letter that is none is an error", async () => {
    const { client } = connect({ GET_PERMS: "n0|x3|" });
    expect((await failure(client.getPerms("/a")))?.code).toBe("EINVAL");
  });
});

describe("control", () => {
  it("the words are sent as strings, and the text comes without its NUL", async () => {
    const { client, store } = connect({ CONTROL: "line\nline|" });
    expect(text(await client.control("quota", "0"))).toBe("line\nline");
    expect(store.log).toEqual(["CONTROL quota|0|"]);
  });
});
