// Store: an embedded store as its users see it: clients of any domain, options, its beginning.
// Holds   nothing.
// Never   looks below the interface.
// Source  our own.

import { describe, expect, it } from "vitest";
import type { TreeNode } from "../../hosts/client/api.ts";
import { openClient } from "../../hosts/client/client.ts";
import { isXenstoreError } from "../../hosts/client/errors.ts";
import { portTransport } from "../../hosts/client/port_stream.ts";
import { createStore } from "../../hosts/embed/store.ts";
import { wasmModule } from "../core.ts";
import { open } from "./open.ts";

describe("clients", () => {
  it("of the control domain share one store", async () => {
    const store = await open();
    await store.client.write("/a/b", "1");
    const other = await store.connect();
    expect(await other.read("/a/b")).toBe("1");
    expect(other.target).toBe("store:dom0");
  });

  it("that only read are refused changes with EROFS", async () => {
    const store = await open();
    await store.client.write("/a", "1");
    const reader = await store.readOnly();
    expect(await reader.read("/a")).toBe("1");
    await expect(reader.write("/a", "2")).rejects.toMatchObject({ code: "EROFS" });
    const seven = await store.asDomain(7, { readOnly: true });
    await expect(seven.write("x", "2")).rejects.toMatchObject({ code: "EROFS" });
  });

  it("that speak as a domain have its home, its rights and its limits", async () => {
    const store = await open({ quota: { nodes: 5 } });
    await store.client.write("/secret", "s");
    await store.client.setPerms("/secret", "n0");
    const seven = await store.asDomain(7);
    await seven.write("data", "v");
    expect(await store.client.read("/local/domain/7/data")).toBe("v");
    expect(await store.client.getPerms("/local/domain/7/data")).toEqual([
      { access: "n", domid: 7 },
    ]);
    await expect(seven.read("/secret")).rejects.toMatchObject({ code: "EACCES" });
    await expect(seven.write("/x", "")).rejects.toMatchObject({ code: "EACCES" });
    const more = [1, 2, 3, 4, 5].map((n) => seven.write(`n${n}`, ""));
    const codes = (await Promise.allSettled(more)).map((one) =>
      one.status === "rejected" ? one.reason.code : "done",
    );
    expect(codes).toContain("ENOSPC");
  });

  it("can be several of one domain, beside its guest on a ring", async () => {
    const store = await open();
    const [one, two] = [await store.asDomain(7), await store.asDomain(7)];
    const { client: three } = await store.guest(7);
    await one.write("a", "1");
    expect(await two.read("a")).toBe("1");
    expect(await three.read("a")).toBe("1");
    const watch = two.watch("a");
    expect((await watch.next()).value.initial).toBe(true);
    await three.write("a", "2");
    expect((await watch.next()).value).toMatchObject({ path: "a", initial: false });
  });

  it("of a domain end with it", async () => {
    const store = await open();
    const seven = await store.asDomain(7);
    const two = await store.asDomain(2);
    await seven.write("a", "1");
    await store.client.domain(7).release();
    await expect(seven.read("a")).rejects.toMatchObject({ code: "ECONNRESET" });
    expect(isXenstoreError(await seven.closed)).toBe(true);
    // What it owned is gone, and others go on.
    expect(await store.client.exists("/local/domain/7")).toBe(false);
    await two.write("a", "1");
    const again = await store.asDomain(7);
    expect(await again.list("/local/domain/7")).toEqual([]);
  });

  it("are told which numbers are no domains", async () => {
    const store = await open();
    for (const domid of [-1, 1.5, 0x7ff0, Number.NaN]) {
      await expect(store.asDomain(domid)).rejects.toMatchObject({ code: "EINVAL" });
    }
  });
});

