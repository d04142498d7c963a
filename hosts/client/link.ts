// Link: one stream, from its start until it is lost.
// Holds   the batch that leaves next, the requests under way, and how long they may take.
// Never   sends a request again, and never opens another stream.
// Source  the XenStore protocol, Header, Order of output; Clients, Behaviour.

import { XS_CONTROL, XS_ERROR, XS_WATCH_EVENT } from "../../assembly/xs_wire.ts";
import type { ByteStream, StreamSink } from "../shared/byte_stream.ts";
import type { XenstoreError } from "../shared/errors.ts";
import { Batch } from "./batch.ts";
import {
  ConnectionLostError,
  InvalidRequestError,
  ProtocolError,
  ReasonedError,
} from "./errors.ts";
import { Flight } from "./flight.ts";
import { operationName } from "./operations.ts";
import { Patience } from "./patience.ts";
import { broken, errorOf, Reader, type Receiver, readEvent } from "./reader.ts";
import { type Request, SETTLED, UNDER_WAY, WAITING } from "./request.ts";

/** A reply, or the rest of a message, must be there so soon if `requestTimeout` says nothing. */
const REPLY_MS = 30_000;
/** More time for commands to the daemon then: it may check a database or replace itself. */
const CONTROL_MORE_MS = 570_000;

/** A microtask that costs less than queueMicrotask does on some runtimes. */
const SOON = Promise.resolve();

/** Whom a link belongs to. */
export interface LinkOwner {
  /** In wire order with the replies. */
  event(path: string, token: string): void;
  /** More requests may go, perhaps. */
  room(): void;
  /**
   * Nothing more can be had from this link.
   * @param sent    requests that had left without a reply, oldest first
   * @param unsent  those that had not
   */
  lost(error: ConnectionLostError, sent: Request[], unsent: Request[]): void;
}

export interface LinkLimits {
  readonly maxInFlight: number;
  readonly requestTimeout: number | undefined;
}

export class Link implements StreamSink, Receiver {
  /** Which one of its connection: 1 for the first. */
  readonly number: number;
  readonly payloadMax: number;
  readonly #stream: ByteStream;
  readonly #target: string;
  readonly #owner: LinkOwner;
  readonly #maxInFlight: number;
  readonly #flight = new Flight();
  readonly #reader = new Reader(this);
  readonly #replies: Patience | null;
  readonly #rest: Patience;
  readonly #flush = () => this.#flushed();
  readonly #event = (path: string, token: string) => this.#owner.event(path, token);
  #batch = new Batch();
  #spare = new Batch();
  /** Number of the batch that has not left. */
  #batchNumber = 1;
  #flushDue = false;
  /** When the first request of the batch was made. */
  #batchMs = 0;
  readonly #controlMoreMs: number;
  #full = false;
  #alive = true;
  /** Messages that came. */
  #count = 0;
  /** Since when the rest of a message is awaited; 0: of none. */
  #openMs = 0;

