// Changes, at random: whatever happens to a store, what it tells leads to what it holds.
// Holds   what may happen, and a mirror that is compared again and again.
// Never   looks at replies: requests may be refused.
// Source  StoreChange of hosts/embed/changes.ts.

import fc from "fast-check";
import { expect, it } from "vitest";
import type { Client, Transaction } from "../../hosts/client/api.ts";
import { isXenstoreError } from "../../hosts/client/errors.ts";
import { ManualClock } from "../../hosts/embed/clock.ts";
import type { LocalStore } from "../../hosts/embed/store.ts";
import { createStore } from "../../hosts/embed/store.ts";
import { wasmModule } from "../core.ts";
import { FailingStorage } from "./failing_storage.ts";
import { Mirror, readAll } from "./mirror.ts";

const DOMAINS = [1, 2, 7];
const SPEAKERS = [0, 0, ...DOMAINS];
const NAMES = ["a", "b", "c"];

const path = fc
  .tuple(
    fc.constantFrom("", "/p", "/local/domain/1", "/local/domain/7"),
    fc.array(fc.constantFrom(...NAMES), { maxLength: 3 }),
  )
  .map(([base, names]) => `${base}${names.map((name) => `/${name}`).join("")}` || "/");
const perms = fc
  .array(fc.tuple(fc.constantFrom("n", "r", "w", "b"), fc.constantFrom(0, 0, 1, 2, 7, 9)), {
    minLength: 1,
    maxLength: 3,
  })
  .map((entries) => entries.map(([letter, domid]) => `${letter}${domid}`).join(" "));

const request = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ op: fc.constant("write" as const), path, value: fc.nat(99) }),
  },
  { weight: 1, arbitrary: fc.record({ op: fc.constant("mkdir" as const), path }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant("rm" as const), path }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant("perms" as const), path, perms }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant("read" as const), path }) },
);
const who = fc.nat(SPEAKERS.length - 1);
const step = fc.oneof(
  { weight: 8, arbitrary: fc.record({ who, requests: fc.array(request, { maxLength: 4 }) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      who,
      inside: fc.array(request, { minLength: 1, maxLength: 8 }),
      meanwhile: fc.array(request, { maxLength: 1 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ release: fc.constantFrom(...DOMAINS) }) },
  { weight: 1, arbitrary: fc.record({ dies: fc.constantFrom(...DOMAINS, 9) }) },
  { weight: 1, arbitrary: fc.record({ limit: fc.nat(30), of: fc.constantFrom(0, 1, 7) }) },
  { weight: 1, arbitrary: fc.record({ restore: fc.constant(true) }) },
  { weight: 1, arbitrary: fc.record({ fail: fc.constantFrom("EIO", "ENOSPC", null) }) },
);
type Request = typeof request extends fc.Arbitrary<infer One> ? One : never;
type Step = typeof step extends fc.Arbitrary<infer One> ? One : never;

class Run {
  readonly mirror = new Mirror();
  readonly storage: FailingStorage | undefined;
  readonly clock = new ManualClock();
  store!: LocalStore;
  #clients: Client[] = [];

  constructor(kept: boolean) {
    this.storage = kept ? new FailingStorage() : undefined;
  }

  async open(): Promise<void> {
    const { storage, clock } = this;
    const options = { module: wasmModule(), seed: 1, storage, clock, changes: this.mirror.hear };
    this.store = (await createStore(options)) as LocalStore;
    await this.#arrive();
  }

  async same(): Promise<void> {
    expect(this.mirror.tree).toEqual(await readAll(this.store.client));
  }

  async step(one: Step): Promise<void> {
    const { client, site } = this.store;
    if ("requests" in one) {
      const speaker = this.#clients[one.who] as Client;
      await Promise.all(one.requests.map((each) => ask(speaker, each)));
    } else if ("inside" in one) await this.#transaction(one);
    else if ("release" in one) {
      const released = settled(client.domain(one.release).release());
      await Promise.all([settled(client.write("/p/with", "1")), released]);
      await this.#arrive();
    } else if ("dies" in one) {
      site.server.run(() => site.server.others(site.server.core.domainState(one.dies, 0)));
      site.server.run(() => site.server.others(site.server.core.domainState(one.dies, 1)));
      await this.#arrive();
    } else if ("limit" in one) {
      const limits = one.of ? client.domain(one.of) : client;
      await settled(limits.setQuota("nodes", one.limit));
    } else if ("restore" in one) await this.#restore();
    else if (this.storage) await this.#fail(this.storage, one.fail);
  }

  async #transaction(one: Extract<Step, { inside: unknown }>): Promise<void> {
    const speaker = this.#clients[one.who] as Client;
    const tx = await speaker.begin().catch(() => null);
    if (!tx) return;
    for (const each of one.inside) await ask(tx, each);
    for (const each of one.meanwhile) await ask(this.store.client, each);
    const before = this.mirror.told.length;
    const done = await settled(tx.commit());
    if (!done) expect(this.mirror.told.length).toBe(before);
  }

  async #restore(): Promise<void> {
    if (this.storage?.code) return;
    await this.store.restore(await this.store.dump());
    this.mirror.reread(await this.store.client.snapshot("/"));
    await this.#arrive();
  }

  async #fail(storage: FailingStorage, code: string | null): Promise<void> {
    storage.code = code;
    this.clock.advance(2000);
    if (!code) await this.#arrive();
  }

  /** Domains that went come again, unless nothing can be stored. */
  async #arrive(): Promise<void> {
    const clients = SPEAKERS.map(async (domid) => {
      if (domid === 0) return this.store.client;
      return this.store.asDomain(domid).catch(() => this.store.client);
    });
    this.#clients = await Promise.all(clients);
  }
}

async function ask(on: Client | Transaction, one: Request): Promise<void> {
  switch (one.op) {
    case "write":
      return void (await settled(on.write(one.path, `${one.value}`)));
    case "mkdir":
      return void (await settled(on.mkdir(one.path)));
    case "rm":
      return void (await settled(on.rm(one.path)));
    case "perms":
      return void (await settled(on.setPerms(one.path, one.perms)));
    default:
      return void (await settled(on.read(one.path)));
  }
}

/** Whether it was done; errors of a store are answers. */
async function settled(asked: Promise<unknown>): Promise<boolean> {
  try {
    await asked;
    return true;
  } catch (error) {
    if (!isXenstoreError(error)) throw error;
    return false;
  }
}

it("a mirror of a store is the store, whatever happens to it", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.boolean(),
      fc.array(step, { maxLength: 30, size: "max" }),
      async (kept, steps) => {
        const run = new Run(kept);
        await run.open();
        for (const one of steps) {
          await run.step(one);
          await run.same();
        }
        await run.store.close();
      },
    ),
    { numRuns: 200, seed: 7 },
  );
});