describe("a connection as bytes", () => {
  it("is of a domain that the store knows", async () => {
    const store = await open();
    expect(() => store.stream({ domid: 7 })).toThrow(/domain 7 is not introduced; asDomain/);
    await store.guest(7, { connect: false });
    const client = await openClient({
      name: "bytes",
      reconnects: false,
      open: async () => store.stream({ domid: 7, readOnly: true }),
    });
    expect(await client.list("/local/domain/7")).toEqual([]);
    await expect(client.write("x", "")).rejects.toMatchObject({ code: "EROFS" });
    await client.close();
  });
});

describe("a domain that is new to the store", () => {
  it("is introduced, and watchers hear of it", async () => {
    const store = await open();
    const watch = store.client.watch("@introduceDomain");
    await watch.next();
    await store.asDomain(7);
    expect((await watch.next()).value.path).toBe("@introduceDomain");
    expect(await store.client.domain(7).isIntroduced()).toBe(true);
  });

  it("has the home that was asked for, unless there is one", async () => {
    const store = await open();
    await store.asDomain(1, { home: "none" });
    expect(await store.client.exists("/local/domain/1")).toBe(false);
    const xl = await store.asDomain(2, { home: "xl" });
    await xl.write("data/x", "1");
    await expect(xl.write("memory/target", "1")).rejects.toMatchObject({ code: "EACCES" });
    expect(await xl.read("domid")).toBe("2");
    await store.client.write("/local/domain/3/mine", "1");
    const three = await store.asDomain(3);
    await expect(three.write("x", "1")).rejects.toMatchObject({ code: "EACCES" });
  });

  it("gets nothing that was granted to its number before it was made, if they are made", async () => {
    for (const [domainsExist, code] of [
      ["made", "EACCES"],
      ["all", "done"],
    ] as const) {
      const store = await open({ domainsExist });
      await store.client.write("/a", "1");
      await store.client.setPerms("/a", "n0 r7");
      const seven = await store.asDomain(7);
      const outcome = seven.read("/a").then(
        () => "done",
        (error) => error.code,
      );
      expect(await outcome).toBe(code);
      await store.client.setPerms("/a", "n0 r7");
      expect(await seven.read("/a")).toBe("1");
    }
  });
});

describe("what a store begins with", () => {
  const TREE: TreeNode = {
    children: {
      vm: { value: "", perms: "n0", children: { name: { value: "g1 \u00e9", perms: "n0 r7" } } },
      raw: { base64: "AP8=" },
    },
  };

  it("can be a tree", async () => {
    const store = await open({ tree: TREE });
    expect(await store.client.read("/vm/name")).toBe("g1 \u00e9");
    expect(await store.client.getPerms("/vm/name")).toEqual([
      { access: "n", domid: 0 },
      { access: "r", domid: 7 },
    ]);
    expect(await store.client.read("/raw", { as: "bytes" })).toEqual(Uint8Array.of(0, 255));
  });

  it("can be what xenstore-ls -fp prints", async () => {
    const store = await open({
      tree: [
        '/local/domain/5 = ""   (n0,r5)',
        '/local/domain/5/name = "a \\"quoted\\" name\\x01\\n"   (n5,r0)',
        '/tool/plain = "1"',
        "",
      ].join("\n"),
    });
    expect(await store.client.read("/local/domain/5/name")).toBe('a "quoted" name\u0001\n');
    expect((await store.client.getPerms("/local/domain/5/name"))[0]).toEqual({
      access: "n",
      domid: 5,
    });
    expect(await store.client.read("/tool/plain")).toBe("1");
  });

  it("is refused with the line or the node that can't be put", async () => {
    const listing = open({ tree: '/a = "1"\nnonsense' });
    await expect(listing).rejects.toThrow(/tree, line 2 .*nonsense/);
    const bad: TreeNode = { children: { "a b": { value: "1" } } };
    await expect(open({ tree: bad })).rejects.toThrow(/tree: WRITE \/a b: .*EINVAL/);
    const perms: TreeNode = { children: { a: { value: "1", perms: "x9" } } };
    await expect(open({ tree: perms })).rejects.toThrow(/tree: SET_PERMS \/a: .*EINVAL/);
  });
});

