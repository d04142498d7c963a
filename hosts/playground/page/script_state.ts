// Script state: the script's text, the worker that runs it, and what it has printed.
// Holds   the text as it was saved last, at most one worker.
// Never   runs a script by itself, whoever sent it; never believes what a worker posts.
// Source  our own; "The playground" in ARCHITECTURE.md.

import { batch, effect, signal } from "@preact/signals";
import type { FromScript, OutputKind } from "../model/script.ts";
import { EXAMPLES } from "./script_examples.ts";
import { ImportProblem, type Place, type Prepared } from "./script_place.ts";
import { call, seen } from "./state.ts";

export type RunState =
  | { readonly state: "idle" | "starting" | "running" | "finished" | "failed" | "stopped" }
  | { readonly state: "waiting"; readonly connections: number; readonly timers: number };

/** A piece of a line: text, or a place in the script. */
export type Piece = string | { readonly place: Place };

export interface ShownLine {
  readonly id: number;
  readonly kind: OutputKind;
  readonly ms: number;
  readonly pieces: readonly Piece[];
}

export const run = signal<RunState>({ state: "idle" });
export const output = signal<readonly ShownLine[]>([]);
/** Lines that were printed and are not shown, since there were too many. */
export const leftOut = signal(0);
/** The text, when it was put there by something else than the editor. */
export const given = signal("");
/** Where the last error was. */
export const badPlace = signal<Place | null>(null);

const LINES = 500;
const SAVE_MS = 400;
const DOMID_MAX = 0x7fef;
const KINDS: readonly string[] = ["log", "info", "debug", "warn", "error", "uncaught"];

let text = "";
let unsaved: ReturnType<typeof setTimeout> | null = null;
let lineCount = 0;

export const scriptText = () => text;

/** The editor has another text: it is saved soon. */
export function edited(next: string): void {
  if (next === text) return;
  text = next;
  badPlace.value = null;
  if (unsaved !== null) clearTimeout(unsaved);
  unsaved = setTimeout(save, SAVE_MS);
}

/** Saves what was not saved yet. */
export function save(): void {
  if (unsaved === null) return;
  clearTimeout(unsaved);
  unsaved = null;
  call("session.script", { text }).catch(() => {});
}

let session = "";
effect(() => {
  const now = seen.session.value;
  if (!now || now.id === session) return;
  session = now.id;
  if (unsaved !== null) clearTimeout(unsaved);
  unsaved = null;
  stop();
  run.value = { state: "idle" };
  clear();
  text = now.script === "" ? EXAMPLES[0].text : now.script;
  given.value = text;
});

/** A run: its worker, and what belongs to it. */
interface Run {
  readonly worker: Worker;
  readonly addresses: readonly string[];
  readonly prepared: Prepared;
  readonly source: string;
}

let current: Run | null = null;
/** Counts starts: one that was overtaken while its parts were loaded does not run. */
let starts = 0;

/** Runs the text; what ran before is stopped. */
export async function start(): Promise<void> {
  if (session === "") return;
  end();
  save();
  clear();
  const mine = ++starts;
  const source = text;
  run.value = { state: "starting" };
  try {
    const { prepare } = await import("./script_module.ts");
    if (mine !== starts) return;
    const library = new URL("./script.js", import.meta.url).href;
    current = launch(source, prepare(source, library), library);
    run.value = { state: "running" };
  } catch (error) {
    if (mine !== starts) return;
    run.value = { state: "failed" };
    const message = error instanceof Error ? error.message : String(error);
    const place = error instanceof ImportProblem ? error.place : null;
    badPlace.value = place;
    print("uncaught", 0, place ? [message, "\n    at ", { place }] : [message]);
  }
}

/**
 * The worker begins with a blob, not with the address of script.js: so it inherits the page's
 * content security policy on every server, and nothing it does leaves the browser.
 */
function launch(source: string, prepared: Prepared, library: string): Run {
  const blob = (code: string) => URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
  const boot = blob(`import ${JSON.stringify(library)};`);
  const module = blob(prepared.code);
  const worker = new Worker(boot, { type: "module", name: "script" });
  const started: Run = { worker, addresses: [boot, module], prepared, source };
  const mine = (then: () => void) => () => {
    if (current === started) then();
  };
  worker.addEventListener("message", ({ data }) => mine(() => heard(started, data))());
  worker.addEventListener("error", (event) => {
    event.preventDefault();
    mine(() => {
      print("uncaught", 0, [event.message || "The script could not be started: reload the page."]);
      end();
      run.value = { state: "failed" };
    })();
  });
  worker.postMessage({ run: module });
  return started;
}

