// Flight: requests that are under way, by the id of their message.
// Holds   a table with one place for each id, and the ids that come next.
// Never   gives an id to two requests at once, nor the id 0.
// Source  the XenStore protocol, Header (req_id).

import type { Request } from "./request.ts";

const SIZE = 64;

/** Ids go up by one, so their lowest bits name a free place at the first look nearly always. */
export class Flight {
  /** Requests under way, also those that were given up since. */
  count = 0;
  #places: (Request | null)[] = new Array<Request | null>(SIZE).fill(null);
  #mask = SIZE - 1;
  #lastId: number;

  /** @param lastId  the id before the first one that is given */
  constructor(lastId = 0) {
    this.#lastId = lastId;
  }

  /** Gives the request an id that none has that is under way. */
  add(request: Request): number {
    if (this.count * 2 > this.#mask) this.#grow();
    let id = this.#lastId;
    do {
      id = (id + 1) >>> 0;
    } while (id === 0 || this.#places[id & this.#mask] !== null);
    this.#lastId = id;
    this.#places[id & this.#mask] = request;
    this.count++;
    request.reqId = id;
    return id;
  }

  /** The request with this id; null when there is none under way. */
  get(id: number): Request | null {
    const request = this.#places[id & this.#mask] as Request | null;
    return request !== null && request.reqId === id ? request : null;
  }

  /** Its reply has come, or it was taken back: the id is free. */
  remove(request: Request): void {
    this.#places[request.reqId & this.#mask] = null;
    this.count--;
  }

  /** All of them, oldest first. */
  all(): Request[] {
    const found = this.#places.filter((request) => request !== null);
    // By their distance from the newest, since ids begin again after the last.
    const age = ({ reqId }: Request) => (this.#lastId - reqId) >>> 0;
    return found.sort((a, b) => age(b) - age(a));
  }

  /** Ids that differ in their lowest bits differ in one bit more, too. */
  #grow(): void {
    const old = this.#places;
    this.#mask = old.length * 2 - 1;
    this.#places = new Array<Request | null>(old.length * 2).fill(null);
    for (const request of old) {
      if (request !== null) this.#places[request.reqId & this.#mask] = request;
    }
  }
}
