// Faults: what was asked to go wrong does so, to that request, as often as was said.
// Holds   nothing.
// Never   looks below the interface.
// Source  our own.

import { describe, expect, it } from "vitest";
import { ConnectionLostError } from "../../hosts/client/errors.ts";
import { ManualClock } from "../../hosts/embed/clock.ts";
import { MemoryStorage } from "../../hosts/embed/memory_storage.ts";
import { open, openTest } from "../embed/open.ts";

const codeOf = (request: Promise<unknown>) =>
  request.then(
    () => "done",
    (error) => error.code as string,
  );

describe("an error that was asked for", () => {
  it("comes in place of a request, which is not applied", async () => {
    const store = await openTest();
    const fault = store.faults.fail("ENOSPC", { op: "WRITE" });
    await expect(store.client.write("/a", "1")).rejects.toMatchObject({
      code: "ENOSPC",
      op: "WRITE",
      path: "/a",
    });
    expect(await store.client.exists("/a")).toBe(false);
    await store.client.write("/a", "1");
    expect(fault.count).toBe(1);
  });

  it("is for the operation, path, connection and domain that were named", async () => {
    const store = await openTest();
    const seven = await store.asDomain(7);
    const { faults, client } = store;
    faults.fail("EIO", { op: "READ", path: "/a", times: Number.POSITIVE_INFINITY });
    faults.fail("EBUSY", { domid: 7, path: /^da/, times: Number.POSITIVE_INFINITY });
    await client.write("/a", "1");
    await client.write("/b", "1");
    await seven.write("x", "1");
    expect(await codeOf(client.read("/a"))).toBe("EIO");
    expect(await codeOf(client.read("/b"))).toBe("done");
    expect(await codeOf(client.write("data", "1"))).toBe("done");
    expect(await codeOf(seven.write("data", "1"))).toBe("EBUSY");
    expect(await codeOf(seven.mkdir("dada"))).toBe("EBUSY");
    expect(await codeOf(seven.read("x"))).toBe("done");
    faults.clear();
    expect(await codeOf(client.read("/a"))).toBe("done");
    const { conn } = store.recorded()[0] as { conn: string };
    faults.fail("ENOMEM", { conn });
    expect(await codeOf(seven.read("x"))).toBe("done");
    expect(await codeOf(client.read("/a"))).toBe("ENOMEM");
  });

  it("keeps its place among other replies", async () => {
    const store = await openTest();
    await store.client.write("/a", "1");
    store.faults.fail("EIO", { op: "READ", skip: 1, times: 2 });
    const { client } = store;
    const codes = await Promise.all(
      [
        client.read("/a"),
        client.read("/a"),
        client.getPerms("/a"),
        client.read("/a"),
        client.read("/a"),
      ].map(codeOf),
    );
    expect(codes).toEqual(["done", "EIO", "done", "EIO", "done"]);
    const ids = store.recorded().flatMap((one) => (one.kind === "reply" ? one.reqId : []));
    expect(ids).toEqual([...ids].sort((a, b) => a - b));
  });

  it("of a commit does not commit, and a transaction that is repeated succeeds", async () => {
    const store = await openTest();
    store.faults.fail("EAGAIN", { times: 2 });
    const conflicts: number[] = [];
    let seen: (boolean | undefined)[] = [];
    await store.client.transaction(
      async (tx) => {
        seen = [...seen, await store.client.exists("/a")];
        await tx.write("/a", "1");
      },
      { onConflict: (attempt) => conflicts.push(attempt), backoff: () => 0 },
    );
    expect(seen).toEqual([false, false, false]);
    expect(conflicts.length).toBe(2);
    expect(await store.client.read("/a")).toBe("1");
    store.faults.fail("EAGAIN");
    const tx = await store.client.begin();
    await tx.write("/a", "2");
    await expect(tx.commit()).rejects.toMatchObject({ code: "EAGAIN", name: "ConflictError" });
    expect(await store.client.read("/a")).toBe("1");
    expect(store.stats().transactions).toBe(0);
    // Giving up is none.
    store.faults.fail("EAGAIN");
    await (await store.client.begin()).abort();
  });

  it("reaches a guest on its ring", async () => {
    const store = await openTest();
    const guest = await store.guest(7);
    store.faults.fail("ENOSPC", { domid: 7, op: "WRITE" });
    expect(await codeOf(guest.client.write("a", "1"))).toBe("ENOSPC");
    expect(await codeOf(guest.client.write("a", "1"))).toBe("done");
  });

  it("must be one that a store can send, for an operation that there is", async () => {
    const store = await openTest();
    expect(() => store.faults.fail("EWHATEVER")).toThrow(/EWHATEVER/);
    expect(() => store.faults.fail("EIO", { op: "WRITES" })).toThrow(/WRITES/);
    expect(() => store.faults.fail("EIO", { probability: 2 })).toThrow(/probability/);
  });
});

describe("limits", () => {
  it("make the store itself refuse, for one domain or for all", async () => {
    const store = await openTest();
    const [one, two] = [await store.asDomain(1), await store.asDomain(2)];
    store.faults.quota({ nodes: 2 }, { domid: 1 });
    expect(await codeOf(one.write("a", ""))).toBe("done");
    expect(await codeOf(one.write("b", ""))).toBe("ENOSPC");
    expect(await codeOf(two.write("a", ""))).toBe("done");
    expect(await codeOf(two.write("b", ""))).toBe("done");
    store.faults.quota({ nodes: 3 });
    expect(await codeOf(two.write("c", ""))).toBe("ENOSPC");
  });
});

