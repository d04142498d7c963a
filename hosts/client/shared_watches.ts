// Shared watches: the watches of one shared stream, as watches of the client it goes over.
// Holds   which watch of the client stands for which path and token.
// Never   knows what its events are sent on.
// Source  our own; the XenStore protocol, Watches.

import { isXenstoreError, XenstoreError } from "../shared/errors.ts";
import { strings, toBytes, toText } from "../shared/wire.ts";
import type { Client, Watch, WatchEvent, WatchOptions } from "./api.ts";
import { exactText } from "./decode.ts";
import { ReasonedError } from "./errors.ts";

/** Events that may wait, as in the tools' own client; one more ends the stream. */
const BUFFER = 65_536;
/** Events of a watch that are asked for at the same time: so many keep the order of all watches. */
const AHEAD = 32;

/** Who hears of a watch. */
export interface WatchUser {
  /** The payload of an event as it is to be sent. */
  event(payload: Uint8Array): void;
  /** A watch has ended though nobody removed it. */
  failed(error: unknown): void;
}

/** A watch as the stream's user knows it. */
export interface SharedWatch {
  readonly key: string;
  /** Its own token, whatever goes over the wire. */
  readonly token: Uint8Array;
  readonly watch: Watch;
}

export class SharedWatches {
  readonly #client: Client;
  readonly #user: WatchUser;
  readonly #byKey = new Map<string, SharedWatch>();
  /** Those whose events are taken. */
  readonly #begun = new Set<SharedWatch>();
  #ended = false;
  /** Resolves when events are wanted again; null: they are. */
  #held: Promise<void> | null = null;
  #release: () => void = () => {};

  constructor(client: Client, user: WatchUser) {
    this.#client = client;
    this.#user = user;
  }

  /** Sets a watch from the payload of its request. Rejects with the store's error. */
  async set(payload: Uint8Array): Promise<SharedWatch> {
    const [path, token, depth, ...more] = cut(payload);
    const malformed = path === undefined || token === undefined || more.length > 0;
    if (malformed || (depth !== undefined && !/^\d+$/.test(toText(depth)))) {
      throw new XenstoreError("EINVAL");
    }
    const key = keyOf(path, token);
    if (this.#byKey.has(key)) throw new XenstoreError("EEXIST");
    const options = depth === undefined ? {} : { depth: Number(toText(depth)) };
    const one = { key, token, watch: await this.#ask(toText(path), token, options) };
    if (this.#ended) await one.watch.return();
    else this.#byKey.set(key, one);
    return one;
  }

  /** From now on the events of the watch are told. */
  begin(one: SharedWatch): void {
    if (this.#byKey.get(one.key) !== one) return;
    this.#begun.add(one);
    for (let n = 0; n < AHEAD; n++) void this.#take(one);
  }

  /** Removes a watch, by the payload of the request. Rejects with the store's error. */
  async remove(payload: Uint8Array): Promise<void> {
    const [path, token, ...more] = cut(payload);
    if (path === undefined || token === undefined || more.length > 0) {
      throw new XenstoreError("EINVAL");
    }
    const one = this.#byKey.get(keyOf(path, token));
    if (one === undefined) throw new XenstoreError("ENOENT");
    await this.caughtUp();
    await this.#drop(one);
  }

  /** Removes all; with `forGood` also what is being set meanwhile. */
  async removeAll(forGood = false): Promise<void> {
    this.#ended ||= forGood;
    await Promise.all([...this.#byKey.values()].map((one) => this.#drop(one)));
  }

  /** Resolves when all events that have come were told. */
  async caughtUp(): Promise<void> {
    let behind = false;
    while (this.#held !== null || [...this.#begun].some(({ watch }) => watch.waiting > 0)) {
      behind = true;
      await this.#held;
    }
    // The last one is on its way.
    if (behind) await null;
  }

  /** Leaves events where they are, or goes on. */
  hold(held: boolean): void {
    if (held === (this.#held !== null)) return;
    if (held) {
      this.#held = new Promise((resolve) => {
        this.#release = resolve;
      });
    } else {
      this.#held = null;
      this.#release();
    }
  }

  /** Sets it under a token that no other watch of the client has. */
  async #ask(path: string, token: Uint8Array, options: WatchOptions): Promise<Watch> {
    const text = exactText(token);
    let own = text !== null;
    for (let n = 1; ; n++) {
      const wire = own ? { token: n === 1 ? (text as string) : `${text}~${n}` } : {};
      const watch = this.#client.watch(path, { ...options, ...wire, buffer: BUFFER });
      try {
        await watch.ready;
        return watch;
      } catch (error) {
        // A short one that the client makes is tried when there is no room for more.
        if (n > 1 && own && isXenstoreError(error, "E2BIG")) own = false;
        else if (!isTaken(error)) throw error;
      }
    }
  }

  async #drop(one: SharedWatch): Promise<void> {
    this.#forget(one);
    await one.watch.return();
  }

  #forget(one: SharedWatch): void {
    if (this.#byKey.get(one.key) === one) this.#byKey.delete(one.key);
    this.#begun.delete(one);
  }

  async #take(one: SharedWatch): Promise<void> {
    try {
      while (true) {
        const { done, value } = await one.watch.next();
        if (done) break;
        this.#tell(one, value);
        while (this.#held !== null) await this.#held;
      }
      this.#forget(one);
    } catch (error) {
      this.#forget(one);
      this.#user.failed(error);
    }
  }

  #tell(one: SharedWatch, { path }: WatchEvent): void {
    if (this.#begun.has(one)) this.#user.event(strings(toBytes(path), one.token));
  }
}

/** The client refused it before it was sent: another watch has the token. */
function isTaken(error: unknown): boolean {
  return error instanceof ReasonedError && error.code === "EEXIST";
}

function keyOf(path: Uint8Array, token: Uint8Array): string {
  return String.fromCharCode(...path, 0, ...token);
}

/** The strings of a payload as bytes; none if it does not end with a NUL. */
function cut(payload: Uint8Array): Uint8Array[] {
  if (payload.at(-1) !== 0) return [];
  const found: Uint8Array[] = [];
  for (let at = 0; at < payload.length; ) {
    const nul = payload.indexOf(0, at);
    found.push(payload.subarray(at, nul));
    at = nul + 1;
  }
  return found;
}
