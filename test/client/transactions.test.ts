// Transactions: conflicts, losses and signals at moments that a real store does not offer.
// Holds   a store that answers by rules.
// Never   asks a real store.
// Source  the XenStore protocol, Transactions; hosts/client/api.ts.

import { describe, expect, it } from "vitest";
import { HANG_UP } from "../tools/scripted.ts";
import { failure, script } from "./script.ts";

const AGAIN = { attempts: 3, backoff: () => 1 };

describe("transaction", () => {
  it("is repeated when one of its requests meets EAGAIN, and gives the old one up", async () => {
    const { client, asked } = await script({ "WRITE /a|1": ["!EAGAIN", "OK|"] });
    let runs = 0;
    await client.transaction(async (tx) => {
      runs++;
      await tx.write("/a", "1");
    });
    expect(runs).toBe(2);
    expect(asked()).toEqual([
      "TRANSACTION_START |",
      "WRITE /a|1 tx 7",
      "TRANSACTION_END F| tx 7",
      "TRANSACTION_START |",
      "WRITE /a|1 tx 7",
      "TRANSACTION_END T| tx 7",
    ]);
  });
  it("tries a hundred times unless told otherwise", async () => {
    const { client, asked } = await script({ TRANSACTION_END: "!EAGAIN" });
    const error = await failure(client.transaction(() => 1, { backoff: () => 0 }));
    expect(error?.name).toBe("ConflictError");
    expect(asked().filter((line) => line === "TRANSACTION_END T| tx 7").length).toBe(100);
  });
  it("is not repeated when another error meets the commit", async () => {
    const { client } = await script({ "TRANSACTION_END T": "!ENOSPC" });
    let runs = 0;
    const error = await failure(client.transaction(() => void runs++));
    expect(error).toMatchObject({ code: "ENOSPC", op: "TRANSACTION_END" });
    expect(runs).toBe(1);
  });
  it("passes on what the body threw when it can't be given up", async () => {
    const { client } = await script({ "TRANSACTION_END F": "!EIO" });
    const thrown = new Error("own");
    const running = client.transaction(() => Promise.reject(thrown));
    expect(await failure(running)).toBe(thrown);
  });
  it("whose commit is not answered may have been applied, and is not repeated", async () => {
    const { client, asked } = await script({ "TRANSACTION_END T": HANG_UP }, { reconnect: AGAIN });
    let runs = 0;
    const error = await failure(
      client.transaction(async (tx) => {
        runs++;
        await tx.write("/a", "1");
      }),
    );
    expect(error).toMatchObject({ code: "ECONNRESET", sent: true, op: "TRANSACTION_END" });
    expect(runs).toBe(1);
    expect(await client.read("/b")).toBe("");
    expect(asked().filter((line) => line.startsWith("TRANSACTION_END")).length).toBe(1);
  });
  it("whose connection is lost before its commit was certainly not applied", async () => {
    const { client, asked } = await script({ "READ /a": HANG_UP }, { reconnect: AGAIN });
    const tx = await client.begin();
    expect(await failure(tx.read("/a"))).toMatchObject({ name: "ConnectionLostError", sent: true });
    expect(await failure(tx.commit())).toMatchObject({ name: "ConnectionLostError", sent: false });
    await tx.abort();
    const other = await client.begin();
    expect(await failure(other.commit())).toBe(null);
    expect(asked().filter((line) => line.startsWith("TRANSACTION_END"))).toEqual([
      "TRANSACTION_END T| tx 7",
    ]);
  });
  it("gives its transaction up when the body fails for a lost connection", async () => {
    const { client } = await script({ "READ /a": HANG_UP }, { reconnect: AGAIN });
    let runs = 0;
    const running = client.transaction((tx) => {
      runs++;
      return tx.read("/a");
    });
    expect(await failure(running)).toMatchObject({ name: "ConnectionLostError", op: "READ" });
    expect(runs).toBe(1);
  });
  it("hears a signal while it waits to be repeated", async () => {
    const { client } = await script({ TRANSACTION_END: "!EAGAIN" });
    const giveUp = new AbortController();
    const backoff = () => {
      queueMicrotask(() => giveUp.abort("enough"));
      return 1e9;
    };
    expect(await failure(client.transaction(() => 1, { signal: giveUp.signal, backoff }))).toBe(
      "enough",
    );
  });
});

describe("a request by number", () => {
  it("within a transaction of a lost connection does not go to another of that id", async () => {
    const { client, asked } = await script({ "READ /a": HANG_UP }, { reconnect: AGAIN });
    const tx = await client.begin();
    await failure(client.read("/a"));
    await client.read("/b");
    asked();
    const error = await failure(client.request(2, new Uint8Array([0x61, 0]), { txId: tx.id }));
    expect(error).toMatchObject({ name: "ConnectionLostError", sent: false });
    expect(asked()).toEqual([]);
  });
});

describe("begin", () => {
  it("that is given up ends the transaction that the store begins all the same", async () => {
    const { client, streams, asked } = await script();
    streams[0].holding = true;
    const giveUp = new AbortController();
    const beginning = client.begin({ signal: giveUp.signal });
    await Promise.resolve();
    giveUp.abort("enough");
    expect(await failure(beginning)).toBe("enough");
    streams[0].release();
    await client.read("/a");
    await client.read("/b");
    expect(asked()).toContain("TRANSACTION_END F| tx 7");
  });
  it("takes an id of 0 for what it is: no answer", async () => {
    const { client } = await script({ TRANSACTION_START: "0|" });
    expect((await failure(client.begin()))?.code).toBe("EPROTO");
  });
});

describe("commit", () => {
  it("that a signal refused before it was sent gives the transaction up", async () => {
    const { client, asked } = await script();
    const tx = await client.begin();
    asked();
    expect(await failure(tx.commit({ signal: AbortSignal.abort("enough") }))).toBe("enough");
    await client.read("/a");
    expect(asked()).toEqual(["TRANSACTION_END F| tx 7", "READ /a|"]);
  });
  it("waits for requests that nobody waited for, and is not made if one fails", async () => {
    const { client, asked } = await script({ "WRITE /a|2": "!EACCES" });
    const tx = await client.begin();
    const writes = [tx.write("/a", "1"), tx.write("/a", "2"), tx.write("/a", "3")];
    expect((await failure(tx.commit()))?.code).toBe("EACCES");
    expect((await Promise.allSettled(writes)).map(({ status }) => status)).toEqual([
      "fulfilled",
      "rejected",
      "fulfilled",
    ]);
    await client.read("/b");
    expect(asked()).not.toContain("TRANSACTION_END T| tx 7");
    expect(asked().length).toBe(0);
  });
  it("that is under way is waited for at the end of the block", async () => {
    const { client, asked } = await script();
    const tx = await client.begin();
    const committing = tx.commit();
    await tx[Symbol.asyncDispose]();
    await committing;
    expect(asked()).toEqual(["TRANSACTION_START |", "TRANSACTION_END T| tx 7"]);
  });
});
