// Core: what a message costs inside the module, in this process, without any host.
// Holds   the workloads whose names begin with core; times are processor times.
// Never   compares with another daemon: there is nothing like it in them.
// Source  our own.

import {
  XS_READ,
  XS_RM,
  XS_TRANSACTION_END,
  XS_TRANSACTION_START,
  XS_WRITE,
} from "../../assembly/xs_wire.ts";
import { STAT_BYTES, STAT_MEMORY, STAT_NODES } from "../core.ts";
import { type Request, request } from "./connection.ts";
import { CoreClient, coreMissing } from "./core_client.ts";
import { Figures } from "./figures.ts";
import { ownCpu } from "./meter.ts";
import { Random, SEED } from "./random.ts";
import type { Outcome } from "./run.ts";
import { type Numbered, numbered } from "./workload/nodes.ts";
import { VALUE16 } from "./workload/pingpong.ts";

export interface CoreEffort {
  rounds: number;
  /** Milliseconds of each round. */
  measureMs: number;
  smoke: boolean;
}

export interface CoreWorkload {
  name: string;
  about: string;
  /** Prepares and measures everything, `effort.rounds` times. */
  run(figures: Figures, effort: CoreEffort): void;
}

export const CORE_WORKLOADS: CoreWorkload[] = [
  {
    name: "core-messages",
    about: "the core alone: READ and WRITE of 1,000 nodes, one and 32 a call",
    run(figures, effort) {
      const core = new CoreClient();
      const count = effort.smoke ? 10 : 1000;
      fill(core, count);
      messages(core, count, figures, effort);
    },
  },
  {
    name: "core-nodes",
    about: "the core alone: 1,000,000 nodes, their memory, READ and WRITE at random",
    run(figures, effort) {
      const core = new CoreClient();
      const count = effort.smoke ? 2000 : 1_000_000;
      const bytes = core.stat(STAT_BYTES);
      const nodes = core.stat(STAT_NODES);
      const memory = core.stat(STAT_MEMORY);
      const start = ownCpu();
      fill(core, count);
      figures.value("filling, 64 a call", "ns", ((ownCpu() - start) * 1e9) / count);
      const made = core.stat(STAT_NODES) - nodes;
      const note = `${made.toLocaleString("en-US")} nodes`;
      figures.value("bytes in use", "bytes", (core.stat(STAT_BYTES) - bytes) / made, { note });
      figures.value("linear memory", "bytes", (core.stat(STAT_MEMORY) - memory) / made, { note });
      messages(core, count, figures, effort);
    },
  },
  {
    name: "core-transactions",
    about: "the core alone: START and END, empty and with 10 READ and 5 WRITE",
    run: transactions,
  },
  {
    name: "core-directory",
    about: "the core alone: one more child of many, RM of 100,000 nodes",
    run: directory,
  },
];

/** Measures the workloads in this process. */
export function measureCore(
  workloads: CoreWorkload[],
  effort: CoreEffort,
  progress: (text: string) => void,
): Outcome {
  const outcome: Outcome = { figures: [], failures: [] };
  const why = workloads.length ? coreMissing() : null;
  if (why) progress(`skipped, ${workloads.map(({ name }) => name).join(", ")}: ${why}`);
  for (const workload of why ? [] : workloads) {
    progress(workload.name);
    const figures = new Figures(workload.name, "core");
    try {
      workload.run(figures, effort);
    } catch (error) {
      const reason = (error as Error).message;
      outcome.failures.push({ workload: workload.name, peer: "core", reason });
    }
    outcome.figures.push(...figures.list);
  }
  return outcome;
}

function fill(core: CoreClient, count: number): void {
  const write = numbered(XS_WRITE, VALUE16);
  for (let made = 0; made < count; ) {
    const batch = Math.min(64, count - made);
    for (let i = 0; i < batch; i++) core.put(write(made + i));
    if (core.exchange() !== batch) throw new Error("some WRITE got no reply");
    made += batch;
  }
}

