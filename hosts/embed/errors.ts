// Errors: why a store in this process can't be reached, or is no more.
// Holds   the class.
// Never   decides what an error is.
// Source  our own.

import { ReasonedError } from "../client/errors.ts";
import type { ErrorPlace } from "../shared/errors.ts";

/**
 * The store is not there for this call: it was closed or put into another state (ECONNRESET), it
 * has failed (EIO), or the domain has ended (ENXIO). The message says which.
 */
export class StoreEndedError extends ReasonedError {
  constructor(code: string, reason: string, place: ErrorPlace = {}) {
    super(code, reason, place);
    this.name = "StoreEndedError";
  }
}
