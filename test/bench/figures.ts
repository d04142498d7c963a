// Figures: what was measured, round by round.
// Holds   every value of every round; medians and ratios are the report's business.
// Never   measures.
// Source  our own.

import type { Connection } from "./connection.ts";
import { Histogram, type Reading } from "./meter.ts";

export type Unit = "ops/s" | "ns" | "ms" | "bytes";

/** Everything that was measured of one thing with one peer. */
export interface Figure {
  workload: string;
  name: string;
  peer: string;
  unit: Unit;
  /** One value for each round. */
  values: number[];
  /** Of all rounds together; empty where single operations were not timed. */
  latency: Histogram;
  /** Rate for one second of processor time of daemon and generator together, each round. */
  perCpu: number[];
  /** Daemon's processor time for one operation in microseconds, each round. */
  daemonUs: number[];
  /** The generator's part of the wall clock, each round. */
  clientShare: number[];
  /** Bytes in the daemon's memory after each round. */
  resident: number[];
  /** Over the bytes of the first `hashed` replies; null where nothing was hashed. */
  hash: string | null;
  hashed: number;
  notes: string[];
}

/** What is worth saying of a figure besides its number. */
export interface Remarks {
  /** Whose first replies the hash covers; the same ones for every peer. */
  connections?: Pick<Connection, "hash" | "hashed">[];
  note?: string;
}

/** The figures of one workload with one peer. */
export class Figures {
  readonly list: Figure[] = [];
  readonly #workload: string;
  readonly #peer: string;

  constructor(workload: string, peer: string) {
    this.#workload = workload;
    this.#peer = peer;
  }

  /** Records a rate and what it cost. */
  rate(name: string, reading: Reading, residentBytes: number, remarks: Remarks = {}): void {
    const figure = this.#figure(name, "ops/s", remarks);
    const { ops, seconds, clientCpu, daemonCpu } = reading;
    figure.values.push(ops / seconds);
    figure.latency.addAll(reading.latency);
    figure.perCpu.push(ops / (clientCpu + daemonCpu));
    figure.daemonUs.push((daemonCpu / ops) * 1e6);
    figure.clientShare.push(clientCpu / seconds);
    figure.resident.push(residentBytes);
  }

  /** Records a single number: less is better. */
  value(name: string, unit: Unit, value: number, remarks: Remarks = {}): void {
    if (!Number.isFinite(value)) throw new Error(`${name}: not a number`);
    this.#figure(name, unit, remarks).values.push(value);
  }

  #figure(name: string, unit: Unit, { connections, note }: Remarks): Figure {
    let figure = this.list.find((other) => other.name === name);
    if (!figure) {
      figure = emptyFigure(this.#workload, name, this.#peer, unit);
      this.list.push(figure);
      // Later rounds go on with the same connections: the first replies are those of the first.
      if (connections) hashInto(figure, connections);
    }
    if (note && !figure.notes.includes(note)) figure.notes.push(note);
    return figure;
  }
}

/** A figure without values yet. */
export function emptyFigure(workload: string, name: string, peer: string, unit: Unit): Figure {
  const latency = new Histogram();
  const lists = { values: [], perCpu: [], daemonUs: [], clientShare: [], resident: [], notes: [] };
  return { workload, name, peer, unit, latency, ...lists, hash: null, hashed: 0 };
}

function hashInto(figure: Figure, connections: Pick<Connection, "hash" | "hashed">[]): void {
  let hash = 0;
  for (const connection of connections) {
    hash = (Math.imul(hash, 31) + connection.hash) >>> 0;
    figure.hashed += connection.hashed;
  }
  figure.hash = hash.toString(16).padStart(8, "0");
}
