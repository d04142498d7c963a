// State: the hash of a store's content, its state as bytes, and going back to it.
// Holds   nothing.
// Never   compares with a value that was written down.
// Source  our own.

import { describe, expect, it } from "vitest";
import { MemoryStorage } from "../../hosts/embed/memory_storage.ts";
import { runOperations } from "../client/operations.ts";
import { open } from "./open.ts";

describe("the hash", () => {
  it("is the same for the same content, in whatever order it came", async () => {
    const [one, two] = [await open(), await open({ storage: new MemoryStorage() })];
    for (const path of ["/a", "/b/c", "/b/d"]) await one.client.write(path, path);
    for (const path of ["/b/d", "/a", "/b/x", "/b/c"]) await two.client.write(path, path);
    await two.client.write("/a", "other");
    await two.client.write("/a", "/a");
    await two.client.rm("/b/x");
    await two.client.watch("/b").ready;
    expect(await one.hash()).toMatch(/^[0-9a-f]{16}$/);
    expect(await two.hash()).toBe(await one.hash());
  });

  it("is another one for another value, path, permission or owner", async () => {
    const store = await open();
    await store.client.write("/a", "1");
    const seen = [await store.hash()];
    const changes = [
      () => store.client.write("/a", "2"),
      () => store.client.write("/a", ""),
      () => store.client.write("/b", ""),
      () => store.client.setPerms("/a", "r0"),
      () => store.client.setPerms("/a", "r0 n1"),
      () => store.client.setPerms("/a", "r1 n0"),
      () => store.client.rm("/b"),
    ];
    for (const change of changes) {
      await change();
      seen.push(await store.hash());
    }
    expect(new Set(seen).size).toBe(seen.length);
  });
});

describe("the state", () => {
  it("makes another store of the same content", async () => {
    const first = await open();
    await runOperations(first, 3000, 8);
    const state = await first.dump();
    const second = await open({ state });
    expect(await second.hash()).toBe(await first.hash());
    expect(await second.client.domain(7).isIntroduced()).toBe(true);
    expect(await second.check()).toMatch(/no faults/);
  });

  it("can be gone back to: connections are made again, with their watches", async () => {
    const storage = new MemoryStorage();
    const store = await open({ storage });
    await store.client.write("/a", "before");
    const guest = await store.guest(7);
    await guest.client.write("x", "1");
    const other = await store.connect();
    const watch = store.client.watch("/a");
    await watch.next();
    const state = await store.dump();
    const hash = await store.hash();
    await store.client.write("/a", "after");
    await watch.next();
    await store.restore(state);
    expect((await watch.next()).value).toMatchObject({ path: "/a", replayed: true });
    expect(await store.client.read("/a")).toBe("before");
    await store.client.write("/a", "later");
    expect((await watch.next()).value).toMatchObject({ path: "/a", replayed: false });
    await expect(other.read("/a")).rejects.toThrow(/another state/);
    await guest.connect();
    expect(await guest.client.read("x")).toBe("1");
    await store.client.write("/a", "before");
    expect(await store.hash()).toBe(hash);
    await store.close();
    expect(await (await open({ storage })).hash()).toBe(hash);
  });

  it("that is damaged is refused, and nothing has happened", async () => {
    const store = await open();
    await store.client.write("/a", "1");
    const state = await store.dump();
    const hash = await store.hash();
    for (const bad of [state.slice(0, state.length - 9), new Uint8Array(100), flipped(state)]) {
      await expect(store.restore(bad)).rejects.toThrow(/^the state .*damaged at byte \d+/);
    }
    expect(await store.client.read("/a")).toBe("1");
    expect(await store.hash()).toBe(hash);
    await expect(open({ state: new Uint8Array(3) })).rejects.toThrow(/damaged/);
  });
});

function flipped(state: Uint8Array): Uint8Array {
  const bytes = state.slice();
  bytes[state.length >> 1] ^= 0x40;
  return bytes;
}
