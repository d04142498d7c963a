// Rings speaker: a domain's end of its ring, whatever store there is at the other end.
// Holds   what it has asked and been answered.
// Never   learns that there is another store.
// Source  the XenStore protocol, ring.

import { encode, Splitter, typeNumber, WATCH_EVENT } from "../message.ts";
import { RingPage } from "./ring_page.ts";
import type { Inhabitant } from "./rings_life.ts";

/** One domain's end of its ring. */
export class Speaker {
  readonly who: Inhabitant;
  readonly page: RingPage;
  #splitter = new Splitter();
  asked = 0;
  answered = 0;
  tx = 0;
  /** Its ring is served: what it has put there before does not count. */
  live = false;
  /** Its ring may begin anew at any time: what it gets can't be judged. */
  lenient = false;
  #rest: Buffer = Buffer.alloc(0);

  constructor(who: Inhabitant) {
    this.who = who;
    this.page = new RingPage(Buffer.from(who.buffer));
  }

  /** Sends a request, `share` of what is to be sent now, the rest with the next. */
  send(type: string, payload: string, txId: number, share: number): void {
    this.asked += 1;
    const bytes = encode({ type: typeNumber(type), reqId: this.asked, txId, payload });
    const all = Buffer.concat([this.#rest, bytes]);
    const len = Math.ceil(all.length * share);
    this.#rest = all.subarray(len);
    this.page.put(all.subarray(0, len));
  }

  finish(): void {
    this.page.put(this.#rest);
    this.#rest = Buffer.alloc(0);
  }

  reconnect(): void {
    this.lenient = true;
    this.#rest = Buffer.alloc(0);
    this.page.reconnect();
  }

  /** Breaks its ring. */
  spoil(): void {
    this.lenient = true;
    this.page.spoil();
  }

  /** Takes at most `max` bytes. Returns what is wrong with it. */
  take(max: number): string {
    const { domid } = this.who;
    if (this.page.waiting > 1024) return this.lenient ? "" : `domain ${domid}: broken indexes`;
    if (this.page.error !== 0 && !this.lenient)
      return `domain ${domid}: ring error ${this.page.words()}`;
    const bytes = this.page.take(max);
    this.page.put(Buffer.alloc(0));
    if (this.lenient) return "";
    for (const { type, reqId, payload } of this.#splitter.push(bytes)) {
      if (type === WATCH_EVENT) continue;
      if (reqId !== this.answered + 1) {
        return `domain ${domid}: reply ${reqId} behind ${this.answered}`;
      }
      this.answered = reqId;
      if (/^\d+\0$/.test(payload)) this.tx = Math.max(this.tx, Number.parseInt(payload, 10));
    }
    return "";
  }

  get settled(): boolean {
    return this.lenient || this.answered === this.asked;
  }
}
