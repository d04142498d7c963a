// Event buffer: events of one watch that wait until they are taken.
// Holds   a bounded queue; where told so, one event for each path.
// Never   drops an event unless it was told to.
// Source  our own.

import type { WatchEvent } from "./api.ts";

/** Events taken from the front before the rest is moved there. */
const MOVE = 256;

export class EventBuffer {
  readonly #limit: number;
  /** The events that wait by their path, where equal ones are one; else null. */
  readonly #byPath: Map<string, number> | null;
  /** Events; those before `head` are taken. */
  #events: (WatchEvent | undefined)[] = [];
  #head = 0;
  /** How many were taken since the start: what `byPath` counts from. */
  #taken = 0;

  /** @param coalesce  keeps one event for each path, and drops the oldest if that is not enough */
  constructor(limit: number, coalesce: boolean) {
    this.#limit = limit;
    this.#byPath = coalesce ? new Map() : null;
  }

  get size(): number {
    return this.#events.length - this.#head;
  }

  /** Puts an event at the end; false if there is no room for it. */
  push(event: WatchEvent): boolean {
    if (this.#byPath !== null) return this.#merge(event, this.#byPath);
    if (this.size >= this.#limit) return false;
    this.#events.push(event);
    return true;
  }

  /** Takes the oldest. */
  shift(): WatchEvent | undefined {
    if (this.size === 0) return undefined;
    const event = this.#events[this.#head];
    this.#events[this.#head++] = undefined;
    this.#taken++;
    if (event !== undefined) this.#byPath?.delete(event.path);
    if (this.#head < MOVE && this.size > 0) return event;
    this.#events.splice(0, this.#head);
    this.#head = 0;
    return event;
  }

  clear(): void {
    this.#events = [];
    this.#head = 0;
    this.#byPath?.clear();
  }

  #merge(event: WatchEvent, byPath: Map<string, number>): boolean {
    const number = byPath.get(event.path);
    if (number !== undefined) {
      const at = number - this.#taken + this.#head;
      // What marks an event must not be lost with it.
      if (event.initial) this.#events[at] = event;
      return true;
    }
    if (this.size >= this.#limit) this.shift();
    byPath.set(event.path, this.#taken + this.size);
    this.#events.push(event);
    return true;
  }
}
