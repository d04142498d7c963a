// Storage: what a store keeps, in memory and in a folder; what is left when it fails.
// Holds   nothing.
// Never   waits for anything but the store.
// Source  our own; "What is kept" in ARCHITECTURE.md.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { ManualClock } from "../../hosts/embed/clock.ts";
import { MemoryStorage } from "../../hosts/embed/memory_storage.ts";
import { FolderStorage } from "../../hosts/node/storage.ts";
import type { Storage } from "../../hosts/shared/storage.ts";
import { runOperations } from "../client/operations.ts";
import { damage, open } from "./open.ts";

function folder(): FolderStorage {
  const place = mkdtempSync(path.join(tmpdir(), "xenstore-embed-"));
  onTestFinished(() => rmSync(place, { recursive: true }));
  return new FolderStorage(place);
}

describe.each([
  ["memory", () => new MemoryStorage() as Storage],
  ["a folder", () => folder() as Storage],
])("a store in %s", (_what, make) => {
  it("is there again for the next one, with its domains", async () => {
    const storage = make();
    const first = await open({ storage });
    await runOperations(first, 500, 3);
    const seven = await first.asDomain(7);
    await seven.write("kept", "1");
    const hash = await first.hash();
    await first.close();
    const second = await open({ storage, tree: { children: { new: {} } } });
    expect(await second.hash()).toBe(hash);
    expect(await second.client.domain(7).isIntroduced()).toBe(true);
    expect(await (await second.asDomain(7)).read("kept")).toBe("1");
    const guest = await second.guest(7);
    expect(await guest.client.read("kept")).toBe("1");
    expect(await second.check()).toMatch(/no faults.*\n.*no faults/);
  });

  it("keeps domains that had to be made", async () => {
    const storage = make();
    const first = await open({ storage, domainsExist: "made" });
    await (await first.asDomain(7)).write("kept", "1");
    await first.close();
    const second = await open({ storage, domainsExist: "made" });
    expect(await second.client.read("/local/domain/7/kept")).toBe("1");
  });

  it("has all that was acknowledged after it was killed", async () => {
    const storage = make();
    const first = await open({ storage, durability: "disk" });
    await first.client.write("/a", "1");
    const writes = Array.from({ length: 50 }, (_, n) =>
      first.client.write(`/n/${n}`, "1").then(() => n),
    );
    await first.client.exists("/");
    first.site.kill("the test has killed it");
    const done = (await Promise.allSettled(writes)).flatMap((one) =>
      one.status === "fulfilled" ? [one.value] : [],
    );
    await expect(first.client.read("/a")).rejects.toMatchObject({ code: "ECONNRESET" });
    const second = await open({ storage, durability: "disk" });
    expect(await second.client.read("/a")).toBe("1");
    for (const n of done) expect(await second.client.read(`/n/${n}`)).toBe("1");
    expect(done.length).toBeGreaterThan(0);
  });

  it("has all that was acknowledged after its core has failed", async () => {
    const storage = make();
    const lines: string[] = [];
    const first = await open({ storage, log: (line) => lines.push(line) });
    const guest = await first.guest(7);
    const watch = first.client.watch("/a");
    await watch.next();
    await first.client.write("/a", "1");
    await watch.next();
    await first.client.write("/victim", "some-unlikely-value");
    const hash = await first.hash();
    damage(first, "victim", "some-unlikely-value");
    const error = await first.client.read("/victim").catch((one) => one);
    expect(error.message).toMatch(/the store has failed: .*a new store over the same storage/);
    expect((await first.closed)?.message).toMatch(/the store has failed/);
    expect(lines.join("\n")).toMatch(/the store has failed/);
    // Nobody waits for ever, whoever it is and whatever for.
    const others = [
      first.client.read("/a"),
      guest.client.read("data"),
      watch.next(),
      first.connect(),
      first.asDomain(3),
      first.guest(4),
      guest.connect(),
      first.hash(),
      first.check(),
      first.dump(),
    ];
    for (const one of await Promise.allSettled(others)) {
      expect(one.status).toBe("rejected");
      if (one.status === "rejected") expect(one.reason.message).toMatch(/store has failed/);
    }
    expect(() => first.stats()).toThrow(/store has failed/);
    const second = await open({ storage });
    expect(await second.hash()).toBe(hash);
  });
});

describe("a storage", () => {
  it("is used by one store at a time", async () => {
    const storage = new MemoryStorage([], "the-place");
    await open({ storage });
    await expect(open({ storage })).rejects.toThrow(/the-place: another store/);
  });

  it("that is full makes changes fail with ENOSPC until there is room", async () => {
    const storage = new MemoryStorage();
    const clock = new ManualClock();
    const store = await open({ storage, clock });
    storage.limit = storage.used;
    const writes = Array.from({ length: 60 }, (_, n) =>
      store.client.write(`/${n}`, "x".repeat(3000)),
    );
    const settled = await Promise.allSettled(writes);
    const refused = settled.filter((one) => one.status === "rejected");
    expect(refused.length).toBeGreaterThan(0);
    for (const { reason } of refused) expect(reason.code).toBe("ENOSPC");
    expect(await store.client.exists("/")).toBe(true);
    storage.limit = Number.POSITIVE_INFINITY;
    clock.advance(2000);
    await store.client.write("/again", "1");
    const hash = await store.hash();
    await store.close();
    expect(await (await open({ storage })).hash()).toBe(hash);
  });

  it("in memory can be copied, and the copy damaged", async () => {
    const storage = new MemoryStorage();
    const first = await open({ storage });
    await first.client.write("/a", "1");
    const copy = new MemoryStorage(storage.files());
    expect(await (await open({ storage: copy })).client.read("/a")).toBe("1");
    const files = storage.files();
    files.get("journal.1")?.fill(0xff, 100, 140);
    const lines: string[] = [];
    const damaged = new MemoryStorage(files);
    await open({ storage: damaged, log: (line) => lines.push(line) });
    expect(lines.join("\n")).toMatch(/journal\.1: .*damaged.*kept as/);
    expect([...damaged.files().keys()]).toContain("journal.1.damaged-1");
  });
});
