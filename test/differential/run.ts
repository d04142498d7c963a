// Run: one sequence on two sides, every answer and every event compared.
// Holds   what both sides agree on (transactions, introduced domains), and the verdict.
// Never   goes on after a difference that leaves the stores unlike each other.
// Source  our own.

import {
  XS_INTRODUCE,
  XS_RELEASE,
  XS_TRANSACTION_START,
  XS_WRITE,
} from "../../assembly/xs_wire.ts";
import { typeName } from "../message.ts";
import { Generations } from "./generations.ts";
import { explain, type Meeting, type Rule, replyOf } from "./known.ts";
import { OpenTransactions } from "./open.ts";
import { equal, isEvent, isOfOneDomain, lines, only, renumbered } from "./outcome.ts";
import { type Outcome, type Side, SideLost } from "./side.ts";
import { type Act, actLine, request, type Step } from "./step.ts";

/** What came of a sequence. */
export type Verdict = {
  /** Compared steps by the name of their operation. */
  compared: Map<string, number>;
  /** Differences that a rule explains, by its name. */
  known: Map<string, number>;
  /** Nodes of the final look at both stores. */
  looked: number;
  /** The first difference that no rule explains. */
  difference: Difference | null;
  /** Why a side was lost; the sequence then counts as not compared. */
  lost: string | null;
};

export type Difference = { act: Act; peer: string[]; ours: string[] };

/** Plays the steps on both sides and looks at both stores at the end. */
export async function run(
  steps: readonly Step[],
  peer: Side,
  ours: Side,
  rules: readonly Rule[],
  strict: boolean,
): Promise<Verdict> {
  const comparison = new Comparison(peer, ours, rules, strict);
  try {
    for (const step of steps) {
      if (comparison.over) break;
      await comparison.step(step);
    }
    if (!comparison.over) await comparison.look();
  } catch (error) {
    if (!(error instanceof SideLost)) throw error;
    comparison.verdict.lost = error.message;
  }
  return comparison.verdict;
}

type Request = Extract<Act, { kind: "request" }>;

/** A transaction's number on either side. */
type Ids = { peer: number; ours: number };

/** What both sides made of a step that they agree on. */
type Agreed = { peer: Outcome; ours: Outcome };

/** Stands for a step that is no request. */
const NO_REQUEST: Request = { kind: "request", conn: "", type: -1, txId: 0, payload: "" };

/**
 * C 4.17 tells a domain from the former holder of its id by the generation of the store. So
 * something changes when a domain has gone, and one that comes back is younger than all nodes.
 */
const CHANGE: Act = {
  kind: "request",
  conn: "dom0",
  type: XS_WRITE,
  txId: 0,
  payload: "/tool/xenstored\0",
};

/** In oxenstored these are children of the root. */
const SPECIAL: readonly string[] = ["@introduceDomain", "@releaseDomain"];

class Comparison {
  readonly verdict: Verdict = {
    compared: new Map(),
    known: new Map(),
    looked: 0,
    difference: null,
    lost: null,
  };
  over = false;
  readonly #peer: Side;
  readonly #ours: Side;
  readonly #rules: readonly Rule[];
  readonly #strict: boolean;
  readonly #transactions = new Map<string, Ids>();
  readonly #transactionsOpen = new OpenTransactions();
  readonly #generations = new Generations();
  readonly #introduced = new Set<number>();
  readonly #gone = new Set<number>();
  #leaving = false;

  constructor(peer: Side, ours: Side, rules: readonly Rule[], strict: boolean) {
    this.#peer = peer;
    this.#ours = ours;
    this.#rules = rules;
    this.#strict = strict;
  }

