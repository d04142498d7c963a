// Meter: how many, how long and at what price, for one stretch of measured time.
// Holds   a histogram of latencies, the wall clock, the processor time of both ends.
// Never   allocates between `start` and `stop`, and never reports an empty stretch as a figure.
// Source  our own.

import fs from "node:fs";
import process from "node:process";
import type { System } from "./system.ts";

/** Steps in each doubling of a latency: 1.6 % wide. */
const STEPS_LOG2 = 6;
const STEPS = 1 << STEPS_LOG2;

/** Counts of nanoseconds in buckets that grow with the value. Up to 4.2 s, above it clips. */
export class Histogram {
  readonly #buckets = new Uint32Array((33 - STEPS_LOG2) << STEPS_LOG2);
  count = 0;
  maxNs = 0;

  add(ns: number): void {
    const value = ns > 0xffffffff ? 0xffffffff : ns >>> 0;
    this.#buckets[bucketOf(value)]++;
    this.count++;
    if (ns > this.maxNs) this.maxNs = ns;
  }

  addAll(other: Histogram): void {
    for (let i = 0; i < this.#buckets.length; i++) this.#buckets[i] += other.#buckets[i];
    this.count += other.count;
    this.maxNs = Math.max(this.maxNs, other.maxNs);
  }

  clear(): void {
    this.#buckets.fill(0);
    this.count = 0;
    this.maxNs = 0;
  }

  /** Nanoseconds below which the share `part` of all values lies; NaN without values. */
  quantile(part: number): number {
    if (!this.count) return Number.NaN;
    let left = Math.max(1, Math.ceil(this.count * part));
    for (let i = 0; i < this.#buckets.length; i++) {
      left -= this.#buckets[i];
      if (left <= 0) return Math.min(middleOf(i), this.maxNs);
    }
    return this.maxNs;
  }
}

function bucketOf(value: number): number {
  if (value < STEPS) return value;
  const shift = 31 - Math.clz32(value) - STEPS_LOG2;
  return ((shift + 1) << STEPS_LOG2) + ((value >>> shift) & (STEPS - 1));
}

function middleOf(bucket: number): number {
  if (bucket < STEPS) return bucket;
  const shift = (bucket >> STEPS_LOG2) - 1;
  return (STEPS + (bucket & (STEPS - 1)) + 0.5) * 2 ** shift;
}

/** What one stretch cost. Times in seconds. */
export interface Reading {
  ops: number;
  seconds: number;
  clientCpu: number;
  daemonCpu: number;
  latency: Histogram;
}

export class Meter {
  readonly latency = new Histogram();
  ops = 0;
  on = false;
  readonly #system: System;
  readonly #pid: number;
  #startMs = 0;
  #clientCpu = 0;
  #daemonCpu = 0;

  /** @param pid  the daemon's process, whose processor time counts */
  constructor(system: System, pid: number) {
    this.#system = system;
    this.#pid = pid;
  }

  start(): void {
    this.latency.clear();
    this.ops = 0;
    this.#clientCpu = ownCpu();
    this.#daemonCpu = this.#system.cpuSeconds(this.#pid);
    this.#startMs = performance.now();
    this.on = true;
  }

  /** Counts one operation, while the meter is on. */
  add(latencyMs: number): void {
    if (!this.on) return;
    this.ops++;
    this.latency.add(latencyMs * 1e6);
  }

  stop(): Reading {
    const seconds = (performance.now() - this.#startMs) / 1000;
    const clientCpu = ownCpu() - this.#clientCpu;
    const daemonCpu = this.#system.cpuSeconds(this.#pid) - this.#daemonCpu;
    this.on = false;
    if (!this.ops) throw new Error("nothing was measured: no operation ended in the time given");
    const latency = new Histogram();
    latency.addAll(this.latency);
    return { ops: this.ops, seconds, clientCpu, daemonCpu, latency };
  }
}

/** Processor seconds of all threads of this process so far. */
export function ownCpu(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

/** Bytes of a process's memory that are in use by it right now. */
export function residentBytes(pid: number): number {
  const status = fs.readFileSync(`/proc/${pid}/status`, "utf8");
  const found = /^VmRSS:\s+(\d+) kB$/m.exec(status);
  if (!found) throw new Error(`/proc/${pid}/status names no VmRSS`);
  return Number(found[1]) * 1024;
}
