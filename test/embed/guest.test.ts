// Guest: domains on rings: their pages in the open, their life, and rings that are broken.
// Holds   nothing.
// Never   looks below the interface.
// Source  the XenStore protocol, ring and domains.

import { describe, expect, it } from "vitest";
import { XS_READ } from "../../assembly/xs_wire.ts";
import { encodeMessage, MessageReader, strings, toText } from "../../hosts/shared/wire.ts";
import { open } from "./open.ts";

describe("a guest", () => {
  it.each([
    ["a page that is made for it", undefined],
    ["an ArrayBuffer of the caller", new ArrayBuffer(4096)],
    ["a SharedArrayBuffer of the caller", new SharedArrayBuffer(4096)],
  ])("speaks through %s", async (_what, page) => {
    const store = await open();
    const guest = await store.guest(7, { page });
    if (page) expect(guest.page).toBe(page);
    const value = "v".repeat(1900);
    await guest.client.write("data", value);
    expect(await store.client.read("/local/domain/7/data")).toBe(value);
    const reads = await Promise.all(Array.from({ length: 200 }, () => guest.client.read("data")));
    expect(new Set(reads)).toEqual(new Set([value]));
    const { reqCons, reqProd, rspCons, rspProd, error } = guest.words();
    expect(reqCons).toBe(reqProd);
    expect(rspCons).toBe(rspProd);
    expect(reqProd).toBeGreaterThan(2000);
    expect(error).toBe(0);
    expect(guest.client.target).toBe("ring:dom7");
  });

  it("hears of changes, as others hear of its own", async () => {
    const store = await open();
    const guest = await store.guest(7);
    const own = guest.client.watch("state");
    const others = store.client.watch("/local/domain/7/state");
    await own.next();
    await others.next();
    await guest.client.write("state", "4");
    expect((await own.next()).value).toMatchObject({ path: "state" });
    expect((await others.next()).value).toMatchObject({ path: "/local/domain/7/state" });
  });

  it("may be told to take the ring into use later, and again, when what was under way is lost", async () => {
    const store = await open();
    const guest = await store.guest(7, { connect: false });
    expect(() => guest.client).toThrow(/connect\(\)/);
    const first = await guest.connect();
    await first.write("a", "1");
    await first.watch("a").ready;
    const lost = first.read("a");
    const second = guest.connect();
    await expect(lost).rejects.toMatchObject({ code: "ECONNRESET" });
    await second;
    expect(guest.client).toBe(await second);
    expect(await guest.client.read("a")).toBe("1");
    // The watch of the one before is gone: nobody hears of this.
    expect(store.stats().watches).toBe(0);
  });

  it("that reconnects comes back with its watches, but not when another has taken the ring", async () => {
    const store = await open();
    const reconnect = { attempts: 3, backoff: () => 0 };
    const guest = await store.guest(7, { reconnect });
    const first = guest.client;
    await first.write("a", "1");
    const watch = first.watch("a");
    await watch.next();
    await store.restore(await store.dump());
    expect((await watch.next()).value).toMatchObject({ path: "a", replayed: true });
    expect(await first.read("a")).toBe("1");
    const second = await guest.connect({ reconnect });
    expect(first.state).toBe("closed");
    expect(await second.read("a")).toBe("1");
    await guest.destroy();
    expect(second.state).toBe("closed");
  });

  it("shows what waits in both queues to somebody who moves the bytes by hand", async () => {
    const store = await open();
    await store.client.write("/local/domain/7/x", "value");
    const guest = await store.guest(7, { connect: false, home: "none" });
    await store.client.setPerms("/local/domain/7/x", "n7");
    const request = encodeMessage({ type: XS_READ, reqId: 9, txId: 0, payload: strings("x") });
    new Uint8Array(guest.page).set(request);
    guest.poke("reqProd", request.length);
    expect(guest.queue("requests")).toEqual(request);
    const heard = new Promise<void>((resolve) => {
      guest.onEvent = resolve;
    });
    guest.notify();
    await heard;
    expect(guest.queue("requests")).toEqual(new Uint8Array(0));
    const [reply] = new MessageReader().push(guest.queue("replies"));
    expect(reply).toMatchObject({ type: XS_READ, reqId: 9 });
    expect(toText(reply?.payload ?? new Uint8Array(0))).toBe("value");
    guest.poke("rspCons", guest.words().rspProd);
    expect(guest.queue("replies").length).toBe(0);
  });
});

describe("a ring whose indexes are broken", () => {
  it("is not served, says so, and works again after a new connection", async () => {
    const store = await open();
    const guest = await store.guest(7);
    await guest.client.write("a", "1");
    const { reqCons } = guest.words();
    guest.poke("reqProd", reqCons + 5000);
    expect(guest.queue("requests").length).toBe(0);
    guest.notify();
    const error = await guest.client.closed;
    expect(error?.message).toMatch(/ring|indexes/);
    expect(guest.words().error).not.toBe(0);
    await expect(guest.client.read("a")).rejects.toMatchObject({ code: "ECONNRESET" });
    await guest.connect();
    expect(guest.words().error).toBe(0);
    expect(await guest.client.read("a")).toBe("1");
    // Others were served all the time.
    expect(await store.client.read("/local/domain/7/a")).toBe("1");
  });
});

describe("the life of a domain", () => {
  it("shuts down, which watchers hear of once, and leaves its nodes", async () => {
    const store = await open();
    const guest = await store.guest(7);
    await guest.client.write("a", "1");
    const watch = store.client.watch("@releaseDomain");
    await watch.next();
    await guest.crash();
    expect((await watch.next()).value.path).toBe("@releaseDomain");
    expect(await guest.client.read("a")).toBe("1");
  });

  it("ends, and everything it owned with it", async () => {
    const store = await open();
    const guest = await store.guest(7);
    const beside = await store.asDomain(7);
    await guest.client.write("a", "1");
    const watch = store.client.watch("@releaseDomain");
    await watch.next();
    const pending = guest.client.read("a");
    await guest.destroy();
    await expect(pending).rejects.toMatchObject({ code: "ECONNRESET" });
    expect((await watch.next()).value.path).toBe("@releaseDomain");
    expect(await store.client.exists("/local/domain/7")).toBe(false);
    await expect(beside.read("a")).rejects.toMatchObject({ code: "ECONNRESET" });
    await expect(guest.connect()).rejects.toThrow(/domain 7 has ended/);
    await expect(guest.shutdown()).rejects.toThrow(/domain 7 has ended/);
  });

  it("begins anew with the same number and nothing of the one before", async () => {
    const store = await open();
    const before = await store.guest(7);
    await before.client.write("a", "1");
    const after = await before.reboot();
    expect(after.domid).toBe(7);
    expect(after.page).not.toBe(before.page);
    expect(await after.client.list("/local/domain/7")).toEqual([]);
    await after.client.write("a", "2");
    expect(await store.client.read("/local/domain/7/a")).toBe("2");
    before.notify();
    expect(await after.client.read("a")).toBe("2");
  });

  it("is made for one page only", async () => {
    const store = await open();
    await store.guest(7);
    const other = store.guest(7, { page: new ArrayBuffer(4096) });
    await expect(other).rejects.toMatchObject({ code: "EEXIST" });
    const small = store.guest(8, { page: new ArrayBuffer(100) });
    await expect(small).rejects.toThrow(/100 bytes, not 4096/);
  });
});
