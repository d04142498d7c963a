// Session: one store with all that is known of it: its tree, its history, its domains.
// Holds   the store, the mirror, the history, and what is kept of them for the next time.
// Never   shows anything: features do.
// Source  our own; "The playground" in ARCHITECTURE.md.

import {
  type ByteStream,
  type Client,
  connect,
  createStore,
  type Store,
  type StoreChange,
  type TraceMessage,
  type TraceNote,
  type TraceRecord,
  type WasmSource,
} from "../../entry/browser.ts";
import { ConnNames, Retelling } from "./conn_names.ts";
import type { DomainEntry } from "./domain_entry.ts";
import { History } from "./history.ts";
import { Mirror } from "./mirror.ts";
import { plant } from "./plant.ts";
import { followDomain, type Input, type StartDomain } from "./session_file.ts";

/** What a session begins with. */
export interface Beginning {
  readonly id: string;
  readonly name: string;
  readonly scenario: string | null;
  readonly stepsDone: number;
  readonly script: string;
  /** Builds the tree and the history that it goes on with. */
  readonly fill: (parts: { mirror: Mirror; history: History }) => FilledDomains;
  /** Limits that are not the store's own, by name. */
  readonly quota: Readonly<Record<string, number>>;
  /** What the clock says at the beginning: ms. */
  readonly startMs: number;
  /** How it is kept; see Keep. */
  readonly keep: "resume" | "now" | "later";
  /** Names of connections in the history that is taken up. */
  readonly labels: ReadonlyMap<string, string>;
}

/** The domains there are before the history, and behind it. */
export interface FilledDomains {
  readonly before: readonly StartDomain[];
  readonly now: readonly StartDomain[];
}

/** What a session tells of itself while it goes on. */
export interface SessionSink {
  /** Something that sections show has changed. */
  changed(): void;
  /** Something that is to be kept. */
  input(session: Session, input: Input): void;
  /** Every change of the store; nothing of it may be asked within the call. */
  change(session: Session, change: StoreChange): void;
  /** The store has failed. */
  failed(reason: string): void;
}

/** A record of a ring that is moved by hand. */
export type ByHand = Omit<TraceMessage, "ms" | "conn"> | Omit<TraceNote, "ms" | "conn">;

/** What the page's own connection is called. */
export const PAGE = "this page";

export class Session {
  readonly id: string;
  name: string;
  readonly scenario: string | null;
  stepsDone: number;
  script: string;
  readonly start: Beginning;
  /** Domains that it begins with. */
  readonly startDomains: readonly StartDomain[];
  /** Those there were before the oldest operation that is known. */
  readonly baseDomains = new Map<number, StartDomain>();
  readonly mirror = new Mirror();
  readonly history = new History();
  store!: Store;
  /** A client of the control domain whose requests are seen as the page's own. */
  page!: Client;
  /** One that is not seen, for the engine's questions. */
  hidden!: Client;
  /** What is known of each domain. */
  readonly domains = new Map<number, DomainEntry>();
  /** Names of connections, for people. */
  readonly labels: Map<string, string>;
  /** Counts what `name`, `stepsDone` and so on said. */
  version = 0;
  /** It has ended. */
  closed = false;
  #sink: SessionSink;
  /** When its clock stood at 0. */
  #zeroMs = 0;
  /** The history's time is so much later than the store's. */
  #aheadMs = 0;
  #retelling: Retelling | null = null;
  #hiddenConns = new Set<string>();
  #label: string | null = null;
  #hiding = false;
  /** What happens belongs to the beginning, and is not history. */
  #quiet = true;
  /** The mirror has it already. */
  #planting = false;
  readonly #names = new ConnNames();

  private constructor(start: Beginning, sink: SessionSink) {
    this.start = start;
    this.#sink = sink;
    this.id = start.id;
    this.name = start.name;
    this.scenario = start.scenario;
    this.stepsDone = start.stepsDone;
    this.script = start.script;
    const { before, now } = start.fill(this);
    this.startDomains = now;
    for (const domain of before) this.baseDomains.set(domain.domid, { ...domain, home: "none" });
    this.history.operations.onDrop = (done) => {
      for (const change of done.others) followDomain(this.baseDomains, change, done);
    };
    this.labels = new Map(start.labels);
    for (const { record } of this.history.records.from(1)) this.#names.use(record.conn);
  }

