// Shared stream: a connection as bytes whose requests go over a client that others use as well.
// Holds   the watches and transactions of this stream, so that they end with it.
// Never   shows one stream what belongs to another one: neither events nor transactions.
// Source  our own; Linux, xenbus_dev_frontend, does the same for processes over one ring.
//
// Order: requests go to the store in the order in which they were written, and replies come in the
// order of their requests. What the store sent before a reply comes before it: events are taken
// from the client as they come, in the store's order, and a reply waits for those that came more at
// once than that. An event that the store sent behind a reply may come before it. No event of a
// watch comes before the reply to its WATCH, and none behind the reply to its UNWATCH.

import {
  XENSTORE_PAYLOAD_MAX,
  XS_ERROR,
  XS_RESET_WATCHES,
  XS_TRANSACTION_END,
  XS_TRANSACTION_START,
  XS_UNWATCH,
  XS_WATCH,
  XS_WATCH_EVENT,
} from "../../assembly/xs_wire.ts";
import type { ByteStream, StreamSink } from "../shared/byte_stream.ts";
import { isXenstoreError, nameOnTheWire, XenstoreError } from "../shared/errors.ts";
import {
  concat,
  encodeMessage,
  firstString,
  type Message,
  MessageReader,
  strings,
  toText,
} from "../shared/wire.ts";
import type { Client, Status } from "./api.ts";
import { ConnectionLostError } from "./errors.ts";
import { SharedWatches } from "./shared_watches.ts";

const OK = strings("OK");
const GIVE_UP = strings("F");
/** Requests without a reply; more wait. */
const IN_FLIGHT_MAX = 256;

/**
 * Makes one more connection out of an open client, as bytes: several programs share it, as the
 * processes of a guest share their kernel's ring. Each has watches and transactions of its own,
 * which end when its stream is closed; tokens are its own, too, whatever goes over the wire. When
 * the client loses its connection, the stream ends with the error, also if the client comes back.
 */
export function clientStream(client: Client): ByteStream {
  return new SharedStream(client);
}

class SharedStream implements ByteStream {
  readonly payloadMax = XENSTORE_PAYLOAD_MAX;
  readonly passesDepth = true;
  readonly #client: Client;
  readonly #reader = new MessageReader();
  readonly #watches: SharedWatches;
  readonly #transactions = new Set<number>();
  /** Speaks when the client has lost its connection: nothing may go over the next one. */
  readonly #lost = new AbortController();
  readonly #status: AsyncIterableIterator<Status>;
  #sink: StreamSink | null = null;
  #over = false;
  /** Requests that wait for their turn. */
  #requests: Message[] = [];
  #asking = false;
  #drainDue = false;
  #inFlight = 0;
  /** Called when one more request may go. */
  #room: (() => void) | null = null;
  /** Resolves when the last reply so far is put down. */
  #last: Promise<void> = Promise.resolve();
  #out: Uint8Array[] = [];
  #paused = false;

