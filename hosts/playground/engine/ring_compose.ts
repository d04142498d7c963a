// Ring compose: requests of any kind from a path and a value, as bytes.
// Holds   what the payload of each type is made of.
// Never   refuses what the store would refuse: to see that is what it is for.
// Source  the XenStore protocol, Operations and Payload syntax.

import {
  encodeMessage,
  operationName,
  strings,
  XENSTORE_PAYLOAD_MAX,
  XS_CONTROL,
  XS_DIRECTORY_PART,
  XS_ERROR,
  XS_GET_DOMAIN_PATH,
  XS_GET_FEATURE,
  XS_GET_QUOTA,
  XS_INTRODUCE,
  XS_IS_DOMAIN_INTRODUCED,
  XS_RELEASE,
  XS_RESET_WATCHES,
  XS_RESUME,
  XS_SET_FEATURE,
  XS_SET_PERMS,
  XS_SET_QUOTA,
  XS_SET_TARGET,
  XS_TRANSACTION_END,
  XS_TRANSACTION_START,
  XS_TYPE_COUNT,
  XS_UNWATCH,
  XS_WATCH,
  XS_WATCH_EVENT,
  XS_WRITE,
} from "../../entry/wire.ts";
import { writePayload } from "./plant_requests.ts";

export interface Composed {
  readonly type: string;
  readonly path: string;
  readonly value: string;
  readonly reqId: number;
  readonly txId: number;
}

const U32_MAX = 0xffff_ffff;
const TYPES = new Map(
  Array.from({ length: XS_TYPE_COUNT }, (_, type) => [operationName(type), type] as const),
);

/** Types whose payload is a list of words, wherever they were typed. */
const WORDS = new Set([
  XS_CONTROL,
  XS_INTRODUCE,
  XS_RELEASE,
  XS_RESUME,
  XS_SET_TARGET,
  XS_GET_DOMAIN_PATH,
  XS_IS_DOMAIN_INTRODUCED,
  XS_GET_FEATURE,
  XS_SET_FEATURE,
  XS_GET_QUOTA,
  XS_SET_QUOTA,
]);

/**
 * The message as it goes into a ring.
 * @throws Error of one or two sentences for a type that is none, or too long a payload
 */
export function compose({ type, path, value, reqId, txId }: Composed): Uint8Array {
  const number = TYPES.get(type.toUpperCase());
  if (number === undefined) {
    throw new Error(`There is no type "${type}". Types are READ, WRITE, WATCH and so on.`);
  }
  if (!Number.isInteger(txId) || txId < 0 || txId > U32_MAX) {
    throw new Error(`A transaction's id is an integer from 0 to ${U32_MAX}, not ${txId}.`);
  }
  const payload = payloadOf(number, path, value);
  if (payload.length > XENSTORE_PAYLOAD_MAX) {
    throw new Error(
      `The payload would have ${payload.length} bytes, a message's has at most ` +
        `${XENSTORE_PAYLOAD_MAX}. To see what the store does with more, break the ring.`,
    );
  }
  return encodeMessage({ type: number, reqId, txId, payload });
}

function payloadOf(type: number, path: string, value: string): Uint8Array {
  switch (type) {
    case XS_WRITE:
      return writePayload(path, new TextEncoder().encode(value));
    case XS_WATCH:
    case XS_UNWATCH:
    case XS_WATCH_EVENT:
      return strings(path, value === "" ? "token" : value);
    case XS_SET_PERMS:
      return strings(path, ...wordsOf(value.replaceAll(",", " ")));
    case XS_DIRECTORY_PART:
      return strings(path, value === "" ? "0" : value);
    case XS_TRANSACTION_START:
    case XS_RESET_WATCHES:
      return strings("");
    case XS_TRANSACTION_END:
      return strings(value.trim().toUpperCase() === "F" ? "F" : "T");
    case XS_ERROR:
      return strings(value === "" ? path : value);
    default:
      return WORDS.has(type) ? strings(...wordsOf(`${path} ${value}`)) : strings(path);
  }
}

function wordsOf(text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== "");
}
