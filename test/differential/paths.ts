// Paths: where the generated requests go.
// Holds   a small world of names, the places visited last, and the edges of what is legal.
// Never   knows whether a node is there: that is for the stores to say.
// Source  paths of the specification.

import type { Random } from "./random.ts";

const NAMES = ["a", "b", "c", "d"];
const ODD = ["/", "/a@b", "/@x", "/A-_9", "/tool/xenstored", "/t/a-b", "/pub/x@", "/pub/0"];
const BAD = [
  ...["", "/t/", "//", "/t//a", "/t a", "a.b", "/t/\xe9"],
  ...[".", "@", "data/", "/pub/\x01", "/%"],
];
const SPECIAL = ["@releaseDomain", "@introduceDomain", "@foo", "@releaseDomain/1", "@foo/bar"];
/** How many places are remembered. */
const RECENT = 8;

export class Paths {
  readonly #random: Random;
  readonly #guests: readonly number[];
  readonly #recent: string[] = ["/t/a", "/t/b/c", "/pub"];

  constructor(random: Random, guests: readonly number[]) {
    this.#random = random;
    this.#guests = guests;
  }

  /** Returns a path for a request of `conn`; most are short and legal and meet others. */
  next(conn: string): string {
    const kind = this.#random.below(100);
    if (kind < 2) return this.#random.pick(ODD);
    if (kind < 4) return this.#random.pick(BAD);
    if (kind < 6) return this.#random.pick(SPECIAL);
    if (kind < 7) return this.#long();
    if (kind < 60) return this.#near(this.#random.pick(this.#recent));
    const depth = this.#random.pick([0, 1, 1, 1, 2, 2, 3]);
    const parts = Array.from({ length: depth }, () => this.#random.pick(NAMES));
    return this.#visited(conn, [this.#base(conn), ...parts].join("/"));
  }

  /** Returns a path for WATCH; mostly where much happens below. */
  watched(conn: string): string {
    if (this.#random.chance(10)) return this.#random.pick(["/", ...SPECIAL]);
    return this.#random.chance(50) ? this.#base(conn) : this.next(conn);
  }

  /** A place visited before, or one next to it. */
  #near(path: string): string {
    const kind = this.#random.below(100);
    if (kind < 15) return `${path}/${this.#random.pick(NAMES)}`;
    const parent = path.slice(0, path.lastIndexOf("/"));
    return kind < 30 && parent !== "" ? parent : path;
  }

  #base(conn: string): string {
    const domid = Number(/^dom(\d+)/.exec(conn)?.[1] ?? 0);
    if (domid !== 0) return this.#random.pick(["data", "data", "/pub", "/pub", "/t", this.#home()]);
    return this.#random.pick(["/t", "/t", "/pub", "data", this.#home(), `${this.#home()}/data`]);
  }

  #home(): string {
    return `/local/domain/${this.#guests.length > 0 ? this.#random.pick(this.#guests) : 1}`;
  }

  #visited(conn: string, path: string): string {
    const domid = /^dom(\d+)/.exec(conn)?.[1] ?? "0";
    this.#recent.push(path.startsWith("/") ? path : `/local/domain/${domid}/${path}`);
    if (this.#recent.length > RECENT) this.#recent.shift();
    return path;
  }

  /** A path around the limit for guests, which is 2048 below a home. */
  #long(): string {
    const length = this.#random.pick([500, 2046, 2047, 2048, 2049]);
    return this.#random.chance(50) ? "data/".padEnd(length, "y") : "/pub/".padEnd(length, "z");
  }
}
