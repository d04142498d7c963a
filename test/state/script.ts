// Script: conversations made up at random that leave as much open as they can, and playing them.
// Holds   what may happen besides the requests of test/sim: half messages, slow readers, rings that
//         are broken or begin anew, domains that come and go, time that passes.
// Never   knows what is right.
// Source  our own.

import fc from "fast-check";
import { DOMAIN_GONE, DOMAIN_RUNNING, DOMAIN_SHUTDOWN } from "../../assembly/abi.ts";
import { encode, typeNumber } from "../message.ts";
import { step } from "../sim/workload.ts";
import type { Site } from "./site.ts";

/** What happens at a site; `share` is how much of the bytes is sent now, the rest comes next. */
export type Action =
  | { kind: "request"; conn: string; tx: number; name: string; payload: string; share: number }
  | { kind: "read"; conn: string; max: number }
  | { kind: "pass"; ms: number }
  | { kind: "domain"; domid: number; state: number }
  | { kind: "close" | "reconnect" | "spoil"; conn: string }
  | { kind: "task"; text: string };

const CONNECTIONS = ["dom0", "dom0b", "dom3", "dom5", "ro"];
const conn = fc.constantFrom(...CONNECTIONS);
const share = fc.oneof(
  { weight: 8, arbitrary: fc.constant(1) },
  { weight: 1, arbitrary: fc.constantFrom(0.1, 0.5, 0.9) },
);

const ADMIN: readonly (readonly [string, string])[] = [
  ["INTRODUCE", "3\x000\x005\0"],
  ["INTRODUCE", "5\x000\x007\0"],
  ["INTRODUCE", "9\x001234\x006\0"],
  ["RELEASE", "3\0"],
  ["RELEASE", "9\0"],
  ["RESUME", "3\0"],
  ["SET_TARGET", "5\x003\0"],
  ["SET_TARGET", "3\x009\0"],
  ["SET_QUOTA", "nodes\x006\0"],
  ["SET_QUOTA", "transactions\x003\0"],
  ["SET_QUOTA", "3\0nodes\x008\0"],
  ["SET_QUOTA", "5\0watches\x002\0"],
  ["SET_QUOTA", "9\0node-size\x0050\0"],
  ["SET_FEATURE", "7\x001\0"],
  ["GET_FEATURE", "7\0"],
  ["GET_QUOTA", "9\0node-size\0"],
  ["GET_DOMAIN_PATH", "3\0"],
  ["IS_DOMAIN_INTRODUCED", "3\0"],
  ["CONTROL", "quota\0"],
  ["CONTROL", "quota\x003\0"],
  ["CONTROL", "quota\0max\0"],
  ["CONTROL", "quota\0set\0watches\x003\0"],
  ["CONTROL", "domains\0"],
  ["CONTROL", "check\0"],
  ["CONTROL", "log\0+acc\0"],
  ["CONTROL", "log\0"],
];

/** The requests of test/sim; of transactions the last and the last but one are meant. */
const request: fc.Arbitrary<Action> = fc.tuple(step, conn, share).map(([made, name, part]) => {
  if (made.kind === "domain") return { kind: "domain", domid: made.domid, state: DOMAIN_GONE };
  return { ...made, conn: name, share: part };
});
const start = conn.map(
  (name): Action => ({
    kind: "request",
    conn: name,
    tx: 0,
    name: "TRANSACTION_START",
    payload: "\0",
    share: 1,
  }),
);
const admin = fc.constantFrom(...ADMIN).map(
  ([name, payload]): Action => ({
    kind: "request",
    conn: "dom0b",
    tx: 0,
    name,
    payload,
    share: 1,
  }),
);
const large = fc
  .tuple(conn, fc.integer({ min: 0, max: 3 }), fc.constantFrom(300, 2000, 4000))
  .map(([name, tx, size]): Action => {
    const payload = `x\0${"v".repeat(size)}`;
    return { kind: "request", conn: name, tx, name: "WRITE", payload, share: 1 };
  });

