// Stages: where transcripts are played: a core in this process, or a daemon behind a socket.
// Holds   the list of things a "host:" line may say.
// Never   compares anything.
// Source  our own.
//
//   host: domain 3 dies | shuts down | exists       the machine's word on a domain
//   host: 20 s pass
//   host: dom3 stops reading | reads again | reads 100 bytes
//   host: dom0b disconnects | closes its writing side | connects
//   host: option <name> <number>                    see OPTIONS
//   host: the store is clean                        CONTROL check reports nothing, counts are right

import {
  DOMAIN_GONE,
  DOMAIN_RUNNING,
  DOMAIN_SHUTDOWN,
  OPT_FEATURES,
  OPT_KEEP_ORPHANS,
  OPT_MACHINE,
  OPT_QUOTA_NODES,
  OPT_STRICT_CONFLICTS,
  OPT_TIMEOUT_WATCH_EVENT,
} from "../assembly/abi.ts";
import { Core } from "./core.ts";
import { Hub, type Received } from "./hub.ts";
import type { Stage } from "./play.ts";

/** Names of the hard quotas in the order of GET_QUOTA and of OPT_QUOTA_*. */
export const QUOTAS: readonly string[] = [
  "nodes",
  "watches",
  "outstanding",
  "memory",
  "soft-memory",
  "transactions",
  "transaction-nodes",
  "node-permissions",
  "path-max",
  "node-size",
];

/** What "host: option" may set. */
export const OPTIONS: ReadonlyMap<string, number> = new Map([
  ...QUOTAS.map((name, index): [string, number] => [name, OPT_QUOTA_NODES + index]),
  ["strict", OPT_STRICT_CONFLICTS],
  ["machine", OPT_MACHINE],
  ["keep-orphans", OPT_KEEP_ORPHANS],
  ["watch-event-ms", OPT_TIMEOUT_WATCH_EVENT],
  ["features", OPT_FEATURES],
]);

const STATES: ReadonlyMap<string, number> = new Map([
  ["dies", DOMAIN_GONE],
  ["exists", DOMAIN_RUNNING],
  ["shuts down", DOMAIN_SHUTDOWN],
]);

/** A fresh core in this process. */
export class CoreStage implements Stage {
  readonly hub: Hub;
  #ending = false;

  constructor(options: readonly (readonly [number, number])[] = []) {
    this.hub = new Hub(new Core(options));
  }

  send(conn: string, bytes: Uint8Array): void {
    // Introducing a domain again or releasing it ends its stream; a ring has nothing to show there.
    const type = bytes.length >= 4 ? Buffer.from(bytes).readUInt32LE(0) : -1;
    this.#ending ||= type === 8 || type === 9;
    this.hub.send(conn, bytes);
  }

  host(words: string): void {
    const hub = this.hub;
    const domain = /^domain (\d+) (dies|exists|shuts down)$/.exec(words);
    if (domain !== null) {
      this.#ending = true;
      hub.domainState(Number(domain[1]), STATES.get(domain[2]) as number);
      return;
    }
    const option = /^option (\S+) (\d+)$/.exec(words);
    if (option !== null && OPTIONS.has(option[1])) {
      hub.core.configure(OPTIONS.get(option[1]) as number, Number(option[2]));
      return;
    }
    const time = /^(\d+(?:\.\d+)?) s pass$/.exec(words);
    if (time !== null) {
      hub.pass(Number(time[1]) * 1000);
      return;
    }
    const doing = /^(\S+) (.*)$/.exec(words);
    if (doing === null || !this.#connection(doing[1], doing[2])) {
      throw new Error(`nothing happens at "host: ${words}"`);
    }
  }

  #connection(name: string, what: string): boolean {
    const reads = /^reads (\d+) bytes$/.exec(what);
    if (reads !== null) this.hub.read(name, Number(reads[1]));
    else if (what === "stops reading") this.hub.stopReading(name);
    else if (what === "reads again") this.hub.read(name);
    else if (what === "disconnects") this.hub.disconnect(name);
    else if (what === "closes its writing side") this.hub.endInput(name);
    else if (what === "connects") this.hub.open(name);
    else return false;
    return true;
  }

  collect(): Map<string, Received> {
    const news = this.hub.collect();
    for (const [name, received] of news) {
      if (this.#ending && /^dom[1-9]/.test(name)) received.closed = false;
      if (!received.closed && received.messages.length === 0) news.delete(name);
    }
    this.#ending = false;
    return news;
  }
}
