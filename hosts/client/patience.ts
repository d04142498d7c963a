// Patience: one timer for everything that must happen within the same time.
// Holds   the timer, which runs only while something is awaited.
// Never   keeps a timer for each thing, and never acts by itself.
// Source  our own.

/** Some runtimes give timers a method that lets the process end meanwhile. */
type Timer = ReturnType<typeof setTimeout> & { unref?(): void };

export class Patience {
  readonly limitMs: number;
  readonly #since: () => number;
  readonly #expired: () => void;
  #timer: Timer | null = null;

  /**
   * @param since    since when the oldest thing is awaited, by performance.now(); 0: nothing is
   * @param expired  called when that was too long ago
   */
  constructor(limitMs: number, since: () => number, expired: () => void) {
    this.limitMs = limitMs;
    this.#since = since;
    this.#expired = expired;
  }

  /** Something is awaited from now on. */
  begin(): void {
    if (this.#timer === null) this.#wait(this.limitMs);
  }

  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  #look(): void {
    this.#timer = null;
    const since = this.#since();
    if (since === 0) return;
    const leftMs = since + this.limitMs - performance.now();
    if (leftMs <= 0) this.#expired();
    else this.#wait(leftMs);
  }

  #wait(ms: number): void {
    const timer = setTimeout(() => this.#look(), ms) as Timer;
    // What is awaited keeps a process running by its own means, if at all.
    timer.unref?.();
    this.#timer = timer;
  }
}
