// Transactions: what a store says of the open ones is what they have done, and comes true.
// Holds   the ways in which the world outside can change, and what of that is a conflict.
// Never   looks at the store by any other way than its public one.
// Source  OpenTransaction of hosts/embed/transactions.ts.

import fc from "fast-check";
import { describe, expect, it, onTestFinished } from "vitest";
import type { Client, Transaction } from "../../hosts/client/api.ts";
import { isXenstoreError } from "../../hosts/client/errors.ts";
import type { Store } from "../../hosts/embed/api.ts";
import { createStore } from "../../hosts/embed/store.ts";
import type { OpenTransaction, TransactionNode } from "../../hosts/embed/transactions.ts";
import { wasmModule } from "../core.ts";
import { open } from "./open.ts";

const BYTES = (text: string) => Uint8Array.from(Buffer.from(text));

function nodeOf(store: Store, path: string): TransactionNode | undefined {
  return store.transactions()[0]?.nodes.find((node) => node.path === path);
}

function conflictsOf(one: OpenTransaction | undefined): Record<string, readonly string[]> {
  const changed = one?.nodes.filter(({ conflicts }) => conflicts.length > 0) ?? [];
  return Object.fromEntries(changed.map(({ path, conflicts }) => [path, conflicts]));
}

/** A store with some nodes, and a transaction that the test gives back. */
async function begun(): Promise<{ store: Store; outside: Client; tx: Transaction }> {
  const store = await open({ seed: 1 });
  const outside = await store.connect();
  for (const path of ["/n/value", "/n/list/one", "/n/gone/below"]) await outside.write(path, "1");
  const tx = await store.client.begin();
  onTestFinished(() => tx.abort().catch(() => {}));
  return { store, outside, tx };
}

