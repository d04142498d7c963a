// Site: one running store: its core, its pump, its guests and its database, put together.
// Holds   all of them, and why the store has ended, once it has.
// Never   knows what a client is; never keeps anybody waiting after the core has failed.
// Source  our own; "The library" in ARCHITECTURE.md.

import {
  DUMP_SNAPSHOT,
  LOAD_SNAPSHOT,
  LOADED,
  LOADED_NEWER,
  LOADED_NO_MEMORY,
  LOG_NOTICE,
  LOG_PRINT,
  STAT_FAULTS,
  TASK_CHECK,
} from "../../assembly/abi.ts";
import { XS_ERROR } from "../../assembly/xs_wire.ts";
import { Core, CorePanic } from "../shared/core.ts";
import { isXenstoreError } from "../shared/errors.ts";
import { LocalMachine } from "../shared/machine_local.ts";
import { Persistence } from "../shared/persistence.ts";
import type { Rings } from "../shared/rings.ts";
import type { Clock, LogRecord } from "../shared/runtime.ts";
import type { Storage } from "../shared/storage.ts";
import { concat, strings, toBytes, toText } from "../shared/wire.ts";
import { Asker } from "./asker.ts";
import { type ChangeSink, Changes, ChangesKeeper } from "./changes.ts";
import { StoreEndedError } from "./errors.ts";
import { GuardedServer } from "./guarded_server.ts";

/** What a site is made of. */
export interface Plan {
  readonly module: WebAssembly.Module;
  /** Two u32 for the core's hashes. */
  readonly seed: Uint32Array;
  /** What `configure` of the core is told: OPT_* and value. */
  readonly settings: ReadonlyMap<number, number>;
  readonly clock: Clock;
  readonly storage: Storage | null;
  /** Whether changes survive the loss of power. */
  readonly disk: boolean;
  /** Whether every domid exists, or only what was made. */
  readonly allExist: boolean;
  readonly log: (line: string) => void;
  /** Hears of every change. */
  readonly changes: ChangeSink | null;
}

const NO_UPDATE = "This store is a part of its program; it can't be replaced while it runs.";
/** Storages that a store uses. */
const taken = new WeakSet<Storage>();

export class Site {
  readonly machine: LocalMachine;
  readonly plan: Plan;
  /** The store was new when it began: its storage held nothing. */
  readonly isNew: boolean;
  /** Resolves with why the store has ended; null: it was closed. */
  readonly closed: Promise<Error | null>;
  server!: GuardedServer;
  /**
   * Hears what the host asks on its own account, before it is served, and the reply: with XS_ERROR
   * for an error. `asked` is the type of the request.
   */
  onAsk: (asked: number, kind: "request" | "reply", type: number, payload: Uint8Array) => void =
    () => {};
  /** Called when connections were ended: by `replace`, or for good. */
  onEnd: (error: Error) => void = () => {};
  #resolveClosed!: (error: Error | null) => void;
  #persistence: Persistence | null = null;
  #changes: Changes | null = null;
  #rings: Rings | null = null;
  /** The privileged connection of the host itself. */
  #asker: Asker | null = null;
  #over = false;

  /** Begins to serve. Throws an Error of one line when the storage or the module can't be used. */
  constructor(plan: Plan) {
    this.plan = plan;
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
    this.machine = new LocalMachine((call) => {
      queueMicrotask(() => this.server.run(call));
    });
    this.machine.allExist = plan.allExist;
    if (plan.changes) this.#changes = new Changes(plan.changes);
    const core = plan.storage ? this.#openStorage(plan.storage) : this.#makeCore();
    this.isNew = this.#persistence?.unused ?? true;
    if (!this.isNew) this.#changes?.restored();
    this.#serve(core);
  }

