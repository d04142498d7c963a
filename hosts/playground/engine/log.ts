// Log: a list whose entries are numbered from 1 on, and whose oldest ones are dropped.
// Holds   the entries that are left; their numbers stay.
// Never   grows beyond its size.
// Source  our own.

export class Log<T> {
  /** Number of the oldest entry that is there, and of the newest; the same plus 1 when empty. */
  first = 1;
  #items: T[] = [];
  readonly #max: number;

  /** Hears of each entry that is dropped. */
  onDrop: (item: T) => void = () => {};

  /** @param max  entries above which a quarter is dropped */
  constructor(max: number) {
    this.#max = max;
  }

  get last(): number {
    return this.first + this.#items.length - 1;
  }

  /** Returns its number. */
  push(item: T): number {
    this.#items.push(item);
    if (this.#items.length > this.#max) this.drop(this.first + (this.#max >> 2));
    return this.last;
  }

  get(n: number): T | undefined {
    return this.#items[n - this.first];
  }

  /** Drops all before this number. */
  drop(first: number): void {
    const count = Math.min(first - this.first, this.#items.length);
    if (count <= 0) return;
    for (const item of this.#items.splice(0, count)) this.onDrop(item);
    this.first += count;
  }

  *from(n: number): Generator<T> {
    for (let at = Math.max(n, this.first); at <= this.last; at++) {
      yield this.#items[at - this.first] as T;
    }
  }
}
