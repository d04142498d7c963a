// Guide words: what a step does and what is to come of it, in words.
// Holds   nothing.
// Never   runs or checks anything: the engine does.
// Source  our own; model/scenario.ts.

import type { Action, Expect, Scenario, Step } from "../model/scenario.ts";

/** A line that is run: where, and what. */
export interface Line {
  readonly where: string;
  readonly text: string;
  /** For people, not for a console. */
  readonly words: boolean;
}

const line = (domid: number, text: string): Line => ({ where: `dom${domid}`, text, words: false });
const words = (text: string): Line => ({ where: "", text, words: true });

const DOMAIN_WORDS: Readonly<Record<string, string>> = {
  add: "is created",
  introduce: "is introduced to the store",
  release: "is released",
  shutdown: "shuts down",
  kill: "is destroyed",
  reboot: "reboots",
};

const RING_WORDS: Readonly<Record<string, string>> = {
  hold: "Take the ring from its kernel",
  reconnect: "Reconnect the ring",
  notify: "Raise the ring's event",
};

export function actionLine(action: Action): Line {
  switch (action.kind) {
    case "console":
      return line(action.domid, action.line);
    case "repeat":
      return line(action.domid, `${action.line}   # {i} from 1 to ${action.times}`);
    case "stop":
      return words(`Stop what runs in the console of dom${action.domid}`);
    case "domain":
      return words(`Domain ${action.domid} ${DOMAIN_WORDS[action.what] ?? action.what}`);
    case "target":
      return words(`Domain ${action.domid} gets domain ${action.target} as its target`);
    case "lens":
      if (action.domid === null) return words("Look at the tree as it is");
      return words(`Look at the tree as domain ${action.domid}`);
    case "load":
      if (action.rate === 0) return words("Stop the load");
      return words(`A load of ${action.rate.toLocaleString("en")} writes a second`);
    default:
      return ringLine(action) ?? transactionLine(action);
  }
}

function ringLine(action: Action): Line | null {
  switch (action.kind) {
    case "hold":
    case "reconnect":
    case "notify":
      return words(`${RING_WORDS[action.kind]} (domain ${action.domid})`);
    case "compose":
      return words(`Domain ${action.domid} composes ${action.type} ${action.path}`);
    case "put":
    case "take": {
      const how = action.kind === "put" ? "puts into" : "takes from";
      const what = typeof action.count === "number" ? `${action.count} bytes` : `a ${action.count}`;
      return words(`Domain ${action.domid}: ${how} its ring: ${what}`);
    }
    case "poke":
      return words(`Domain ${action.domid} sets ${action.word} of its ring to ${action.value}`);
    case "break":
      return words(`Domain ${action.domid} breaks its ring: ${action.how}`);
    default:
      return null;
  }
}

function transactionLine(action: Action): Line {
  switch (action.kind) {
    case "begin":
      return words(`Domain ${action.domid} begins transaction ${action.name}`);
    case "in":
      return { where: action.name, text: action.line, words: false };
    case "commit":
    case "abort":
    case "retry":
      return words(`Transaction ${action.name}: ${action.kind}`);
    default:
      return words(action.kind);
  }
}

/** What is to be seen when the step has run; with `code` in backquotes. */
export function expectation(expect: Expect): string {
  switch (expect.kind) {
    case "out":
      if (expect.text === "") return `dom${expect.domid} prints nothing`;
      return `dom${expect.domid} prints ${code(expect.text)}`;
    case "err":
      return `dom${expect.domid} is refused: ${code(expect.text)}`;
    case "event":
      return `dom${expect.domid} hears of ${code(expect.path)}`;
    case "noEvent":
      return `dom${expect.domid} hears nothing of ${code(expect.path)}`;
    case "value":
      return `${code(expect.path)} has the value ${code(expect.value)}`;
    case "missing":
      return `there is no ${code(expect.path)}`;
    case "commit":
      return expect.result === ""
        ? "the commit is carried out"
        : `the commit fails with ${code(expect.result)}`;
    case "ringError":
      return expect.error === 0
        ? `the ring of dom${expect.domid} is served`
        : `the ring of dom${expect.domid} has error ${expect.error}`;
    case "events":
      return `a change of ${code(expect.path)} causes at least ${expect.atLeast} events`;
  }
}

const MOST = 160;

function code(text: string): string {
  const short = text.length > MOST ? `${text.slice(0, MOST)}…` : text;
  return `\`${short.replaceAll("`", "'")}\``;
}

/** Words of the button that runs a step: those before it that were left out run, too. */
export function runWords(step: number, done: number): string {
  if (step < done) return "Run it again";
  return step === done ? "Run this step" : `Run steps ${done + 1} to ${step + 1}`;
}

/** Scenarios by their groups, in the order in which the groups come first. */
export function grouped(scenarios: readonly Scenario[]): [string, Scenario[]][] {
  const groups = new Map<string, Scenario[]>();
  for (const one of scenarios) groups.set(one.group, [...(groups.get(one.group) ?? []), one]);
  return [...groups];
}

/** The step with which a session goes on: the first that has not been run. */
export function nextStep(steps: readonly Step[], done: number): number {
  return Math.max(0, Math.min(done, steps.length - 1));
}
