// Transactions: how transactions begin, are repeated on a conflict, and end.
// Holds   those of a connection that are open.
// Never   repeats one of which it is not certain that nothing was applied.
// Source  the XenStore protocol, Transactions; Clients, Patterns seen in toolstacks.

import { XS_TRANSACTION_START } from "../../assembly/xs_wire.ts";
import { isXenstoreError, XenstoreError } from "../shared/errors.ts";
import type { CallOptions, Transaction, TransactionOptions, Value } from "./api.ts";
import { checkPath, encodeValue, invalid } from "./check.ts";
import type { Connection } from "./connection.ts";
import { count } from "./decode.ts";
import type { Atomic, StoreNodes } from "./nodes.ts";
import { pause, underSignal } from "./signal.ts";
import { OpenTransaction } from "./transaction.ts";

const ATTEMPTS = 100;
/** Runs that follow each other at once, and the longest wait before later ones. */
const PATIENCE = 4;
const WAIT_MAX_MS = 50;
/** Transactions at once of calls that need one for themselves. */
const AT_ONCE = 4;

const encoder = new TextEncoder();

export class Transactions implements Atomic {
  readonly #connection: Connection;
  readonly #open = new Set<OpenTransaction>();
  /** Calls that need a transaction for a while, and those that wait for their turn. */
  #running = 0;
  readonly #turns: (() => void)[] = [];

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  async begin({ signal }: CallOptions = {}): Promise<OpenTransaction> {
    signal?.throwIfAborted();
    // The signal must not take the request back: once it was sent, the transaction must be ended.
    return underSignal(this.#start(), signal, (late) => void late.abort().catch(() => {}));
  }

  async run<T>(
    body: (tx: Transaction) => Promise<T> | T,
    options: TransactionOptions = {},
  ): Promise<T> {
    return this.#repeat(async (tx) => {
      const result = await body(tx);
      if (!tx.over) await tx.commit({ signal: options.signal });
      return result;
    }, options);
  }

  async look<T>(body: (nodes: StoreNodes) => Promise<T>, options: CallOptions = {}): Promise<T> {
    const { signal } = options;
    return this.#inTurn(async () => {
      const tx = await this.begin({ signal });
      // Nothing was changed and one node seen only: there is nothing that could be in conflict.
      return body(tx.nodes).finally(() => void tx.abort().catch(() => {}));
    });
  }

  async change<T>(body: (nodes: StoreNodes) => Promise<T>, options: CallOptions = {}): Promise<T> {
    const { signal } = options;
    const run = () => this.run((tx) => body((tx as OpenTransaction).nodes), { signal });
    return this.#inTurn(run);
  }

  /** See Client.compareAndSet. */
  async compareAndSet(
    path: string,
    expected: Value | undefined,
    next: Value | undefined,
    options: TransactionOptions = {},
  ): Promise<boolean> {
    checkPath("WRITE", path);
    const room = this.#connection.payloadMax - path.length - 1;
    const wanted =
      expected === undefined ? undefined : toBytes(encodeValue("WRITE", path, expected, room));
    if (next !== undefined) encodeValue("WRITE", path, next, room);
    return this.#repeat(async (tx) => {
      const found = await tx.nodes.read(path, { as: "bytes", default: undefined });
      if (!equal(found, wanted)) {
        await tx.abort();
        return false;
      }
      if (next !== undefined) await tx.nodes.write(path, next);
      else if (found !== undefined) await tx.nodes.rm(path);
      await tx.commit({ signal: options.signal });
      return true;
    }, options);
  }

  get open(): OpenTransaction[] {
    return [...this.#open];
  }

  /** The only link that a transaction can be asked over; 0: of none that is open. */
  linkOf(id: number): number {
    return this.open.find((one) => one.id === id)?.link ?? 0;
  }

  /** Aborts all that are open, for the reason given. */
  async drop(how: string): Promise<void> {
    await Promise.allSettled(this.open.map((one) => one.drop(how)));
  }

  /** A guest may have ten transactions: calls that need one each must not use them up. */
  async #inTurn<T>(run: () => Promise<T>): Promise<T> {
    if (this.#running >= AT_ONCE) await new Promise<void>((go) => this.#turns.push(go));
    else this.#running++;
    try {
      return await run();
    } finally {
      const next = this.#turns.shift();
      if (next) next();
      else this.#running--;
    }
  }

  async #repeat<T>(
    run: (tx: OpenTransaction) => Promise<T>,
    options: TransactionOptions,
  ): Promise<T> {
    const { attempts = ATTEMPTS, backoff = waitBefore, onConflict, signal } = options;
    if (!(attempts >= 1)) throw invalid("transaction", `attempts is 1 or more, not ${attempts}`);
    for (let attempt = 1; ; attempt++) {
      const tx = await this.begin({ signal });
      try {
        return await underSignal(run(tx), signal);
      } catch (error) {
        tx.abort().catch(() => {});
        if (!isXenstoreError(error, "EAGAIN") || signal?.aborted) throw error;
        onConflict?.(attempt, error);
        if (attempt >= attempts) throw error;
      }
      const ms = backoff(attempt + 1);
      if (ms > 0) await pause(ms, signal);
    }
  }

  async #start(): Promise<OpenTransaction> {
    const connection = this.#connection;
    const { id, link } = await connection.ask(
      XS_TRANSACTION_START,
      null,
      "\0",
      (bytes, start, end) => ({ id: count(bytes, start, end) >>> 0, link: connection.link }),
    );
    if (id === 0) throw new XenstoreError("EPROTO", { op: "TRANSACTION_START" });
    const tx = new OpenTransaction(connection, id, link, () => this.#open.delete(tx));
    this.#open.add(tx);
    return tx;
  }
}

/** None before the first runs, then a random time, so that two that met in conflict part. */
function waitBefore(attempt: number): number {
  if (attempt <= PATIENCE) return 0;
  return Math.random() * Math.min(2 ** (attempt - PATIENCE), WAIT_MAX_MS);
}

const toBytes = (value: string | Uint8Array) =>
  typeof value === "string" ? encoder.encode(value) : value;

function equal(one: Uint8Array | undefined, other: Uint8Array | undefined): boolean {
  if (one === undefined || other === undefined) return one === other;
  return one.length === other.length && one.every((byte, at) => byte === other[at]);
}
