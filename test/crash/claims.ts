// Claims: a number that all writers count up in transactions, so that each commit depends on the last.
// Holds   which commit was acknowledged with which number, and those that were not answered.
// Never   accepts that one number was given to two.
// Source  the XenStore protocol, Transactions.

export class Claims {
  /** The value each acknowledged commit has written, by its number. */
  #acknowledged = new Map<number, string>();
  #open = new Map<number, Set<string>>();
  #highest = 0;

  /** The value that follows one that was read. */
  static after(value: string, name: string): { number: number; value: string } {
    const number = (Number.parseInt(value, 10) || 0) + 1;
    return { number, value: `${number}:${name}` };
  }

  /** A commit that writes `value` is under way. */
  begun(number: number, value: string): void {
    const open = this.#open.get(number) ?? new Set();
    this.#open.set(number, open.add(value));
  }

  /** It had no effect. */
  failed(number: number, value: string): void {
    this.#open.get(number)?.delete(value);
  }

  /** It was acknowledged, or found in the store. Returns a complaint, or "". */
  done(number: number, value: string): string {
    const before = this.#acknowledged.get(number);
    if (before !== undefined && before !== value) {
      return `${value} was committed, but so was ${before}: one of them has not seen the other`;
    }
    this.failed(number, value);
    this.#acknowledged.set(number, value);
    this.#highest = Math.max(this.#highest, number);
    return "";
  }

  /** Whether what the store holds can be; unanswered commits are settled by it. */
  check(value: string): string {
    const number = Number.parseInt(value, 10) || 0;
    if (number < this.#highest) {
      const lost = this.#acknowledged.get(this.#highest);
      return `the count is "${value}", but "${lost}" was acknowledged`;
    }
    for (let each = this.#highest + 1; each <= number; each++) {
      const open = this.#open.get(each);
      if (!open?.size) return `the count is "${value}", but nobody has sent number ${each}`;
    }
    if (number > 0 && this.#acknowledged.get(number) !== value) {
      if (!this.#open.get(number)?.has(value)) return `the count is "${value}": nobody sent that`;
      return this.done(number, value);
    }
    return "";
  }

  /** What the store held in the end, for a report. */
  get highest(): number {
    return this.#highest;
  }
}
