// Operations: a long run of random requests that ends in the same store on every runtime.
// Holds   the generator; what is done follows from the seed alone.
// Never   depends on time, on a runtime, or on the order in which promises of two clients settle.
// Source  our own.

import type { Client, Transaction } from "../../hosts/client/api.ts";
import { isXenstoreError } from "../../hosts/client/errors.ts";
import type { Store } from "../../hosts/embed/api.ts";
import { randomOf } from "../../hosts/testing/random.ts";

/** What is needed of a store. */
export type Played = Pick<Store, "client" | "connect" | "readOnly" | "asDomain" | "hash">;

const NAMES = ["a", "b", "state", "backend", "device-1", "0", "51728", "x".repeat(40)];
const LETTERS = ["n", "r", "w", "b"];
const PIPELINE = 16;
const DOMAINS = [1, 2, 7];

/** Adds up what requests came to, in their order. */
class Outcomes {
  #sum = 0x811c9dc5;

  add(text: string): void {
    for (let i = 0; i < text.length; i++) {
      this.#sum = Math.imul(this.#sum ^ text.charCodeAt(i), 0x01000193);
    }
    this.#sum = Math.imul(this.#sum ^ 0xff, 0x01000193);
  }

  get hex(): string {
    return (this.#sum >>> 0).toString(16).padStart(8, "0");
  }
}

/**
 * Makes `count` requests: reads, writes, listings, removals, permissions and transactions, as the
 * control domain, as a reader and as three others, some of them refused.
 * @returns the hash of the store at the end, and one of all replies: the same on every runtime
 */
export async function runOperations(store: Played, count: number, seed: number): Promise<string> {
  const run = new Run(randomOf(seed));
  await run.open(store);
  while (run.done < count) await run.next(Math.min(PIPELINE, count - run.done));
  await run.close();
  return `${await store.hash()}-${run.outcomes.hex}`;
}

class Run {
  done = 0;
  readonly outcomes = new Outcomes();
  #random: () => number;
  #clients: Client[] = [];
  #privileged: Client[] = [];

  constructor(random: () => number) {
    this.#random = random;
  }

  async open(store: Played): Promise<void> {
    this.#privileged = [await store.connect(), await store.connect()];
    this.#clients = [...this.#privileged, ...this.#privileged, await store.readOnly()];
    for (const domid of DOMAINS) this.#clients.push(await store.asDomain(domid));
  }

  async close(): Promise<void> {
    for (const client of new Set(this.#clients)) await client.close();
  }

  /** A run of requests of one client, all under way at once, or a transaction. */
  async next(most: number): Promise<void> {
    if (most > 4 && this.#below(20) === 0) return this.#transaction();
    const client = this.#one(this.#clients);
    const asked = Array.from({ length: most }, () => this.#request(client));
    for (const outcome of await Promise.all(asked)) this.outcomes.add(outcome);
    this.done += most;
  }

  /** Somebody else may change what it saw. */
  async #transaction(): Promise<void> {
    const tx = await this.#one(this.#clients).begin();
    this.outcomes.add(await this.#request(tx));
    this.outcomes.add(await this.#request(tx));
    this.outcomes.add(await this.#request(this.#one(this.#privileged)));
    const commits = this.#below(4) > 0;
    this.outcomes.add(await outcomeOf(commits ? tx.commit() : tx.abort()));
    this.done += 5;
  }

  #request(on: Client | Transaction): Promise<string> {
    const path = this.#path();
    switch (this.#below(10)) {
      case 0:
      case 1:
      case 2:
        return outcomeOf(on.write(path, this.#value()));
      case 3:
        return outcomeOf(on.mkdir(path));
      case 4:
        return outcomeOf(this.#below(3) === 0 ? on.rm(path) : on.exists(path));
      case 5:
        return outcomeOf(on.setPerms(path, this.#perms()));
      case 6:
        return outcomeOf(on.list(path));
      case 7:
        return outcomeOf(on.getPerms(path));
      default:
        return outcomeOf(on.read(path, { as: "bytes" }));
    }
  }

  #path(): string {
    const names = Array.from({ length: 1 + this.#below(4) }, () => this.#one(NAMES));
    const base = this.#below(4);
    if (base === 0) return names.join("/");
    return `${base === 1 ? `/local/domain/${this.#one(DOMAINS)}` : "/tool"}/${names.join("/")}`;
  }

  #value(): Uint8Array {
    const length = this.#below(8) === 0 ? this.#below(1500) : this.#below(12);
    return Uint8Array.from({ length }, () => this.#below(256));
  }

  #perms(): string {
    const entries = Array.from({ length: 1 + this.#below(3) }, (_, at) => {
      const domid = at === 0 && this.#below(3) > 0 ? this.#one(DOMAINS) : this.#below(9);
      return `${this.#one(LETTERS)}${domid}`;
    });
    return entries.join(" ");
  }

  #one<T>(list: readonly T[]): T {
    return list[this.#below(list.length)] as T;
  }

  #below(end: number): number {
    return Math.floor(this.#random() * end);
  }
}

async function outcomeOf(request: Promise<unknown>): Promise<string> {
  try {
    const result = await request;
    return result instanceof Uint8Array ? [...result].join() : (JSON.stringify(result) ?? "done");
  } catch (error) {
    if (!isXenstoreError(error)) throw error;
    return error.code;
  }
}
