// Files: guests of a simulated machine, as any program can play them: pages and pipes in a folder.
// Holds   a guest's page, its end of both pipes, and what it was told.
// Never   asks the daemon for anything but through the ring.
// Source  machine_sim.ts for the layout; the XenStore protocol, ring.

import { spawnSync } from "node:child_process";
import fs from "node:fs";
import net from "node:net";
import path from "node:path";
import { encode, type Message, Splitter, typeNumber } from "../message.ts";

const QUEUE = 1024;
const FIELDS = 2048;
const FLAGS = fs.constants.O_RDWR | fs.constants.O_NONBLOCK;
/** The port of every guest here, the one that the transcripts name. */
export const PORT = 5;

/** Writes bytes into the pipe to the daemon. */
export function raise(machine: string, bytes: Uint8Array): void {
  const fd = fs.openSync(path.join(machine, "evtchn"), FLAGS);
  fs.writeSync(fd, bytes);
  fs.closeSync(fd);
}

/** The record of an event. */
export function record(domid: number, port = PORT): Uint8Array {
  return new Uint8Array(new Uint32Array([domid, port]).buffer);
}

/** Says that a domain's state has changed; an empty state takes its file away. */
export function setState(machine: string, domid: number, state: string): void {
  const file = path.join(machine, `dom-${domid}`);
  if (state) fs.writeFileSync(file, `${state}\n`);
  else fs.rmSync(file, { force: true });
  raise(machine, record(0xffffffff, 3));
}

export class FileGuest {
  readonly domid: number;
  readonly file: string;
  readonly messages: Message[] = [];
  #machine: string;
  #fd: number;
  #events: net.Socket;
  #unsent: Buffer = Buffer.alloc(0);
  #splitter = new Splitter();
  #wake: () => void = () => {};

  /** Makes the domain's page and pipe; the daemon must be running. */
  constructor(machine: string, domid: number) {
    this.domid = domid;
    this.#machine = machine;
    this.file = path.join(machine, `ring-${domid}`);
    fs.writeFileSync(this.file, Buffer.alloc(4096));
    this.#fd = fs.openSync(this.file, "r+");
    const pipe = path.join(machine, `evtchn-${domid}`);
    spawnSync("mkfifo", [pipe]);
    const fd = fs.openSync(pipe, FLAGS);
    this.#events = new net.Socket({ fd, readable: true, writable: false });
    this.#events.on("data", () => this.#move());
  }

  close(): void {
    this.#events.destroy();
    fs.closeSync(this.#fd);
  }

  send(bytes: Uint8Array): void {
    this.#unsent = Buffer.concat([this.#unsent, bytes]);
    this.#move();
  }

  /** Sends a request; resolves when there is a reply to it. */
  async ask(type: string, payload: string, reqId = 0xa5c): Promise<Message> {
    this.send(encode({ type: typeNumber(type), reqId, txId: 0, payload }));
    for (;;) {
      const at = this.messages.findIndex((message) => message.reqId === reqId);
      if (at >= 0) return this.messages.splice(at, 1)[0];
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  #move(): void {
    const [reqCons, reqProd, rspCons, rspProd] = this.#indexes();
    const came = (rspProd - rspCons) >>> 0;
    const bytes = this.#copy(rspCons, came);
    if (came > 0) this.#store(8, rspProd);
    const len = Math.min(this.#unsent.length, QUEUE - ((reqProd - reqCons) >>> 0));
    for (let done = 0; done < len; ) {
      const at = (reqProd + done) % QUEUE;
      const part = Math.min(len - done, QUEUE - at);
      fs.writeSync(this.#fd, this.#unsent, done, part, at);
      done += part;
    }
    if (len > 0) this.#store(4, reqProd + len);
    this.#unsent = this.#unsent.subarray(Math.max(len, 0));
    if (len > 0 || came > 0) raise(this.#machine, record(this.domid));
    this.messages.push(...this.#splitter.push(bytes));
    this.#wake();
  }

  #indexes(): number[] {
    const words = new Uint32Array(4);
    fs.readSync(this.#fd, words, 0, 16, FIELDS);
    return [...words];
  }

  #store(offset: number, value: number): void {
    fs.writeSync(this.#fd, new Uint32Array([value]), 0, 4, FIELDS + offset);
  }

  #copy(from: number, len: number): Buffer {
    const bytes = Buffer.alloc(len);
    for (let done = 0; done < len; ) {
      const at = (from + done) % QUEUE;
      const part = Math.min(len - done, QUEUE - at);
      fs.readSync(this.#fd, bytes, done, part, QUEUE + at);
      done += part;
    }
    return bytes;
  }
}
