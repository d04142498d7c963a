// Errors: what goes wrong on this side of a connection, each with its reason in words.
// Holds   the classes; all are XenstoreErrors, with code, errno, op and path.
// Never   decides what is an error.
// Source  the XenStore protocol, Error names; Clients, Behaviour.

import { type ErrorPlace, XenstoreError } from "../shared/errors.ts";

export { isXenstoreError, XenstoreError } from "../shared/errors.ts";

/** A XenstoreError whose message is `OP path: reason (CODE)`. */
export class ReasonedError extends XenstoreError {
  constructor(code: string, reason: string, place: ErrorPlace = {}) {
    super(code, place);
    const about = [this.op, this.path].filter((part) => part !== "").join(" ");
    this.message = `${about}${about === "" ? "" : ": "}${reason} (${code})`;
  }
}

/** A request that was refused before it was sent: EINVAL, E2BIG, ENAMETOOLONG. */
export class InvalidRequestError extends ReasonedError {
  constructor(code: string, reason: string, place: ErrorPlace = {}) {
    super(code, reason, place);
    this.name = "InvalidRequestError";
  }
}

/** A connection that could not be made; the message names the place and what to do. */
export class ConnectError extends ReasonedError {
  constructor(code: string, reason: string, place: ErrorPlace = {}) {
    super(code, reason, place);
    this.name = "ConnectError";
  }
}

/**
 * The connection was lost or closed, and with it what waited. Its code is ECONNRESET, or ETIMEDOUT
 * when it was given up because a reply did not come in time.
 */
export class ConnectionLostError extends ReasonedError {
  /** The request had left, so it may have been applied. False: it certainly was not. */
  readonly sent: boolean;
  /** What happened to the connection, in words. */
  readonly reason: string;

  constructor(reason: string, sent: boolean, place: ErrorPlace = {}, code = "ECONNRESET") {
    super(code, `${reason}${place.op ? fate(sent) : ""}`, place);
    this.name = "ConnectionLostError";
    this.sent = sent;
    this.reason = reason;
  }

  /** The same loss, as one request sees it. */
  of(op: string, path: string, sent: boolean): ConnectionLostError {
    return new ConnectionLostError(this.reason, sent, { op, path, cause: this }, this.code);
  }
}

/**
 * The other end broke the protocol, and the connection was ended for it (EPROTO). The message tells
 * what came: type, ids, length and the first bytes in hexadecimal.
 */
export class ProtocolError extends ConnectionLostError {
  constructor(reason: string, sent = true, place: ErrorPlace = {}) {
    super(reason, sent, place, "EPROTO");
    this.name = "ProtocolError";
  }

  override of(op: string, path: string, sent: boolean): ProtocolError {
    return new ProtocolError(this.reason, sent, { op, path, cause: this });
  }
}

/** A transaction was not applied: what it had seen was changed meanwhile (EAGAIN). */
export class ConflictError extends ReasonedError {
  constructor(place: ErrorPlace = {}) {
    const reason = "others have changed what the transaction saw; nothing was applied";
    super("EAGAIN", reason, { op: "TRANSACTION_END", ...place });
    this.name = "ConflictError";
  }
}

/** More events came than a watch keeps; it has ended (ENOBUFS). */
export class WatchOverflowError extends ReasonedError {
  constructor(path: string, buffer: number) {
    const reason = `more than ${buffer} events wait to be taken`;
    super("ENOBUFS", reason, { op: "WATCH", path });
    this.name = "WatchOverflowError";
  }
}

const fate = (sent: boolean) =>
  sent ? "; the request had been sent, and may have been applied" : "; the request was not sent";
