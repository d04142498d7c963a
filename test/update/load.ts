// Load: clients that never rest, and notice anything that an update must not do to them.
// Holds   what each client has asked and not been answered yet, and the first wrong thing it saw.
// Never   waits between two requests for anything but their replies.
// Source  our own; the XenStore protocol for what each request must be answered.

import { setImmediate } from "node:timers/promises";
import { encode, type Message, typeNumber, WATCH_EVENT } from "../message.ts";
import type { Link } from "../peers/link.ts";

/** Requests of a burst, which are sent without waiting for replies. */
const BURST = 8;
/** Signals after which an old one is removed. */
const SIGNALS_KEPT = 5;

/** A client at work in a part of the store that only it changes. */
export class Worker {
  readonly link: Link;
  readonly base: string;
  /** Figures for a report. */
  requests = 0;
  events = 0;
  waitMostMs = 0;
  #name: string;
  #reqId = 1;
  #value = 0;
  #signal = 0;
  /** Last signal that was seen of each watched base. */
  #seen = new Map<string, number>();
  #stopping = false;

  /**
   * @param name  for messages
   * @param base  path below which it works; relative for a guest
   */
  constructor(link: Link, name: string, base: string) {
    this.link = link;
    this.base = base;
    this.#name = name;
  }

  /** Makes the nodes that it works with. */
  async prepare(): Promise<void> {
    await this.#expect("WRITE", `${this.base}/value\0${this.#value}`, "OK\0");
    await this.#expect("MKDIR", `${this.base}/signal\0`, "OK\0");
  }

  /** Watches the signals of a client, by the path under which events name them. */
  async watch(base: string): Promise<void> {
    this.#seen.set(`${base}/signal/`, 0);
    await this.#expect("WATCH", `${base}/signal\0token of ${this.#name}\0`, "OK\0");
  }

  /** Works until `stop`, with transactions or without. Throws when something was wrong. */
  async run(transactions = true): Promise<void> {
    while (!this.#stopping) {
      await this.#burst();
      if (transactions) await this.#transaction();
      await this.#raise();
      await setImmediate();
    }
  }

  /** Has `run` end after the round that is on. */
  stop(): void {
    this.#stopping = true;
  }

  /** How many signals it has given. */
  get signals(): number {
    return this.#signal;
  }

  /** Looks whether all signals of a client have been told, up to this one. */
  async mustHaveSeen(base: string, signal: number): Promise<void> {
    // The reply comes behind all events that were there before.
    await this.#expect("READ", `${this.base}/value\0`, `${this.#value}`);
    const seen = this.#seen.get(`${base}/signal/`);
    if (seen !== signal) throw new Error(`${this.#name}: signal ${signal} of ${base} is lost`);
  }

  /** Many requests at once, cut somewhere in the middle of a message. */
  async #burst(): Promise<void> {
    const value = `${this.base}/value\0`;
    const requests: [string, string, string][] = [];
    for (let n = 0; n < BURST; n++) {
      this.#value++;
      requests.push(["WRITE", `${value}${this.#value}`, "OK\0"]);
      requests.push(["READ", value, `${this.#value}`]);
    }
    const first = this.#reqId;
    const messages = requests.map(([type, payload]) => this.#message(type, payload, 0));
    const bytes = Buffer.concat(messages);
    const cut = 1 + ((this.#value * 7) % (bytes.length - 1));
    this.link.write(bytes.subarray(0, cut));
    await setImmediate();
    this.link.write(bytes.subarray(cut));
    for (const [at, [type, payload, reply]] of requests.entries()) {
      await this.#reply(first + at, type, payload, reply);
    }
  }

  /** A change that nobody sees before its end, with a value of its own. */
  async #transaction(): Promise<void> {
    const value = `${this.base}/value\0`;
    const txId = Number.parseInt(await this.#ask("TRANSACTION_START", "\0"), 10);
    this.#value++;
    await this.#expect("WRITE", `${value}${this.#value}`, "OK\0", txId);
    await this.#expect("READ", value, `${this.#value}`, txId);
    await this.#expect("READ", value, `${this.#value - 1}`);
    await this.#expect("TRANSACTION_END", "T\0", "OK\0", txId);
    await this.#expect("READ", value, `${this.#value}`);
  }

  /** Makes a node that somebody watches, and removes an old one. */
  async #raise(): Promise<void> {
    this.#signal++;
    await this.#expect("MKDIR", `${this.base}/signal/${this.#signal}\0`, "OK\0");
    const old = this.#signal - SIGNALS_KEPT;
    if (old > 0) await this.#expect("RM", `${this.base}/signal/${old}\0`, "OK\0");
  }

  async #expect(type: string, payload: string, reply: string, txId = 0): Promise<void> {
    const reqId = this.#reqId;
    this.link.write(this.#message(type, payload, txId));
    await this.#reply(reqId, type, payload, reply);
  }

  async #ask(type: string, payload: string): Promise<string> {
    const reqId = this.#reqId;
    this.link.write(this.#message(type, payload, 0));
    return this.#take(reqId);
  }

  #message(type: string, payload: string, txId: number): Uint8Array {
    this.requests++;
    return encode({ type: typeNumber(type), reqId: this.#reqId++, txId, payload });
  }

  async #reply(reqId: number, type: string, payload: string, expected: string): Promise<void> {
    const got = await this.#take(reqId);
    if (got === expected) return;
    const asked = `${type} ${payload.replaceAll("\0", "|")}`;
    throw new Error(`${this.#name}: ${asked}: ${JSON.stringify(got)} instead of ${expected}`);
  }

  /** Takes the next reply, which must have this number, and all events before it. */
  async #take(reqId: number): Promise<string> {
    const startMs = performance.now();
    const messages = await this.link.until(reqId);
    this.waitMostMs = Math.max(this.waitMostMs, performance.now() - startMs);
    for (const message of messages.slice(0, -1)) {
      if (message.type !== WATCH_EVENT) {
        throw new Error(`${this.#name}: reply ${message.reqId} came instead of ${reqId}`);
      }
      this.#event(message);
    }
    return (messages.at(-1) as Message).payload;
  }

  /** A signal must be seen, after the one before it; its removal is told with the same path. */
  #event({ payload }: Message): void {
    this.events++;
    const [path = "", token] = payload.split("\0");
    const base = path.slice(0, path.lastIndexOf("/") + 1);
    const seen = this.#seen.get(base);
    const signal = Number(path.slice(base.length));
    if (token !== `token of ${this.#name}`) throw new Error(`${this.#name}: token ${token}`);
    if (seen === undefined) return;
    if (signal > seen + 1) {
      throw new Error(`${this.#name}: ${path} came after ${seen}: events are lost`);
    }
    this.#seen.set(base, Math.max(seen, signal));
  }
}