  async step(step: Step): Promise<void> {
    const act = this.#resolve(step);
    if (act === null) return;
    const agreed = await this.#both(act);
    count(this.verdict.compared, act.kind === "request" ? typeName(act.type) : act.kind);
    if (agreed === null) return;
    this.#learn(step, act, agreed);
    if (this.#leaving) await this.#both(CHANGE);
    this.#leaving = false;
  }

  /** Compares the trees: names, values and permissions of every node that dom0 can list. */
  async look(): Promise<void> {
    const paths = ["/"];
    for (let path = paths.pop(); path !== undefined && !this.over; path = paths.pop()) {
      let children = "";
      for (const name of ["READ", "GET_PERMS", "DIRECTORY"]) {
        const step = request("dom0", name, path) as Extract<Step, { kind: "request" }>;
        const agreed = await this.#both({ ...step, txId: 0 });
        if (agreed === null) return;
        children = replyOf(agreed.peer, "dom0");
      }
      this.verdict.looked += 1;
      if (!children.endsWith("\0")) continue;
      const prefix = path === "/" ? "/" : `${path}/`;
      const names = children
        .slice(0, -1)
        .split("\0")
        .filter((name) => !SPECIAL.includes(name));
      paths.push(...names.map((name) => prefix + name));
    }
  }

  /** Gives a step its transaction; null if it has lost its sense. */
  #resolve(step: Step): Act | null {
    if (step.kind === "domain") return this.#introduced.has(step.domid) ? step : null;
    if (step.kind === "disconnect") return step;
    const domid = Number(/^dom(\d+)/.exec(step.conn)?.[1] ?? 0);
    if (domid !== 0 && !this.#introduced.has(domid)) return null;
    const { conn, type, payload, tx } = step;
    const ids = typeof tx === "number" ? { peer: tx, ours: tx } : this.#transactions.get(tx);
    if (ids === undefined) return null;
    return { kind: "request", conn, type, txId: ids.peer, ourTxId: ids.ours, payload };
  }

  /** Lets both sides act and compares; returns both outcomes unless the run is over. */
  async #both(act: Act): Promise<Agreed | null> {
    const ourAct = act.kind === "request" ? { ...act, txId: act.ourTxId ?? act.txId } : act;
    const [peer, answered] = await Promise.all([this.#peer.act(act), this.#ours.act(ourAct)]);
    const ours = renumbered(answered, ourAct, act);
    if (equal(act, peer, ours) && this.#sameAge(act, peer, ours)) return { peer, ours };
    const meeting = this.#meeting(act.kind === "request" ? act : NO_REQUEST, peer, ours);
    const rule = explain(this.#rules, meeting);
    if (rule !== null) {
      count(this.verdict.known, rule.name);
      if (!rule.ends(meeting)) return { peer, ours };
    } else {
      this.verdict.difference = { act, peer: lines(peer), ours: lines(ours) };
    }
    this.over = true;
    return null;
  }

  #sameAge(act: Act, peer: Outcome, ours: Outcome): boolean {
    if (act.kind !== "request") return true;
    return this.#generations.agree(act, replyOf(peer, act.conn), replyOf(ours, act.conn));
  }

  #meeting(act: Request, peer: Outcome, ours: Outcome): Meeting {
    const plain = only(ours, (message) => !isOfOneDomain(message));
    return {
      act,
      peer,
      ours,
      peerReply: replyOf(peer, act.conn),
      ourReply: replyOf(ours, act.conn),
      sameEvents: equal(act, only(peer, isEvent), only(ours, isEvent)),
      sameButDomainEvents: equal(act, peer, plain),
      sameEventsButDomainEvents: equal(act, only(peer, isEvent), only(plain, isEvent)),
      touchedLate: this.#transactionsOpen.touchedLate(act),
      givesToGone: this.#transactionsOpen.gives(act, this.#gone),
      gone: this.#gone,
      strict: this.#strict,
    };
  }

  #learn(step: Step, act: Act, { peer, ours }: Agreed): void {
    if (act.kind === "domain" && act.state === "dies") {
      this.#released(act.domid);
    }
    if (act.kind !== "request" || step.kind !== "request") return;
    const reply = replyOf(peer, act.conn);
    this.#transactionsOpen.note(act, reply);
    if (act.type === XS_TRANSACTION_START && step.opens !== undefined && /^\d+\0$/.test(reply)) {
      const id = (outcome: Outcome) => Number.parseInt(replyOf(outcome, act.conn), 10);
      this.#transactions.set(step.opens, { peer: id(peer), ours: id(ours) });
    }
    if (reply !== "OK") return;
    if (act.type === XS_INTRODUCE) this.#introduced.add(Number.parseInt(act.payload, 10));
    if (act.type === XS_RELEASE) this.#released(Number.parseInt(act.payload, 10));
  }

  #released(domid: number): void {
    this.#introduced.delete(domid);
    this.#gone.add(domid);
    this.#leaving = true;
    this.#transactionsOpen.changed();
  }
}

function count(table: Map<string, number>, name: string): void {
  table.set(name, (table.get(name) ?? 0) + 1);
}

/** Writes a difference for a person. */
export function report({ act, peer, ours }: Difference, peerName: string): string {
  const block = (name: string, rows: string[]) => [
    `  ${name}:`,
    ...rows.map((row) => `    ${row}`),
  ];
  return [actLine(act), ...block(peerName, peer), ...block("ours", ours)].join("\n");
}
