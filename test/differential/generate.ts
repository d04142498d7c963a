// Generate: sequences of steps that look like the lives of several clients and guests.
// Holds   how often what is done, and just enough memory to make steps that meet each other.
// Never   asks a store; whatever it remembers is a guess, and a wrong guess is a good test.
// Source  our own. What a peer must not be sent stands in `Sequence.#allowed`.

import { TYPE_NAMES, typeNumber } from "../message.ts";
import { portOf } from "../peers/ring.ts";
import { Paths } from "./paths.ts";
import * as payloads from "./payloads.ts";
import { Random } from "./random.ts";
import { request, type Step, write } from "./step.ts";

/** What kind of life a sequence shows. */
export type Flavour = {
  /** Requests after the prologue. */
  length: number;
  /** Domids that speak as guests; 0 of them where a peer has sockets only. */
  guests: readonly number[];
  /** Begin with a directory that does not fit one reply. */
  wide: boolean;
  /** How many of 100 requests are inside a transaction while one is open. */
  inside: number;
  /** Only what a snapshot and a commit are made of, without watches and permissions. */
  transactionsOnly: boolean;
};

type Request = Extract<Step, { kind: "request" }>;

const OPERATIONS = {
  WRITE: 22,
  READ: 14,
  DIRECTORY: 8,
  MKDIR: 6,
  RM: 5,
  GET_PERMS: 5,
  SET_PERMS: 8,
  WATCH: 7,
  UNWATCH: 3,
  RESET_WATCHES: 1,
  DIRECTORY_PART: 4,
  TRANSACTION_START: 6,
  TRANSACTION_END: 6,
  GET_DOMAIN_PATH: 1,
  IS_DOMAIN_INTRODUCED: 1,
  INTRODUCE: 1,
  RELEASE: 1,
  RESUME: 1,
  SET_TARGET: 2,
  CONTROL: 1,
  unknown: 1,
  disconnect: 1,
  domain: 1,
};

const IN_TRANSACTIONS = {
  WRITE: 30,
  READ: 25,
  DIRECTORY: 10,
  MKDIR: 6,
  RM: 8,
  TRANSACTION_START: 10,
  TRANSACTION_END: 10,
};

/** Sent in their form only: test/spec shows what ours makes of others. */
const FORM_KEPT: readonly string[] = ["READ", "DIRECTORY", "GET_PERMS", "MKDIR", "RM"];

const TOOL = "/tool/xenstored";

type Operation = keyof typeof OPERATIONS;

/** Returns the steps of the sequence with this seed. */
export function generate(seed: number, flavour: Flavour): Step[] {
  return new Sequence(new Random(seed), flavour).steps();
}

class Sequence {
  readonly #random: Random;
  readonly #flavour: Flavour;
  readonly #conns: string[];
  readonly #paths: Paths;
  readonly #open = new Map<string, string[]>();
  readonly #holders = new Set<number>();
  readonly #targets = new Set<number>();
  readonly #watches: { conn: string; payload: string }[] = [];
  #labels = 0;

  constructor(random: Random, flavour: Flavour) {
    this.#random = random;
    this.#flavour = flavour;
    const guests = flavour.guests.map((domid) => `dom${domid}`);
    this.#paths = new Paths(random, flavour.guests);
    this.#conns = ["dom0", "dom0", "dom0b", "dom0b", ...guests, ...guests];
  }

  steps(): Step[] {
    const steps = prologue(this.#flavour);
    for (let n = 0; n < this.#flavour.length; n += 1) {
      const step = this.#next();
      if (step !== null) steps.push(step);
    }
    return steps;
  }

  #next(): Step | null {
    const weights: Record<string, number> = this.#flavour.transactionsOnly
      ? IN_TRANSACTIONS
      : OPERATIONS;
    const operation = this.#random.weighted(weights) as Operation;
    const conn = this.#random.pick(this.#conns);
    const step = this.#step(operation, conn);
    return step !== null && this.#allowed(step) ? step : null;
  }

  #step(operation: Operation, conn: string): Step | null {
    if (operation === "disconnect") return this.#disconnect();
    if (operation === "domain") return this.#domain();
    if (operation === "unknown") return this.#unknown(conn);
    if (operation === "TRANSACTION_START") return this.#start(conn);
    if (operation === "TRANSACTION_END") return this.#end(conn);
    if (operation === "UNWATCH" && this.#watches.length > 0 && this.#random.chance(80)) {
      const { conn: owner, payload } = this.#random.pick(this.#watches);
      return this.#plain(owner, operation, payload);
    }
    const { guests } = this.#flavour;
    const payload = payloads.payloadOf(this.#random, this.#paths, operation, conn, guests);
    const sent = FORM_KEPT.includes(operation) ? payload : payloads.damaged(this.#random, payload);
    const step = this.#plain(conn, operation, sent);
    if (operation === "WATCH") this.#watches.push({ conn, payload });
    if (this.#random.chance(this.#flavour.inside)) step.tx = this.#anyOpen(conn);
    if (this.#random.chance(1)) step.tx = this.#random.pick([1, 2, 99, 0xffffffff]);
    return step;
  }

  #plain(conn: string, operation: string, payload: string): Request {
    return { kind: "request", conn, type: typeNumber(operation), tx: 0, payload };
  }

  #start(conn: string): Step {
    const payload = this.#random.chance(90) ? "\0" : "";
    const step = this.#plain(conn, "TRANSACTION_START", payload);
    if (this.#random.chance(3)) return { ...step, tx: this.#anyOpen(conn) };
    this.#labels += 1;
    const label = `t${this.#labels}`;
    this.#open.set(conn, [...(this.#open.get(conn) ?? []), label]);
    return { ...step, opens: label };
  }

  #end(conn: string): Step {
    if (this.#anyOpen(conn) === 0 && this.#random.chance(80)) return this.#start(conn);
    const good = this.#random.chance(80) ? "T\0" : "F\0";
    const bad = this.#random.pick(["X\0", "", "T", "t\0", "TF\0", "T\0\0", "\0"]);
    const step = this.#plain(conn, "TRANSACTION_END", this.#random.chance(95) ? good : bad);
    step.tx = this.#anyOpen(conn);
    if (typeof step.tx === "string" && step.payload === good) {
      const left = (this.#open.get(conn) ?? []).filter((label) => label !== step.tx);
      this.#open.set(conn, left);
    }
    return step;
  }

  #anyOpen(conn: string): string | number {
    const open = this.#open.get(conn) ?? [];
    return open.length === 0 ? 0 : this.#random.pick(open);
  }

  #unknown(conn: string): Step {
    const type = this.#random.pick([15, 16, 20, 27, 28, 99, 0xffff, 0xffffffff]);
    const payload = this.#random.pick(["", "\0", "/t\0", "1\0"]);
    return { kind: "request", conn, type, tx: 0, payload };
  }

  #disconnect(): Step {
    this.#open.delete("dom0b");
    return { kind: "disconnect", conn: "dom0b" };
  }