export const action: fc.Arbitrary<Action> = fc.oneof(
  { weight: 60, arbitrary: request },
  { weight: 5, arbitrary: start },
  { weight: 8, arbitrary: admin },
  { weight: 2, arbitrary: large },
  {
    weight: 12,
    arbitrary: fc
      .tuple(conn, fc.constantFrom(Number.POSITIVE_INFINITY, 1, 7, 20, 100))
      .map(([name, max]): Action => ({ kind: "read", conn: name, max })),
  },
  {
    weight: 4,
    arbitrary: fc.constantFrom(0, 20, 700, 2500).map((ms): Action => ({ kind: "pass", ms })),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(
        fc.constantFrom(3, 5, 9),
        fc.constantFrom(DOMAIN_GONE, DOMAIN_SHUTDOWN, DOMAIN_RUNNING),
      )
      .map(([domid, state]): Action => ({ kind: "domain", domid, state })),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(fc.constantFrom("close" as const, "reconnect" as const, "spoil" as const), conn)
      .map(([kind, name]): Action => ({ kind, conn: name })),
  },
  {
    weight: 2,
    arbitrary: fc.constantFrom("", "no").map((text): Action => ({ kind: "task", text })),
  },
);

/** Plays actions at one or more sites alike. */
export class Player {
  #sites: readonly Site[];
  #rests = new Map<string, Uint8Array>();
  #started = new Map<string, number>();
  #reqId = 0;

  constructor(...sites: Site[]) {
    this.#sites = sites;
  }

  play(one: Action): void {
    switch (one.kind) {
      case "request":
        this.#request(one);
        break;
      case "read":
        this.#all((site) => site.read(one.conn, one.max));
        break;
      case "pass":
        this.#all((site) => site.pass(one.ms));
        break;
      case "domain":
        this.#all((site) => site.domainState(one.domid, one.state));
        break;
      case "task":
        this.#all((site) => site.task(one.text));
        break;
      default:
        this.#rests.delete(one.conn);
        this.#started.delete(one.conn);
        this.#all((site) => site[one.kind](one.conn));
    }
  }

  /** One whole request, said as in a transcript. */
  ask(name: string, type: string, payload: string, tx = 0): void {
    this.play({ kind: "request", conn: name, tx, name: type, payload, share: 1 });
  }

  #all(what: (site: Site) => void): void {
    for (const site of this.#sites) what(site);
  }

  #request({
    conn: name,
    tx,
    name: type,
    payload,
    share: part,
  }: Extract<Action, { share: number }>) {
    this.#reqId += 1;
    const message = { type: typeNumber(type), reqId: this.#reqId, txId: 0, payload };
    if (type === "TRANSACTION_START" && tx === 0) {
      this.#started.set(name, (this.#started.get(name) ?? 0) + 1);
    } else if (tx > 0) message.txId = Math.max(1, (this.#started.get(name) ?? 0) + 1 - tx);
    const rest = this.#rests.get(name) ?? Buffer.alloc(0);
    const bytes = Buffer.concat([rest, encode(message)]);
    const len = Math.ceil(bytes.length * part);
    this.#rests.set(name, bytes.subarray(len));
    this.#all((site) => site.send(name, bytes.subarray(0, len)));
  }
}

/** Requests that make a small tree with a few domains. */
export function prepare(player: Player): void {
  const requests: readonly (readonly [string, string])[] = [
    ["INTRODUCE", "3\x000\x005\0"],
    ["INTRODUCE", "5\x000\x007\0"],
    ["SET_TARGET", "5\x003\0"],
    ["WRITE", "/a/b\0v"],
    ["SET_PERMS", "/a\0b0\0"],
    ["WRITE", "/b\0v"],
    ["SET_PERMS", "/b\0n0\0r3\0"],
    ["MKDIR", "/local/domain/3\0"],
    ["SET_PERMS", "/local/domain/3\0n3\0"],
    ["MKDIR", "/local/domain/5\0"],
    ["SET_PERMS", "/local/domain/5\0n5\0"],
  ];
  for (const [type, payload] of requests) player.ask("dom0", type, payload);
  for (const name of CONNECTIONS) player.play({ kind: "read", conn: name, max: 1e9 });
}