  constructor(client: Client) {
    this.#client = client;
    this.#watches = new SharedWatches(client, {
      event: (payload) => this.#put({ type: XS_WATCH_EVENT, reqId: 0, txId: 0, payload }),
      failed: (error) => this.#end(error),
    });
    this.#status = client.status();
  }

  start(sink: StreamSink): void {
    this.#sink = sink;
    void this.#follow();
  }

  write(messages: Uint8Array): boolean {
    if (this.#over) return true;
    try {
      for (const message of this.#reader.push(messages)) this.#requests.push(message);
    } catch (error) {
      queueMicrotask(() => this.#end(error));
      return true;
    }
    if (!this.#asking) void this.#askAll();
    if (this.#asking) this.#drainDue = true;
    return !this.#asking;
  }

  pause(paused: boolean): void {
    this.#paused = paused;
    this.#watches.hold(paused);
    if (paused) return;
    this.#wake();
    if (this.#out.length > 0) queueMicrotask(() => this.#flush());
  }

  close(): void {
    this.#sink = null;
    if (!this.#over) void this.#leave();
  }

  /** Asks for all that waits, in order; a request about watches is finished before the next. */
  async #askAll(): Promise<void> {
    this.#asking = true;
    for (let next = this.#requests.shift(); next && !this.#over; next = this.#requests.shift()) {
      const done = this.#ask(next);
      if (done !== null) await done;
      while (!this.#over && (this.#inFlight >= IN_FLIGHT_MAX || this.#paused)) {
        await new Promise<void>((go) => {
          this.#room = go;
        });
      }
    }
    this.#asking = false;
    if (!this.#drainDue) return;
    this.#drainDue = false;
    this.#sink?.drain();
  }

  /** @returns what the next request has to wait for; null: nothing */
  #ask(request: Message): Promise<unknown> | null {
    const { type, txId, payload } = request;
    this.#inFlight += 1;
    if (txId !== 0 && !this.#transactions.has(txId)) {
      void this.#answer(request, Promise.reject(new XenstoreError("ENOENT")));
    } else if (type === XS_WATCH) {
      const watch = this.#watches.set(payload);
      const answered = this.#answer(
        request,
        watch.then(() => OK),
      );
      return watch.then(
        (one) => void answered.then(() => this.#watches.begin(one)),
        () => {},
      );
    } else if (type === XS_UNWATCH || type === XS_RESET_WATCHES) {
      const done = type === XS_UNWATCH ? this.#watches.remove(payload) : this.#reset();
      return this.#answer(
        request,
        done.then(() => OK),
      );
    } else {
      void this.#answer(request, this.#plain(request));
    }
    return null;
  }

  async #plain({ type, txId, payload }: Message): Promise<Uint8Array> {
    const options = { txId, signal: this.#lost.signal };
    if (type === XS_TRANSACTION_END) return this.#finish(payload, options);
    const reply = await this.#client.request(type, payload, options);
    if (type === XS_TRANSACTION_START) this.#begun(Number(toText(firstString(reply))) >>> 0);
    return reply;
  }

  /** Only what was wrong itself leaves a transaction open. */
  async #finish(payload: Uint8Array, options: { txId: number; signal: AbortSignal }) {
    try {
      const reply = await this.#client.request(XS_TRANSACTION_END, payload, options);
      this.#transactions.delete(options.txId);
      return reply;
    } catch (error) {
      if (!isXenstoreError(error, "EINVAL")) this.#transactions.delete(options.txId);
      throw error;
    }
  }

  #begun(txId: number): void {
    this.#transactions.add(txId);
    if (this.#over) void this.#giveUp();
  }

  async #reset(): Promise<void> {
    await Promise.all([this.#watches.removeAll(this.#over), this.#giveUp()]);
  }

  /** Ends all transactions that are open. */
  async #giveUp(): Promise<void> {
    const all = [...this.#transactions];
    this.#transactions.clear();
    const { signal } = this.#lost;
    await Promise.allSettled(
      all.map((txId) => this.#client.request(XS_TRANSACTION_END, GIVE_UP, { txId, signal })),
    );
  }

  /** Puts the reply down when it is its turn. */
  async #answer({ type, reqId, txId }: Message, reply: Promise<Uint8Array>): Promise<void> {
    const before = this.#last;
    let put = () => {};
    this.#last = new Promise((resolve) => {
      put = resolve;
    });
    const answer = await reply.then(
      (payload) => ({ type, reqId, txId, payload }),
      (error) => {
        const lost = !isXenstoreError(error) || error instanceof ConnectionLostError;
        if (lost) this.#end(error);
        const payload = strings(lost ? "EIO" : nameOnTheWire(error.code));
        return { type: XS_ERROR, reqId, txId, payload };
      },
    );
    await before;
    await this.#watches.caughtUp();
    this.#inFlight -= 1;
    this.#put(answer);
    this.#wake();
    put();
  }

  #put(message: Message): void {
    if (this.#over) return;
    this.#out.push(encodeMessage(message));
    if (this.#out.length === 1) queueMicrotask(() => this.#flush());
  }

  #flush(): void {
    if (this.#paused || this.#sink === null || this.#out.length === 0) return;
    const bytes = concat(this.#out);
    this.#out = [];
    this.#sink.data(bytes);
  }

  #wake(): void {
    const go = this.#room;
    this.#room = null;
    go?.();
  }

  /** Hears what becomes of the client, until all that was open here is ended. */
  async #follow(): Promise<void> {
    for await (const status of this.#status) {
      if (status.state !== "disconnected" && status.state !== "closed") continue;
      this.#lost.abort(status.error ?? new XenstoreError("ECANCELED"));
      this.#end(status.error);
      return;
    }
  }

  /** It ends from this side: what has come goes out before. */
  #end(error: unknown): void {
    if (this.#over) return;
    this.#flush();
    const sink = this.#sink;
    this.#sink = null;
    void this.#leave();
    if (error === null) sink?.end();
    else if (isXenstoreError(error)) sink?.end(error);
    else sink?.end(new XenstoreError("ECONNRESET", { cause: error }));
  }

  async #leave(): Promise<void> {
    this.#over = true;
    this.#requests = [];
    this.#out = [];
    this.#wake();
    this.#watches.hold(false);
    await this.#reset();
    // A transaction may just be beginning.
    await this.#last;
    await this.#giveUp();
    await this.#status.return?.();
  }
}