  #domain(): Step | null {
    if (this.#flavour.guests.length === 0) return null;
    const state = this.#random.chance(50) ? "dies" : "shuts down";
    return { kind: "domain", domid: this.#random.pick(this.#flavour.guests), state };
  }

  /**
   * Leaves out what no comparison may send or what would say nothing: requests that a published
   * advisory is about, the end of a domain that is somebody's target or owns the root, the control
   * domain's ring, and special nodes beyond the two that exist, where test/spec shows what ours answers.
   */
  #allowed(step: Step): boolean {
    if (step.kind === "disconnect") return true;
    if (step.kind === "domain") return this.#freed(step.domid, step.state === "dies");
    const name = TYPE_NAMES[step.type] ?? "";
    if (this.#flavour.transactionsOnly) return isPlain(name, step);
    if (name === "RESET_WATCHES") return step.tx === 0;
    if (name === "RELEASE") return this.#freed(Number.parseInt(step.payload, 10), true);
    if (name === "SET_TARGET") return this.#targeted(step.payload);
    const special = step.payload.startsWith("@");
    if (name === "SET_PERMS" && special) return step.conn.startsWith("dom0") && isSpecial(step);
    if (name === "SET_PERMS" && step.payload.startsWith("/\0")) return false;
    // C 4.17 refuses these before it looks, newer ones and ours count what they look at.
    if (name === "GET_PERMS" && special) return step.tx === 0;
    return !/^\/local\/domain\/(\d*\/?)?\0/.test(step.payload) || !step.payload.includes("/\0");
  }

  /** A domain that was ever somebody's target stays for the rest of the sequence. */
  #freed(domid: number, goes: boolean): boolean {
    return !goes || !this.#targets.has(domid);
  }

  #targeted(payload: string): boolean {
    const [domid, target] = payload.split("\0").map((text) => Number.parseInt(text, 10));
    if (domid === target || this.#targets.has(domid) || this.#holders.has(target)) return false;
    this.#holders.add(domid);
    this.#targets.add(target);
    return true;
  }
}

const isSpecial = ({ payload }: Request) => /^@(introduce|release)Domain\0/.test(payload);

/** Below /t and /pub, where oxenstored and the C daemon mean the same by every request. */
function isPlain(name: string, { tx, payload }: Request): boolean {
  if (typeof tx === "number" && tx !== 0) return false;
  if (name === "TRANSACTION_END") return typeof tx === "string" && /^[TF]\0$/.test(payload);
  if (name === "TRANSACTION_START") return tx === 0 && payload === "\0";
  const form = name === "WRITE" ? /^\/(t|pub)(\/[a-d])*\0/ : /^\/(t|pub)(\/[a-d])*\0$/;
  return form.test(payload);
}

/** What every sequence begins with: guests, their homes, and nodes that they may share. */
export function prologue(flavour: Flavour): Step[] {
  const dom0 = (name: string, ...parts: string[]) => request("dom0", name, ...parts);
  // The newest daemons let every guest hear @releaseDomain from the start, older ones none.
  const steps: Step[] = [dom0("SET_PERMS", "@releaseDomain", "n0")];
  for (const domid of flavour.guests) {
    const home = `/local/domain/${domid}`;
    steps.push(dom0("INTRODUCE", `${domid}`, "0", `${portOf(domid)}`));
    steps.push(dom0("MKDIR", home), dom0("SET_PERMS", home, "n0", `r${domid}`));
    steps.push(dom0("MKDIR", `${home}/data`), dom0("SET_PERMS", `${home}/data`, `n${domid}`));
    steps.push(write("dom0", `${home}/name`, `guest-${domid}`));
  }
  // oxenstored begins with a directory and a value of its own.
  if (flavour.transactionsOnly) steps.push(dom0("MKDIR", "/local"), write("dom0", TOOL, "-"));
  steps.push(write("dom0", "/t/a", "1"), write("dom0", "/t/b/c", "2"));
  steps.push(dom0("MKDIR", "/pub"), dom0("SET_PERMS", "/pub", "b0"));
  if (!flavour.wide) return steps;
  for (let n = 0; n < 60; n += 1) steps.push(write("dom0", payloads.wideName(n), ""));
  return steps;
}
