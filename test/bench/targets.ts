// Targets: the speed and size that this project promises, and whether a run shows them.
// Holds   the numbers promised; each is worked out from the figures of one run.
// Never   takes a figure from another run, and never calls a target met that was not measured.
// Source  our own.

import type { Figure } from "./figures.ts";
import type { Durability } from "./peers.ts";
import { layOut, median, number, ratio } from "./report.ts";

const OURS = "ours";
const C = "c";

interface Target {
  text: string;
  want: string;
  /** Promised only where changes are stored so. */
  durability?: Durability | undefined;
  /** What the run shows: a number and whether it is enough; null when it was not measured. */
  show(find: Find): { measured: string; met: boolean } | null;
}

type Find = (peer: string, workload: string, figure: string) => Figure | undefined;

const TARGETS: Target[] = [
  timesC("READ, one client, one outstanding", "pingpong-read", 1.2),
  timesC("WRITE, one client, one outstanding, nothing stored", "pingpong-write", 1.2, "off"),
  timesC("WRITE, one client, one outstanding, stored", "pingpong-write", 1, "process"),
  timesC("32 clients, 80/20, nothing stored", "clients-32", 1.2, "off"),
  timesC("READ, 32 outstanding", "pipelined-read", 8),
  timesC("WRITE, 32 outstanding, nothing stored", "pipelined-write", 8, "off"),
  timesC("WRITE, 32 outstanding, stored", "pipelined-write", 5, "process"),
  {
    text: "WRITE of 64 clients, synced, to WRITE of one",
    want: "10 ×",
    durability: "disk",
    show(find) {
      const [many, one] = ["64 clients", "one client"].map((name) => find(OURS, "writers", name));
      if (!many || !one) return null;
      const times = median(many.values) / median(one.values);
      return { measured: `${number(times)} ×`, met: times >= 10 };
    },
  },
  longest("request while a snapshot is written", "compaction", "longest wait", 20),
  longest("start with 1,000,000 nodes", "restart", "start", 3000),
  longest("request during a live update, 200 clients", "live-update", "longest wait", 300),
  share(
    "WRITE with 20,000 unrelated watches of 200 clients, to WRITE without",
    "watch-scale",
    ["WRITE, many watches", "WRITE, no watches"],
    0.8,
  ),
  {
    text: "1,000,000 nodes of 16 bytes, over the idle daemon",
    want: "at most 120 bytes a node",
    show(find) {
      const figure = find(OURS, "nodes", "memory for each node");
      if (!figure) return null;
      const bytes = median(figure.values);
      return { measured: `${number(bytes)} bytes`, met: bytes <= 120 };
    },
  },
  share(
    "READ with 1,000,000 nodes, to READ with 1,000",
    "nodes",
    ["READ, many nodes", "READ, few nodes"],
    0.9,
  ),
  rate("awaited reads of the client, one by one", "client", "reads, one by one", 20_000),
  rate("awaited reads of the client, 64 at once", "client", "reads, 64 at once", 300_000),
  share(
    "the client's reads, 64 at once, to a bare echo",
    "client",
    ["reads, 64 at once", "bare echo, 64 at once"],
    0.6,
  ),
  rate("awaited reads in one process", "client-local", "reads, 64 at once", 1_000_000),
];

/** So many in a second. */
function rate(text: string, workload: string, name: string, want: number): Target {
  return {
    text,
    want: `${number(want)} /s`,
    show(find) {
      const figure = find(OURS, workload, name);
      if (!figure) return null;
      const perSecond = median(figure.values);
      return { measured: `${number(perSecond)} /s`, met: perSecond >= want };
    },
  };
}

/** The worst of all rounds, in milliseconds. */
function longest(text: string, workload: string, name: string, want: number): Target {
  return {
    text,
    want: `at most ${want} ms`,
    show(find) {
      const figure = find(OURS, workload, name);
      if (!figure) return null;
      const ms = Math.max(...figure.values);
      return { measured: `${number(ms)} ms`, met: ms <= want };
    },
  };
}

function timesC(text: string, workload: string, want: number, durability?: Durability): Target {
  return {
    text,
    want: `${want} × C`,
    durability,
    show(find) {
      const ours = find(OURS, workload, "requests");
      const c = find(C, workload, "requests");
      if (!ours || !c) return null;
      const times = ratio(ours.unit, ours.values, c.values);
      return { measured: `${number(times)} × C`, met: times >= want };
    },
  };
}

/**
 * Two rates of our own, compared round by round. Both are for one second of processor time: what
 * others do on the machine may change between the two, and it is a matter of a few percent.
 */
function share(text: string, workload: string, names: [string, string], want: number): Target {
  return {
    text,
    want: `${want * 100} %`,
    show(find) {
      const [part, whole] = names.map((name) => find(OURS, workload, name));
      if (!part || !whole) return null;
      const shares = part.perCpu.map((value, round) => value / whole.perCpu[round]);
      return { measured: `${Math.round(median(shares) * 100)} %`, met: median(shares) >= want };
    },
  };
}

/**
 * The targets that these figures speak of, or null when they speak of none.
 * @param durability  how our daemon has stored changes
 */
export function verdicts(
  figures: Figure[],
  markdown: boolean,
  durability: Durability = "process",
): string | null {
  const find: Find = (peer, workload, name) =>
    figures.find((f) => f.peer === peer && f.workload === workload && f.name === name);
  const rows = TARGETS.flatMap((target) => {
    if (target.durability && target.durability !== durability) return [];
    const shown = target.show(find);
    return shown ? [[target.text, target.want, shown.measured, shown.met ? "yes" : "no"]] : [];
  });
  if (!rows.length) return null;
  return layOut(["target", "wanted", "measured", "met"], rows, markdown);
}
