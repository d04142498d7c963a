// Console: what a script prints, on its way to the page.
// Holds   what was printed and not posted yet.
// Never   posts more than the page can show: what is too much is left out and counted.
// Source  our own; the Console standard.

import type { FromScript, OutputKind, OutputLine } from "../model/script.ts";
import { formatLine, inspect } from "./inspect.ts";

/** Posted at most so often, and at most so many lines and characters each time. */
const EVERY_MS = 50;
const LINES = 500;
const CHARACTERS = 200_000;

export class Output {
  #post: (message: FromScript) => void;
  #start = performance.now();
  #lines: OutputLine[] = [];
  #characters = 0;
  #dropped = 0;
  #last = Number.NEGATIVE_INFINITY;
  #due = false;
  /** The real one: a script may put another in its place. */
  #later = setTimeout.bind(globalThis);

  constructor(post: (message: FromScript) => void) {
    this.#post = post;
  }

  print(kind: OutputKind, text: string): void {
    const now = performance.now();
    this.#lines.push({ kind, ms: now - this.#start, text });
    this.#characters += text.length;
    while (
      this.#lines.length > LINES ||
      (this.#characters > CHARACTERS && this.#lines.length > 1)
    ) {
      this.#characters -= (this.#lines.shift() as OutputLine).text.length;
      this.#dropped++;
    }
    // Not by a timer alone: a loop without end never lets one run.
    if (now - this.#last >= EVERY_MS) this.flush();
    else if (!this.#due) {
      this.#due = true;
      this.#later(() => this.flush(), EVERY_MS);
    }
  }

  clear(): void {
    this.#lines = [];
    this.#characters = 0;
    this.#dropped = 0;
    this.#post({ clear: true });
  }

  flush(): void {
    this.#due = false;
    if (this.#lines.length === 0) return;
    this.#last = performance.now();
    this.#post({ lines: this.#lines, dropped: this.#dropped });
    this.#lines = [];
    this.#characters = 0;
    this.#dropped = 0;
  }
}

/** The methods of `console` that print into an output. */
export function consoleOn(output: Output): Record<string, (...values: unknown[]) => void> {
  let indent = "";
  const counts = new Map<string, number>();
  const timers = new Map<string, number>();
  const print = (kind: OutputKind, values: readonly unknown[]) => {
    output.print(kind, indent + formatLine(values).replaceAll("\n", `\n${indent}`));
  };
  const to =
    (kind: OutputKind) =>
    (...values: unknown[]) =>
      print(kind, values);
  const passed = (label: unknown = "default", ...values: unknown[]) => {
    const since = timers.get(`${label}`);
    if (since === undefined) return print("warn", [`There is no timer ${label}`]);
    const ms = (performance.now() - since).toFixed(2);
    print("log", [`${label}: ${ms} ms`, ...values]);
  };
  return {
    log: to("log"),
    info: to("info"),
    debug: to("debug"),
    warn: to("warn"),
    error: to("error"),
    table: to("log"),
    dir: (value) => print("log", [typeof value === "string" ? inspect(value) : value]),
    trace: (...values) => print("log", [new Error(formatLine(values))]),
    assert: (fine, ...values) => {
      if (!fine) print("error", ["Assertion failed:", ...values]);
    },
    count: (label = "default") => {
      counts.set(`${label}`, (counts.get(`${label}`) ?? 0) + 1);
      print("log", [`${label}: ${counts.get(`${label}`)}`]);
    },
    countReset: (label = "default") => void counts.delete(`${label}`),
    time: (label = "default") => void timers.set(`${label}`, performance.now()),
    timeLog: passed,
    timeEnd: (label = "default") => {
      passed(label);
      timers.delete(`${label}`);
    },
    group: (...values) => {
      if (values.length > 0) print("log", values);
      indent += "  ";
    },
    groupCollapsed: (...values) => {
      if (values.length > 0) print("log", values);
      indent += "  ";
    },
    groupEnd: () => {
      indent = indent.slice(2);
    },
    clear: () => output.clear(),
  };
}
