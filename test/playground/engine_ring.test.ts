// Engine ring: a domain's ring, looked into and moved by hand.
// Holds   nothing.
// Never   sleeps.
// Source  the XenStore protocol, ring.

import { describe, expect, it } from "vitest";
import { encodeMessage, MessageReader, strings } from "../../hosts/entry/wire.ts";
import { compose } from "../../hosts/playground/engine/ring_compose.ts";
import type { RingFault, RingInfo } from "../../hosts/playground/model/protocol.ts";
import { openRig, type Rig } from "./engine_rig.ts";

async function openGuest(): Promise<Rig> {
  const rig = await openRig();
  await rig.call("domain.add", { domid: 3 });
  rig.look({ ring: 3 });
  await rig.until(() => rig.seen.ring !== undefined);
  return rig;
}

/** The ring as the page sees it, when this is true of it. */
async function ring(rig: Rig, is: (info: RingInfo) => boolean = () => true): Promise<RingInfo> {
  const { seen } = rig;
  const found = () => (seen.ring && is(seen.ring) ? seen.ring : null);
  seen.ring = null;
  rig.engine.renew();
  await rig.until(() => found() !== null);
  return found() as RingInfo;
}

const texts = (info: RingInfo) => info.log.join("\n");

describe("composed messages", () => {
  const parts = (type: string, path: string, value: string) => {
    const bytes = compose({ type, path, value, reqId: 5, txId: 6 });
    const [message] = new MessageReader().push(bytes);
    return { ...message, text: new TextDecoder().decode(message.payload) };
  };

  it.each([
    ["READ", "/a", "", 2, "/a\0"],
    ["write", "/a", "b c", 11, "/a\0b c"],
    ["WATCH", "/a", "", 4, "/a\0token\0"],
    ["UNWATCH", "/a", "t", 5, "/a\0t\0"],
    ["SET_PERMS", "/a", "n0,r3 b4", 14, "/a\0n0\0r3\0b4\0"],
    ["TRANSACTION_START", "", "", 6, "\0"],
    ["TRANSACTION_END", "", "f", 7, "F\0"],
    ["TRANSACTION_END", "", "", 7, "T\0"],
    ["INTRODUCE", "5", "1 2", 8, "5\0" + "1\0" + "2\0"],
    ["GET_DOMAIN_PATH", "", "5", 10, "5\0"],
    ["CONTROL", "quota", "3", 0, "quota\0" + "3\0"],
    ["DIRECTORY_PART", "/a", "", 22, "/a\0" + "0\0"],
    ["RESET_WATCHES", "", "", 21, "\0"],
    ["ERROR", "", "EIO", 16, "EIO\0"],
    ["GET_FEATURE", "", "", 23, ""],
  ])("%s %j %j", (type, path, value, number, text) => {
    expect(parts(type, path, value)).toMatchObject({ type: number, reqId: 5, txId: 6, text });
  });

  it("of no type, or too long, are refused", () => {
    const rest = { path: "/", reqId: 1, txId: 0 };
    expect(() => compose({ ...rest, type: "NOTHING", value: "" })).toThrow(/no type "NOTHING"/);
    expect(() => compose({ ...rest, type: "WRITE", value: "x".repeat(5000) })).toThrow(/4096/);
    expect(() => compose({ ...rest, type: "READ", value: "", txId: -1 })).toThrow(/integer/);
  });
});

