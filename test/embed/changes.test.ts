// Changes: what a store tells of its changes is enough to know all that it holds, and in time.
// Holds   a mirror of each store, which is compared with it.
// Never   looks into the store by any other way than a client's.
// Source  StoreChange of hosts/embed/changes.ts.

import { describe, expect, it } from "vitest";
import type { StoreOptions } from "../../hosts/embed/api.ts";
import { ManualClock } from "../../hosts/embed/clock.ts";
import { MemoryStorage } from "../../hosts/embed/memory_storage.ts";
import type { LocalStore } from "../../hosts/embed/store.ts";
import { FailingStorage } from "./failing_storage.ts";
import { Mirror, readAll } from "./mirror.ts";
import { open } from "./open.ts";

async function mirrored(
  options: StoreOptions = {},
): Promise<{ store: LocalStore; mirror: Mirror; same: () => Promise<void> }> {
  const mirror = new Mirror();
  const store = await open({ ...options, changes: mirror.hear });
  const same = async () => expect(mirror.tree).toEqual(await readAll(store.client));
  return { store, mirror, same };
}

describe.each([
  ["without a storage", () => ({})],
  ["with one", () => ({ storage: new MemoryStorage() })],
])("the changes of a store %s", (_what, place: () => StoreOptions) => {
  it("are told one by one, each whole", async () => {
    const { store, mirror, same } = await mirrored(place());
    await same();
    const { client } = store;
    await client.write("/a/b/c", Uint8Array.of(0, 255));
    await client.write("/a/b", "1");
    await client.mkdir("/a/d");
    await client.mkdir("/a/d");
    await client.setPerms("/a/b/c", "n0 r3 b4");
    await client.setPerms("@releaseDomain", "n0 r5");
    await client.rm("/a/b");
    await client.rm("/a/never");
    await same();
    expect(mirror.nodes.get("@releaseDomain")?.perms).toBe("n0 r5");
    expect(mirror.told.slice(0, 3)).toEqual([
      { kind: "create", path: "/a/b/c", value: Uint8Array.of(0, 255), perms: "n0" },
      { kind: "value", path: "/a/b", value: Uint8Array.of(49) },
      { kind: "create", path: "/a/d", value: new Uint8Array(0), perms: "n0" },
    ]);
    expect(mirror.take().slice(3)).toEqual(["perms /a/b/c", "perms @releaseDomain", "remove /a/b"]);
  });

  it("of a transaction are told when it is committed, of one that fails never", async () => {
    const { store, mirror, same } = await mirrored(place());
    const { client } = store;
    await client.write("/t/value", "1");
    await client.write("/t/gone/below", "1");
    await client.write("/t/again/below", "1");
    mirror.take();
    const tx = await client.begin();
    await tx.write("/t/value", "2");
    await tx.setPerms("/t/value", "r0 b7");
    await tx.rm("/t/gone");
    await tx.rm("/t/again");
    await tx.write("/t/again/other", "3");
    await tx.write("/t/new/x", "4");
    await tx.write("/t/brief", "5");
    await tx.rm("/t/brief");
    expect(mirror.take()).toEqual([]);
    await tx.commit();
    expect(mirror.told.length).toBeGreaterThan(5);
    expect(mirror.take().join()).not.toContain("brief");
    await same();
    const failed = await client.begin();
    await failed.read("/t/value");
    await failed.write("/t/mine", "1");
    await client.write("/t/value", "3");
    await expect(failed.commit()).rejects.toMatchObject({ code: "EAGAIN" });
    const given = await client.begin();
    await given.write("/t/mine", "1");
    await given.abort();
    expect(mirror.take()).toEqual(["value /t/value"]);
    await same();
  });

  it("say when a domain comes, changes and ends, with all that it takes along", async () => {
    const { store, mirror, same } = await mirrored(place());
    const { client } = store;
    const seven = await store.asDomain(7);
    await store.asDomain(8);
    await seven.write("mine/x", "1");
    await client.write("/local/domain/7/mine/of/0", "1");
    await client.write("/shared", "1");
    await client.setPerms("/shared", "n0 r7 b8 w7");
    await client.write("/given/away", "1");
    await client.setPerms("/given", "n7 r8");
    await client.setPerms("/", "r7 b8");
    await client.setPerms("@introduceDomain", "n7 r8");
    await client.domain(8).setTarget(7);
    await client.domain(8).setQuota("nodes", 5);
    await client.setQuota("watches", 9);
    expect(mirror.domains.get(8)).toMatchObject({ target: 7, limits: { nodes: 5 } });
    expect(mirror.domains.get(7)).toMatchObject({ introduced: true, target: null, limits: {} });
    expect(mirror.limits).toMatchObject({ watches: 9, "path-max": 2048 });
    expect(Object.keys(mirror.limits)).toEqual(await client.quotas());
    await same();
    mirror.take();
    await client.domain(7).release();
    expect(mirror.take()).toEqual(["end 7"]);
    await same();
    expect(mirror.nodes.get("/shared")?.perms).toBe("n0 b8");
    expect(mirror.nodes.get("@introduceDomain")?.perms).toBe("n0 r8");
    expect(mirror.domains.get(8)?.target).toBe(null);
    const guest = await store.guest(7);
    await guest.client.write("data", "1");
    await guest.crash();
    expect(mirror.domains.get(7)?.shutdown).toBe(true);
    await same();
    await guest.destroy();
    expect(mirror.take().at(-1)).toBe("end 7");
    await same();
  });

  it("are told from the first node of a tree on, and as restored after restore", async () => {
    const tree = { children: { begin: { value: "1", perms: "n0 r3" } } };
    const { store, mirror, same } = await mirrored({ ...place(), tree });
    await same();
    expect(mirror.take()).toEqual(["create /begin", "perms /begin"]);
    const state = await store.dump();
    await store.client.write("/later", "1");
    mirror.take();
    await store.restore(state);
    expect(mirror.told).toContainEqual({ kind: "restored" });
    mirror.reread(await store.client.snapshot("/"));
    await store.client.write("/begin", "2");
    await same();
    expect(mirror.take().at(-1)).toBe("value /begin");
    const second = await mirrored({ ...place(), state });
    expect(second.mirror.take()[0]).toBe("restored");
    expect(await second.store.client.read("/begin")).toBe("1");
  });

  it("come between the request and its reply, and before events", async () => {
    const order: string[] = [];
    const store = await open({
      ...place(),
      changes: ({ kind }) => order.push(`change: ${kind}`),
      trace: ({ kind, conn }) => order.push(`${conn} ${kind}`),
    });
    const watch = store.client.watch("/a");
    await watch.ready;
    const guest = await store.guest(7);
    await watch.next();
    order.length = 0;
    await store.client.write("/a", "1");
    await watch.next();
    const heard = ["S1 request", "change: create", "S1 event", "S1 reply"];
    expect(order).toEqual(heard);
    order.length = 0;
    await guest.client.write("data", "1");
    expect(order).toEqual(["D7 request", "change: create", "D7 reply"]);
  });
});

