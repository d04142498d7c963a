// Connection: requests out, replies and events in, over a transport; also when it is lost.
// Holds   the link there is, the requests that wait for one, and what becomes of both.
// Never   sends a request twice that may have left, and never knows what one means.
// Source  the XenStore protocol, Header; Clients, Behaviour.

import { XS_HEADER_SIZE } from "../../assembly/xs_wire.ts";
import type { ByteStream } from "../shared/byte_stream.ts";
import type { ClientOptions, Status } from "./api.ts";
import { Batch } from "./batch.ts";
import { ConnectionLostError, ReasonedError } from "./errors.ts";
import { Heeded, type Owner } from "./heeded.ts";
import { Link, type LinkLimits, type LinkOwner, tooLong } from "./link.ts";
import { openStream, pause, type Retries, retriesOf } from "./opening.ts";
import { operationName } from "./operations.ts";
import { Queue } from "./queue.ts";
import { Request, WAITING } from "./request.ts";
import { StatusFeed } from "./status.ts";
import type { Transport } from "./transport.ts";

const MAX_IN_FLIGHT = 256;
const MAX_WAITING = 65_536;

// Who may go.
const NOBODY = 0;
const FIRST = 1;
const ALL = 2;

/**
 * Makes a result of a reply's payload, at once when it is there: `bytes` from `start` up to `end`
 * are good during the call only. What it throws is what the request rejects with.
 */
export type Decode<T> = (bytes: Uint8Array, start: number, end: number) => T;

export interface AskOptions {
  /** The transaction it belongs to; 0 or none: it stands for itself. */
  readonly txId?: number;
  /** Takes the request back, or drops its reply if it has left; rejects with the reason. */
  readonly signal?: AbortSignal | undefined;
  /** Only over this link (`Connection.link`); else rejects with ConnectionLostError, not sent. */
  readonly link?: number;
  /** Goes before all that wait, also while watches are set again. */
  readonly first?: boolean;
}

/** Who is told what the connection hears. */
export interface Listener {
  /** A watch event, called in wire order with the replies; must not throw. */
  event(path: string, token: string): void;
  /**
   * The link is new: sets the watches again (`ask` with `first`); what waits goes when it resolves.
   * @returns how many were set; a rejection gives the link up
   */
  relinked(link: number): Promise<number>;
  /** It is over for good: with why, or null after `close`. Called once, before `closed` resolves. */
  ended(error: Error | null): void;
}

/** One connection to a store; it may come and go, and be made again. */
export class Connection implements LinkOwner, Owner {
  /** Resolves when it is over for good: with why, or null after `close`. */
  readonly closed: Promise<Error | null>;
  readonly #transport: Transport;
  readonly #listener: Listener;
  readonly #options: ClientOptions;
  readonly #retries: Retries | null;
  readonly #limits: LinkLimits;
  readonly #maxWaiting: number;
  readonly #status = new StatusFeed();
  readonly #queue = new Queue();
  readonly #draft = new Batch();
  readonly #heeded = new Heeded(this);
  /** Speaks when it is over. */
  readonly #over = new AbortController();
  readonly #closed: (error: Error | null) => void;
  #link: Link | null = null;
  #links = 0;
  #gate = NOBODY;
  #payloadMax = 0;
  #passesDepth = false;
  /** What those are told who come when it is over. */
  #end: ConnectionLostError | null = null;
  /** Called when the link is lost that is about to be taken up. */
  #onLoss: (() => void) | null = null;
  #reconnecting = false;
  /** Why there is no link. */
  #loss: Error | null = null;
  #lostRequests = 0;

  /**
   * Connects. Errors: those of the transport; ETIMEDOUT after `connectTimeout`; the reason of the
   * signal.
   */
  static async open(
    transport: Transport,
    listener: Listener,
    options: ClientOptions = {},
  ): Promise<Connection> {
    const signal = options.signal ?? new AbortController().signal;
    const stream = await openStream(transport, signal, options.connectTimeout);
    return new Connection(transport, stream, listener, options);
  }

  private constructor(
    transport: Transport,
    stream: ByteStream,
    listener: Listener,
    options: ClientOptions,
  ) {
    this.#transport = transport;
    this.#listener = listener;
    this.#options = options;
    this.#retries = retriesOf(options.reconnect, transport.reconnects);
    const { maxInFlight = MAX_IN_FLIGHT, maxWaiting = MAX_WAITING, requestTimeout } = options;
    this.#limits = { maxInFlight, requestTimeout };
    this.#maxWaiting = maxWaiting;
    let resolve: (error: Error | null) => void = () => {};
    this.closed = new Promise((done) => {
      resolve = done;
    });
    this.#closed = resolve;
    options.signal?.addEventListener("abort", this);
    this.#take(stream);
    this.#gate = ALL;
    this.#status.tell({ state: "connected" });
  }