describe("a ring", () => {
  it("is seen as it lies in the page", async () => {
    const rig = await openGuest();
    await rig.call("console.do", { domid: 3, line: "write a hello" });
    const info = await ring(rig, ({ words }) => words.reqProd > 0);
    expect(info.words.reqCons).toBe(info.words.reqProd);
    expect(new TextDecoder().decode(info.requests)).toContain("a\0hello");
    expect(info).toMatchObject({ domid: 3, held: false, log: [] });
  });

  it("is none of domain 0, nor of one that is not there or has ended", async () => {
    const rig = await openGuest();
    for (const domid of [0, 9]) {
      rig.look({ ring: domid });
      await rig.until(() => rig.seen.ring === null);
      rig.look({ ring: 3 });
      await rig.until(() => rig.seen.ring !== null);
    }
    await rig.call("domain.kill", { domid: 3 });
    await rig.until(() => rig.seen.ring === null);
    expect(await rig.refusal("ring.hold", { domid: 0 })).toMatch(/control domain/);
    expect(await rig.refusal("ring.hold", { domid: 9 })).toMatch(/no domain 9/);
    expect(await rig.refusal("ring.hold", { domid: 3 })).toMatch(/Reboot it/);
  });

  it("is moved byte by byte", async () => {
    const rig = await openGuest();
    await rig.call("ring.hold", { domid: 3 });
    const start = await ring(rig, ({ held }) => held);
    const of = { domid: 3 };
    await rig.call("ring.compose", { ...of, type: "WRITE", path: "x", value: "by hand" });
    const message = encodeMessage({
      ...{ type: 11, reqId: 1, txId: 0 },
      payload: new TextEncoder().encode("x\0by hand"),
    });
    expect((await ring(rig, ({ waiting }) => waiting.length > 0)).waiting).toEqual(message);
    await rig.call("ring.put", { ...of, count: 1 });
    await rig.call("ring.put", { ...of, count: "header" });
    expect(await rig.refusal("ring.put", { ...of, count: "header" })).toMatch(/header/);
    const half = await ring(rig, ({ waiting }) => waiting.length === message.length - 16);
    expect(half.words.reqProd - start.words.reqProd).toBe(16);
    expect(rig.session.mirror.find("/local/domain/3/x")).toBeNull();
    await rig.call("ring.put", { ...of, count: "message" });
    expect(rig.session.mirror.find("/local/domain/3/x")).not.toBeNull();
    expect(await rig.refusal("ring.put", { ...of, count: "message" })).toMatch(/Nothing waits/);
    await rig.call("ring.take", { ...of, count: "header" });
    await rig.call("ring.take", { ...of, count: "message" });
    expect(await rig.refusal("ring.take", { ...of, count: 5 })).toMatch(/nothing to take/);
    const info = await ring(rig, ({ taken }) => taken.length === 19);
    const reply = encodeMessage({ type: 11, reqId: 1, txId: 0, payload: strings("OK") });
    expect(info.taken).toEqual(reply);
    expect(texts(info)).toMatch(/That was WRITE with req_id 1: OK/);
    expect(texts(info)).toMatch(/The store has put 19 bytes of replies/);
  });

  it("has what was done by hand in the history", async () => {
    const rig = await openGuest();
    await rig.call("ring.hold", { domid: 3 });
    await rig.call("ring.compose", { domid: 3, type: "WRITE", path: "x", value: "1" });
    await rig.call("ring.put", { domid: 3, count: "message" });
    const written = rig.session.history.operation(rig.session.history.last);
    expect(written).toMatchObject({ conn: "D3", type: "WRITE", path: "x", error: null });
    expect(written?.changes).toBe(1);
    await rig.call("ring.take", { domid: 3, count: "message" });
    expect(written?.error).toBe("");
  });

  it("takes no more than there is room for, and says so", async () => {
    const rig = await openGuest();
    await rig.call("ring.hold", { domid: 3 });
    const value = "x".repeat(1500);
    await rig.call("ring.compose", { domid: 3, type: "WRITE", path: "long", value });
    await rig.call("ring.put", { domid: 3, count: "message" });
    const info = await ring(rig, ({ waiting }) => waiting.length < 1000);
    expect(texts(info)).toMatch(/Put 1024 bytes, of 1521/);
    await rig.call("ring.put", { domid: 3, count: "message" });
    expect(rig.session.mirror.find("/local/domain/3/long")?.value.length).toBe(1500);
    for (const count of [0, -1, 1.5, 2000, Number.NaN]) {
      await rig.call("ring.compose", { domid: 3, type: "READ", path: "long", value: "" });
      expect(await rig.refusal("ring.put", { domid: 3, count })).toMatch(/from 1 to 1024/);
    }
    await rig.call("ring.put", { domid: 3, count: "message" });
    // A reply that is larger than the queue comes in parts.
    for (let n = 0; n < 4; n++) {
      await rig.call("ring.take", { domid: 3, count: "message" }).catch(() => {});
    }
    expect(texts(await ring(rig))).toMatch(/That was READ with req_id 2: xxx/);
  });

  it("is left to its kernel, but for single words, until it is taken", async () => {
    const rig = await openGuest();
    expect(await rig.refusal("ring.put", { domid: 3, count: 1 })).toMatch(/take it by hand first/);
    expect(await rig.refusal("ring.take", { domid: 3, count: 1 })).toMatch(/kernel of domain 3/);
    expect(await rig.refusal("ring.poke", { domid: 3, word: "error", value: -1 })).toMatch(
      /integer/,
    );
    const word = "nothing" as "error";
    expect(await rig.refusal("ring.poke", { domid: 3, word, value: 1 })).toMatch(/no word/);
  });

  it("ends what runs when it is taken, and goes on when it is given back", async () => {
    const rig = await openGuest();
    const watch = await rig.call("console.do", { domid: 3, line: "watch x" });
    await rig.call("ring.hold", { domid: 3 });
    expect(await rig.code(watch.run)).toBe("130");
    expect(rig.printed(watch.run, "err")).toMatch(/moved by hand/);
    await rig.call("ring.hold", { domid: 3 });
    await rig.call("ring.reconnect", { domid: 3 });
    expect((await ring(rig, ({ held }) => !held)).words.reqProd).toBe(0);
    expect((await rig.call("console.do", { domid: 3, line: "write x 1" })).code).toBe(0);
  });

  it.each<[RingFault, number, RegExp]>([
    ["req-index", 2, /2000 bytes of requests would wait/],
    ["rsp-index", 2, /not put there yet/],
    ["oversize", 3, /announces 5000 bytes/],
    ["unknown-type", 0, /type 99/],
    ["no-nul", 0, /without the NUL/],
  ])(
    "broken by %s has error %i, and lives again after a reconnection",
    async (how, error, text) => {
      const rig = await openGuest();
      await rig.call("ring.break", { domid: 3, how });
      const info = await ring(rig, ({ words }) => words.error === error);
      expect(texts(info)).toMatch(text);
      await rig.until(() => rig.seen.domains?.find((one) => one.domid === 3)?.ringError === error);
      if (error === 0) {
        await rig.call("ring.take", { domid: 3, count: "message" });
        expect(texts(await ring(rig))).toMatch(/That was ERROR with req_id 1: E(NOSYS|INVAL)/);
      } else expect(texts(info)).toMatch(/serves this ring no more/);
      await rig.call("ring.reconnect", { domid: 3 });
      expect((await ring(rig, ({ held }) => !held)).words.error).toBe(0);
      expect((await rig.call("console.do", { domid: 3, line: "write x 1" })).code).toBe(0);
    },
  );

  it("broken while its kernel uses it says so, and is connected anew", async () => {
    const rig = await openGuest();
    const watch = await rig.call("console.do", { domid: 3, line: "watch x" });
    await rig.call("ring.poke", { domid: 3, word: "reqProd", value: 4000 });
    await rig.call("ring.notify", { domid: 3 });
    expect(await rig.code(watch.run)).toBe("1");
    expect(rig.printed(watch.run, "err")).toMatch(
      /connection to the store lost[\s\S]*Reconnect it/,
    );
    await rig.until(() => rig.seen.domains?.find(({ domid }) => domid === 3)?.ringError === 2);
    await rig.call("ring.reconnect", { domid: 3 });
    expect((await rig.call("console.do", { domid: 3, line: "write x 1" })).code).toBe(0);
  });

  it("with indexes that make no sense is not moved further", async () => {
    const rig = await openGuest();
    await rig.call("ring.hold", { domid: 3 });
    await rig.call("ring.poke", { domid: 3, word: "reqProd", value: 4000 });
    await rig.call("ring.poke", { domid: 3, word: "rspCons", value: 4000 });
    await rig.call("ring.compose", { domid: 3, type: "READ", path: "x", value: "" });
    expect(await rig.refusal("ring.put", { domid: 3, count: 1 })).toMatch(/make no sense/);
    expect(await rig.refusal("ring.take", { domid: 3, count: 1 })).toMatch(/make no sense/);
    const how = "somehow" as RingFault;
    expect(await rig.refusal("ring.break", { domid: 3, how })).toMatch(/no way/);
  });

  it("is not connected anew where the page does not offer that", async () => {
    const rig = await openGuest();
    await rig.call("ring.poke", { domid: 3, word: "features", value: 0 });
    expect(await rig.refusal("ring.reconnect", { domid: 3 })).toMatch(/server_features/);
    await rig.call("ring.poke", { domid: 3, word: "features", value: 15 });
    await rig.call("ring.reconnect", { domid: 3 });
    expect((await rig.call("console.do", { domid: 3, line: "write x 1" })).code).toBe(0);
  });

  it("that is held is nobody's after the end of its domain", async () => {
    const rig = await openGuest();
    await rig.call("ring.hold", { domid: 3 });
    await rig.call("domain.release", { domid: 3 });
    expect(await rig.refusal("ring.put", { domid: 3, count: 1 })).toMatch(/introduce it first/);
    expect(await rig.refusal("ring.reconnect", { domid: 3 })).toMatch(/introduce it first/);
    await rig.call("domain.introduce", { domid: 3 });
    expect((await rig.call("console.do", { domid: 3, line: "write x 1" })).code).toBe(0);
  });

  it("does not take more than there is room to keep", async () => {
    const rig = await openGuest();
    await rig.call("ring.hold", { domid: 3 });
    const big = { domid: 3, type: "WRITE", path: "x", value: "v".repeat(4000) };
    let refused = "";
    for (let n = 0; n < 30 && refused === ""; n++) {
      await rig.call("ring.compose", big).catch((error: Error) => {
        refused = error.message;
      });
    }
    expect(refused).toMatch(/Too many bytes wait/);
    for (let n = 0; n < 300; n++) await rig.call("ring.notify", { domid: 3 });
    expect((await ring(rig)).log.length).toBe(200);
  });
});