describe("options", () => {
  it("that make no sense are refused by name", async () => {
    await expect(createStore()).rejects.toThrow(/module/);
    await expect(open({ quota: { nodez: 1 } })).rejects.toThrow(/"nodez".*nodes, watches/);
    await expect(open({ quota: { nodes: -1 } })).rejects.toThrow(/nodes: -1/);
    await expect(open({ seed: 0.5 })).rejects.toThrow(/seed: 0.5/);
    await expect(open({ durability: "disk" })).rejects.toThrow(/storage/);
    const conflicts = open({ transactionConflicts: "lax" as "strict" });
    await expect(conflicts).rejects.toThrow(/"lax"/);
  });

  it("decide which commits conflict", async () => {
    for (const [transactionConflicts, code] of [
      ["observed", "done"],
      ["strict", "EAGAIN"],
    ] as const) {
      const store = await open({ transactionConflicts });
      await store.client.write("/a", "same");
      const tx = await store.client.begin();
      await tx.read("/a");
      await tx.write("/b", "1");
      await (await store.connect()).write("/a", "same");
      const outcome = await tx.commit().then(
        () => "done",
        (error) => error.code,
      );
      expect(outcome).toBe(code);
    }
  });

  it("give clients their defaults", async () => {
    const store = await open({ client: { maxWaiting: 1, maxInFlight: 1 } });
    const asked = Array.from({ length: 8 }, () => store.client.exists("/"));
    const settled = await Promise.allSettled(asked);
    expect(settled.some((one) => one.status === "rejected")).toBe(true);
  });

  it("take the lines of the log", async () => {
    const lines: string[] = [];
    const store = await open({ log: (line) => lines.push(line), quota: { nodes: 2 } });
    const seven = await store.asDomain(7);
    await seven.write("a", "");
    await seven.write("b", "").catch(() => {});
    expect(lines.join("\n")).toMatch(/domain 7 is refused something: nodes/);
  });
});

describe("a store", () => {
  it("tells its figures and whether it is sound", async () => {
    const store = await open();
    await store.client.write("/local/domain/1", "1");
    const before = store.stats();
    const watch = store.client.watch("/a");
    await watch.ready;
    await store.asDomain(7);
    const after = store.stats();
    expect(after.watches - before.watches).toBe(1);
    expect(after.introduced - before.introduced).toBe(1);
    expect(after.nodes - before.nodes).toBe(1);
    expect(await store.check()).toBe(`store: ${after.nodes} nodes: no faults`);
    expect(await store.client.control("check")).toBe("OK");
  });

  it("that is closed ends all its clients, and refuses new ones", async () => {
    const store = await open();
    const seven = await store.asDomain(7);
    const guest = await store.guest(8);
    await store.close();
    await store.close();
    expect(await store.closed).toBe(null);
    for (const client of [store.client, seven, guest.client]) {
      await expect(client.read("/")).rejects.toMatchObject({ code: "ECONNRESET" });
    }
    await expect(store.connect()).rejects.toThrow(/closed/);
    await expect(store.hash()).rejects.toThrow(/closed/);
    await expect(guest.connect()).rejects.toThrow(/closed/);
    expect(() => store.stats()).toThrow(/closed/);
  });

  it("lets others in over a port, as the domain that was said, until it hangs up", async () => {
    const store = await open();
    const { port1, port2 } = new MessageChannel();
    const hangUp = store.serve(port1, { domid: 7 });
    const seven = await openClient(portTransport(port2));
    await seven.write("x", "1");
    expect(await store.client.read("/local/domain/7/x")).toBe("1");
    await expect(seven.write("/y", "")).rejects.toMatchObject({ code: "EACCES" });
    hangUp();
    expect(await seven.closed).not.toBe(null);
  });

  it("ends with its scope", async () => {
    let client: Awaited<ReturnType<typeof createStore>>["client"];
    {
      await using store = await createStore({ module: wasmModule() });
      client = store.client;
      await client.read("/");
    }
    expect(client.state).toBe("closed");
  });
});
