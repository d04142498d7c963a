// Options: the command line of the bench.
// Holds   names, defaults and the text of --help.
// Never   accepts what it doesn't know.
// Source  our own.

import { tmpdir } from "node:os";
import { parseArgs } from "node:util";
import { CORE_WORKLOADS } from "./core.ts";
import { DURABILITIES, type Durability, PEERS } from "./peers.ts";
import type { Pin } from "./run.ts";
import { WORKLOADS } from "./workload.ts";

export interface Options {
  help: boolean;
  markdown: boolean;
  smoke: boolean;
  workloads: string[];
  peers: string[];
  rounds: number;
  seconds: number;
  warmup: number;
  loadSeconds: number;
  durability: Durability;
  /** Where the daemons' folders lie. */
  folder: string;
  pin: Pin;
  cpu: number | null;
  out: string;
  /** Socket of the server of fixed answers that this process is to be; else null. */
  floor: string | null;
}

const PINS = ["same", "split", "none"];

/** Reads the command line. Throws an Error that names the option, the value and what is allowed. */
export function parseOptions(args: string[]): Options {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      help: { type: "boolean", short: "h", default: false },
      markdown: { type: "boolean", short: "m", default: false },
      smoke: { type: "boolean", default: false },
      peers: { type: "string", short: "p", default: "c,ocaml,ours" },
      rounds: { type: "string", short: "r", default: "5" },
      seconds: { type: "string", short: "t", default: "0.5" },
      warmup: { type: "string", short: "w", default: "0.1" },
      "load-seconds": { type: "string", default: "30" },
      durability: { type: "string", short: "d", default: "process" },
      folder: { type: "string", short: "f", default: tmpdir() },
      pin: { type: "string", default: "same" },
      cpu: { type: "string" },
      out: { type: "string", short: "o", default: "build/bench/figures.jsonl" },
      floor: { type: "string" },
    },
  });
  const { pin, durability, folder } = values;
  if (!DURABILITIES.includes(durability)) {
    throw new Error(`--durability: "${durability}" is none of ${DURABILITIES.join(", ")}`);
  }
  if (!PINS.includes(pin)) throw new Error(`--pin: "${pin}" is none of ${PINS.join(", ")}`);
  return {
    help: values.help,
    markdown: values.markdown,
    smoke: values.smoke,
    workloads: chosen(positionals),
    peers: values.peers.split(",").filter((name) => name !== ""),
    rounds: numeric("--rounds", values.rounds, 1, 1000, true),
    seconds: numeric("--seconds", values.seconds, 0.01, 600, false),
    warmup: numeric("--warmup", values.warmup, 0, 600, false),
    loadSeconds: numeric("--load-seconds", values["load-seconds"], 0.1, 3600, false),
    durability: durability as Durability,
    folder,
    pin: pin as Pin,
    cpu: values.cpu === undefined ? null : numeric("--cpu", values.cpu, 0, 1023, true),
    out: values.out,
    floor: values.floor ?? null,
  };
}

/** Names, or beginnings of names such as "pipelined"; none means all. */
function chosen(words: string[]): string[] {
  const names = [...WORKLOADS, ...CORE_WORKLOADS].map((workload) => workload.name);
  if (!words.length) return names;
  return words.flatMap((word) => {
    const exact = names.filter((name) => name === word);
    const begun = exact.length ? exact : names.filter((name) => name.startsWith(word));
    if (begun.length) return begun;
    throw new Error(`workload "${word}" is none of ${names.join(", ")}`);
  });
}

function numeric(name: string, text: string, low: number, high: number, whole: boolean): number {
  const value = text.trim() === "" ? Number.NaN : Number(text);
  const legal = value >= low && value <= high && (!whole || Number.isInteger(value));
  if (legal) return value;
  throw new Error(`${name}: "${text}" is not a ${whole ? "whole " : ""}number, ${low} to ${high}`);
}

/** The text of --help. */
export function helpText(): string {
  const list = (entries: [string, string][]) =>
    entries.map(([name, about]) => `  ${name.padEnd(18)}${about}`).join("\n");
  const workloads = [...WORKLOADS, ...CORE_WORKLOADS].map(({ name, about }) => [name, about]);
  return `npm run bench -- [options] [workload...]

Measures this project's daemon beside Xen's own, in turn, on one processor.
Without workloads all are measured, which takes about ten minutes; a beginning
of a name chooses all that begin so. Prints a table, and writes one line of
JSON for each figure.

workloads:
${list(workloads as [string, string][])}

peers:
${list(Object.entries(PEERS))}
  name=socket       any other daemon that runs already and has a Unix socket

options:
  -p, --peers LIST      who takes part, the first is what ratios refer to
                        (c,ocaml,ours; those that this machine lacks are named)
  -r, --rounds N        rounds of each workload (5)
  -t, --seconds S       measured time of one round (0.5)
  -w, --warmup S        time before it that does not count (0.1)
      --load-seconds S  longest time to fill one daemon with nodes (30)
  -d, --durability HOW  what our daemon stores before it answers: off, process
                        (written), disk (synced, too); Xen's store nothing (process)
  -f, --folder DIR      where the daemons' folders lie, which should be on a disk
                        (${tmpdir()})
      --pin HOW         same: generator and daemons on one processor (same);
                        split: on two; none: where the scheduler puts them
      --cpu N           the daemons' processor (the last one)
      --smoke           tiny counts, one round: shows that it works, not how fast
  -m, --markdown        the table as Markdown
  -o, --out FILE        where the JSON goes (build/bench/figures.jsonl)
  -h, --help            this text

columns: "ratio" is to the first peer, above 1 is better. "ratio (cpu)" compares
the rates for one second of processor time of daemon and generator together, and
moves least when others use the machine. "daemon us" is the daemon's processor
time for one operation, "client cpu" the generator's part of the time.`;
}
