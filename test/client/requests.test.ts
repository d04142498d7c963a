// Requests: what a client asks of a store, and what it makes of answers that few stores give.
// Holds   a store that answers by rules.
// Never   asks a real store.
// Source  the XenStore protocol, Operations; Clients.

import { describe, expect, it, vi } from "vitest";
import type { Connection } from "../../hosts/client/connection.ts";
import { listParts } from "../../hosts/client/parts.ts";
import { HANG_UP } from "../tools/scripted.ts";
import { failure, script } from "./script.ts";

describe("directories in parts", () => {
  const parts = (first: string | string[], second: string | string[]) => ({
    "DIRECTORY /a|": "!E2BIG",
    "DIRECTORY_PART /a|0|": first,
    "DIRECTORY_PART /a|4|": second,
  });

  it("are put together", async () => {
    const { client } = await script(parts("5|b|c|", "5|d||"));
    expect(await client.list("/a")).toEqual(["b", "c", "d"]);
  });
  it("are complete when one ends just with the list", async () => {
    const { client } = await script(parts("5|b|c|", "5||"));
    expect(await client.list("/a")).toEqual(["b", "c"]);
  });
  it("are read anew when the directory changes between them", async () => {
    const { client, asked } = await script(parts(["5|b|c|", "6|x||"], "6|d||"));
    expect(await client.list("/a")).toEqual(["x"]);
    expect(asked().length).toBe(4);
  });
  it("are read within a transaction when the directory changes again and again", async () => {
    const rules = {
      TRANSACTION_START: "9|",
      ...parts("5|b|c|", [...Array(8).fill("6|d||"), "5||"]),
    };
    const { client, asked } = await script(rules);
    expect(await client.list("/a")).toEqual(["b", "c"]);
    expect(asked().slice(-4)).toEqual([
      "TRANSACTION_START |",
      "DIRECTORY_PART /a|0| tx 9",
      "DIRECTORY_PART /a|4| tx 9",
      "TRANSACTION_END F| tx 9",
    ]);
  });
  it("that never stand still are given up with EAGAIN", async () => {
    const { client } = await script(parts("5|b|c|", "6|d||"));
    expect((await failure(client.list("/a")))?.code).toBe("EAGAIN");
  });
  it.each(["!ENOSYS", "!EINVAL"])("are beyond a store that answers %s", async (answer) => {
    const { client } = await script({ "DIRECTORY /": "!E2BIG", DIRECTORY_PART: answer });
    expect(await failure(client.list("/a"))).toMatchObject({ code: "E2BIG", op: "DIRECTORY" });
  });
  it("without a name and without an end are no answer", async () => {
    const { client } = await script({ "DIRECTORY /": "!E2BIG", DIRECTORY_PART: "5|" });
    expect((await failure(client.list("/a")))?.code).toBe("EPROTO");
  });
});