describe("an open transaction", () => {
  it("has touched nothing at first, and is no more after its end", async () => {
    const { store, tx } = await begun();
    expect(store.transactions()).toEqual([
      { conn: "S1", domid: 0, id: 1, verdict: null, nodes: [] },
    ]);
    await tx.commit();
    expect(store.transactions()).toEqual([]);
  });

  it("says what each request has seen", async () => {
    const { store, tx } = await begun();
    await tx.read("/n/value");
    await tx.list("/n/list");
    await tx.getPerms("/n/gone");
    expect(await tx.exists("/n/none")).toBe(false);
    const seen = store.transactions()[0]?.nodes.map(({ path, saw }) => [path, saw]);
    expect(seen?.slice(0, 4)).toEqual([
      ["/n/value", ["existence", "value"]],
      ["/n/list", ["existence", "children"]],
      ["/n/gone", ["existence", "perms"]],
      ["/n/none", ["existence"]],
    ]);
    expect(nodeOf(store, "/n/value")).toMatchObject({ change: null, value: null, perms: null });
  });

  it("says what it does to each node", async () => {
    const { store, tx } = await begun();
    await tx.write("/n/value", "2");
    await tx.setPerms("/n/list", "n0 r3");
    await tx.rm("/n/gone");
    await tx.write("/n/gone/other", Uint8Array.of(0, 255));
    await tx.mkdir("/new/below");
    await tx.write("/brief", "1");
    await tx.rm("/brief");
    const changes = store.transactions()[0]?.nodes.map(({ path, change }) => `${path} ${change}`);
    expect(changes?.sort()).toEqual([
      "/ null",
      "/brief null",
      "/n null",
      "/n/gone replaced",
      "/n/gone/below removed",
      "/n/gone/other created",
      "/n/list changed",
      "/n/value changed",
      "/new created",
      "/new/below created",
    ]);
    expect(nodeOf(store, "/n/value")).toMatchObject({ value: BYTES("2"), perms: null });
    expect(nodeOf(store, "/n/list")).toMatchObject({ value: null, perms: "n0 r3" });
    expect(nodeOf(store, "/n/gone/other")).toMatchObject({
      value: Uint8Array.of(0, 255),
      perms: "n0",
    });
    expect(nodeOf(store, "/n/gone/below")).toMatchObject({ value: null, perms: null });
  });

  it.each<[string, (outside: Client) => Promise<void>, Record<string, string[]>]>([
    ["a value", (one) => one.write("/n/value", "2"), { "/n/value": ["value"] }],
    ["the same value", (one) => one.write("/n/value", "1"), {}],
    ["another value", (one) => one.write("/n/list/one", "2"), {}],
    ["permissions", (one) => one.setPerms("/n/list", "r0"), { "/n/list": ["perms"] }],
    ["other permissions", (one) => one.setPerms("/n/value", "r0"), {}],
    ["a new child", (one) => one.write("/n/list/two", "1"), { "/n/list": ["children"] }],
    ["a removed child", (one) => one.rm("/n/list/one"), { "/n/list": ["children"] }],
    ["a removed node", (one) => one.rm("/n/value"), { "/n/value": ["existence"] }],
    ["a node made", (one) => one.mkdir("/n/none"), { "/n/none": ["existence"] }],
    ["another node made", (one) => one.mkdir("/n/other"), {}],
  ])("names what of the store outside is different: %s", async (_what, change, expected) => {
    const { store, outside, tx } = await begun();
    await tx.read("/n/value");
    await tx.list("/n/list");
    await tx.getPerms("/n/list");
    await tx.exists("/n/none");
    await tx.write("/mine", "1");
    expect(store.transactions()[0]?.verdict).toBe(null);
    await change(outside);
    const [found] = store.transactions();
    expect(conflictsOf(found)).toEqual(expected);
    const fails = Object.keys(expected).length > 0;
    expect(found?.verdict).toBe(fails ? "EAGAIN" : null);
    const done = tx.commit();
    if (fails) await expect(done).rejects.toMatchObject({ code: "EAGAIN" });
    else await done;
  });

  it("is called by its connection, whatever that is", async () => {
    const store = await open();
    const ring = await store.guest(7);
    const beside = await store.asDomain(7);
    const second = await store.connect();
    const reader = await store.readOnly();
    for (const one of [beside, ring.client, reader, second, store.client]) await one.begin();
    const names = store.transactions().map(({ conn, domid }) => [conn, domid]);
    expect(names).toEqual([
      ["D7.1", 7],
      ["D7", 7],
      ["R1", 0],
      ["S2", 0],
      ["S1", 0],
    ]);
    await second.close();
    await (await store.connect()).begin();
    expect(store.transactions().map(({ conn }) => conn)).toEqual(["D7.1", "D7", "R1", "S1", "S3"]);
  });

  it("says what else fails it", async () => {
    const store = await open({ quota: { "transaction-nodes": 3 } });
    const seven = await store.asDomain(7);
    const tx = await seven.begin();
    for (const name of ["a", "b", "c", "d"]) await tx.write(name, "1").catch(() => {});
    expect(store.transactions()[0]?.verdict).toBe("ENOSPC");
    await expect(tx.commit()).rejects.toMatchObject({ code: "ENOSPC" });
  });

  it("is not changed by looking, nor is anything else", async () => {
    const { store, outside, tx } = await begun();
    await tx.rm("/n");
    await outside.write("/n/value", "2");
    const before = [store.transactions(), store.stats(), await store.hash()];
    expect([store.transactions(), store.stats(), await store.hash()]).toEqual(before);
  });

  it("strictly fails for every node it has touched", async () => {
    const store = await open({ transactionConflicts: "strict" });
    const outside = await store.connect();
    await outside.write("/n/value", "1");
    const tx = await store.client.begin();
    await tx.read("/n/value");
    await outside.write("/n/value", "1");
    const all = ["value", "perms", "children"];
    expect(conflictsOf(store.transactions()[0])).toEqual({ "/n/value": all });
    await outside.write("/n/value", "2");
    expect(conflictsOf(store.transactions()[0])).toEqual({ "/n/value": ["value"] });
    await outside.rm("/n/value");
    expect(conflictsOf(store.transactions()[0])).toEqual({ "/n/value": ["existence"] });
    expect(store.transactions()[0]?.verdict).toBe("EAGAIN");
  });
});

const path = fc
  .array(fc.constantFrom("a", "b"), { minLength: 1, maxLength: 3 })
  .map((names) => names.map((name) => `/${name}`).join(""));
const request = fc.record({
  op: fc.constantFrom("write", "write", "mkdir", "rm", "read", "list", "perms", "getPerms"),
  path,
  value: fc.constantFrom("1", "2"),
});
const step = fc.oneof(
  { weight: 2, arbitrary: fc.record({ begin: fc.nat(2) }) },
  { weight: 6, arbitrary: fc.record({ inside: fc.nat(9), request }) },
  { weight: 4, arbitrary: fc.record({ outside: fc.nat(2), request }) },
  { weight: 2, arbitrary: fc.record({ commit: fc.nat(9) }) },
  { weight: 1, arbitrary: fc.record({ release: fc.constant(8) }) },
);
type Request = typeof request extends fc.Arbitrary<infer One> ? One : never;
type Step = typeof step extends fc.Arbitrary<infer One> ? One : never;