function messages(core: CoreClient, count: number, figures: Figures, effort: CoreEffort): void {
  const read = numbered(XS_READ);
  const write = numbered(XS_WRITE, VALUE16);
  for (let round = 0; round < effort.rounds; round++) {
    figures.value("making a request", "ns", timed(effort, making(core, count, read)), {
      note: "part of every other figure",
    });
    for (const [name, message] of [["READ", read] as const, ["WRITE", write] as const]) {
      figures.value(`${name}, one a call`, "ns", timed(effort, many(core, count, message, 1)));
      figures.value(`${name}, 32 a call`, "ns", timed(effort, many(core, count, message, 32)));
    }
  }
}

/** A step that makes 32 requests and serves none: what the measuring itself costs. */
function making(core: CoreClient, count: number, message: Numbered) {
  const random = new Random(SEED);
  return () => {
    for (let i = 0; i < 32; i++) core.put(message(random.below(count)));
    core.discard();
    return 32;
  };
}

/** A step that serves `batch` requests for nodes at random. */
function many(core: CoreClient, count: number, message: Numbered, batch: number) {
  const random = new Random(SEED);
  return () => {
    for (let i = 0; i < batch; i++) core.put(message(random.below(count)));
    return core.exchange();
  };
}

/** Nanoseconds of processor time for one operation. @param step  returns how many it was */
function timed(effort: CoreEffort, step: () => number): number {
  const stretch = (ms: number) => {
    const start = ownCpu();
    let ops = 0;
    do {
      for (let i = 0; i < (effort.smoke ? 2 : 50); i++) ops += step();
    } while ((ownCpu() - start) * 1000 < ms);
    return ((ownCpu() - start) * 1e9) / ops;
  };
  stretch(effort.measureMs / 5);
  return stretch(effort.measureMs);
}

function transactions(figures: Figures, effort: CoreEffort): void {
  const core = new CoreClient();
  fill(core, 1000);
  const start = request(XS_TRANSACTION_START, [""]);
  const commit = request(XS_TRANSACTION_END, ["T"]);
  const abort = request(XS_TRANSACTION_END, ["F"]);
  const read = numbered(XS_READ);
  const write = numbered(XS_WRITE, VALUE16);
  const whole = (inside: number, end: Request) => () => {
    core.call(start);
    const txId = Number(core.text());
    for (let i = 0; i < inside; i++) core.call(i < 10 ? read(i) : write(i - 10), txId);
    core.call(end, txId);
    return 1;
  };
  const single = whole(0, abort);
  for (let round = 0; round < effort.rounds; round++) {
    figures.value("START and END F", "ns", timed(effort, single));
    figures.value("START and END T", "ns", timed(effort, whole(0, commit)));
    const note = "17 calls";
    figures.value("10 READ and 5 WRITE", "ns", timed(effort, whole(15, commit)), { note });
    core.call(start);
    const open = Number(core.text());
    core.call(read(0), open);
    figures.value("WRITE beside an open one", "ns", timed(effort, many(core, 1000, write, 1)));
    core.call(abort, open);
  }
}

function directory(figures: Figures, effort: CoreEffort): void {
  const core = new CoreClient();
  const child = (index: number) =>
    request(XS_WRITE, [`/bench/children/child${String(index).padStart(6, "0")}`], VALUE16);
  const remove = request(XS_RM, ["/bench/children"]);
  const step = effort.smoke ? 10 : 1000;
  const many = effort.smoke ? 50 : 100_000;
  for (let round = 0; round < effort.rounds; round++) {
    let first = 0;
    let last = 0;
    for (let made = 0; made < many; made += step) {
      const messages = Array.from({ length: step }, (_, i) => child(made + i));
      const start = ownCpu();
      for (const message of messages) core.call(message);
      last = ((ownCpu() - start) * 1e9) / step;
      if (made === step) first = last;
    }
    figures.value("creating, few children", "ns", first);
    figures.value("creating, many children", "ns", last);
    const start = ownCpu();
    core.call(remove);
    const note = `${many.toLocaleString("en-US")} nodes`;
    figures.value("RM of all", "ms", (ownCpu() - start) * 1000, { note });
  }
}
