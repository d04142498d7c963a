// Session: one peer during one workload: its daemons, its connections, its figures.
// Holds   connections until the session ends.
// Never   starts or ends a daemon: run.ts does.
// Source  our own.

import fs from "node:fs";
import { Connection } from "./connection.ts";
import type { Span } from "./drive.ts";
import { type Figure, Figures, type Remarks, type Unit } from "./figures.ts";
import { Meter, type Reading, residentBytes } from "./meter.ts";
import type { System } from "./system.ts";

/** A running daemon that is measured. */
export interface Daemon {
  socket: string;
  pid: number;
  stop(): Promise<void>;
  /** What only our own daemon offers; null: it is another one. */
  own: OwnDaemon | null;
}

/** What can be done with a daemon of this project. */
export interface OwnDaemon {
  /** Its program, as it may be told to replace itself by. */
  program: string;
  /** Folder of its database; null: it stores nothing. */
  database: string | null;
  /** Whether what it answers has been synced to the disk. */
  syncs: boolean;
  /** Kills it, and starts another one with what it has stored. @returns ms until that answers */
  again(): Promise<number>;
}

/** How much to measure. */
export interface Effort {
  span: Span;
  /** Tiny counts, for the tests. */
  smoke: boolean;
  /** Milliseconds that filling one daemon may take. */
  loadMs: number;
}

export class Session {
  readonly peer: string;
  readonly daemons: Daemon[];
  readonly system: System;
  readonly effort: Effort;
  readonly #figures: Figures;
  readonly #connections = new Set<Connection>();
  readonly #ends: (() => Promise<void>)[] = [];

  constructor(workload: string, peer: string, daemons: Daemon[], system: System, effort: Effort) {
    this.peer = peer;
    this.daemons = daemons;
    this.system = system;
    this.effort = effort;
    this.#figures = new Figures(workload, peer);
  }

  get figures(): Figure[] {
    return this.#figures.list;
  }

  /** Picks a size: the second one for a smoke run. */
  size(full: number, smoke: number): number {
    return this.effort.smoke ? smoke : full;
  }

  connect(daemon = 0): Connection {
    const connection = new Connection(this.system, this.daemons[daemon].socket);
    this.#connections.add(connection);
    return connection;
  }

  disconnect(connection: Connection): void {
    this.#connections.delete(connection);
    connection.close();
  }

  meter(daemon = 0): Meter {
    return new Meter(this.system, this.daemons[daemon].pid);
  }

  /** A meter for another process than a daemon's. */
  meterOf(pid: number): Meter {
    return new Meter(this.system, pid);
  }

  /** Binds a process to the processor that the daemon is bound to, if it is. */
  pinLike(pid: number): void {
    const status = fs.readFileSync(`/proc/${this.daemons[0].pid}/status`, "utf8");
    const [, cpu] = /^Cpus_allowed_list:\s+(\d+)$/m.exec(status) ?? [];
    if (cpu !== undefined) this.system.pin(pid, Number(cpu));
  }

  /** What is to be done when the session ends. */
  atEnd(work: () => Promise<void>): void {
    this.#ends.push(work);
  }

  /** What only our own daemon offers. Throws an Error for any other. */
  own(daemon = 0): OwnDaemon {
    const { own } = this.daemons[daemon];
    if (!own) throw new Error("this is for our own daemon alone");
    return own;
  }

  /** Bytes in memory of a daemon. */
  resident(daemon = 0): number {
    return residentBytes(this.daemons[daemon].pid);
  }

  /** Records a rate and what it cost. */
  rate(name: string, reading: Reading, remarks: Remarks = {}, daemon = 0): void {
    this.#figures.rate(name, reading, this.resident(daemon), remarks);
  }

  /** Records a single number: less is better. */
  value(name: string, unit: Unit, value: number, remarks: Remarks = {}): void {
    this.#figures.value(name, unit, value, remarks);
  }

  /** Closes all connections. */
  async end(): Promise<void> {
    for (const work of this.#ends) await work();
    for (const connection of this.#connections) connection.close();
    this.#connections.clear();
  }
}

/** Lets timers and signals have their turn during long preparations. */
export const breathe = () => new Promise<void>((next) => setImmediate(next));
