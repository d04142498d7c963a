// Progress: one line on a terminal that says how far a long task has come.
// Holds   what was counted and when it was last drawn.
// Never   draws for a task that is done soon, or where no terminal is.
// Source  our own.

import type { ToolHost } from "./host.ts";

/** A task that is shorter is not worth a line. */
const FIRST_MS = 500;
const AGAIN_MS = 100;
/** Things counted between two looks at the clock. */
const LOOK = 256;
/** Columns of the bar. */
const BAR = 20;

/** What a program may use of time and terminal. */
export type ProgressHost = Pick<ToolHost, "err" | "errColumns" | "nowMs">;

export class Progress {
  readonly #host: ProgressHost;
  readonly #title: string;
  readonly #unit: string;
  readonly #total: number | null;
  readonly #startMs: number;
  readonly #columns: number | null;
  #done = 0;
  #looked = 0;
  #nextMs: number;
  #drawn = false;

  /**
   * @param title  in front of the line
   * @param unit   what is counted, in the plural
   * @param total  how many there are; null when nobody knows
   */
  constructor(host: ProgressHost, title: string, unit: string, total: number | null) {
    this.#host = host;
    this.#title = title;
    this.#unit = unit;
    this.#total = total;
    this.#columns = host.errColumns();
    this.#startMs = host.nowMs();
    this.#nextMs = this.#startMs + FIRST_MS;
  }

  /** So many more are done. */
  add(count: number): void {
    this.set(this.#done + count);
  }

  /** So many are done. */
  set(done: number): void {
    this.#done = done;
    if (this.#columns === null || Math.abs(done - this.#looked) < LOOK) return;
    this.#looked = done;
    const nowMs = this.#host.nowMs();
    if (nowMs < this.#nextMs) return;
    this.#nextMs = nowMs + AGAIN_MS;
    this.#draw(nowMs, this.#columns);
  }

  /** Takes the line away. */
  clear(): void {
    if (this.#drawn) this.#host.err("\r\x1b[K");
    this.#drawn = false;
  }

  #draw(nowMs: number, columns: number): void {
    const rate = Math.round((this.#done * 1000) / Math.max(nowMs - this.#startMs, 1));
    const count = `${grouped(this.#done)}${this.#total === null ? "" : ` of ${grouped(this.#total)}`}`;
    const line = `${this.#title}: ${this.#bar()}${count} ${this.#unit}, ${grouped(rate)}/s`;
    // A line that reaches the edge would be two.
    this.#host.err(`\r${line.slice(0, Math.max(columns - 1, 0))}\x1b[K`);
    this.#drawn = true;
  }

  #bar(): string {
    if (this.#total === null) return "";
    const part = this.#total === 0 ? 1 : Math.min(this.#done / this.#total, 1);
    const full = Math.floor(part * BAR);
    const percent = String(Math.floor(part * 100)).padStart(3);
    return `[${"#".repeat(full)}${".".repeat(BAR - full)}] ${percent} % `;
  }
}

/** A number with commas between thousands. */
function grouped(number: number): string {
  return String(number).replace(/\B(?=(\d{3})+$)/g, ",");
}