describe("one moment", () => {
  it("stat asks for everything at once within a transaction that changes nothing", async () => {
    const { client, asked } = await script({ GET_PERMS: "n3|r4|" });
    expect(await client.stat("/a")).toMatchObject({ owner: 3, children: [] });
    expect(asked()).toEqual([
      "TRANSACTION_START |",
      "READ /a| tx 7",
      "DIRECTORY /a| tx 7",
      "GET_PERMS /a| tx 7",
      "TRANSACTION_END F| tx 7",
    ]);
  });
  it("calls that need a transaction take turns, so that a guest's limit is not met", async () => {
    const { client, store } = await script();
    let most = 0;
    const open = () => {
      const count = (start: string) => store.log.filter((line) => line.startsWith(start)).length;
      most = Math.max(most, count("TRANSACTION_START") - count("TRANSACTION_END"));
    };
    const calls = Array.from({ length: 30 }, (_, at) =>
      (at % 2 ? client.stat("/a") : client.snapshot("/a")).then(open),
    );
    await Promise.all(calls);
    expect(store.log.filter((line) => line.startsWith("TRANSACTION_START")).length).toBe(30);
    expect(most).toBeLessThanOrEqual(4);
  });
  it("a directory without an end is given up", async () => {
    const part = { generation: "5", names: ["n"], size: 4000, last: false };
    const endless = { ask: async () => part } as unknown as Connection;
    expect((await failure(listParts(endless, "/a", undefined)))?.code).toBe("EPROTO");
  });
  it("a snapshot begins anew when something has changed meanwhile", async () => {
    const { client, asked } = await script({ TRANSACTION_END: ["!EAGAIN", "OK|"] });
    await client.snapshot("/a", { perms: false });
    expect(asked().filter((line) => line.startsWith("READ /a")).length).toBe(2);
  });
  it("a snapshot of what is missing gives its transaction up", async () => {
    const { client, asked } = await script({ READ: "!ENOENT", DIRECTORY: "!ENOENT" });
    expect((await failure(client.snapshot("/a")))?.code).toBe("ENOENT");
    expect(asked().at(-1)).toBe("TRANSACTION_END F| tx 7");
  });
  it("apply makes parents before children, and its changes in one transaction", async () => {
    const { client, asked } = await script();
    await client.apply("/a", { value: "1", children: { b: { perms: "n0,r3" } } });
    expect(asked()).toEqual([
      "TRANSACTION_START |",
      "WRITE /a|1 tx 7",
      "MKDIR /a/b| tx 7",
      "SET_PERMS /a/b|n0|r3| tx 7",
      "TRANSACTION_END T| tx 7",
    ]);
  });
});

describe("walk", () => {
  it("is never further ahead than it was told", async () => {
    const names = Array.from({ length: 20 }, (_, at) => `n${at}|`).join("");
    const { client, store } = await script({ "DIRECTORY /a|": names });
    const seen: number[] = [];
    for await (const node of client.walk("/a", { ahead: 5 })) {
      const asked = store.log.filter((line) => line.startsWith("READ")).length;
      seen.push(asked);
      expect(asked).toBeLessThanOrEqual(seen.length + 5);
      expect(node.path.startsWith("/a")).toBe(true);
    }
    expect(seen.length).toBe(21);
    expect(seen.some((asked, at) => asked === at + 1 + 5)).toBe(true);
  });
  it("that is left asks for no more", async () => {
    const { client, asked } = await script({ "DIRECTORY /a|": "b|c|d|" });
    const walking = client.walk("/a", { ahead: 1 });
    await walking.next();
    await walking.return?.();
    const before = asked().length;
    expect(before).toBeLessThan(7);
    expect(asked()).toEqual([]);
  });
});

describe("features and limits", () => {
  it.each(["!EINVAL", "!ENOSYS"])("are none in a store that answers %s", async (answer) => {
    const { client } = await script({ GET_FEATURE: answer, GET_QUOTA: answer });
    expect(await client.features()).toBe(0);
    expect(await client.quotas()).toEqual([]);
  });
  it("pass other errors on", async () => {
    const { client } = await script({ GET_FEATURE: "!EIO", GET_QUOTA: "!EACCES" });
    expect((await failure(client.features()))?.code).toBe("EIO");
    expect((await failure(client.quotas()))?.code).toBe("EACCES");
  });
  it("are asked for with a request behind, for a store that waits for more bytes", async () => {
    const { client, asked } = await script({ GET_FEATURE: "14|", GET_QUOTA: "nodes watches|" });
    expect(await client.features()).toBe(14);
    expect(await client.quotas()).toEqual(["nodes", "watches"]);
    const behind = "GET_DOMAIN_PATH 0|";
    expect(asked()).toEqual(["GET_FEATURE ", behind, "GET_QUOTA ", behind]);
  });
});

