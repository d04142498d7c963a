// Queue: requests that wait for a connection, or for room on it.
// Holds   them in order, those that go first apart, and their messages in large pieces of memory.
// Never   decides when they go.
// Source  our own.

import { type Request, SETTLED } from "./request.ts";

/** Messages share pieces of so many bytes: one array for each would cost more than its content. */
const PIECE = 65_536;

export class Queue {
  #first = new Line();
  #rest = new Line();
  #piece = new Uint8Array(0);
  #used = 0;

  /** Requests that wait, without those that go first. */
  get size(): number {
    return this.#rest.size;
  }

  /** Puts a request behind the others of its kind; `message` is copied. */
  push(request: Request, message: Uint8Array): void {
    this.#keep(request, message);
    (request.first ? this.#first : this.#rest).push(request);
  }

  /** Puts requests back, in order, before all that wait; their messages lie where they say. */
  putBack(requests: readonly Request[]): void {
    for (const request of requests) {
      const { bytes, at, len } = request;
      this.#keep(request, (bytes as Uint8Array).subarray(at, at + len));
    }
    this.#first.unshift(requests.filter(({ first }) => first));
    this.#rest.unshift(requests.filter(({ first }) => !first));
  }

  /** The next request, or null: of those that go first alone if `onlyFirst`. */
  shift(onlyFirst: boolean): Request | null {
    return this.#first.shift() ?? (onlyFirst ? null : this.#rest.shift());
  }

  /** Whether `shift` has one. */
  has(onlyFirst: boolean): boolean {
    return this.#first.size > 0 || (!onlyFirst && this.#rest.size > 0);
  }

  /** A request that waits was settled: it does not wait any more. */
  drop(request: Request): void {
    (request.first ? this.#first : this.#rest).drop();
  }

  /** Takes out those that fit, in order. */
  takeOut(fits: (request: Request) => boolean): Request[] {
    return [...this.#first.takeOut(fits), ...this.#rest.takeOut(fits)];
  }

  #keep(request: Request, message: Uint8Array): void {
    if (this.#used + message.length > this.#piece.length) {
      this.#piece = new Uint8Array(Math.max(PIECE, message.length));
      this.#used = 0;
    }
    this.#piece.set(message, this.#used);
    request.bytes = this.#piece;
    request.at = this.#used;
    request.len = message.length;
    this.#used += message.length;
  }
}

/** First in, first out. Requests that were settled meanwhile are passed over. */
class Line {
  #requests: Request[] = [];
  #taken = 0;
  #dropped = 0;

  get size(): number {
    return this.#requests.length - this.#taken - this.#dropped;
  }

  push(request: Request): void {
    this.#requests.push(request);
  }

  unshift(requests: readonly Request[]): void {
    if (requests.length > 0) this.#replace([...requests, ...this.#alive()]);
  }

  shift(): Request | null {
    while (this.#taken < this.#requests.length) {
      const request = this.#requests[this.#taken++] as Request;
      if (request.state === SETTLED) {
        this.#dropped--;
        continue;
      }
      // The array is shortened only now and then, so that this stays cheap.
      if (this.#taken > 1024 && this.#taken * 2 > this.#requests.length) {
        this.#requests = this.#requests.slice(this.#taken);
        this.#taken = 0;
      }
      return request;
    }
    if (this.#taken > 0) this.#replace([]);
    return null;
  }

  drop(): void {
    this.#dropped++;
    if (this.#dropped > 1024 && this.#dropped > this.size) this.#replace(this.#alive());
  }

  takeOut(fits: (request: Request) => boolean): Request[] {
    const alive = this.#alive();
    const out = new Set(alive.filter(fits));
    if (out.size > 0) this.#replace(alive.filter((request) => !out.has(request)));
    return [...out];
  }

  #alive(): Request[] {
    return this.#requests.slice(this.#taken).filter(({ state }) => state !== SETTLED);
  }

  #replace(requests: Request[]): void {
    this.#requests = requests;
    this.#taken = 0;
    this.#dropped = 0;
  }
}
