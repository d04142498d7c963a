// Driver: keeps a writer busy: single changes, transactions, contests for the count, looks.
// Holds   how many requests may be open, and what must be answered before the next is sent.
// Never   settles anything itself after a loss: `Writer.settle` does, then `resume` is called.
// Source  the XenStore protocol, Operations and Transactions.

import { Claims } from "./claims.ts";
import type { Plan } from "./plan.ts";
import { apply, at, brief, type Change, copyOf, type Node } from "./tree.ts";
import type { Answer, Writer } from "./writer.ts";

/** The node that holds the count. */
export const COUNT_PATH = "/crash/count";
/** Name of the node in which a writer notes what it has counted. */
const LOG_NAME = "log";
const OK = "OK\0";

const TYPES = { write: "WRITE", mkdir: "MKDIR", rm: "RM", perms: "SET_PERMS" } as const;

interface Tx {
  id: number;
  /** The tree as the transaction sees it. */
  tree: Node;
  epoch: number;
  changes: Change[];
}

export class Driver {
  readonly writer: Writer;
  readonly plan: Plan;
  /** Single requests, transactions and contests that are still to be begun. */
  budget = Number.POSITIVE_INFINITY;
  #claims: Claims;
  #window: number;
  /** Something is under way that nothing may come between. */
  #alone = false;
  #contestDue = false;
  #paused = true;
  #idle: (() => void)[] = [];
  /** When an event for a path came last, if the writer listens to its own part. */
  #seen: Map<string, number> | null = null;

  /** @param window  requests that may be open at once */
  constructor(writer: Writer, plan: Plan, claims: Claims, window: number) {
    this.writer = writer;
    this.plan = plan;
    this.#claims = claims;
    this.#window = window;
    writer.onAnswer = () => this.#pump();
  }

  /** From now on each change must have brought an event before its answer comes. */
  expectEvents(): void {
    this.#seen = new Map();
  }

  /** An event came for an absolute path of its own part. */
  sawEvent(path: string): void {
    this.#seen?.set(path, this.writer.now);
  }

  resume(): void {
    this.#paused = false;
    // What was under way on a connection that was lost is over.
    if (this.writer.open === 0) this.#alone = false;
    this.#pump();
  }

  /** Begins nothing more; resolves when all is answered. */
  pause(): Promise<void> {
    this.#paused = true;
    return this.idle();
  }

  /** Resolves when nothing is open and nothing more is to be begun. */
  idle(): Promise<void> {
    return new Promise((resolve) => {
      this.#idle.push(resolve);
      this.#pump();
    });
  }

  #pump(): void {
    while (!this.#paused && this.budget > 0 && this.writer.connected && !this.#full()) {
      this.#next();
    }
    const over = this.#paused || this.budget <= 0;
    if (!over || this.#alone || this.writer.open > 0) return;
    for (const call of this.#idle.splice(0)) call();
  }

  #full(): boolean {
    if (this.#alone) return true;
    return this.writer.open >= (this.#contestDue ? 1 : this.#window);
  }

  #next(): void {
    const move = this.#contestDue ? "contest" : this.plan.move();
    if (move === "contest" && this.writer.open > 0) {
      this.#contestDue = true;
      return;
    }
    this.budget -= 1;
    if (move === "change") this.#single(this.plan.change());
    else if (move === "transaction") this.#transaction(this.plan.changes());
    else if (move === "contest") this.#contest();
    else this.#look(this.plan.path());
  }

  #single(change: Change): void {
    const { writer } = this;
    const answered = ({ error }: Answer, sentAt: number) => {
      if (writer.refusal(error)) return "";
      const wanted = apply(writer.tree, change);
      if (wanted !== error) return said(error, wanted);
      return error === "" ? this.#echo(change, sentAt) : "";
    };
    writer.ask(TYPES[change.kind], this.#payload(change), 0, answered, [change]);
  }

  /** An event for each change comes before its answer, if one is asked for. */
  #echo(change: Change, sentAt: number): string {
    if (!this.#seen || (change.kind !== "write" && change.kind !== "perms")) return "";
    const path = `${this.writer.root}/${change.path.join("/")}`;
    if ((this.#seen.get(path) ?? 0) > sentAt) return "";
    return `no event came for ${path} since it was sent`;
  }

  #transaction(changes: readonly Change[]): void {
    const commits = this.plan.random.chance(85);
    this.#start((tx) => {
      this.#alone = false;
      for (const change of changes) this.#inside(tx, change);
      if (this.plan.random.chance(30)) this.#look(this.plan.path(), tx);
      this.#end(tx, commits);
    });
  }

