// Heeded: the signals that requests wait with, one listener for each signal.
// Holds   the requests of each signal that has not spoken.
// Never   listens to a signal that nobody waits with: some runtimes warn of many listeners.
// Source  our own.

import type { Request } from "./request.ts";

/** Who takes a request back when its signal says so. */
export interface Owner {
  abort(request: Request): void;
}

export class Heeded {
  readonly #owner: Owner;
  readonly #groups = new Map<AbortSignal, Group>();

  constructor(owner: Owner) {
    this.#owner = owner;
  }

  /** From now on the signal takes the request back. */
  add(request: Request, signal: AbortSignal): void {
    let group = this.#groups.get(signal);
    if (group === undefined) {
      group = new Group(signal, this.#owner, () => this.#groups.delete(signal));
      this.#groups.set(signal, group);
    }
    group.requests.add(request);
    request.heeded = group;
  }
}

/** The requests of one signal. */
export class Group {
  readonly requests = new Set<Request>();
  readonly signal: AbortSignal;
  readonly #owner: Owner;
  readonly #empty: () => void;

  constructor(signal: AbortSignal, owner: Owner, empty: () => void) {
    this.signal = signal;
    this.#owner = owner;
    this.#empty = empty;
    signal.addEventListener("abort", this);
  }

  /** The request is settled. */
  remove(request: Request): void {
    this.requests.delete(request);
    if (this.requests.size > 0) return;
    this.signal.removeEventListener("abort", this);
    this.#empty();
  }

  /** The signal speaks. */
  handleEvent(): void {
    for (const request of [...this.requests]) this.#owner.abort(request);
  }
}
