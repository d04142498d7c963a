// Ring: a guest of a simulated machine that outlives its store: its page and pipe stay as they are.
// Holds   the guest's end of the page, of both pipes, and what did not fit into the page yet.
// Never   is told that the store has ended, and keeps nothing in the pipe while there is none.
// Source  machine_sim.ts for the layout; the XenStore protocol, ring.

import { spawnSync } from "node:child_process";
import fs from "node:fs";
import net from "node:net";
import path from "node:path";
import { type Message, Splitter } from "../message.ts";
import { PORT, raise, record } from "../rings/files.ts";
import type { Line } from "./line.ts";

const QUEUE = 1024;
const FIELDS = 2048;
const REQ_PROD = FIELDS + 4;
const RSP_CONS = FIELDS + 8;
const CONNECTION = FIELDS + 20;
const FLAGS = fs.constants.O_RDWR | fs.constants.O_NONBLOCK;

export class RingLine implements Line {
  readonly domid: number;
  #machine: string;
  #fd: number;
  #events: net.Socket;
  #unsent: Buffer = Buffer.alloc(0);
  #splitter = new Splitter();
  #came: (message: Message) => void = () => {};
  #told: Message[] = [];
  #telling = false;
  #closed = false;
  #held = false;

  /** Makes the domain's page and pipe in the folder of the machine. */
  constructor(machine: string, domid: number) {
    this.domid = domid;
    this.#machine = machine;
    const file = path.join(machine, `ring-${domid}`);
    fs.writeFileSync(file, Buffer.alloc(4096));
    this.#fd = fs.openSync(file, "r+");
    const pipe = path.join(machine, `evtchn-${domid}`);
    spawnSync("mkfifo", [pipe]);
    const fd = fs.openSync(pipe, FLAGS);
    this.#events = new net.Socket({ fd, readable: true, writable: false });
    this.#events.on("error", () => {});
    this.#events.on("data", () => this.#move());
  }

  listen(came: (message: Message) => void): void {
    this.#came = came;
  }

  send(bytes: Uint8Array): void {
    this.#unsent = Buffer.concat([this.#unsent, bytes]);
    this.#move();
  }

  close(): void {
    this.#closed = true;
    this.#events.destroy();
    fs.closeSync(this.#fd);
  }

  /** The guest's only processor does something else (true): it neither reads nor writes its ring. */
  hold(held: boolean): void {
    this.#held = held;
    this.#move();
  }

  /** Whether the store has taken all that was put into the page. */
  get taken(): boolean {
    const [reqCons, reqProd] = this.#words();
    return reqCons === reqProd;
  }

  /** What the page says, for a report. */
  describe(): string {
    const [reqCons, reqProd, rspCons, rspProd, , connection, error] = this.#words();
    const queues = `requests ${reqCons}..${reqProd}, replies ${rspCons}..${rspProd}`;
    return `ring ${this.domid}: ${queues}, connection ${connection}, error ${error}, ${this.#unsent.length} unsent`;
  }

  /** Moves what can be moved; each message that came whole is told. */
  #move(): void {
    if (this.#closed || this.#held) return;
    const [reqCons, reqProd, rspCons, rspProd] = this.#words();
    const came = (rspProd - rspCons) >>> 0;
    const sent = (reqProd - reqCons) >>> 0;
    if (came > QUEUE || sent > QUEUE) throw new Error(`indexes are broken: ${this.describe()}`);
    const bytes = this.#copy(rspCons, came);
    if (came > 0) this.#store(RSP_CONS, rspProd);
    const len = Math.min(this.#unsent.length, QUEUE - sent);
    this.#put(reqProd, len);
    if (len > 0) this.#store(REQ_PROD, reqProd + len);
    this.#unsent = this.#unsent.subarray(len);
    if (len > 0 || came > 0) raise(this.#machine, record(this.domid));
    this.#told.push(...this.#splitter.push(bytes));
    this.#tell();
  }

  /** Tells what came, in order, although whoever is told may send and so make more come. */
  #tell(): void {
    if (this.#telling) return;
    this.#telling = true;
    for (let next = this.#told.shift(); next; next = this.#told.shift()) this.#came(next);
    this.#telling = false;
  }

  #words(): [number, number, number, number, number, number, number] {
    const words = new Uint32Array((CONNECTION + 8 - FIELDS) / 4);
    fs.readSync(this.#fd, words, 0, words.byteLength, FIELDS);
    return [...words] as [number, number, number, number, number, number, number];
  }

  #store(offset: number, value: number): void {
    fs.writeSync(this.#fd, new Uint32Array([value]), 0, 4, offset);
  }

  #put(from: number, len: number): void {
    for (let done = 0; done < len; ) {
      const start = (from + done) % QUEUE;
      const part = Math.min(len - done, QUEUE - start);
      fs.writeSync(this.#fd, this.#unsent, done, part, start);
      done += part;
    }
  }

  #copy(from: number, len: number): Buffer {
    const bytes = Buffer.alloc(len);
    for (let done = 0; done < len; ) {
      const start = (from + done) % QUEUE;
      const part = Math.min(len - done, QUEUE - start);
      fs.readSync(this.#fd, bytes, done, part, QUEUE + start);
      done += part;
    }
    return bytes;
  }
}

/** What INTRODUCE says of such a guest. */
export function introduction(domid: number): string {
  return `${domid}\0${1}\0${PORT}\0`;
}
