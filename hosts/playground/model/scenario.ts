// Scenario: a guided story: what the store holds at its start, and steps to run and to watch.
// Holds   the form of a scenario.
// Never   does anything: the engine runs the steps, the page shows the text.
// Source  our own.

import type { RingFault, RingWords } from "./protocol.ts";

/** The views there are, by name. */
export type ViewName =
  | "domains"
  | "packets"
  | "timeline"
  | "transactions"
  | "ring"
  | "quotas"
  | "script"
  | "share";

export interface Scenario {
  readonly id: string;
  readonly title: string;
  /** One sentence for the list. */
  readonly summary: string;
  /** What a reader learns; a heading for groups: "First steps", "Devices", "Trouble", "Security". */
  readonly group: string;
  readonly setup: Setup;
  readonly steps: readonly Step[];
}

export interface Setup {
  /** What `xenstore-ls -fp` would print; nodes above are made as needed. */
  readonly tree?: string;
  readonly domains: readonly {
    readonly domid: number;
    readonly name: string;
    /** `own`: an empty home that it owns; `xl`: what xl makes; `none`: nothing. */
    readonly home?: "own" | "xl" | "none";
    readonly target?: number;
  }[];
  readonly quota?: Readonly<Record<string, number>>;
  readonly script?: string;
}

export interface Step {
  readonly title: string;
  /** Paragraphs; `code` in backquotes. */
  readonly text: readonly string[];
  readonly do: readonly Action[];
  /** What is brought into view before it runs. */
  readonly show?: { readonly view?: ViewName; readonly domid?: number; readonly path?: string };
  /** What has come true when it has run: shown as met or not, and checked by tests. */
  readonly expect: readonly Expect[];
}

export type Action =
  /** A line in a domain's console; a watch is waited for until it is set, others until they end. */
  | { readonly kind: "console"; readonly domid: number; readonly line: string }
  | { readonly kind: "stop"; readonly domid: number }
  | {
      readonly kind: "domain";
      readonly what: "add" | "introduce" | "release" | "shutdown" | "kill" | "reboot";
      readonly domid: number;
      readonly name?: string;
      readonly home?: "own" | "xl";
    }
  | { readonly kind: "target"; readonly domid: number; readonly target: number }
  | { readonly kind: "hold" | "reconnect" | "notify"; readonly domid: number }
  | {
      readonly kind: "compose";
      readonly domid: number;
      readonly type: string;
      readonly path: string;
      readonly value: string;
    }
  | {
      readonly kind: "put" | "take";
      readonly domid: number;
      readonly count: number | "header" | "message";
    }
  | {
      readonly kind: "poke";
      readonly domid: number;
      readonly word: keyof RingWords;
      readonly value: number;
    }
  | { readonly kind: "break"; readonly domid: number; readonly how: RingFault }
  /** A transaction of the page: `name` names it within the scenario. */
  | { readonly kind: "begin"; readonly name: string; readonly domid: number }
  | { readonly kind: "in"; readonly name: string; readonly line: string }
  | { readonly kind: "commit" | "abort" | "retry"; readonly name: string }
  | { readonly kind: "load"; readonly rate: number }
  | { readonly kind: "lens"; readonly domid: number | null }
  /** Many small writes or other lines: `{i}` in `line` counts from 1 to `times`. */
  | {
      readonly kind: "repeat";
      readonly domid: number;
      readonly line: string;
      readonly times: number;
    };

export type Expect =
  /** The last command of the step in this console printed this (without the newline). */
  | { readonly kind: "out"; readonly domid: number; readonly text: string }
  | { readonly kind: "err"; readonly domid: number; readonly text: string }
  /** A console of this domain has shown this path as an event of a watch while the step ran. */
  | { readonly kind: "event"; readonly domid: number; readonly path: string }
  /** No console of this domain has shown this path as an event while the step ran. */
  | { readonly kind: "noEvent"; readonly domid: number; readonly path: string }
  | { readonly kind: "value"; readonly path: string; readonly value: string }
  | { readonly kind: "missing"; readonly path: string }
  /** The step's last commit ended so: "" or a code. */
  | { readonly kind: "commit"; readonly result: string }
  | { readonly kind: "ringError"; readonly domid: number; readonly error: number }
  /** The last change to a node at or below this path caused at least so many events. */
  | { readonly kind: "events"; readonly path: string; readonly atLeast: number };