  constructor(
    number: number,
    stream: ByteStream,
    target: string,
    owner: LinkOwner,
    limits: LinkLimits,
  ) {
    this.number = number;
    this.payloadMax = stream.payloadMax;
    this.#stream = stream;
    this.#target = target;
    this.#owner = owner;
    this.#maxInFlight = limits.maxInFlight;
    // Nobody has to be waited for within a process, and its clock may be held.
    const ms = limits.requestTimeout ?? (stream.borrows ? 0 : REPLY_MS);
    this.#controlMoreMs = limits.requestTimeout === undefined ? CONTROL_MORE_MS : 0;
    this.#replies = ms
      ? new Patience(
          ms,
          () => this.#oldestMs(),
          () => this.#silent(ms),
        )
      : null;
    this.#rest = new Patience(
      ms || REPLY_MS,
      () => this.#openMs,
      () => this.#stuck(),
    );
  }

  /** Begins to take what comes; call it once. */
  start(): void {
    this.#stream.start(this);
  }

  /** Whether one more request may go. */
  get hasRoom(): boolean {
    return this.#flight.count < this.#maxInFlight && !this.#full && this.#alive;
  }

  /** Sends a request with the next flush; rejects it (E2BIG) when the stream can't carry it. */
  send(
    request: Request,
    txId: number,
    path: string | null,
    tail: string | Uint8Array | null,
  ): void {
    const batch = this.#batch;
    const start = batch.len;
    const len = batch.add(request.type, txId, path, tail);
    if (len > this.payloadMax) {
      batch.cutTo(start);
      request.reject(tooLong(request, len, this.payloadMax));
      return;
    }
    this.#sent(request, start, batch.len - start);
  }

  /** Sends a request that has waited, and whose message lies where it says. */
  sendKept(request: Request): void {
    const { bytes, at, len } = request;
    const start = this.#batch.copy(bytes as Uint8Array, at, len);
    this.#sent(request, start, len);
  }

  /** Takes a request back that was given up. @returns false when it has left */
  takeBack(request: Request): boolean {
    if (request.batch !== this.#batchNumber) return false;
    const { at, len } = request;
    this.#batch.remove(at, len);
    this.#flight.remove(request);
    for (const other of this.#flight.all()) {
      if (other.batch === this.#batchNumber && other.at > at) other.at -= len;
    }
    return true;
  }

  /** Ends the link from this side. What was under way is handed to `lost`, once. */
  lose(error: ConnectionLostError): void {
    if (!this.#alive) return;
    this.#alive = false;
    this.#replies?.stop();
    this.#rest.stop();
    try {
      this.#stream.close();
    } catch {
      // It is not used any more.
    }
    const all = this.#flight.all();
    const left = (request: Request) => request.batch !== this.#batchNumber;
    const unsent = all.filter((request) => !left(request) && request.state !== SETTLED);
    for (const request of unsent) {
      request.state = WAITING;
      request.bytes = this.#batch.bytes;
    }
    this.#owner.lost(error, all.filter(left), unsent);
  }

  data(bytes: Uint8Array): void {
    if (!this.#alive) return;
    const before = this.#count;
    try {
      this.#reader.push(bytes);
    } catch (error) {
      this.lose(this.#reasonOf(error));
      return;
    }
    if (this.#reader.open > 0) this.#halfCame(before !== this.#count);
    else this.#openMs = 0;
    if (this.#alive) this.#owner.room();
  }

  drain(): void {
    this.#full = false;
    if (this.#alive) this.#owner.room();
  }

  end(error?: XenstoreError): void {
    if (error instanceof ProtocolError) {
      this.lose(error);
      return;
    }
    const half = this.#reader.describeOpen();
    if (half !== "") {
      this.lose(new ProtocolError(`the store hung up behind ${half}`));
      return;
    }
    const why = error === undefined ? "the store hung up" : wordsOf(error);
    const reason = `the connection to ${this.#target} was lost: ${why}`;
    this.lose(new ConnectionLostError(reason, this.#flight.count > 0, { cause: error }));
  }

  message(type: number, reqId: number, bytes: Uint8Array, start: number, end: number): boolean {
    this.#count++;
    if (type === XS_WATCH_EVENT) {
      readEvent(bytes, start, end, this.#event);
      return this.#alive;
    }
    const request = this.#flight.get(reqId);
    if (request === null || request.batch === this.#batchNumber) {
      throw broken("a reply to no request of ours", bytes, start, end);
    }
    if (type === XS_ERROR) {
      const error = errorOf(bytes, start, end, operationName(request.type), request.path ?? "");
      this.#flight.remove(request);
      if (request.state !== SETTLED) request.reject(error);
      return true;
    }
    if (type !== request.type) {
      const what = `a reply of another type to ${operationName(request.type)}`;
      throw broken(`${what} ${request.path ?? ""}`.trim(), bytes, start, end);
    }
    this.#flight.remove(request);
    if (request.state !== SETTLED) answer(request, bytes, start, end);
    return true;
  }

  #sent(request: Request, at: number, len: number): void {
    request.state = UNDER_WAY;
    request.bytes = null;
    request.at = at;
    request.len = len;
    request.batch = this.#batchNumber;
    this.#batch.name(at, this.#flight.add(request));
    if (this.#replies !== null) {
      if (!this.#flushDue) this.#batchMs = performance.now();
      request.sentMs = this.#batchMs;
      if (request.type === XS_CONTROL) request.sentMs += this.#controlMoreMs;
      this.#replies.begin();
    }
    if (this.#flushDue) return;
    this.#flushDue = true;
    SOON.then(this.#flush);
  }

  #flushed(): void {
    this.#flushDue = false;
    const batch = this.#batch;
    if (!this.#alive || batch.len === 0) return;
    this.#batchNumber++;
    // What is asked for while the stream is at it goes into the other one.
    this.#batch = this.#spare;
    this.#spare = batch;
    const { borrows } = this.#stream;
    try {
      const bytes = borrows ? batch.bytes.subarray(0, batch.len) : batch.take();
      if (!this.#stream.write(bytes)) this.#full = true;
    } catch (error) {
      this.lose(this.#reasonOf(error));
    }
    batch.clear();
  }

  #halfCame(another: boolean): void {
    if (this.#openMs === 0 || another) this.#openMs = performance.now();
    this.#rest.begin();
  }

  #oldestMs(): number {
    return this.#oldest()?.sentMs ?? 0;
  }

  #oldest(): Request | undefined {
    return this.#flight.all().sort((a, b) => a.sentMs - b.sentMs)[0];
  }

  #silent(ms: number): void {
    const request = this.#oldest() as Request;
    const asked = `${operationName(request.type)} ${request.path ?? ""}`.trim();
    const half = this.#reader.describeOpen();
    const came = half === "" ? "" : `; what came last were ${half}`;
    const reason = `no reply to ${asked} came from ${this.#target} within ${ms} ms${came}`;
    this.lose(new ConnectionLostError(reason, true, {}, "ETIMEDOUT"));
  }

  #stuck(): void {
    const half = this.#reader.describeOpen();
    const ms = this.#rest.limitMs;
    this.lose(new ProtocolError(`the store sent ${half}, and then nothing for ${ms} ms`));
  }

  #reasonOf(error: unknown): ConnectionLostError {
    if (error instanceof ProtocolError) return error;
    const text = error instanceof Error ? error.message : String(error);
    const reason = `the connection to ${this.#target} was given up: ${text}`;
    return new ConnectionLostError(reason, this.#flight.count > 0, { cause: error });
  }
}

/** Why a stream ended: what the system said, if it is that. */
function wordsOf(error: XenstoreError): string {
  if (error instanceof ConnectionLostError) return error.reason;
  if (error instanceof ReasonedError) return error.message;
  return error.cause instanceof Error ? error.cause.message : error.message;
}

function answer(request: Request, bytes: Uint8Array, start: number, end: number): void {
  let value: unknown;
  try {
    value = request.decode(bytes, start, end);
  } catch (error) {
    request.reject(error);
    return;
  }
  request.resolve(value);
}

/** A payload that no message of this stream can carry. */
export function tooLong(request: Request, len: number, most: number): InvalidRequestError {
  const reason = `the payload has ${len} bytes, and ${most} is the most that can be sent`;
  const place = { op: operationName(request.type), path: request.path ?? "" };
  return new InvalidRequestError("E2BIG", reason, place);
}