describe("what goes over the wire", () => {
  it("requests about domains are words in decimal", async () => {
    const { client, asked } = await script({ IS_DOMAIN_INTRODUCED: "F|" });
    const domain = client.domain(3);
    await domain.introduce({ gfn: 0xffffffffffffn, port: 5 });
    expect(await domain.isIntroduced()).toBe(false);
    await domain.resume();
    await domain.setTarget(4);
    await domain.setFeatures(6);
    await domain.quota("nodes");
    await domain.setQuota("nodes", 0);
    await client.setQuota("nodes", 5);
    await domain.release();
    expect(asked()).toEqual([
      "INTRODUCE 3|281474976710655|5|",
      "IS_DOMAIN_INTRODUCED 3|",
      "RESUME 3|",
      "SET_TARGET 3|4|",
      "SET_FEATURE 3|6|",
      "GET_QUOTA 3|nodes|",
      "SET_QUOTA 3|nodes|0|",
      "SET_QUOTA nodes|5|",
      "RELEASE 3|",
    ]);
  });
  it("control sends all its words", async () => {
    const { client, asked } = await script({ CONTROL: "text|rest|" });
    expect(await client.control("log", "on", Uint8Array.of(1))).toBe("text");
    expect(asked()).toEqual(["CONTROL log|on|\u0001|"]);
  });
  it("anything but F means that a domain is introduced", async () => {
    const { client } = await script({ IS_DOMAIN_INTRODUCED: "yes|" });
    expect(await client.domain(1).isIntroduced()).toBe(true);
  });
  it("a kernel's device takes smaller values, and the refusal says how small", async () => {
    const { client, asked } = await script({}, {}, { payloadMax: 4080 });
    await client.write("/a", "v".repeat(4077));
    asked();
    const error = await failure(client.write("/a", "v".repeat(4078)));
    expect(error).toMatchObject({ code: "E2BIG", name: "InvalidRequestError" });
    expect(error?.message).toContain("at most 4077");
    expect(asked()).toEqual([]);
  });
  it("nothing that is refused is sent", async () => {
    const { client, asked } = await script();
    const refused = [
      client.read("/a b"),
      client.read("/a", { as: "json" as "text" }),
      client.write("/a", Number.NaN),
      client.setPerms("/a", "x0"),
      client.request(1.5, new Uint8Array(0)),
      client.request(2, "text" as unknown as Uint8Array),
      client.quota("a\0"),
      client.compareAndSet("/a", "1", 0.5),
      client.apply("/a", { value: "x".repeat(4096) }),
    ];
    for (const one of refused) expect((await failure(one))?.name).toBe("InvalidRequestError");
    expect(asked()).toEqual([]);
  });
  it("a permission list that makes no sense is an error", async () => {
    const { client } = await script({ GET_PERMS: "n0|?|" });
    expect(await failure(client.getPerms("/a"))).toMatchObject({ code: "EINVAL", op: "GET_PERMS" });
  });
});

describe("close", () => {
  it("ends by name what a ring would keep", async () => {
    const { client, asked, streams } = await script();
    const watch = client.watch("/a", { token: "t" });
    await watch.ready;
    await client.begin();
    asked();
    await client.close();
    expect(asked().sort()).toEqual(["TRANSACTION_END F| tx 7", "UNWATCH /a|t|"]);
    expect(streams[0].closed).toBe(true);
  });
  it("does not wait for ever for a store that is silent", async () => {
    const { client, streams } = await script();
    await client.watch("/a").ready;
    streams[0].holding = true;
    vi.useFakeTimers();
    try {
      const closing = client.close();
      await vi.advanceTimersByTimeAsync(1000);
      await closing;
    } finally {
      vi.useRealTimers();
    }
    expect(client.state).toBe("closed");
  });
  it("sends nothing over a connection that is gone", async () => {
    const { client, asked } = await script({ "READ /b": HANG_UP });
    await client.watch("/a").ready;
    await failure(client.read("/b"));
    asked();
    await client.close();
    expect(asked()).toEqual([]);
    expect(await client.closed).toBeInstanceOf(Error);
  });
});

describe("resetWatches", () => {
  it("over a device ends by name what this client has, and spares the kernel's own", async () => {
    const { client, asked } = await script({}, {}, { passesDepth: false });
    const watch = client.watch("/a", { token: "t" });
    await watch.ready;
    const tx = await client.begin();
    asked();
    await client.resetWatches();
    expect(asked().sort()).toEqual(["TRANSACTION_END F| tx 7", "UNWATCH /a|t|"]);
    expect((await failure(tx.read("/a")))?.message).toContain("resetWatches");
    expect(await watch.next()).toMatchObject({ done: true });
  });
});
