// Transactions: those that are open in the store, and the page's own, which stay when they end.
// Holds   the page's own: their clients, their lines, how they ended.
// Never   guesses: whether a commit would fail is the store's word.
// Source  the XenStore protocol, Transactions.

import type { Client, OpenTransaction, Transaction } from "../../entry/browser.ts";
import { splitWords } from "../../entry/tools.ts";
import type { TransactionInfo } from "../model/protocol.ts";
import { clientOf, entryOf } from "./domain_entry.ts";
import type { Context } from "./engine.ts";
import { explained } from "./explained.ts";
import type { Feature } from "./feature.ts";
import type { Session } from "./session.ts";
import { lineProblem, runLine } from "./transaction_line.ts";
import { whyItFails, withOthers } from "./transaction_why.ts";

/** Of those that have ended so many are kept. */
const ENDED_MAX = 20;
const OPEN_MAX = 50;
const LINES_MAX = 200;
const LABEL = "transaction of this page";
/** Looking at all of them may cost so much of the time. */
const SHARE = 0.1;
const decoder = new TextDecoder();

/** A transaction that was begun in the page. */
interface Own {
  readonly handle: number;
  readonly domid: number;
  readonly client: Client;
  readonly tx: Transaction;
  readonly began: number;
  readonly lines: string[];
  conn: string;
  state: string;
  /** As it was last seen while it was open. */
  info: TransactionInfo | null;
}

export function transactionFeature(context: Context): Feature {
  const transactions = new Transactions(context);
  return {
    ops: {
      "tx.begin": ({ domid }) => transactions.begin(domid),
      "tx.run": ({ handle, line }) => transactions.run(handle, line),
      "tx.commit": ({ handle }) => transactions.commit(handle),
      "tx.abort": ({ handle }) => transactions.abort(handle),
      "tx.retry": ({ handle }) => transactions.retry(handle),
      "tx.clear": () => transactions.clear(),
    },
    sections: [
      {
        name: "transactions",
        stamp: (look) => (look.transactions ? transactions.stamp() : null),
        make: () => (context.session.closed ? undefined : transactions.list()),
      },
    ],
    closing: () => transactions.closing(),
  };
}

class Transactions {
  readonly #context: Context;
  readonly #own = new Map<number, Own>();
  /** Clients of domain 0 that have no transaction open. */
  #idle: Client[] = [];
  /** Where those that are open began, by connection and id. */
  #began = new Map<string, number>();
  #last = 0;
  #version = 0;
  /** What was sent last, the time until which it is good enough, and what asks again then. */
  #stamp = "";
  #restMs = 0;
  #timer: ReturnType<typeof setTimeout> | null = null;

  constructor(context: Context) {
    this.#context = context;
  }

