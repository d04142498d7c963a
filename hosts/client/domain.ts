// Domain: requests about domains, features and limits.
// Holds   the number of a domain; how each request is written.
// Never   refuses what the store would allow: it alone knows the caller's rights.
// Source  the XenStore protocol, Operations and Domains; Clients, libxenstore.

import {
  XS_GET_DOMAIN_PATH,
  XS_GET_FEATURE,
  XS_GET_QUOTA,
  XS_INTRODUCE,
  XS_IS_DOMAIN_INTRODUCED,
  XS_RELEASE,
  XS_RESUME,
  XS_SET_FEATURE,
  XS_SET_QUOTA,
  XS_SET_TARGET,
} from "../../assembly/xs_wire.ts";
import { isXenstoreError } from "../shared/errors.ts";
import type { CallOptions, Domain } from "./api.ts";
import { checkDomid, checkNumber, encodeFrame, encodeWords } from "./check.ts";
import type { AskOptions, Connection, Decode } from "./connection.ts";
import * as decode from "./decode.ts";

export class StoreDomain implements Domain {
  readonly domid: number;
  readonly #connection: Connection;

  /** Throws InvalidRequestError for a number that can't be a domain's. */
  constructor(connection: Connection, domid: number) {
    checkDomid("domain", domid);
    this.#connection = connection;
    this.domid = domid;
  }

  path(options?: CallOptions): Promise<string> {
    return this.#ask(XS_GET_DOMAIN_PATH, [], decode.first, options);
  }

  isIntroduced(options?: CallOptions): Promise<boolean> {
    return this.#ask(XS_IS_DOMAIN_INTRODUCED, [], decode.notF, options);
  }

  async introduce(
    page: { gfn: number | bigint; port: number },
    options?: CallOptions,
  ): Promise<void> {
    checkNumber("INTRODUCE", "a port", page.port);
    const words = [encodeFrame("INTRODUCE", page.gfn), String(page.port)];
    await this.#ask(XS_INTRODUCE, words, decode.nothing, options);
  }

  release(options?: CallOptions): Promise<void> {
    return this.#ask(XS_RELEASE, [], decode.nothing, options);
  }

  resume(options?: CallOptions): Promise<void> {
    return this.#ask(XS_RESUME, [], decode.nothing, options);
  }

  async setTarget(target: number, options?: CallOptions): Promise<void> {
    checkDomid("SET_TARGET", target);
    await this.#ask(XS_SET_TARGET, [String(target)], decode.nothing, options);
  }

  features(options?: CallOptions): Promise<number> {
    return this.#ask(XS_GET_FEATURE, [], decode.count, options);
  }

  async setFeatures(bits: number, options?: CallOptions): Promise<void> {
    checkNumber("SET_FEATURE", "a set of features", bits);
    await this.#ask(XS_SET_FEATURE, [String(bits)], decode.nothing, options);
  }

  quota(name: string, options?: CallOptions): Promise<number> {
    return askQuota(this.#connection, [String(this.domid), name], options);
  }

  setQuota(name: string, value: number, options?: CallOptions): Promise<void> {
    return setQuota(this.#connection, [String(this.domid), name], value, options);
  }

  #ask<T>(
    type: number,
    words: readonly string[],
    decoder: Decode<T>,
    options: CallOptions | undefined,
  ): Promise<T> {
    const tail = [this.domid, ...words].map((word) => `${word}\0`).join("");
    return this.#connection.ask(type, null, tail, decoder, options);
  }
}

/** Features that the store offers to the caller, as bits; 0 from one that knows none. */
export async function askFeatures(connection: Connection, asks?: AskOptions): Promise<number> {
  try {
    return await askEmpty(connection, XS_GET_FEATURE, decode.count, asks);
  } catch (error) {
    if (isXenstoreError(error, "EINVAL", "ENOSYS")) return 0;
    throw error;
  }
}

/** Names of all limits; none from a store that knows none. */
export async function askQuotas(connection: Connection, asks?: AskOptions): Promise<string[]> {
  try {
    return await askEmpty(connection, XS_GET_QUOTA, decode.words, asks);
  } catch (error) {
    if (isXenstoreError(error, "EINVAL", "ENOSYS")) return [];
    throw error;
  }
}

/** One limit: of a domain, or the one for all. `words` are the domid, if any, and the name. */
export async function askQuota(
  connection: Connection,
  words: readonly string[],
  asks?: AskOptions,
): Promise<number> {
  const tail = encodeWords("GET_QUOTA", words);
  return connection.ask(XS_GET_QUOTA, null, tail, decode.count, asks);
}

/** Sets one limit; `words` as for askQuota. */
export async function setQuota(
  connection: Connection,
  words: readonly string[],
  value: number,
  asks?: AskOptions,
): Promise<void> {
  checkNumber("SET_QUOTA", "a limit", value);
  const tail = encodeWords("SET_QUOTA", [...words, String(value)]);
  await connection.ask(XS_SET_QUOTA, null, tail, decode.nothing, asks);
}

/**
 * A request without payload. The OCaml daemon serves it only when the next bytes come in, so a
 * harmless request follows, whose reply nobody waits for.
 */
function askEmpty<T>(
  connection: Connection,
  type: number,
  decoder: Decode<T>,
  asks?: AskOptions,
): Promise<T> {
  const asked = connection.ask(type, null, null, decoder, asks);
  connection.ask(XS_GET_DOMAIN_PATH, null, "0\0", decode.nothing, asks).catch(() => {});
  return asked;
}
