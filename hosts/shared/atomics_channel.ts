// Atomics channel: an event channel between threads: two counters in memory that both have.
// Holds   which of the two is ours, and what was seen of it.
// Never   blocks: the thread goes on, and is called back.
// Source  our own.

/** Bytes that the two counters take. */
export const CHANNEL_SIZE = 8;

/** What is newer than the types at hand: an asynchronous wait on shared memory. */
interface Waiting {
  waitAsync(
    words: Int32Array,
    index: number,
    value: number,
  ): { async: false } | { async: true; value: Promise<string> };
}

/** One end of a channel; the other end has the other `side`. */
export class AtomicsChannel {
  #counters: Int32Array;
  #side: 0 | 1;
  #open = true;

  /**
   * @param buffer  memory that both threads have: a SharedArrayBuffer with CHANNEL_SIZE bytes
   *                from `byteOffset` on, a multiple of 4
   * @param side    0 or 1; the other end must be given the other one
   */
  constructor(buffer: SharedArrayBuffer, byteOffset: number, side: 0 | 1) {
    this.#counters = new Int32Array(buffer, byteOffset, CHANNEL_SIZE / 4);
    this.#side = side;
  }

  /** Raises the event at the other end; several may be told as one. */
  notify(): void {
    const other = 1 - this.#side;
    Atomics.add(this.#counters, other, 1);
    Atomics.notify(this.#counters, other);
  }

  /**
   * Calls back after each event of the other end, those from before included, until `close`. The
   * wait does not keep the thread alive; something else must.
   */
  async listen(call: () => void): Promise<void> {
    const { waitAsync } = Atomics as unknown as Waiting;
    let seen = 0;
    while (this.#open) {
      const wait = waitAsync(this.#counters, this.#side, seen);
      if (wait.async) await wait.value;
      if (!this.#open) return;
      seen = Atomics.load(this.#counters, this.#side);
      call();
    }
  }

  /** Calls back no more. */
  close(): void {
    this.#open = false;
    Atomics.notify(this.#counters, this.#side);
  }
}
