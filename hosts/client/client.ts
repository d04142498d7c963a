// Client: a connection to a store, with everything that can be asked of it.
// Holds   the connection, its watches and its transactions.
// Never   knows how the connection is made.
// Source  the XenStore protocol; Clients; pyxs, Client and Monitor.

import { XS_CONTROL, XS_RESET_WATCHES } from "../../assembly/xs_wire.ts";
import type {
  CallOptions,
  Client,
  ClientOptions,
  Domain,
  Status,
  Transaction,
  TransactionOptions,
  Value,
  WaitOptions,
  Watch,
  WatchOptions,
  WatchValuesOptions,
} from "./api.ts";
import { checkNumber, encodeWords, invalid } from "./check.ts";
import { Connection } from "./connection.ts";
import * as decode from "./decode.ts";
import { asyncDispose } from "./dispose.ts";
import { askFeatures, askQuota, askQuotas, StoreDomain, setQuota } from "./domain.ts";
import { StoreNodes } from "./nodes.ts";
import { pause, underSignal } from "./signal.ts";
import { Transactions } from "./transactions.ts";
import type { Transport } from "./transport.ts";
import { type NodeValue, ValueWatch } from "./values.ts";
import { waitFor } from "./wait.ts";
import { Watches } from "./watches.ts";

/** ms that `close` waits for a store that is to confirm what it has ended. */
const CLOSE_MS = 1000;
/** Events of the node that `waitFor` watches and of those below: only the last counts. */
const WAIT_BUFFER = 64;

/**
 * Connects to a store. Errors: those of the transport, each naming the place and what to do;
 * ETIMEDOUT after `connectTimeout`; the signal's reason.
 */
export async function openClient(transport: Transport, options?: ClientOptions): Promise<Client> {
  const watches = new Watches();
  const connection = await Connection.open(transport, watches, options ?? {});
  watches.attach(connection);
  return new StoreClient(connection, watches, new Transactions(connection));
}

class StoreClient extends StoreNodes implements Client {
  readonly #connection: Connection;
  readonly #watches: Watches;
  readonly #transactions: Transactions;
  #closing: Promise<void> | null = null;

  constructor(connection: Connection, watches: Watches, transactions: Transactions) {
    super(connection, undefined, transactions);
    this.#connection = connection;
    this.#watches = watches;
    this.#transactions = transactions;
  }

  get target(): string {
    return this.#connection.target;
  }

  get state(): Status["state"] {
    return this.#connection.state;
  }

  get closed(): Promise<Error | null> {
    return this.#connection.closed;
  }

  status(): AsyncIterableIterator<Status> {
    return this.#connection.status();
  }

  watch(path: string, options: WatchOptions = {}): Watch {
    return this.#watches.make(path, options);
  }

  // The overloads in api.ts say what it hands out.
  watchValues(path: string, options: WatchValuesOptions = {}): Watch<never> {
    const watch = this.#watches.make(path, { ...options, token: undefined });
    return new ValueWatch(this, watch, options) as Watch<never>;
  }

  // The overloads in api.ts say what it resolves to.
  waitFor(
    path: string,
    wanted: NodeValue | ((value: never) => boolean),
    options?: WaitOptions,
  ): Promise<never> {
    const watch = this.#watches.make(path, { overflow: "coalesce", buffer: WAIT_BUFFER });
    return waitFor(this, watch, wanted, options) as Promise<never>;
  }

  transaction<T>(
    body: (tx: Transaction) => Promise<T> | T,
    options?: TransactionOptions,
  ): Promise<T> {
    return this.#transactions.run(body, options);
  }

  begin(options?: CallOptions): Promise<Transaction> {
    return this.#transactions.begin(options);
  }

  compareAndSet(
    path: string,
    expected: Value | undefined,
    next: Value | undefined,
    options?: TransactionOptions,
  ): Promise<boolean> {
    return this.#transactions.compareAndSet(path, expected, next, options);
  }

  domain(domid: number): Domain {
    return new StoreDomain(this.#connection, domid);
  }

  features(options?: CallOptions): Promise<number> {
    return askFeatures(this.#connection, options);
  }

  quotas(options?: CallOptions): Promise<string[]> {
    return askQuotas(this.#connection, options);
  }

  quota(name: string, options?: CallOptions): Promise<number> {
    return askQuota(this.#connection, [name], options);
  }

  setQuota(name: string, value: number, options?: CallOptions): Promise<void> {
    return setQuota(this.#connection, [name], value, options);
  }

  async control(command: string, ...words: (string | Uint8Array)[]): Promise<string> {
    const tail = encodeWords("CONTROL", [command, ...words]);
    return this.#connection.ask(XS_CONTROL, null, tail, decode.first);
  }

  async resetWatches(options?: CallOptions): Promise<void> {
    // Over a device it would remove the kernel's own watches, and others' transactions.
    if (!this.#connection.passesDepth) {
      await underSignal(this.#endAll("was ended by resetWatches"), options?.signal);
      return;
    }
    const { asked } = this.#watches;
    const { open } = this.#transactions;
    await this.#connection.ask(XS_RESET_WATCHES, null, "\0", decode.nothing, options);
    this.#watches.forget(asked);
    for (const one of open) one.end("was ended by resetWatches");
  }

  async request(
    type: number,
    payload: Uint8Array,
    options?: CallOptions & { readonly txId?: number | undefined },
  ): Promise<Uint8Array> {
    checkNumber("request", "a type", type);
    const { txId = 0, signal } = options ?? {};
    checkNumber("request", "a transaction's id", txId);
    if (!(payload instanceof Uint8Array)) throw invalid("request", "a payload is a Uint8Array");
    const link = this.#transactions.linkOf(txId);
    return this.#connection.ask(type, null, payload, decode.copy, { txId, link, signal });
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Over a ring nothing ends by hanging up, so all that is open is ended by name. */
  async #close(): Promise<void> {
    const ended = this.#endAll("was ended with the connection");
    if (this.state === "connected" || this.state === "reconnected") {
      const late = new AbortController();
      await Promise.race([ended, this.closed, pause(CLOSE_MS, late.signal).catch(() => {})]);
      late.abort();
    }
    await this.#connection.close();
  }

  async #endAll(how: string): Promise<void> {
    await Promise.all([this.#watches.finish(), this.#transactions.drop(how)]);
  }
}