describe("a connection that is lost on purpose", () => {
  it("at once rejects what is under way, and says that it was on purpose, with the seed", async () => {
    const store = await openTest({ seed: 4711 });
    const victim = await store.connect();
    const { conn } = store.recorded().at(-1) as { conn: string };
    const pending = victim.read("/");
    const fault = store.faults.disconnect({ when: "now", conn });
    expect(fault.count).toBe(1);
    await expect(pending).rejects.toThrow(ConnectionLostError);
    await expect(victim.read("/")).rejects.toThrow(/on purpose.*seed 4711/);
    await store.client.read("/");
  });

  it.each([
    ["before", false],
    ["after", true],
    ["reply", true],
  ] as const)("%s a request: applied is %s", async (when, applied) => {
    const store = await openTest();
    const victim = await store.connect();
    store.faults.disconnect({ op: "WRITE", path: "/a", when });
    const error = await victim.write("/a", "1").catch((one) => one);
    expect(error).toBeInstanceOf(ConnectionLostError);
    expect(error.sent).toBe(true);
    expect(await store.client.exists("/a")).toBe(applied);
    expect(victim.state).toBe("closed");
  });

  it("at its n-th request, and is made again with its watches", async () => {
    const store = await openTest();
    const client = await store.connect({ reconnect: { attempts: 3, backoff: () => 0 } });
    const watch = client.watch("/a");
    expect((await watch.next()).value).toMatchObject({ replayed: false });
    store.faults.disconnect({ op: "READ", skip: 2, when: "reply", bytes: 10 });
    await store.client.write("/b", "1");
    expect(await codeOf(client.read("/b"))).toBe("done");
    expect(await codeOf(client.read("/b"))).toBe("done");
    expect(await codeOf(client.read("/b"))).toBe("EPROTO");
    expect((await watch.next()).value).toMatchObject({ path: "/a", replayed: true });
    expect(await codeOf(client.read("/b"))).toBe("done");
  });

  it("with every byte of a reply there: every promise settles", async () => {
    for (let bytes = 0; bytes < 22; bytes++) {
      const store = await openTest();
      const victim = await store.connect();
      await victim.write("/a", "12345");
      store.faults.disconnect({ op: "READ", when: "reply", bytes });
      const settled = await Promise.allSettled([
        victim.read("/a"),
        victim.read("/a"),
        victim.write("/b", "1"),
      ]);
      // 16 bytes of header and 5 of the value: then the reply was there.
      const first = bytes >= 21 ? "fulfilled" : "rejected";
      expect(settled.map(({ status }) => status)).toEqual([first, "rejected", "rejected"]);
      await store.close();
    }
  });
});

describe("slow replies", () => {
  it("come when the held clock says so, and those behind them not before", async () => {
    const clock = new ManualClock();
    const store = await openTest({ clock });
    const { client, faults } = store;
    await client.write("/a", "1");
    faults.delay(100, { op: "READ", times: 1 });
    const settled: string[] = [];
    const all = [
      client.read("/a").then(() => settled.push("read")),
      client.list("/").then(() => settled.push("list")),
    ];
    await store.hash();
    expect(settled).toEqual([]);
    clock.advance(99);
    await store.hash();
    expect(settled).toEqual([]);
    clock.advance(1);
    await Promise.all(all);
    expect(settled).toEqual(["read", "list"]);
  });

  it("take times of a list in turn", async () => {
    const clock = new ManualClock();
    const store = await openTest({ clock });
    const { client, faults } = store;
    faults.delay([10, 0, 30], { op: "DIRECTORY" });
    for (const ms of [10, 0, 30, 10]) {
      let done = false;
      const listed = client.list("/").then(() => {
        done = true;
      });
      if (ms > 0) {
        await store.hash();
        clock.advance(ms - 1);
        await store.hash();
        expect(done).toBe(false);
        clock.advance(1);
      }
      await listed;
    }
  });

  it("that never come end in the client's own limit, or its signal", async () => {
    const store = await openTest();
    store.faults.silence({ op: "READ" });
    const abort = new AbortController();
    const read = store.client.read("/", { signal: abort.signal });
    abort.abort(new Error("enough"));
    await expect(read).rejects.toThrow("enough");
    const impatient = await store.connect({ requestTimeout: 10 });
    store.faults.silence({ op: "READ" });
    await expect(impatient.read("/")).rejects.toMatchObject({ code: "ETIMEDOUT" });
  });
});

describe("random faults", () => {
  const run = async (seed: number) => {
    const store = await openTest({ seed });
    store.faults.fail("EIO", { op: "READ", probability: 0.3, times: Number.POSITIVE_INFINITY });
    const codes: string[] = [];
    for (let n = 0; n < 100; n++) codes.push(await codeOf(store.client.read("/")));
    expect(store.trace().split("\n")[0]).toBe(`# seed ${seed}`);
    return codes;
  };

  it("are the same for the same seed", async () => {
    const [one, again, other] = [await run(1), await run(1), await run(2)];
    expect(again).toEqual(one);
    expect(other).not.toEqual(one);
    const failed = one.filter((code) => code === "EIO").length;
    expect(failed).toBeGreaterThan(10);
    expect(failed).toBeLessThan(60);
  });

  it("have a seed that is told when none was given", async () => {
    const store = await openTest();
    expect(Number.isInteger(store.seed)).toBe(true);
    expect(store.faults.seed).toBe(store.seed);
  });
});

describe("a kill", () => {
  it("leaves what was stored to the next store", async () => {
    const storage = new MemoryStorage();
    const store = await openTest({ storage, seed: 12 });
    await store.client.write("/a", "1");
    store.faults.kill();
    await expect(store.client.read("/a")).rejects.toThrow(/killed on purpose \(seed 12\)/);
    expect((await store.closed)?.message).toMatch(/killed/);
    expect(await (await open({ storage })).client.read("/a")).toBe("1");
  });
});
