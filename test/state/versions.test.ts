// Versions: what an old snapshot alone could see is given back step by step, whatever goes on.
// Holds   how many older versions there are.
// Never   measures time: how many are freed at once is what keeps requests from waiting.
// Source  our own.

import { describe, expect, it } from "vitest";
import { CONN_SOCKET, DUMP_SNAPSHOT } from "../../assembly/abi.ts";
import { Core, STAT_FAULTS, STAT_UNDO_BYTES } from "../core.ts";
import { encode, typeNumber } from "../message.ts";
import { treeOf } from "./inventory.ts";

const COUNT = 200_000;
/** No single call frees more than this part of them. */
const STEP = 1 / 20;

class Store {
  readonly core = new Core();
  readonly conn = this.core.connect(CONN_SOCKET, 0);

  ask(type: string, payload: string, txId = 0): string {
    const request = { type: typeNumber(type), reqId: 1, txId, payload };
    this.core.receive(this.conn, encode(request));
    return Buffer.from(this.core.take(this.conn)).toString("latin1", 16);
  }

  /** Versions of `COUNT` changes below /d, which only what was opened before can see. */
  change(): void {
    for (let i = 0; i < COUNT; i += 1) this.ask("WRITE", `/d/${i % 50}/${i % 1000}\0${i}`);
  }

  get bytes(): number {
    return this.core.stat(STAT_UNDO_BYTES);
  }

  /** Lets time pass until nothing is left, and returns the largest step. */
  reclaim(): number {
    let largest = 0;
    while (this.bytes > 0) {
      const before = this.bytes;
      this.core.pass(1);
      expect(this.bytes).toBeLessThan(before);
      largest = Math.max(largest, before - this.bytes);
    }
    return largest;
  }
}

function closeTransaction(store: Store): void {
  expect(store.ask("TRANSACTION_END", "F\0", 1)).toBe("OK\0");
}

function closeSnapshot(store: Store): void {
  store.core.dumpEnd();
}

describe("older versions", () => {
  for (const [what, close] of [
    ["transaction", closeTransaction],
    ["snapshot", closeSnapshot],
  ] as const) {
    it(`that only a ${what} could see are freed step by step when it ends`, () => {
      const store = new Store();
      store.ask("WRITE", "/d\0");
      if (what === "transaction") expect(store.ask("TRANSACTION_START", "\0")).toBe("1\0");
      else expect(store.core.dumpBegin(DUMP_SNAPSHOT)).toBe(true);
      store.change();
      // Each node is written 200 times, and its versions are kept once.
      for (let i = 0; i < COUNT / 2; i += 1) {
        store.ask("WRITE", `/e/${i}\0v`);
        store.ask("RM", `/e/${i}\0`);
        store.ask("WRITE", `/f/${i}\0v`);
      }
      const all = store.bytes;
      close(store);
      expect(store.bytes).toBeGreaterThan(all * (1 - STEP));
      expect(store.reclaim()).toBeLessThan(all * STEP);
      expect(store.core.stat(STAT_FAULTS)).toBe(0);
    });
  }

  it("go on being freed while nodes are removed, made again and seen by others", () => {
    const store = new Store();
    for (let i = 0; i < 30_000; i += 1) store.ask("WRITE", `/d/${i % 50}/${i}\0v`);
    store.ask("TRANSACTION_START", "\0");
    for (let i = 0; i < 20_000; i += 1) store.ask("RM", `/d/${i % 50}/${i}\0`);
    closeTransaction(store);
    expect(store.bytes).toBeGreaterThan(0);
    // Ghosts hang below these.
    for (let i = 0; i < 10; i += 1) store.ask("RM", `/d/${i}\0`);
    expect(store.ask("TRANSACTION_START", "\0")).toBe("2\0");
    const seen = store.ask("DIRECTORY", "/d\0", 2);
    const value = store.ask("READ", "/d/30/20030\0", 2);
    for (let i = 10; i < 40; i += 1) store.ask("RM", `/d/${i}\0`);
    for (let i = 0; i < 10; i += 1) store.ask("WRITE", `/d/${i}/new\0v`);
    for (let i = 0; i < 10; i += 1) store.core.pass(1);
    expect(store.ask("DIRECTORY", "/d\0", 2)).toBe(seen);
    expect(value).toBe("v");
    expect(store.ask("READ", "/d/30/20030\0", 2)).toBe("v");
    expect(store.ask("TRANSACTION_END", "F\0", 2)).toBe("OK\0");
    store.ask("RM", "/d\0");
    store.reclaim();
    expect(treeOf(store.core).some((line) => line.startsWith("/d"))).toBe(false);
    expect(store.core.stat(STAT_FAULTS)).toBe(0);
  });

  it("that a transaction needs stay though those of an ended one are still being freed", () => {
    const store = new Store();
    store.ask("TRANSACTION_START", "\0");
    for (let i = 0; i < 5000; i += 1) store.ask("WRITE", `/d/${i}\0v`);
    closeTransaction(store);
    expect(store.bytes).toBeGreaterThan(0);
    expect(store.ask("TRANSACTION_START", "\0")).toBe("2\0");
    store.ask("WRITE", "/d/1\0later");
    store.ask("RM", "/d/2\0");
    for (let i = 0; i < 20; i += 1) store.core.pass(1);
    expect(store.ask("READ", "/d/1\0", 2)).toBe("v");
    expect(store.ask("READ", "/d/2\0", 2)).toBe("v");
  });
});