/** Ends the script at once, whatever it does. */
export function stop(): void {
  starts++;
  const ran = current !== null || run.value.state === "starting";
  end();
  if (ran) run.value = { state: "stopped" };
}

function end(): void {
  if (!current) return;
  flush();
  current.worker.terminate();
  for (const address of current.addresses) URL.revokeObjectURL(address);
  current = null;
}

function heard(from: Run, data: unknown): void {
  if (typeof data !== "object" || data === null) return;
  const message = data as Partial<Record<string, unknown>>;
  if (Array.isArray(message.lines)) printed(from, message.lines, Number(message.dropped) || 0);
  else if (message.clear === true) clear();
  else if (message.port instanceof MessagePort) hand(message.port, Number(message.domid));
  else if (message.waiting) {
    const { connections, timers } = message.waiting as { connections: unknown; timers: unknown };
    const [open, due] = [Number(connections), Number(timers)];
    run.value = { state: "waiting", connections: open, timers: due };
  } else if (typeof message.end === "string") over(from, message.end as FromScriptEnd);
}

type FromScriptEnd = Extract<FromScript, { end: string }>["end"];

function hand(port: MessagePort, domid: number): void {
  if (!Number.isInteger(domid) || domid < 0 || domid > DOMID_MAX) {
    port.close();
    return;
  }
  call("script.port", { port, domid }, [port]).catch((error: Error) => {
    print("error", 0, [`Domain ${domid}: ${error.message}`]);
  });
}

async function over(from: Run, how: FromScriptEnd): Promise<void> {
  end();
  run.value = { state: how === "finished" ? "finished" : "failed" };
  if (how !== "syntax") return;
  // The browser did not say where: the editor's own grammar has an opinion.
  const { syntaxPlace } = await import("./script_module.ts");
  const place = syntaxPlace(from.source);
  if (!place || current) return;
  badPlace.value = place;
  print("uncaught", 0, ["    at ", { place }]);
}

function printed(from: Run, lines: readonly unknown[], dropped: number): void {
  missing += dropped + Math.max(0, lines.length - LINES);
  for (const one of lines.slice(-LINES)) {
    if (typeof one !== "object" || one === null) continue;
    const { kind, ms, text: said } = one as { kind?: unknown; ms?: unknown; text?: unknown };
    if (typeof said !== "string" || !KINDS.includes(String(kind))) continue;
    const pieces = piecesOf(said, from.prepared);
    if (kind === "uncaught") {
      const first = pieces.find((piece) => typeof piece !== "string");
      if (first && typeof first !== "string") badPlace.value = first.place;
    }
    print(kind as OutputKind, Number(ms) || 0, pieces);
  }
}

/** A text with its places apart, as they are in the text that was written. */
function piecesOf(said: string, { original }: Prepared): Piece[] {
  if (!said.includes("script:")) return [said];
  const pieces: Piece[] = [];
  let at = 0;
  for (const found of said.matchAll(/\bscript:(\d{1,7}):(\d{1,7})/g)) {
    pieces.push(said.slice(at, found.index));
    pieces.push({ place: original({ line: Number(found[1]), column: Number(found[2]) }) });
    at = found.index + found[0].length;
  }
  pieces.push(said.slice(at));
  return pieces;
}

/** What is to be shown with the next frame. */
let due: ShownLine[] = [];
let frame = 0;
let missing = 0;

function print(kind: ShownLine["kind"], ms: number, pieces: readonly Piece[]): void {
  due.push({ id: ++lineCount, kind, ms, pieces });
  if (due.length > 2 * LINES) missing += due.splice(0, LINES).length;
  if (frame === 0) frame = requestAnimationFrame(flush);
}

function flush(): void {
  cancelAnimationFrame(frame);
  frame = 0;
  if (due.length === 0) return;
  const all = [...output.value, ...due];
  missing += Math.max(0, all.length - LINES);
  due = [];
  batch(() => {
    output.value = all.slice(-LINES);
    leftOut.value = missing;
  });
}

/** Empties the output. */
export function clear(): void {
  due = [];
  missing = 0;
  leftOut.value = 0;
  output.value = [];
  badPlace.value = null;
}
