// Plan: what a writer does next, drawn at random within its own part of the tree.
// Holds   names few enough that changes meet each other, and values that are never the same.
// Never   knows what the store answers.
// Source  our own.

import { Random } from "../differential/random.ts";
import type { Change } from "./tree.ts";

export type Move = "change" | "transaction" | "contest" | "look";

export interface Habits {
  /** Names of the owner and of those that lists may name besides. */
  owner: number;
  others: readonly number[];
  /** Bytes of a value at most. */
  valueMax: number;
  weights: Readonly<Record<Move, number>>;
  /** Only these nodes are written, and nothing else is done, if there are any. */
  only: readonly string[];
}

const NAMES = ["a", "b", "c", "d", "e", "f"];
const DEPTH_MAX = 3;
/** Changes of one transaction at most. */
const CHANGES_MAX = 7;

export class Plan {
  readonly random: Random;
  readonly habits: Habits;
  #name: string;
  #count = 0;

  /** @param name  of the writer; it stands in each value */
  constructor(seed: number, name: string, habits: Habits) {
    this.random = new Random(seed);
    this.#name = name;
    this.habits = habits;
  }

  move(): Move {
    return this.habits.only.length ? "change" : this.random.weighted(this.habits.weights);
  }

  change(): Change {
    const { only } = this.habits;
    if (only.length > 0)
      return { kind: "write", path: [this.random.pick(only)], value: this.value() };
    const kind = this.random.weighted({ write: 12, mkdir: 1, rm: 3, perms: 3 });
    const path = this.path();
    if (kind === "write") return { kind, path, value: this.value() };
    if (kind === "perms") return { kind, path, perms: this.#perms() };
    return { kind, path };
  }

  /** The changes of one transaction; several nodes, at times one of them twice. */
  changes(): Change[] {
    const count = this.random.from(2, CHANGES_MAX);
    return Array.from({ length: count }, () => this.change());
  }

  path(): string[] {
    const depth = this.random.from(1, DEPTH_MAX);
    return Array.from({ length: depth }, () => this.random.pick(NAMES));
  }

  /** A value that says who wrote it, with a number that grows. */
  value(): string {
    const head = `${this.#name}.${++this.#count}.`;
    const most = this.random.chance(5) ? this.habits.valueMax : 120;
    return head + "v".repeat(this.random.below(Math.max(1, most - head.length)));
  }

  #perms(): string {
    const { owner, others } = this.habits;
    const first = `${this.random.pick(["n", "r", "w", "b"])}${owner}\0`;
    const count = this.random.below(Math.min(others.length, 2) + 1);
    const rest = Array.from({ length: count }, () => {
      return `${this.random.pick(["n", "r", "w", "b"])}${this.random.pick(others)}\0`;
    });
    return first + rest.join("");
  }
}
