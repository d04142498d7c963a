// Run: one conversation on the core and on the model, side by side.
// Holds   both, and a transcript of all that was said, for the report.
// Never   goes on after a difference.
// Source  our own.

import { Core } from "../core.ts";
import { Hub } from "../hub.ts";
import { ERROR, encode, type Message, typeName, typeNumber, WATCH_EVENT } from "../message.ts";
import { OPTIONS } from "../stages.ts";
import { messageLine, requestLine } from "../transcript.ts";
import { type Expected, Model, type Quotas } from "./model.ts";
import type { Answer } from "./requests.ts";
import { CONNECTIONS, type Step } from "./workload.ts";

const QUOTAS: Quotas = {
  nodes: 4,
  nodeSize: 100,
  nodePermissions: 3,
  pathMax: 2048,
  watches: 4,
  transactions: 2,
};

const SETUP: readonly (readonly [string, string])[] = [
  ["INTRODUCE", "3\x000\x005\0"],
  ["INTRODUCE", "5\x000\x005\0"],
  ["SET_TARGET", "5\x003\0"],
  ["SET_QUOTA", `nodes\0${QUOTAS.nodes}\0`],
  ["SET_QUOTA", `node-size\0${QUOTAS.nodeSize}\0`],
  ["SET_QUOTA", `node-permissions\0${QUOTAS.nodePermissions}\0`],
  ["SET_QUOTA", `watches\0${QUOTAS.watches}\0`],
  ["SET_QUOTA", `transactions\0${QUOTAS.transactions}\0`],
];

const NODES: readonly (readonly [string, string])[] = [
  ["WRITE", "/a/b\0v"],
  ["SET_PERMS", "/a\0b0\0"],
  ["WRITE", "/b\0v"],
  ["SET_PERMS", "/b\0n0\0r3\0"],
  ["MKDIR", "/local/domain/3\0"],
  ["SET_PERMS", "/local/domain/3\0n3\0"],
  ["MKDIR", "/local/domain/5\0"],
  ["SET_PERMS", "/local/domain/5\0n5\0"],
];

export class Run {
  readonly hub: Hub;
  readonly model = new Model(QUOTAS);
  transcript: string[] = [];
  #reqId = 0;

  constructor(options: readonly (readonly [string, number])[] = []) {
    this.hub = new Hub(new Core(options.map(([name, n]) => [OPTIONS.get(name) as number, n])));
    for (const name of CONNECTIONS) {
      if (name === "dom3") for (const [type, payload] of SETUP) this.#setUp(type, payload);
      this.hub.open(name);
      const domid = Number(name.replace(/\D/g, ""));
      const target = name === "dom5" ? 3 : undefined;
      this.model.connect(name, { domid, target, privileged: domid === 0 });
    }
    for (const [name, payload] of NODES) {
      this.step({ kind: "request", conn: "dom0", tx: 0, name, payload });
    }
  }

  /** Does a step on both sides; throws if they differ. */
  step(step: Step): void {
    if (step.kind === "domain") this.#domain(step.domid);
    else this.#request(step);
  }

  /** Replaces the model's idea of a node: what a canary does. */
  spoil(path: string, value: string): void {
    this.model.tree.at(path).value = value;
  }

