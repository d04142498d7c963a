// Wire: what `import "xenstore/wire"` gives: the protocol itself, for who speaks it on his own.
// Holds   re-exports only: numbers, messages, a reader of streams.
// Never   connects anything.
// Source  our own.

/**
 * The protocol itself, for who speaks it on his own: numbers, messages, a reader of streams.
 * @module xenstore/wire
 */

export * from "../../assembly/xs_wire.ts";
export { operationName } from "../client/operations.ts";
export { isXenstoreError, XenstoreError } from "../shared/errors.ts";
export {
  encodeMessage,
  firstString,
  type Message,
  MessageReader,
  splitStrings,
  strings,
  type Text,
} from "../shared/wire.ts";