  /** Where it leads, such as `unix:/run/xenstored/socket`. */
  get target(): string {
    return this.#transport.name;
  }

  get state(): Status["state"] {
    return this.#status.state;
  }

  /** Every change from now on; ends behind `closed`. */
  status(): AsyncIterableIterator<Status> {
    return this.#status.listen();
  }

  /** Number of the link there is, or was last: 1 for the first. */
  get link(): number {
    return this.#links;
  }

  /** Most bytes of a payload. */
  get payloadMax(): number {
    return this.#payloadMax;
  }

  /** Whether a depth given with a watch arrives at the store. */
  get passesDepth(): boolean {
    return this.#passesDepth;
  }

  /**
   * Sends one request and returns what `decode` makes of its reply. The payload is `path` with a
   * NUL, if it is not null, and `tail`: text as UTF-8, bytes as they are, copied before this
   * returns.
   * Errors: the store's, with the operation and the path; InvalidRequestError (E2BIG) for what is
   * too long, nothing is sent then; ENOBUFS when too many wait; ConnectionLostError; the signal's
   * reason; what `decode` throws.
   */
  ask<T>(
    type: number,
    path: string | null,
    tail: string | Uint8Array | null,
    decode: Decode<T>,
    options?: AskOptions,
  ): Promise<T> {
    const request = new Request(type, path, decode);
    const promise = request.promise as Promise<T>;
    let txId = 0;
    if (options !== undefined) {
      txId = options.txId ?? 0;
      if (!this.#accepts(request, options)) return promise;
    }
    const link = this.#link;
    if (link?.hasRoom && this.#mayGo(request)) link.send(request, txId, path, tail);
    else this.#wait(request, txId, path, tail);
    return promise;
  }

  /** Hangs up. What still waits rejects with ConnectionLostError. Never throws. */
  close(): Promise<void> {
    if (this.#end === null) {
      const sent = this.#link !== null;
      this.#finish(null, new ConnectionLostError(`${this.#name()} was closed`, sent));
    }
    return this.closed.then(() => {});
  }

  event(path: string, token: string): void {
    if (this.#end === null) this.#listener.event(path, token);
  }

  room(): void {
    const link = this.#link;
    const onlyFirst = this.#gate !== ALL;
    if (link === null || this.#gate === NOBODY || !this.#queue.has(onlyFirst)) return;
    while (link.hasRoom) {
      const request = this.#queue.shift(onlyFirst);
      if (request === null) return;
      const payloadLen = request.len - XS_HEADER_SIZE;
      if (payloadLen <= link.payloadMax) link.sendKept(request);
      else request.reject(tooLong(request, payloadLen, link.payloadMax));
    }
  }

  lost(error: ConnectionLostError, sent: Request[], unsent: Request[]): void {
    this.#link = null;
    this.#gate = NOBODY;
    this.#lostRequests += sent.length;
    this.#reject(sent, error, true);
    this.#queue.putBack(unsent);
    this.#reject(
      this.#queue.takeOut(({ link }) => link !== 0),
      error,
      false,
    );
    if (this.#end !== null) return;
    if (this.#retries === null) {
      this.#finish(error, error);
      return;
    }
    this.#status.tell({ state: "disconnected", error });
    this.#loss = error;
    this.#onLoss?.();
    this.#reconnect(this.#retries);
  }

  abort(request: Request): void {
    if (request.state === WAITING) this.#queue.drop(request);
    else if (this.#link?.takeBack(request)) this.#soonRoom();
    request.reject(request.heeded?.signal.reason);
  }

  /** The signal of the connection itself speaks. */
  handleEvent(): void {
    const { reason } = this.#options.signal as AbortSignal;
    const why = reason instanceof Error ? reason.message : String(reason);
    const error = new ConnectionLostError(`${this.#name()} was given up: ${why}`, false, {
      cause: reason,
    });
    this.#finish(reason instanceof Error ? reason : error, error);
  }

  #mayGo(request: Request): boolean {
    if (this.#gate === ALL) return !this.#queue.has(request.first);
    return this.#gate === FIRST && request.first && !this.#queue.has(true);
  }

  /** Notes the options; false: the request was rejected. */
  #accepts(request: Request, options: AskOptions): boolean {
    const { signal, link = 0, first = false } = options;
    if (signal?.aborted) {
      request.reject(signal.reason);
      return false;
    }
    if (link !== 0 && (this.#link === null || link !== this.#links)) {
      const reason = `${this.#name()} was lost`;
      this.#reject([request], this.#end ?? new ConnectionLostError(reason, false), false);
      return false;
    }
    request.link = link;
    request.first = first;
    if (signal) this.#heeded.add(request, signal);
    return true;
  }

  #wait(
    request: Request,
    txId: number,
    path: string | null,
    tail: string | Uint8Array | null,
  ): void {
    if (this.#end !== null) {
      this.#reject([request], this.#end, false);
      return;
    }
    const draft = this.#draft;
    const len = draft.add(request.type, txId, path, tail);
    const most = this.#payloadMax;
    if (len > most) request.reject(tooLong(request, len, most));
    else if (this.#queue.size >= this.#maxWaiting && !request.first)
      request.reject(this.#full(request));
    else this.#queue.push(request, draft.bytes.subarray(0, draft.len));
    draft.clear();
  }

  #full(request: Request): ReasonedError {
    const place = { op: operationName(request.type), path: request.path ?? "" };
    const reason = `${this.#maxWaiting} requests wait already; await some, or raise maxWaiting`;
    return new ReasonedError("ENOBUFS", reason, place);
  }

  #reject(requests: readonly Request[], error: ConnectionLostError, sent: boolean): void {
    for (const request of requests) {
      request.reject(error.of(operationName(request.type), request.path ?? "", sent));
    }
  }

  /** There is room again, but not within the call that made it. */
  #soonRoom(): void {
    queueMicrotask(() => this.room());
  }

  #take(stream: ByteStream): Link {
    const number = ++this.#links;
    const link = new Link(number, stream, this.target, this, this.#limits);
    this.#payloadMax = stream.payloadMax;
    this.#passesDepth = stream.passesDepth;
    this.#link = link;
    link.start();
    return link;
  }

  /** Tries until there is a link again that was taken up, or it is over. */
  async #reconnect(retries: Retries): Promise<void> {
    if (this.#reconnecting) return;
    this.#reconnecting = true;
    let attempt = 0;
    try {
      while (this.#link === null && this.#end === null) {
        if (++attempt > retries.attempts) throw this.#loss;
        await pause(retries.backoff(attempt + 1), this.#over.signal);
        if (this.#end === null && (await this.#attempt(attempt))) attempt = 0;
      }
    } catch (failure) {
      this.#giveUp(failure, attempt - 1);
    }
    this.#reconnecting = false;
  }

  /** Tries once. @returns whether it is there again */
  async #attempt(attempt: number): Promise<boolean> {
    this.#status.tell({ state: "connecting", attempt });
    const { signal } = this.#over;
    let stream: ByteStream;
    try {
      stream = await openStream(this.#transport, signal, this.#options.connectTimeout);
    } catch (error) {
      this.#loss = asError(error);
      if (this.#end === null) this.#status.tell({ state: "disconnected", error: this.#loss });
      return false;
    }
    return this.#relink(this.#take(stream));
  }

  async #relink(link: Link): Promise<boolean> {
    this.#gate = FIRST;
    const loss = new Promise<null>((resolve) => {
      this.#onLoss = () => resolve(null);
    });
    try {
      const watches = await Promise.race([this.#listener.relinked(link.number), loss]);
      if (this.#link !== link || watches === null) return false;
      this.#again(watches);
      return true;
    } catch (error) {
      const reason = `the watches could not be set again: ${asError(error).message}`;
      link.lose(new ConnectionLostError(reason, false, { cause: error }));
      return false;
    } finally {
      this.#onLoss = null;
    }
  }

  #again(watches: number): void {
    const lost = this.#lostRequests;
    this.#lostRequests = 0;
    this.#gate = ALL;
    this.#status.tell({ state: "reconnected", watches, lost });
    this.room();
  }

  #giveUp(error: unknown, attempts: number): void {
    const cause = asError(error);
    const text = `${this.#name()} was lost, and not made again in ${attempts} attempts`;
    const why = new ConnectionLostError(`${text}: ${cause.message}`, false, { cause });
    this.#finish(why, why);
  }

  /** It is over: everybody hears of it. */
  #finish(error: Error | null, told: ConnectionLostError): void {
    if (this.#end !== null) return;
    this.#end = told;
    this.#over.abort();
    this.#options.signal?.removeEventListener("abort", this);
    this.#link?.lose(told);
    this.#reject(
      this.#queue.takeOut(() => true),
      told,
      false,
    );
    this.#listener.ended(error);
    this.#status.tell({ state: "closed", error });
    this.#closed(error);
  }

  #name(): string {
    return `the connection to ${this.target}`;
  }
}

const asError = (error: unknown) => (error instanceof Error ? error : new Error(String(error)));