describe("a storage", () => {
  it("that holds a store makes it begin as restored", async () => {
    const storage = new MemoryStorage();
    const first = await mirrored({ storage });
    await first.store.client.write("/a", "1");
    await first.store.close();
    const second = await mirrored({ storage });
    expect(second.mirror.take()).toEqual(["restored"]);
    second.mirror.reread(await second.store.client.snapshot("/"));
    await second.store.client.write("/a", "2");
    await second.same();
  });

  it.each(["EIO", "ENOSPC"])("that fails with %s: what is taken back is not told", async (code) => {
    const storage = new FailingStorage();
    const clock = new ManualClock();
    const { store, mirror, same } = await mirrored({ storage, clock });
    const { client } = store;
    await client.write("/a/b", "1");
    mirror.take();
    storage.code = code;
    const asked = [client.write("/a/b", "2"), client.write("/new", "1"), client.rm("/a")];
    for (const one of await Promise.allSettled(asked)) {
      expect(one).toMatchObject({ status: "rejected", reason: { code } });
    }
    await expect(client.write("/more", "1")).rejects.toMatchObject({ code });
    expect(mirror.take()).toEqual([]);
    await same();
    storage.code = null;
    clock.advance(2000);
    await client.write("/a/b", "3");
    expect(mirror.take()).toEqual(["value /a/b"]);
    await same();
  });

  it("that fails: what can't be taken back is told once, when it is done", async () => {
    const storage = new FailingStorage();
    const clock = new ManualClock();
    const { store, mirror, same } = await mirrored({ storage, clock });
    const { client } = store;
    const seven = await store.asDomain(7);
    await store.asDomain(8);
    await seven.write("data", "1");
    mirror.take();
    storage.code = "EIO";
    const asked = [
      client.write("/before", "1"),
      client.domain(7).release(),
      client.write("/after", "1"),
    ];
    await Promise.allSettled(asked);
    expect(mirror.take()).toEqual(["create /before", "end 7"]);
    await same();
    // The machine says so, whatever the storage does.
    const { machine, server } = store.site;
    machine.domain(8);
    server.run(() => server.others(server.core.domainState(8, 2)));
    expect(mirror.take()).toEqual(["domain 8"]);
    server.run(() => server.others(server.core.domainState(8, 0)));
    expect(mirror.take()).toEqual(["end 8"]);
    await same();
    storage.code = null;
    clock.advance(2000);
    await client.write("/again", "1");
    expect(mirror.take()).toEqual(["create /again"]);
    await same();
  });

  it("that fails: more than can be taken back holds, and is told", async () => {
    const storage = new FailingStorage();
    const { store, mirror, same } = await mirrored({ storage, clock: new ManualClock() });
    const { client } = store;
    const value = "x".repeat(4000);
    const paths = Array.from({ length: 4500 }, (_, n) => `/big/${n}`);
    await Promise.all(paths.map((path) => client.write(path, value)));
    mirror.take();
    storage.code = "EIO";
    await Promise.allSettled([client.rm("/big"), client.write("/after", "1")]);
    expect(mirror.take()).toEqual(["remove /big", "create /after"]);
    await same();
  });
});