  get #session(): Session {
    return this.#context.session;
  }

  /** Where there are many of them, they are not looked at again with each frame. */
  stamp(): string {
    const nowMs = performance.now();
    if (nowMs < this.#restMs) {
      this.#timer ??= setTimeout(() => {
        this.#timer = null;
        this.#context.changed();
      }, this.#restMs - nowMs);
    } else this.#stamp = `${this.#session.id} ${this.#session.history.version} ${this.#version}`;
    return this.#stamp;
  }

  list(): TransactionInfo[] {
    const startMs = performance.now();
    const found = this.#look();
    const costMs = performance.now() - startMs;
    this.#restMs = performance.now() + Math.min(1000, costMs / SHARE);
    return found;
  }

  async begin(domid: number): Promise<number> {
    const session = this.#session;
    entryOf(session, domid);
    const open = [...this.#own.values()].filter(({ state }) => state === "open").length;
    if (open >= OPEN_MAX) {
      throw new Error(`${OPEN_MAX} transactions are open: commit or give up some of them first.`);
    }
    const client = await this.#client(domid);
    const tx = await asked(client.begin());
    const conn = connOf(session, domid, tx.id, this.#own);
    const own: Own = {
      handle: ++this.#last,
      ...{ domid, client, tx, conn },
      began: beganOf(session, conn, tx.id),
      lines: [],
      state: "open",
      info: null,
    };
    this.#own.set(own.handle, own);
    void client.closed.then(() => {
      if (own.state === "open") this.#end(own, "ECONNRESET");
    });
    this.#changed();
    return own.handle;
  }

  async run(handle: number, line: string): Promise<string> {
    const own = this.#openOne(handle);
    const words = wordsOf(line);
    if (own.lines.length >= LINES_MAX) {
      throw new Error(`This transaction has ${LINES_MAX} lines already: commit it or give it up.`);
    }
    const problem = lineProblem(words);
    if (problem !== null) throw new Error(problem);
    own.lines.push(line);
    this.#changed();
    return runLine(own.tx, words);
  }

  async commit(handle: number): Promise<string> {
    const own = this.#openOne(handle);
    // How it stood at its end stays to be seen.
    this.#look();
    try {
      await own.tx.commit();
      this.#end(own, "committed");
      return "";
    } catch (error) {
      const { code } = error as { code?: string };
      if (code === undefined) throw error;
      this.#end(own, code);
      return code;
    }
  }

  async abort(handle: number): Promise<void> {
    const own = this.#openOne(handle);
    this.#look();
    this.#end(own, "aborted");
    await own.tx.abort().catch(() => {});
  }

  async retry(handle: number): Promise<number> {
    const own = this.#find(handle);
    if (own.state === "open") await this.abort(handle);
    const next = await this.begin(own.domid);
    const said: string[] = [];
    for (const line of own.lines) {
      const printed = await this.run(next, line).catch((error: Error) => error.message);
      said.push(printed === "" ? line : `${line}: ${printed.split("\n")[0]}`);
    }
    const lines = said.slice(0, 5).join("; ");
    const more = said.length > 5 ? ` and ${said.length - 5} more` : "";
    if (said.length > 0) this.#context.notice("info", `Done again: ${lines}${more}.`);
    return next;
  }

  clear(): void {
    for (const { handle, state } of this.#own.values()) {
      if (state !== "open") this.#own.delete(handle);
    }
    this.#changed();
  }

  async closing(): Promise<void> {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#restMs = 0;
    this.#own.clear();
    this.#idle = [];
  }

  /** Domain 0 has a connection for each that is open at a time; a guest its ring. */
  async #client(domid: number): Promise<Client> {
    if (domid !== 0) return clientOf(this.#session, entryOf(this.#session, domid));
    const idle = this.#idle.pop();
    return idle?.state === "connected" ? idle : this.#session.client(LABEL);
  }

  #find(handle: number): Own {
    const own = this.#own.get(handle);
    if (own) return own;
    throw new Error("This transaction is not known any more. Begin another one.");
  }

  #openOne(handle: number): Own {
    const own = this.#find(handle);
    if (own.state === "open") return own;
    const how = own.state === "committed" || own.state === "aborted" ? "was" : "ended with";
    throw new Error(`This transaction ${how} ${own.state}. Begin another one, or do it again.`);
  }

  #end(own: Own, state: string): void {
    if (own.state !== "open") return;
    own.state = state;
    if (own.domid === 0 && state !== "ECONNRESET") this.#idle.push(own.client);
    const ended = [...this.#own.values()].filter((one) => one.state !== "open");
    for (const { handle } of ended.slice(0, -ENDED_MAX)) this.#own.delete(handle);
    this.#changed();
  }

  #changed(): void {
    this.#version += 1;
    this.#restMs = 0;
    this.#context.changed();
  }

  /** Those that are open, the oldest first, and behind them the page's own that have ended. */
  #look(): TransactionInfo[] {
    const session = this.#session;
    const found: TransactionInfo[] = [];
    const began = new Map<string, number>();
    for (const open of session.store.transactions()) {
      const conn = session.connName(open.conn);
      const own = [...this.#own.values()].find((one) => {
        return one.state === "open" && one.conn === conn && one.tx.id === open.id;
      });
      const key = `${conn} ${open.id}`;
      const start = own?.began ?? this.#began.get(key) ?? beganOf(session, conn, open.id);
      began.set(key, start);
      const info = infoOf(session, { ...open, conn }, own, start);
      if (own) own.info = info;
      found.push(info);
    }
    this.#began = began;
    const ended = [...this.#own.values()].filter(({ state }) => state !== "open").reverse();
    return [...found, ...ended.map((own) => endedInfo(own))];
  }
}

/** What the store says of one, with what the history knows of it. */
function infoOf(
  session: Session,
  open: OpenTransaction,
  own: Own | undefined,
  began: number,
): TransactionInfo {
  const { conn, domid, id, verdict } = open;
  const nodes = withOthers(session, open, began);
  return {
    ...{ conn, domid, id, began, verdict, nodes },
    handle: own?.handle ?? null,
    state: "open",
    why: whyItFails(verdict, nodes),
    lines: [...(own?.lines ?? [])],
  };
}

function endedInfo(own: Own): TransactionInfo {
  const { handle, conn, domid, tx, began, state, lines, info } = own;
  const last = info ?? { verdict: null, why: "", nodes: [] };
  const failed = state !== "committed" && state !== "aborted";
  return {
    ...{ handle, conn, domid, id: tx.id, began, state },
    verdict: failed ? state : null,
    why: failed ? last.why : "",
    nodes: last.nodes,
    lines: [...lines],
  };
}

/** Its connection's name: of those that fit the one that was opened last. */
function connOf(
  session: Session,
  domid: number,
  id: number,
  others: ReadonlyMap<number, Own>,
): string {
  if (domid !== 0) return `D${domid}`;
  const taken = new Set<string>();
  for (const { state, conn, tx } of others.values()) {
    if (state === "open") taken.add(`${conn} ${tx.id}`);
  }
  const fitting = session.store
    .transactions()
    .map((open) => ({ ...open, conn: session.connName(open.conn) }))
    .filter((open) => open.domid === 0 && open.id === id)
    .filter(({ conn }) => session.labels.get(conn) === LABEL && !taken.has(`${conn} ${id}`));
  return fitting.at(-1)?.conn ?? "";
}

/** The operation that began a transaction; 0: it is not known any more. */
function beganOf({ history }: Session, conn: string, id: number): number {
  for (let n = history.last; n > history.first; n--) {
    const done = history.operation(n);
    if (done?.type !== "TRANSACTION_START" || done.conn !== conn) continue;
    const reply = history.records.get(done.reply)?.record;
    if (reply && "payload" in reply && Number.parseInt(decoder.decode(reply.payload), 10) === id) {
      return n;
    }
  }
  return 0;
}

async function asked<T>(request: Promise<T>): Promise<T> {
  try {
    return await request;
  } catch (error) {
    throw explained(error as never);
  }
}

function wordsOf(line: string): string[] {
  try {
    return splitWords(line);
  } catch (error) {
    throw new Error(`The line can't be read: ${(error as Error).message}. Close the quote.`);
  }
}
