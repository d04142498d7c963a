// Writer: a client that changes its own part of the tree and knows what was acknowledged.
// Holds   the tree as acknowledged, and the requests that are sent and not answered, in order.
// Never   takes an answer for granted: each is compared with what must be said.
// Source  the XenStore protocol, Operations and Transactions.

import { ERROR, encode, type Message, typeName, typeNumber, WATCH_EVENT } from "../message.ts";
import type { Line } from "./line.ts";
import { apply, brief, type Change, copyOf, differences, type Node } from "./tree.ts";

/** An answer: the name of an error or "", and else the payload. */
export interface Answer {
  error: string;
  payload: string;
}

interface Pending {
  reqId: number;
  text: string;
  sentAt: number;
  type: string;
  /** What is there if it is served, although no answer came. */
  effect: readonly Change[];
  /** Returns a complaint, or "". */
  answered(answer: Answer, sentAt: number): string;
  /** Settles it when the connection was lost: whether its effect is there. */
  settled: ((done: boolean) => string) | null;
}

/** Lines of a writer's past that a report shows. */
const PAST = 40;
/** Errors of a store that can't put its changes down. */
const STORAGE_ERRORS = ["EIO", "ENOSPC"];

export class Writer {
  readonly name: string;
  /** The absolute path of its part of the tree. */
  readonly root: string;
  /** As acknowledged. */
  tree: Node;
  /** How often the store was killed; who began before may be told EAGAIN. */
  epoch = 0;
  /**
   * Whether a request that changed nothing may be answered twice after a kill: the store says in
   * two words of the page that a reply is there and that the request is gone, is killed between,
   * and could not note before what it was about to say.
   */
  mayRepeat = false;
  /** Whether the store may refuse changes with EIO or ENOSPC now. */
  mayRefuse = false;
  readonly counts = {
    sent: 0,
    answered: 0,
    changed: 0,
    refused: 0,
    again: 0,
    events: 0,
    repeated: 0,
  };
  /** Told of each complaint. */
  onComplaint: (text: string) => void = () => {};
  /** Told after each answer. */
  onAnswer: () => void = () => {};
  /** Told of each event: path and token. */
  onEvent: (path: string, token: string) => void = () => {};
  #line: Line | null = null;
  #lost: Promise<void> = Promise.resolve();
  #pending: Pending[] = [];
  #lastId = 0;
  #clock = 0;
  #past: string[] = [];
  /** Requests answered last that changed nothing, by reqId, until another one did. */
  #harmless = new Set<number>();

  constructor(name: string, root: string, tree: Node) {
    this.name = name;
    this.root = root;
    this.tree = tree;
  }

  get connected(): boolean {
    return this.#line !== null;
  }

  /** Requests that are sent and not answered. */
  get open(): number {
    return this.#pending.length;
  }

  /** Moments are counted: each message has one. */
  get now(): number {
    return this.#clock;
  }

  /** Resolves when the line of the moment is lost; a ring never is. */
  get lost(): Promise<void> {
    return this.#lost;
  }

  attach(line: Line): void {
    this.#line = line;
    this.#lost = new Promise((resolve) => {
      const lost = () => {
        if (this.#line === line) this.#line = null;
        resolve();
      };
      line.listen((message) => this.#came(message), lost);
    });
  }

  close(): void {
    const line = this.#line;
    this.#line = null;
    line?.close();
  }

  /** Sends a request; `answered` is called in its turn. */
  ask(
    type: string,
    payload: string,
    txId: number,
    answered: (answer: Answer, sentAt: number) => string,
    effect: readonly Change[] = [],
    settled: ((done: boolean) => string) | null = null,
  ): void {
    const reqId = ++this.#lastId;
    const text = `${type}${txId ? ` (${txId})` : ""} ${brief(payload)}`;
    this.#note(`${reqId} > ${text}`);
    const sentAt = ++this.#clock;
    this.#pending.push({ reqId, text, sentAt, type, effect, answered, settled });
    this.counts.sent += 1;
    this.#line?.send(encode({ type: typeNumber(type), reqId, txId, payload }));
  }

  /** Whether an error may be the answer to a change because of the medium. */
  refusal(error: string): boolean {
    if (!this.mayRefuse || !STORAGE_ERRORS.includes(error)) return false;
    this.counts.refused += 1;
    return true;
  }

  /**
   * After the connection was lost: finds out which of the unanswered requests have been served.
   * @param found  what the store holds at `root`
   * @returns      complaints
   */
  settle(found: Node): string[] {
    const pending = this.#pending.splice(0);
    const trees = [copyOf(this.tree)];
    for (const { effect } of pending) {
      const next = copyOf(trees.at(-1) as Node);
      for (const change of effect) apply(next, change);
      trees.push(next);
    }
    const served = trees.findLastIndex((tree) => differences(tree, found, "").length === 0);
    if (served < 0) return this.#unexplained(pending, found);
    this.tree = trees[served] as Node;
    const complaints = pending.map(({ settled }, index) => settled?.(index < served) ?? "");
    this.#note(`-- of ${pending.length} unanswered requests ${served} may have been served`);
    return complaints.filter((text) => text !== "");
  }

  /** What was said and answered last, for a report. */
  past(): string {
    return this.#past.map((line) => `  ${this.name} ${line}`).join("\n");
  }

  #unexplained(pending: readonly Pending[], found: Node): string[] {
    const nearest = differences(this.tree, found, this.root).slice(0, 6);
    const open = pending.map(({ text }) => text).join("; ");
    const what = pending.length ? `, nor with any of the unanswered (${open})` : "";
    return [`${this.name}: the store does not hold what was acknowledged${what}`, ...nearest];
  }

  #came(message: Message): void {
    this.#clock += 1;
    if (message.type === WATCH_EVENT) {
      const [path, token] = message.payload.split("\0");
      this.counts.events += 1;
      this.#note(`* ${path} ${token}`);
      this.onEvent(path, token);
      return;
    }
    const first = this.#pending[0];
    const type = typeName(message.type);
    const answer =
      message.type === ERROR
        ? { error: message.payload.replace("\0", ""), payload: "" }
        : { error: "", payload: message.payload };
    this.#note(`${message.reqId} < ${type} ${brief(message.payload)}`);
    if (first?.reqId !== message.reqId && this.#isRepeated(message.reqId)) return;
    if (first?.reqId !== message.reqId) {
      const wanted = first ? `the reply to ${first.reqId} ${first.text}` : "no reply at all";
      this.#complain(`${type} to request ${message.reqId} came, but ${wanted} was due`);
      return;
    }
    if (answer.error === "" && type !== first.type) {
      this.#complain(`${first.text} was answered with ${type}`);
    }
    this.#pending.shift();
    const before = this.mayRepeat ? copyOf(this.tree) : null;
    this.counts.answered += 1;
    if (answer.error === "" && first.effect.length > 0) this.counts.changed += 1;
    const complaint = first.answered(answer, first.sentAt);
    if (complaint) this.#complain(`${first.text}: ${complaint}`);
    if (before && differences(before, this.tree, "").length > 0) this.#harmless.clear();
    else if (before) this.#harmless.add(first.reqId);
    this.onAnswer();
  }

  #isRepeated(reqId: number): boolean {
    if (!this.mayRepeat || !this.#harmless.delete(reqId)) return false;
    this.counts.repeated += 1;
    return true;
  }

  #complain(text: string): void {
    this.onComplaint(`${this.name}: ${text}`);
  }

  #note(line: string): void {
    this.#past.push(line);
    if (this.#past.length > PAST) this.#past.shift();
  }
}
