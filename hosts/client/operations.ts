// Operations: the names of the message types, for errors.
// Holds   one table.
// Never   decides what is sent.
// Source  the XenStore protocol, Message types.

import { XS_TYPE_COUNT } from "../../assembly/xs_wire.ts";

/** By number; 20 was given up. */
const NAMES = (
  "CONTROL DIRECTORY READ GET_PERMS WATCH UNWATCH TRANSACTION_START TRANSACTION_END INTRODUCE " +
  "RELEASE GET_DOMAIN_PATH WRITE MKDIR RM SET_PERMS WATCH_EVENT ERROR IS_DOMAIN_INTRODUCED RESUME " +
  "SET_TARGET RESTRICT RESET_WATCHES DIRECTORY_PART GET_FEATURE SET_FEATURE GET_QUOTA SET_QUOTA"
).split(" ");

/** The protocol's name of a message type, such as `READ`; `type 99` for one that has none. */
export function operationName(type: number): string {
  return type < XS_TYPE_COUNT ? (NAMES[type] as string) : `type ${type}`;
}
