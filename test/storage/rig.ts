// Rig: a core with its database in a model storage, driven request by request, and its own clock.
// Holds   the instance, its connections, the callbacks that wait for their time.
// Never   lets a reply out before `keep` was called, as the daemon's pump does.
// Source  our own.

import { CONN_SOCKET, OPT_QUOTA_NODES } from "../../assembly/abi.ts";
import { Core } from "../../hosts/shared/core.ts";
import { Persistence } from "../../hosts/shared/persistence.ts";
import type { Clock } from "../../hosts/shared/runtime.ts";
import { wasmModule } from "../core.ts";
import { bytesOf, ERROR, encode, type Message, Splitter, textOf, typeNumber } from "../message.ts";
import { Died, type ModelStorage } from "./model.ts";

const SEED = Uint32Array.of(0x2545f491, 0x4f6cdd1d);
export const BOOT = Uint8Array.from({ length: 16 }, (_, index) => index + 1);

/** Time that passes when a test says so. */
export class ManualClock implements Clock {
  #nowMs = 0;
  #waiting: { atMs: number; call: () => void }[] = [];

  nowMs(): number {
    return this.#nowMs;
  }

  after(ms: number, call: () => void): void {
    this.#waiting.push({ atMs: this.#nowMs + ms, call });
  }

  /** Lets time pass, and everything that follows happen. */
  async pass(ms: number): Promise<void> {
    const endMs = this.#nowMs + ms;
    for (;;) {
      await settled();
      this.#waiting.sort((a, b) => a.atMs - b.atMs);
      const next = this.#waiting[0];
      if (!next || next.atMs > endMs) break;
      this.#waiting.shift();
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.call();
    }
    this.#nowMs = endMs;
  }
}

/** Everything that promises have in store has happened. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

export function makeCore(boot: Uint8Array = BOOT): Core {
  const core = new Core(wasmModule(), SEED, boot);
  core.configure(OPT_QUOTA_NODES, 0);
  core.tick(1000);
  return core;
}

export interface RigOptions {
  readonly disk?: boolean;
  readonly compactMin?: number;
  readonly boot?: Uint8Array;
}

/** What a change made of the store: path and value of each node. */
export type Tree = ReadonlyMap<string, string>;

/** A daemon without sockets. */
export class Rig {
  readonly clock = new ManualClock();
  readonly notices: string[] = [];
  readonly persistence: Persistence;
  readonly core: Core;
  #splitters = new Map<number, Splitter>();

  /** Opens the database; throws what the persistence throws. */
  constructor(storage: ModelStorage, { disk = false, compactMin, boot = BOOT }: RigOptions = {}) {
    this.persistence = new Persistence({
      storage,
      makeCore: () => makeCore(boot),
      disk,
      clock: this.clock,
      notice: (line) => this.notices.push(line),
      ...(compactMin === undefined ? {} : { compactMin }),
    });
    this.core = this.persistence.start();
    this.#connection = this.connect();
  }

  #connection: number;

  connect(): number {
    const conn = this.core.connect(CONN_SOCKET, 0);
    this.#splitters.set(conn, new Splitter());
    return conn;
  }

  /** Serves requests as one round: all are received, then stored, then answered. */
  round(requests: readonly Message[], conn = this.#connection): Message[] {
    for (const request of requests) {
      const bytes = encode(request);
      this.core.input(bytes.length).set(bytes);
      this.core.receive(conn, bytes.length);
    }
    this.persistence.keep();
    const out = Buffer.from(this.core.output(conn));
    if (out.length) this.core.sent(conn, out.length);
    return (this.#splitters.get(conn) as Splitter).push(out);
  }

  /** One request; returns its reply's payload, with "ERROR " in front if it is one. */
  ask(type: string, payload: string, txId = 0, conn = this.#connection): string {
    const [reply] = this.round([request(type, payload, txId)], conn);
    return (reply.type === ERROR ? "ERROR " : "") + reply.payload.replace(/\0$/, "");
  }

  write(path: string, value: string): string {
    return this.ask("WRITE", `${path}\0${value}`);
  }

  /** The whole store below `/`. */
  tree(): Tree {
    const found = new Map<string, string>();
    const walk = (path: string) => {
      found.set(path, this.ask("READ", `${path}\0`));
      const names = this.ask("DIRECTORY", `${path}\0`).split("\0");
      for (const name of names) if (name) walk(path === "/" ? `/${name}` : `${path}/${name}`);
    };
    walk("/");
    return found;
  }
}

export function request(type: string, payload: string, txId = 0): Message {
  return { type: typeNumber(type), reqId: 0, txId, payload };
}

/** Runs something in which the process may end; returns whether it did. */
export async function dies(action: () => void | Promise<void>): Promise<boolean> {
  try {
    await action();
    return false;
  } catch (error) {
    if (error instanceof Died) return true;
    throw error;
  }
}

export function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

export { bytesOf, textOf };