  #makeCore(): Core {
    const core = new Core(this.plan.module, this.plan.seed);
    for (const [key, value] of this.plan.settings) core.configure(key, value);
    return core;
  }

  #openStorage(storage: Storage): Core {
    if (taken.has(storage)) throw new Error(`${storage.place}: another store uses this storage`);
    const { log, disk } = this.plan;
    const makeCore = () => this.#makeCore();
    const clock = this.#beside();
    const done = this.#changes?.done;
    this.#persistence = new Persistence({ storage, makeCore, disk, clock, notice: log, done });
    const core = this.#persistence.start();
    taken.add(storage);
    return core;
  }

  /** Time for work that goes on beside the service: it does not stand when the store's does. */
  #beside(): Clock {
    const { clock } = this.plan;
    return {
      nowMs: () => clock.nowMs(),
      after: (ms, call) => this.#after(ms <= 1 ? turns : clock, ms, call),
    };
  }

  #after(clock: Clock, ms: number, call: () => void): void {
    clock.after(ms, () => {
      if (this.#over) return;
      // At the start there is no server yet, and nothing that could fail.
      if (this.server) this.server.run(call);
      else call();
    });
  }

  #serve(core: Core): void {
    const { clock } = this.plan;
    const time: Clock = {
      nowMs: () => clock.nowMs(),
      after: (ms, call) => this.#after(clock, ms, call),
    };
    const log = { records: (records: readonly LogRecord[]) => this.#log(records) };
    const server = new GuardedServer(core, time, log, (error) => this.#panic(server, error));
    this.server = server;
    server.onTask = (kind) => void this.#task(server, kind);
    const persistence = this.#persistence;
    if (persistence) {
      server.keeper = persistence;
      persistence.onWants = (bits) => server.run(() => server.others(bits));
    } else if (this.#changes) server.keeper = new ChangesKeeper(core, this.#changes);
    // Pages of guests do not outlive the process: who comes again begins anew.
    server.withoutMachine();
    const known = [...core.domains(), ...core.namedDomains()];
    for (const domid of known) if (domid !== 0) this.machine.domain(domid);
    const soon = (work: () => boolean): void => {
      queueMicrotask(() => server.run(() => void (work() && soon(work))));
    };
    this.#rings = server.attach(this.machine, soon);
    this.#rings.start(0);
    this.#asker = new Asker(server);
  }

  /** Asks as a privileged program; see Asker. Throws StoreEndedError when the store has ended. */
  ask(type: number, payload: Uint8Array, place: { op: string; path?: string }): Uint8Array {
    const { over } = this.server;
    if (over) throw over;
    this.onAsk(type, "request", type, payload);
    try {
      const reply = (this.#asker as Asker).ask(type, payload, place);
      this.onAsk(type, "reply", type, reply);
      return reply;
    } catch (error) {
      if (isXenstoreError(error)) this.onAsk(type, "reply", XS_ERROR, strings(error.code));
      // A failure on the way is the reason why there was no reply.
      throw this.server.over ?? error;
    }
  }

  /** The instance, for calls that are none of a connection's. Throws when the store has ended. */
  core<T>(use: (core: Core) => T): T {
    const { over } = this.server;
    if (over) throw over;
    try {
      return use(this.server.core);
    } catch (error) {
      if (!(error instanceof CorePanic)) throw error;
      this.server.panic(error);
      throw this.server.over ?? error;
    }
  }

  /** The whole state. */
  async dump(): Promise<Uint8Array> {
    // One at a time: a snapshot for the storage may be under way.
    while (!this.core((core) => core.dumpBegin(DUMP_SNAPSHOT))) await turn();
    return this.core((core) => {
      const pieces: Uint8Array[] = [];
      for (let piece = core.dumpNext(); piece.length; piece = core.dumpNext()) {
        pieces.push(piece.slice());
      }
      const lost = core.dumpLost();
      this.server.others(core.dumpEnd());
      if (lost)
        throw new StoreEndedError("ENOMEM", "there is not enough memory to write the state");
      return concat(pieces);
    });
  }

  /** Goes on with another state. Throws an Error of one line, and has changed nothing then. */
  replace(state: Uint8Array): void {
    const core = this.#makeCore();
    core.loadBegin(LOAD_SNAPSHOT);
    core.load(state);
    const result = core.loadEnd();
    if (result !== LOADED) throw new Error(`the state ${explained(result, core.loadOffset())}`);
    const { server } = this;
    if (server.over) throw server.over;
    server.drain();
    this.#rings?.stop();
    this.#persistence?.release();
    const error = new StoreEndedError("ECONNRESET", "the store was put into another state");
    server.end(error);
    this.onEnd(error);
    this.#persistence?.adopt(core, false);
    this.#changes?.restored();
    this.#serve(core);
  }

  /** Checks everything; a text for people. */
  async check(): Promise<string> {
    const faults = this.core((core) => core.stat(STAT_FAULTS));
    const nodes = this.core((core) => core.stat(0));
    this.server.run(() => this.server.others(0));
    const found = faults === 1 ? "1 fault" : `${faults || "no"} faults`;
    const store = `store: ${nodes} nodes: ${found}`;
    return this.#persistence ? `${store}\n${await this.#persistence.verify()}` : store;
  }

  /** Ends the store: all that was acknowledged is stored. */
  close(): void {
    if (this.#over) return;
    this.server.run(() => this.server.drain());
    this.#rings?.stop();
    this.#end(null, new StoreEndedError("ECONNRESET", "the store was closed"));
    this.#persistence?.release();
    this.#leaveStorage();
  }

  /** Ends the store as a kill of its process would: nothing more is stored or said. */
  kill(reason: string): void {
    if (this.#over) return;
    const error = new StoreEndedError("EIO", reason);
    this.#end(error, error);
    this.#leaveStorage();
  }

  #panic(server: GuardedServer, error: CorePanic): void {
    if (server !== this.server) return;
    const again = this.plan.storage
      ? "; a new store over the same storage has what was stored"
      : "";
    const reason = new StoreEndedError("EIO", `the store has failed: ${error.message}${again}`, {
      cause: error,
    });
    this.plan.log(reason.message);
    this.#end(reason, reason);
    this.#leaveStorage();
  }

  #end(why: Error | null, error: StoreEndedError): void {
    this.#over = true;
    this.server.end(error);
    this.onEnd(error);
    this.#resolveClosed(why);
  }

  #leaveStorage(): void {
    const { storage } = this.plan;
    if (storage) taken.delete(storage);
  }

  async #task(server: GuardedServer, kind: number): Promise<void> {
    let answer = NO_UPDATE;
    if (kind === TASK_CHECK) answer = (await this.#persistence?.verify()) ?? "";
    // A request that waits is answered later than the call that brought it.
    await null;
    server.taskDone(toBytes(answer));
  }

  #log(records: readonly LogRecord[]): void {
    for (const { kind, bytes } of records) {
      if (kind === LOG_NOTICE || kind === LOG_PRINT) this.plan.log(toText(bytes).trimEnd());
    }
  }
}

function explained(result: number, offset: number): string {
  if (result === LOADED_NEWER) return "was written by a newer version of this program";
  if (result === LOADED_NO_MEMORY) return "is too large for the memory there is";
  return `is damaged at byte ${offset}`;
}

/** The event loop has had its turn. */
function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 1));
}

/** Turns of the event loop; somebody waits for what comes of them, so a process stays for it. */
const turns: Clock = {
  nowMs: () => performance.now(),
  after: (ms, call) => void setTimeout(call, ms),
};