  #setUp(name: string, payload: string): void {
    const message = { type: typeNumber(name), reqId: 0, txId: 0, payload };
    this.hub.send("dom0", encode(message));
    this.transcript.push(requestLine("dom0", message));
    this.#record(this.hub.collect().get("dom0")?.messages ?? [], "dom0");
  }

  #request({ conn, tx, name, payload }: Extract<Step, { kind: "request" }>): void {
    const txId = this.#txId(conn, tx, name);
    if (txId === undefined) return;
    this.#reqId += 1;
    const message = { type: typeNumber(name), reqId: this.#reqId, txId, payload };
    this.transcript.push(requestLine(conn, message));
    this.hub.pass(500);
    this.hub.send(conn, encode(message));
    const got = this.#collect();
    const reply = got.get(conn)?.find((one) => one.type !== WATCH_EVENT);
    const idsAreRight = reply?.reqId === message.reqId && reply?.txId === txId;
    if (reply === undefined || !idsAreRight) this.#differ(`no proper reply for ${conn}`);
    this.#compare(this.model.serve({ conn, txId, name, payload }, answerOf(reply as Message)), got);
  }

  /** Most steps mean an open transaction; a START is seldom inside one, an END always. */
  #txId(conn: string, tx: number, name: string): number | undefined {
    if (tx === 9) return 99;
    const ids = this.model.openIds(conn);
    if (name === "TRANSACTION_START") return tx === 2 ? (ids[0] ?? 0) : 0;
    if (name === "TRANSACTION_END") return ids[tx % Math.max(1, ids.length)];
    return tx === 0 ? 0 : (ids[tx % Math.max(1, ids.length)] ?? 0);
  }

  /** A domain ends and is introduced again; with open transactions about it nothing is promised. */
  #domain(domid: number): void {
    if (this.model.anyOpen()) return;
    const name = `dom${domid}`;
    this.transcript.push(`host: domain ${domid} dies`);
    this.hub.domainState(domid, 0);
    this.#compare(this.model.endDomain(domid), this.#collect());
    const payload = `${domid}\x000\x005\0`;
    const message = { type: typeNumber("INTRODUCE"), reqId: 0, txId: 0, payload };
    this.transcript.push(requestLine("dom0", message));
    this.hub.send("dom0", encode(message));
    const expected = this.model.introduced(domid);
    expected.push({ conn: "dom0", type: "INTRODUCE", payload: "OK\0", optional: false });
    this.#compare(expected, this.#collect());
    this.hub.open(name);
    this.model.connect(name, { domid, target: undefined, privileged: false });
  }

  #collect(): Map<string, Message[]> {
    const got = new Map<string, Message[]>();
    for (const [name, { messages, closed }] of this.hub.collect()) {
      got.set(name, messages);
      this.#record(messages, name);
      if (closed && /^dom0/.test(name)) this.#differ(`${name} was closed`);
    }
    return got;
  }

  #record(messages: Message[], conn: string): void {
    for (const message of messages) this.transcript.push(messageLine(conn, message));
  }

  #compare(expected: Expected[], got: Map<string, Message[]>): void {
    for (const conn of CONNECTIONS) {
      const want = expected.filter((one) => one.conn === conn);
      const have = (got.get(conn) ?? []).map(normalize);
      if (matches(want, have)) continue;
      const lines = want.map((one) => {
        const line = messageLine(conn, { type: typeNumber(one.type), payload: one.payload });
        return `${line}${one.optional ? "   (may be missing)" : ""}`;
      });
      this.#differ(`${conn} must receive\n    ${lines.join("\n    ") || "nothing"}`);
    }
  }

  #differ(problem: string): never {
    throw new Error(`${problem}\nafter the transcript\n    ${this.transcript.join("\n    ")}`);
  }
}

function answerOf(reply: Message): Answer {
  if (reply.type !== ERROR) return { error: "", payload: reply.payload };
  return { error: reply.payload.replace("\0", ""), payload: "" };
}

/** Replies with the type's name, and with the generation of DIRECTORY_PART left out. */
function normalize({ type, payload }: Message): { type: string; payload: string } {
  const name = typeName(type);
  if (name !== "DIRECTORY_PART") return { type: name, payload };
  return { type: name, payload: payload.replace(/^\d+\0/, "G\0") };
}

function matches(want: Expected[], have: { type: string; payload: string }[]): boolean {
  let at = 0;
  for (const one of want) {
    const hit = have[at]?.type === one.type && have[at]?.payload === one.payload;
    if (hit) at += 1;
    else if (!one.optional) return false;
  }
  return at === have.length;
}