async function ask(on: Client | Transaction, { op, path, value }: Request): Promise<void> {
  switch (op) {
    case "write":
      await codeOf(on.write(path, value));
      break;
    case "mkdir":
      await codeOf(on.mkdir(path));
      break;
    case "rm":
      await codeOf(on.rm(path));
      break;
    case "read":
      await codeOf(on.read(path));
      break;
    case "list":
      await codeOf(on.list(path));
      break;
    case "getPerms":
      await codeOf(on.getPerms(path));
      break;
    default:
      await codeOf(on.setPerms(path, value === "1" ? "b7" : "b8 r7"));
  }
}

/** What a request failed with; null: it was done. */
async function codeOf(asked: Promise<unknown>): Promise<string | null> {
  try {
    await asked;
    return null;
  } catch (error) {
    if (!isXenstoreError(error)) throw error;
    return error.code;
  }
}

interface Begun {
  readonly id: number;
  readonly tx: Transaction;
  readonly conn: string;
}

class Interleaved {
  readonly store: Store;
  #clients: Client[] = [];
  #open: Begun[] = [];
  readonly #observed: boolean;

  constructor(store: Store, observed: boolean) {
    this.store = store;
    this.#observed = observed;
  }

  async begin(): Promise<void> {
    const { client } = this.store;
    await client.setPerms("/", "b0");
    await client.write("/a/b", "1");
    this.#clients = [client, await this.store.asDomain(7), await this.store.asDomain(8)];
  }

  async step(one: Step): Promise<void> {
    if ("begin" in one) await this.#begin(one.begin);
    else if ("outside" in one) await ask(this.#clients[one.outside] as Client, one.request);
    else if ("release" in one) await this.#release(one.release);
    else {
      const at = ("inside" in one ? one.inside : one.commit) % Math.max(1, this.#open.length);
      const found = this.#open[at];
      if (!found) return;
      if ("inside" in one) await ask(found.tx, one.request);
      else await this.#commit(at);
    }
    this.#look();
  }

  async #begin(who: number): Promise<void> {
    const before = new Set(this.store.transactions().map(key));
    const tx = await (this.#clients[who] as Client).begin().catch(() => null);
    if (!tx) return;
    const made = this.store.transactions().find((one) => !before.has(key(one)));
    this.#open.push({ id: made?.id ?? -1, conn: made?.conn ?? "?", tx });
  }

  async #commit(at: number): Promise<void> {
    const [{ tx, id, conn }] = this.#open.splice(at, 1) as [Begun];
    const said = this.store.transactions().find((one) => one.id === id && one.conn === conn);
    expect(said).toBeDefined();
    expect(await codeOf(tx.commit())).toBe(said?.verdict);
  }

  /** Its connection ends with it, and what was open on that. */
  async #release(domid: number): Promise<void> {
    await this.store.client.domain(domid).release();
    const left = new Set(this.store.transactions().map(key));
    this.#open = this.#open.filter((one) => left.has(key(one)));
    this.#clients[2] = await this.store.asDomain(domid);
  }

  #look(): void {
    const all = this.store.transactions();
    expect(all.map(key).sort()).toEqual(this.#open.map(key).sort());
    for (const { verdict, nodes } of all) {
      if (verdict === null) expect(nodes.flatMap(({ conflicts }) => conflicts)).toEqual([]);
      if (!this.#observed) continue;
      for (const { saw, conflicts } of nodes)
        expect(saw).toEqual(expect.arrayContaining([...conflicts]));
    }
  }
}

function key({ conn, id }: { conn: string; id: number }): string {
  return `${conn} ${id}`;
}

it.each(["observed", "strict"] as const)("the verdict comes true (%s)", async (mode) => {
  const verdicts = new Map<string | null, number>();
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40, size: "max" }), async (steps) => {
      const options = { module: wasmModule(), seed: 1, quota: { nodes: 3 } };
      const store = await createStore({ ...options, transactionConflicts: mode });
      const run = new Interleaved(store, mode === "observed");
      await run.begin();
      for (const one of steps) {
        await run.step(one);
        for (const { verdict } of store.transactions()) {
          verdicts.set(verdict, (verdicts.get(verdict) ?? 0) + 1);
        }
      }
      await store.close();
    }),
    { numRuns: 150, seed: 5 },
  );
  // All of them were met.
  for (const one of [null, "EAGAIN", "ENOSPC"]) expect(verdicts.get(one) ?? 0).toBeGreaterThan(9);
});
