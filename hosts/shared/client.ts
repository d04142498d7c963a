// Client: the operations of a store, as calls that return promises.
// Holds   what each request's payload and reply look like; transactions, repeated on conflict.
// Never   touches a socket: it is given a stream of bytes.
// Source  the XenStore protocol, Operations; Clients, libxenstore.

import {
  XENSTORE_SERVER_FEATURE_WATCHDEPTH,
  XS_CONTROL,
  XS_DIRECTORY,
  XS_DIRECTORY_PART,
  XS_GET_FEATURE,
  XS_GET_PERMS,
  XS_MKDIR,
  XS_READ,
  XS_RM,
  XS_SET_PERMS,
  XS_TRANSACTION_END,
  XS_TRANSACTION_START,
  XS_UNWATCH,
  XS_WATCH,
  XS_WRITE,
} from "../../assembly/xs_wire.ts";
import type { ByteStream } from "./byte_stream.ts";
import { isXenstoreError, XenstoreError } from "./errors.ts";
import type { WatchEvent } from "./events.ts";
import { Exchange } from "./exchange.ts";
import { concat, firstString, splitStrings, strings, type Text, toBytes, toText } from "./wire.ts";

/** What an entry of a permission list grants: nothing, reading, writing, both. */
export type Access = "n" | "r" | "w" | "b";

/** One entry. The first of a list names the owner and what everybody else may do. */
export interface Perm {
  access: Access;
  domid: number;
}

/** How often and after which wait a transaction that met a conflict is repeated. */
export interface TransactionOptions {
  /** Runs of the body at most; the last conflict is thrown then. Without limit by default. */
  attempts?: number;
  /**
   * Hears of it when the store did not take that a failed body was given up; an error it throws
   * takes the place of the body's.
   */
  abortFailed?: (error: unknown) => void;
}

/** Runs after which a repeated transaction begins to wait, and the longest wait. */
const PATIENCE = 4;
const WAIT_MAX_MS = 50;

/**
 * The operations on nodes. Paths are absolute or relative to the caller's home; any error is a
 * XenstoreError whose `op` and `path` say what failed.
 */
export class Store {
  readonly #exchange: Exchange;
  readonly #txId: number;

  constructor(exchange: Exchange, txId: number) {
    this.#exchange = exchange;
    this.#txId = txId;
  }

  /** The value: 0 to 4096 bytes. */
  read(path: Text): Promise<Uint8Array> {
    return this.#ask("READ", XS_READ, path, strings(path));
  }

  /** Sets the value, and creates the node and its parents if need be. */
  async write(path: Text, value: Text): Promise<void> {
    await this.#ask("WRITE", XS_WRITE, path, concat([strings(path), toBytes(value)]));
  }

  /** Creates the node and its parents with empty values; an existing node is left alone. */
  async mkdir(path: Text): Promise<void> {
    await this.#ask("MKDIR", XS_MKDIR, path, strings(path));
  }

  /** Removes the node and all below. A missing node is no error if its parent exists. */
  async rm(path: Text): Promise<void> {
    await this.#ask("RM", XS_RM, path, strings(path));
  }

  /** Names of the children, in the store's order; however many there are. */
  async directory(path: Text): Promise<string[]> {
    try {
      return splitStrings(await this.#ask("DIRECTORY", XS_DIRECTORY, path, strings(path)));
    } catch (error) {
      if (!isXenstoreError(error, "E2BIG")) throw error;
      return this.#directoryInParts(path);
    }
  }

  async getPerms(path: Text): Promise<Perm[]> {
    const reply = await this.#ask("GET_PERMS", XS_GET_PERMS, path, strings(path));
    return splitStrings(reply).map(parsePerm);
  }

  /** Replaces the whole list. */
  async setPerms(path: Text, perms: readonly Perm[]): Promise<void> {
    const payload = strings(path, ...perms.map(formatPerm));
    await this.#ask("SET_PERMS", XS_SET_PERMS, path, payload);
  }

  /** Any request, within this transaction if it is one; returns the reply's payload. */
  request(type: number, payload: Uint8Array): Promise<Uint8Array> {
    return this.#exchange.request(type, payload, this.#txId);
  }

  /** Collects parts of one and the same generation; starts anew when the node changed between. */
  async #directoryInParts(path: Text): Promise<string[]> {
    let generation = "";
    let names: string[] = [];
    let offset = 0;
    for (;;) {
      const part = await this.#directoryPart(path, offset);
      if (offset > 0 && part.generation !== generation) {
        names = [];
        offset = 0;
        continue;
      }
      generation = part.generation;
      names = names.concat(splitStrings(part.names));
      offset += part.names.length;
      if (part.last || part.names.length === 0) return names;
    }
  }

  async #directoryPart(path: Text, offset: number) {
    const payload = strings(path, String(offset));
    const reply = await this.#ask("DIRECTORY_PART", XS_DIRECTORY_PART, path, payload).catch(
      (error) => {
        throw isXenstoreError(error, "ENOSYS")
          ? new XenstoreError("E2BIG", { op: "DIRECTORY", path: pathText(path), cause: error })
          : error;
      },
    );
    const generation = firstString(reply);
    const rest = reply.subarray(generation.length + 1);
    const end = rest.length;
    const last = rest[end - 1] === 0 && (end === 1 || rest[end - 2] === 0);
    return { generation: toText(generation), names: last ? rest.subarray(0, end - 1) : rest, last };
  }

  async #ask(op: string, type: number, path: Text, payload: Uint8Array): Promise<Uint8Array> {
    try {
      return await this.#exchange.request(type, payload, this.#txId);
    } catch (error) {
      throw placed(error, op, path);
    }
  }
}