  /**
   * Opens one: makes the store with what the mirror has. Until `begin` nothing is history.
   * @throws Error of one line when the store can't be made
   */
  static async open(start: Beginning, wasm: WasmSource, sink: SessionSink): Promise<Session> {
    const session = new Session(start, sink);
    const zeroMs = performance.now() - start.startMs;
    session.#zeroMs = zeroMs;
    // Its first connection is the one that asks.
    session.#hiding = true;
    session.store = await createStore({
      wasm,
      clock: {
        // Whole microseconds: as they are written.
        nowMs: () => Math.round((performance.now() - zeroMs) * 1000) / 1000,
        after: (ms, call) => void setTimeout(call, ms),
      },
      domainsExist: "all",
      quota: start.quota,
      trace: (record) => session.#traced(record),
      changes: (change) => session.#changed(change),
    });
    session.#hiding = false;
    session.hidden = session.store.client;
    try {
      await session.#plant();
      session.page = await session.client(PAGE);
    } catch (error) {
      await session.close();
      throw error;
    }
    void session.store.closed.then((error) => {
      if (error && !session.closed) sink.failed(error.message);
    });
    return session;
  }

  /** From now on all that happens is history. */
  begin(): void {
    this.#quiet = false;
    this.mirror.structure += 1;
    this.#sink.changed();
  }

  /** Opens a stream whose connection is called `label`; `open` makes it within the call. */
  labelled<T>(label: string, open: () => T): T {
    this.#label = label;
    try {
      return open();
    } finally {
      this.#label = null;
    }
  }

  /** A client of a domain with a name for people. */
  client(label: string, domid = 0): Promise<Client> {
    const open = async (): Promise<ByteStream> =>
      this.labelled(label, () => this.store.stream({ domid }));
    return connect({ name: label, reconnects: false, open });
  }

  /** What goes over a domain's ring without a client, put or taken by hand. */
  byHand(domid: number, record: ByHand): void {
    const ms = performance.now() - this.#zeroMs;
    this.#traced({ ...record, ms, conn: `D${domid}` } as TraceRecord);
  }

  /** What a connection of the store is called here. */
  connName(conn: string): string {
    return this.#names.of(conn);
  }

  /** Until this is called with null, what happens has the names and times of a trace. */
  retell(records: readonly TraceRecord[] | null): void {
    if (this.#retelling) {
      const ahead = this.#retelling.ms - (performance.now() - this.#zeroMs);
      this.#aheadMs = Math.max(this.#aheadMs, ahead);
    }
    this.#retelling = records && new Retelling(records);
  }

  /** Something of the session itself is different. */
  touch(): void {
    this.version += 1;
    const { name, stepsDone, script } = this;
    this.keep({ kind: "session", facts: { name, stepsDone, script } });
  }

  /** Something that is kept with the session besides what is heard. */
  keep(input: Input): void {
    if (!this.#quiet) this.#sink.input(this, input);
    this.#sink.changed();
  }

  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    await this.store.close();
  }

  /** Puts what the mirror has into the store. */
  async #plant(): Promise<void> {
    this.#planting = true;
    this.#hiding = true;
    const stream = this.store.stream();
    this.#hiding = false;
    await plant(stream, this.mirror);
    this.#planting = false;
  }

  #traced(heard: TraceRecord): void {
    if (heard.kind === "open") this.#opened(heard.conn);
    if (this.closed || this.#quiet || this.#hiddenConns.has(heard.conn)) return;
    const conn = this.#names.of(heard.conn);
    if (heard.kind === "request") this.#retelling?.request(conn);
    const ms = this.#retelling?.ms ?? heard.ms + this.#aheadMs;
    const record = { ...heard, conn, ms };
    this.history.hear(record);
    this.#sink.input(this, { kind: "record", record });
    this.#sink.changed();
  }

  #opened(conn: string): void {
    if (this.#hiding) {
      this.#hiddenConns.add(conn);
      return;
    }
    const name = this.#names.open(conn, this.#retelling?.name() ?? null);
    if (this.#label === null) return;
    this.labels.set(name, this.#label);
    if (!this.#quiet) this.#sink.input(this, { kind: "label", conn: name, label: this.#label });
  }

  #changed(change: StoreChange): void {
    if (this.closed) return;
    if (this.#planting && "path" in change) return;
    const deltas = this.mirror.apply(change);
    if (!this.#quiet) {
      const maker = this.history.changed(change, deltas);
      this.#sink.input(this, { kind: "change", operation: maker.n, change });
    }
    this.#sink.change(this, change);
    this.#sink.changed();
  }
}