  /** Starts a transaction; nothing else is sent until its number is known. */
  #start(go: (tx: Tx) => void): void {
    const { writer } = this;
    const { epoch } = writer;
    this.#alone = true;
    writer.ask("TRANSACTION_START", "\0", 0, ({ error, payload }) => {
      if (error !== "") {
        this.#alone = false;
        return writer.refusal(error) ? "" : said(error, "");
      }
      const id = Number.parseInt(payload, 10);
      go({ id, tree: copyOf(writer.tree), epoch, changes: [] });
      return id > 0 ? "" : `answered ${brief(payload)}`;
    });
  }

  #inside(tx: Tx, change: Change): void {
    const { writer } = this;
    tx.changes.push(change);
    const answered = ({ error }: Answer) => {
      if (writer.refusal(error)) {
        tx.changes.splice(tx.changes.indexOf(change), 1);
        return "";
      }
      const wanted = apply(tx.tree, change);
      return wanted === error || (error === "" && this.#maybeLost(tx)) ? "" : said(error, wanted);
    };
    writer.ask(TYPES[change.kind], this.#payload(change), tx.id, answered);
  }

  /**
   * A transaction that was open when the store was killed is lost: changes in it are answered OK and
   * have no effect, what is read is the store itself, and the end is EAGAIN.
   */
  #maybeLost(tx: Tx): boolean {
    return this.writer.epoch > tx.epoch;
  }

  #end(tx: Tx, commits: boolean): void {
    const { writer } = this;
    const answered = ({ error }: Answer) => {
      if (error === "EAGAIN" && commits && this.#maybeLost(tx)) {
        writer.counts.again += 1;
        return "";
      }
      if (writer.refusal(error)) return "";
      if (error !== "") return said(error, "");
      if (commits) writer.tree = tx.tree;
      return "";
    };
    const effect = commits ? tx.changes : [];
    writer.ask("TRANSACTION_END", commits ? "T\0" : "F\0", tx.id, answered, effect);
  }

  /** Counts up what all count up, and notes the number in its own part, both or neither. */
  #contest(): void {
    const { writer } = this;
    this.#contestDue = false;
    this.#start((tx) => {
      writer.ask("READ", `${COUNT_PATH}\0`, tx.id, ({ error, payload }) => {
        if (error === "") this.#count(tx, payload);
        else this.#giveUp(tx);
        return error === "" ? "" : said(error, "");
      });
    });
  }

  #giveUp(tx: Tx): void {
    this.writer.ask("TRANSACTION_END", "F\0", tx.id, ({ error }) => {
      this.#alone = false;
      return error === "" ? "" : said(error, "");
    });
  }

  #count(tx: Tx, found: string): void {
    const { writer } = this;
    const claim = Claims.after(found, `${writer.name}.${writer.counts.sent}`);
    const note: Change = { kind: "write", path: [LOG_NAME], value: claim.value };
    let refused = false;
    const took = ({ error }: Answer) => {
      if (error === "") return "";
      refused ||= writer.refusal(error);
      return refused ? "" : said(error, "");
    };
    writer.ask("WRITE", `${COUNT_PATH}\0${claim.value}`, tx.id, took);
    writer.ask("WRITE", this.#payload(note), tx.id, (answer) => {
      const complaint = took(answer);
      if (refused) this.#giveUp(tx);
      else this.#claim(tx, claim, note);
      return complaint;
    });
  }

  #claim(tx: Tx, claim: { number: number; value: string }, note: Change): void {
    const { writer } = this;
    const { number, value } = claim;
    this.#claims.begun(number, value);
    const settled = (done: boolean) => {
      if (done) return this.#claims.done(number, value);
      this.#claims.failed(number, value);
      return "";
    };
    const ended = ({ error }: Answer) => {
      this.#alone = false;
      if (error === "") apply(writer.tree, note);
      if (error === "EAGAIN") writer.counts.again += 1;
      const complaint = settled(error === "");
      if (error === "" || error === "EAGAIN" || writer.refusal(error)) return complaint;
      return said(error, "");
    };
    writer.ask("TRANSACTION_END", "T\0", tx.id, ended, [note], settled);
  }

  #look(path: readonly string[], tx: Tx | null = null): void {
    const { writer } = this;
    const type = this.plan.random.pick(["READ", "GET_PERMS", "DIRECTORY"]);
    const answered = (answer: Answer) => {
      const complaint = found(tx?.tree ?? writer.tree, path, type, answer);
      if (complaint === "" || !tx || !this.#maybeLost(tx)) return complaint;
      return found(writer.tree, path, type, answer);
    };
    writer.ask(type, `${this.#text(path)}\0`, tx?.id ?? 0, answered);
  }

  #payload(change: Change): string {
    const path = `${this.#text(change.path)}\0`;
    if (change.kind === "write") return path + change.value;
    return change.kind === "perms" ? path + change.perms : path;
  }

  #text(path: readonly string[]): string {
    return `${this.writer.root}/${path.join("/")}`;
  }
}

/** Whether a look has found what a tree holds. Returns a complaint, or "". */
function found(
  tree: Node,
  path: readonly string[],
  type: string,
  { error, payload }: Answer,
): string {
  const node = at(tree, path);
  if (!node || error !== "")
    return error === (node ? "" : "ENOENT") ? "" : said(error, node ? "" : "ENOENT");
  const names = [...node.children.keys()].map((name) => `${name}\0`).join("");
  const wanted = { READ: node.value, GET_PERMS: node.perms, DIRECTORY: names }[type];
  return payload === wanted ? "" : `found ${brief(payload)}, not ${brief(wanted as string)}`;
}

function said(error: string, wanted: string): string {
  return `answered ${error || OK.slice(0, 2)}, not ${wanted || OK.slice(0, 2)}`;
}