/** A connection to a store. Requests made outside a transaction each stand for themselves. */
export class Client extends Store {
  readonly #exchange: Exchange;
  #features: Promise<number> | null = null;

  constructor(stream: ByteStream) {
    const exchange = new Exchange(stream);
    super(exchange, 0);
    this.#exchange = exchange;
  }

  /**
   * Runs `body` with a store of its own and commits what it did, all or nothing. On a conflict
   * (EAGAIN) everything is repeated, so `body` must have no other effect. When it throws, the
   * transaction is given up and the error passed on.
   */
  async transaction<T>(
    body: (store: Store) => Promise<T>,
    { attempts = Number.POSITIVE_INFINITY, abortFailed }: TransactionOptions = {},
  ): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      const txId = await this.#start();
      const result = await body(new Store(this.#exchange, txId)).catch(async (error) => {
        await this.#end(txId, "F").catch((why) => abortFailed?.(why));
        throw error;
      });
      try {
        await this.#end(txId, "T");
        return result;
      } catch (error) {
        if (!isXenstoreError(error, "EAGAIN") || attempt >= attempts) throw error;
      }
      if (attempt >= PATIENCE) await pause(Math.min(2 ** (attempt - PATIENCE), WAIT_MAX_MS));
    }
  }

  /**
   * Sets a watch; its events come from `nextEvent`, the first at once. `depth` limits how many
   * levels below the node count. Errors: EEXIST for a pair of path and token that is set;
   * EOPNOTSUPP for a depth that this store doesn't offer.
   */
  async watch(path: Text, token: Text, depth?: number): Promise<void> {
    const place = { op: "WATCH", path: pathText(path) };
    if (depth === undefined) return this.#simple("WATCH", XS_WATCH, path, strings(path, token));
    if (!this.#exchange.passesDepth) throw new XenstoreError("EOPNOTSUPP", place);
    if (((await this.features()) & XENSTORE_SERVER_FEATURE_WATCHDEPTH) === 0) {
      throw new XenstoreError("EOPNOTSUPP", place);
    }
    return this.#simple("WATCH", XS_WATCH, path, strings(path, token, String(depth)));
  }

  /** Ends a watch; its events that came before still come from `nextEvent`. */
  unwatch(path: Text, token: Text): Promise<void> {
    return this.#simple("UNWATCH", XS_UNWATCH, path, strings(path, token));
  }

  /** The next event of any watch, oldest first. Rejects when the connection is lost. */
  nextEvent(): Promise<WatchEvent> {
    return this.#exchange.nextEvent();
  }

  /** Features the store offers, as bits; 0 from one that knows no features. Asked once. */
  features(): Promise<number> {
    this.#features ??= this.#exchange.request(XS_GET_FEATURE, new Uint8Array(0)).then(
      (reply) => Number.parseInt(toText(firstString(reply)), 10) || 0,
      (error) => {
        if (isXenstoreError(error, "EBADF")) throw error;
        return 0;
      },
    );
    return this.#features;
  }

  /** Has the daemon carry out a command; returns its text as bytes, without the NUL. */
  async control(...words: Text[]): Promise<Uint8Array> {
    try {
      return firstString(await this.#exchange.request(XS_CONTROL, strings(...words)));
    } catch (error) {
      throw placed(error, "CONTROL", "");
    }
  }

  close(): void {
    this.#exchange.close();
  }

  async #start(): Promise<number> {
    try {
      const reply = await this.#exchange.request(XS_TRANSACTION_START, strings(""));
      const txId = Number.parseInt(toText(firstString(reply)), 10) >>> 0;
      if (txId !== 0) return txId;
      throw new XenstoreError("EPROTO");
    } catch (error) {
      throw placed(error, "TRANSACTION_START", "");
    }
  }

  async #end(txId: number, how: "T" | "F"): Promise<void> {
    try {
      await this.#exchange.request(XS_TRANSACTION_END, strings(how), txId);
    } catch (error) {
      throw placed(error, "TRANSACTION_END", "");
    }
  }

  async #simple(op: string, type: number, path: Text, payload: Uint8Array): Promise<void> {
    try {
      await this.#exchange.request(type, payload);
    } catch (error) {
      throw placed(error, op, path);
    }
  }
}

/** An entry as on the wire, such as `r3`. */
export function formatPerm(perm: Perm): string {
  return `${perm.access}${perm.domid}`;
}

/** The reverse of formatPerm; a domid that is no number counts as 0. Errors: EINVAL. */
export function parsePerm(text: string): Perm {
  const match = /^([nrwb])\s*([+-]?\d*)/.exec(text);
  if (match === null) throw new XenstoreError("EINVAL", { op: "GET_PERMS" });
  return { access: match[1] as Access, domid: Number(match[2]) || 0 };
}

function placed(error: unknown, op: string, path: Text): unknown {
  if (!isXenstoreError(error)) return error;
  return new XenstoreError(error.code, { op, path: pathText(path), cause: error });
}

const pathText = (path: Text) => (typeof path === "string" ? path : toText(path));

/** Waits for a random time up to `limitMs`, so that two that met in conflict part. */
function pause(limitMs: number): Promise<void> {
  return new Promise((done) => setTimeout(done, Math.random() * limitMs));
}
