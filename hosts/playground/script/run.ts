// Run: runs one script in this worker, and tells the page what becomes of it.
// Holds   whether the script's last line has run, and whether it is over.
// Never   runs a second one: each gets a worker of its own.
// Source  our own.

import type { FromScript, ToScript } from "../model/script.ts";
import { confine } from "./confine.ts";
import { consoleOn, Output } from "./console.ts";
import { formatLine, framesOf, headOf, inspect, placesOf } from "./inspect.ts";
import { ScriptLife } from "./life.ts";

export const life = new ScriptLife();

const later = setTimeout.bind(globalThis);
const post = (globalThis as unknown as { postMessage: (...args: unknown[]) => void }).postMessage;

/** Tells the page something; what is transferred goes along. */
export function tellPage(message: FromScript, transfer: Transferable[] = []): void {
  post.call(globalThis, message, transfer);
}

const output = new Output(tellPage);
let ran = false;
let over = false;
let address = "";

/** Waits for the page to say which module is to be run. */
export function awaitScript(): void {
  addEventListener("message", heard);
}

function heard({ data }: MessageEvent): void {
  removeEventListener("message", heard);
  address = (data as ToScript).run;
  placesOf(address);
  Object.assign(console, consoleOn(output));
  addEventListener("error", (event) => {
    event.preventDefault();
    fail(event.error ?? new Error(event.message), placeOf(event));
  });
  addEventListener("unhandledrejection", (event) => {
    event.preventDefault();
    fail(event.reason, null);
  });
  life.countTimers(globalThis);
  life.onChange = look;
  start();
}

async function start(): Promise<void> {
  try {
    confine(globalThis);
    await import(address);
    ran = true;
    look();
  } catch (error) {
    fail(error, null);
  }
}

/** Looks whether it is over: not at once, since what follows may open something. */
function look(): void {
  if (!ran || over) return;
  later(() => {
    if (over) return;
    const { connections, timers } = life;
    output.flush();
    if (connections + timers > 0) tellPage({ waiting: { connections, timers } });
    else end("finished");
  }, 0);
}

function end(how: "finished" | "failed" | "syntax"): void {
  over = true;
  output.flush();
  tellPage({ end: how });
}

/** An error that nobody has caught ends the script, as it does in Node. */
function fail(error: unknown, place: string | null): void {
  if (over) return;
  const syntax = error instanceof SyntaxError && framesOf(error).length === 0;
  const where = syntax ? (place ?? syntaxPlace(error)) : place;
  const known = error instanceof Error && framesOf(error).length > 0;
  const text = error instanceof Error ? inspect(error) : `Thrown: ${inspect(error)}`;
  const first = error instanceof Error ? headOf(error) : text;
  const line = where === null || known ? text : `${first}\n    at ${where}`;
  output.print("uncaught", formatLine(["%s", line]));
  end(syntax && where === null ? "syntax" : "failed");
}

/** Where an error event says it was, if that is in the script. */
function placeOf(event: ErrorEvent): string | null {
  if (event.filename !== address || !event.lineno) return null;
  return `script:${event.lineno}:${event.colno}`;
}

/** Where the script can't be read. Browsers tell in ways of their own, or not at all. */
function syntaxPlace(error: SyntaxError): string | null {
  const told = error as {
    lineNumber?: number;
    columnNumber?: number;
    line?: number;
    column?: number;
  };
  const line = told.lineNumber ?? told.line;
  if (line) return `script:${line}:${told.columnNumber ?? told.column ?? 1}`;
  let place: string | null = null;
  const hear = (event: ErrorEvent) => {
    event.preventDefault();
    event.stopImmediatePropagation();
    place = placeOf(event);
  };
  addEventListener("error", hear, { capture: true });
  over = true;
  reportError(error);
  over = false;
  removeEventListener("error", hear, { capture: true });
  return place;
}
