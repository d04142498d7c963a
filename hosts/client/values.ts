// Values: a watch that hands out values, and the wait for one.
// Holds   the value of each path as it was handed out last.
// Never   reads before the watch is set, so that no change is missed.
// Source  the XenStore protocol, Clients, Patterns seen in toolstacks; our own.

import { isXenstoreError } from "../shared/errors.ts";
import type { As, Nodes, ValueChange, Watch, WatchEvent, WatchValuesOptions } from "./api.ts";
import { NotAnIntegerError } from "./decode.ts";
import { asyncDispose } from "./dispose.ts";
import { isLost } from "./watch.ts";

type Some = string | Uint8Array | number;
/** A value, or undefined. */
export type NodeValue = Some | undefined;

const DONE: IteratorResult<never> = { done: true, value: undefined };

/** The values of what a watch tells about. */
export class ValueWatch implements Watch<ValueChange<Some>> {
  readonly #watch: Watch;
  readonly #nodes: Nodes;
  readonly #as: As;
  readonly #unchanged: boolean;
  readonly #signal: AbortSignal | undefined;
  /** Values by path; what is not there has none. */
  readonly #last = new Map<string, Some>();
  /** Changes that one event brought with it. */
  readonly #more: ValueChange<Some>[] = [];
  /** Each call of `next` waits for the one before. */
  #turn: Promise<unknown> = Promise.resolve();
  #over = false;

  constructor(nodes: Nodes, watch: Watch, options: WatchValuesOptions) {
    this.#nodes = nodes;
    this.#watch = watch;
    this.#as = options.as ?? "text";
    this.#unchanged = options.unchanged ?? false;
    this.#signal = options.signal;
  }

  get path(): string {
    return this.#watch.path;
  }

  get token(): string {
    return this.#watch.token;
  }

  get ready(): Promise<void> {
    return this.#watch.ready;
  }

  get waiting(): number {
    return this.#watch.waiting + this.#more.length;
  }

  next(): Promise<IteratorResult<ValueChange<Some>>> {
    const result = this.#turn.then(() => this.#next());
    this.#turn = result.catch(() => {});
    return result;
  }

  async return(): Promise<IteratorResult<ValueChange<Some>>> {
    this.#over = true;
    this.#more.length = 0;
    await this.#watch.return();
    return DONE;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [asyncDispose](): Promise<void> {
    await this.return();
  }

  async #next(): Promise<IteratorResult<ValueChange<Some>>> {
    while (true) {
      const more = this.#more.shift();
      if (more !== undefined) return { done: false, value: more };
      const event = await this.#watch.next();
      if (event.done) return DONE;
      const change = await this.#look(event.value);
      if (this.#over) return DONE;
      if (change !== null) return { done: false, value: change };
    }
  }

  /** Reads what an event tells of; null if there is nothing new in it. */
  async #look(event: WatchEvent): Promise<ValueChange<Some> | null> {
    const { path, initial, replayed } = event;
    const { value, missing } = await this.#read(path);
    const previous = this.#last.get(path);
    if (value === undefined) this.#last.delete(path);
    else this.#last.set(path, value);
    if (missing) this.#dropBelow(path);
    if (!initial && !this.#unchanged && same(value, previous)) return null;
    return { path, value, previous, initial, replayed };
  }

  async #read(path: string): Promise<Look> {
    try {
      return await look(this.#nodes, path, this.#as, this.#signal);
    } catch (error) {
      if (this.#over) return { value: undefined, missing: false };
      await this.#watch.return();
      throw error;
    }
  }

  /** A node that is gone has taken all below with it. */
  #dropBelow(path: string): void {
    const start = path === "/" ? path : `${path}/`;
    for (const [below, previous] of this.#last) {
      if (!below.startsWith(start)) continue;
      this.#last.delete(below);
      this.#more.push({ path: below, value: undefined, previous, initial: false, replayed: false });
    }
  }
}

/** What was found when a node was read. */
export interface Look {
  /** Undefined for what is not there, can't be read, or is no integer where one is wanted. */
  readonly value: NodeValue;
  readonly missing: boolean;
  /** Why there is no value. */
  readonly error?: Error;
}

/** Reads a node; again if the connection is lost on the way, since reading changes nothing. */
export async function look(
  nodes: Nodes,
  path: string,
  as: As,
  signal?: AbortSignal,
): Promise<Look> {
  while (true) {
    try {
      return { value: await nodes.read(path, { as: as as "text", signal }), missing: false };
    } catch (error) {
      if (isXenstoreError(error, "ENOENT", "EACCES") || error instanceof NotAnIntegerError) {
        return { value: undefined, missing: error.code === "ENOENT", error };
      }
      if (!isLost(error) || !error.sent) throw error;
    }
  }
}

/** Whether two values are equal. */
export function same(one: NodeValue, other: NodeValue): boolean {
  if (!(one instanceof Uint8Array) || !(other instanceof Uint8Array)) return one === other;
  return one.length === other.length && one.every((byte, at) => byte === other[at]);
}
