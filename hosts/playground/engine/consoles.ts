// Consoles: a console for each domain, in which the real command line tools run.
// Holds   the number of the last command, and what watches have shown lately.
// Never   speaks for a domain but over its own ring; domain 0 has a connection for each command.
// Source  the XenStore command line.

import type { ByteStream, Client } from "../../entry/browser.ts";
import { clientStream, runTool } from "../../entry/tools.ts";
import { complete } from "./console_complete.ts";
import { filesOf } from "./console_files.ts";
import { type ConsoleCommand, HELP, parseLine } from "./console_line.ts";
import { ConsoleRun } from "./console_run.ts";
import { clientOf, type DomainEntry, entryOf, stopRuns, whyNotServed } from "./domain_entry.ts";
import type { Context } from "./engine.ts";
import type { Feature } from "./feature.ts";
import type { Session } from "./session.ts";

const LINE_MAX = 16_384;
const FAILED = 1;
const INTERRUPTED = 130;
const REPEAT_MAX = 100_000;
/** Paths that watches have shown; the oldest are forgotten. */
const SHOWN_MAX = 10_000;
type Tool = Extract<ConsoleCommand, { kind: "tool" }>;

const byContext = new WeakMap<Context, Consoles>();

/** The consoles of an engine, for whoever runs more in them than a line. */
export function consolesOf(context: Context): Consoles {
  let found = byContext.get(context);
  if (!found) {
    found = new Consoles(context);
    byContext.set(context, found);
  }
  return found;
}

export function consoleFeature(context: Context): Feature {
  const consoles = consolesOf(context);
  return {
    ops: {
      "console.run": ({ domid, line }) => consoles.start(domid, line).run,
      "console.do": async ({ domid, line }) => {
        const { run, code, out, err } = await consoles.do(domid, line);
        return { run, code, out, err };
      },
      "console.stop": ({ domid, run }) => entryOf(context.session, domid).running.get(run)?.stop(),
      "console.complete": ({ domid, line, cursor }) =>
        complete(context.session, domid, line, cursor),
    },
    closing: () => consoles.closing(),
  };
}

export class Consoles {
  /** What watches have shown, by domain, in order; whoever looks may empty it. */
  readonly shown = new Map<number, string[]>();
  readonly #context: Context;
  #last = 0;

  constructor(context: Context) {
    this.#context = context;
  }

  /** Begins a command. Errors: DomainError for a domain that is not there. */
  start(domid: number, line: string): ConsoleRun {
    const { session } = this.#context;
    const entry = entryOf(session, domid);
    const command = parseLine(line.slice(0, LINE_MAX));
    return this.#run(entry, line, async (run) => {
      if (line.length > LINE_MAX) return told(run, `A line has at most ${LINE_MAX} characters.`, 2);
      if (command.kind !== "tool") return this.#own(session, command, run);
      return this.#tool(session, entry, command, run, () => connect(session, entry, command));
    });
  }

  /** As `start`; resolves when it has ended, or, for a watch, when it is set. */
  async do(domid: number, line: string): Promise<ConsoleRun> {
    const run = this.start(domid, line);
    const command = parseLine(line);
    const watches = command.kind === "tool" && command.command === "watch";
    await (watches ? run.begun : run.ended);
    return run;
  }

  /** Runs a line again and again, `{i}` counting from 1 on, until one fails. */
  async repeat(domid: number, line: string, times: number): Promise<ConsoleRun> {
    const { session } = this.#context;
    const entry = entryOf(session, domid);
    const count = Math.max(1, Math.min(REPEAT_MAX, Math.floor(times)));
    const run = this.#run(entry, `${line}   (${count} times)`, async (run) => {
      // One connection for all of them: domain 0 would have as many as there are times.
      const shared = domid === 0 ? await session.client("xenstore, repeated") : null;
      try {
        return await this.#again(entry, run, line, count, shared);
      } finally {
        await shared?.close();
      }
    });
    await run.ended;
    return run;
  }

  /** Ends all that runs in a console. */
  stop(domid: number): Promise<void> {
    return stopRuns(entryOf(this.#context.session, domid));
  }

  async closing(): Promise<void> {
    this.shown.clear();
    for (const entry of this.#context.session.domains.values()) await stopRuns(entry);
  }

  async #again(
    entry: DomainEntry,
    run: ConsoleRun,
    line: string,
    times: number,
    shared: Client | null,
  ): Promise<number> {
    const { session } = this.#context;
    for (let i = 1; i <= times && !run.signal.aborted; i++) {
      const one = line.replaceAll("{i}", String(i));
      const command = parseLine(one);
      if (command.kind !== "tool") return this.#own(session, command, run);
      const open = async () => clientStream(shared ?? (await clientOf(session, entry)));
      const code = await this.#tool(session, entry, command, run, open);
      if (code === 0) continue;
      if (i > 1) run.print("err", `[Ended with number ${i}: ${one}]\n`);
      return code;
    }
    return run.signal.aborted ? INTERRUPTED : 0;
  }

  /** A command that its console shows from its beginning to its end. */
  #run(entry: DomainEntry, line: string, work: (run: ConsoleRun) => Promise<number>): ConsoleRun {
    const { domid, running } = entry;
    const say = this.#context.say.bind(this.#context);
    const run = new ConsoleRun(++this.#last, domid, line, (console) => say({ console }));
    running.set(run.run, run);
    this.#context.changed();
    void work(run)
      .catch((error) => told(run, error instanceof Error ? error.message : String(error), FAILED))
      .then((code) => {
        running.delete(run.run);
        run.end(code);
        this.#context.changed();
      });
    return run;
  }

  /** What is no tool. Returns the exit code. */
  #own(session: Session, command: Exclude<ConsoleCommand, Tool>, run: ConsoleRun): number {
    if (command.kind === "help") run.print("out", HELP);
    else if (command.kind === "files") run.print("out", filesOf(session).list());
    else if (command.kind === "wrong") return told(run, command.text, command.code);
    return 0;
  }

  async #tool(
    session: Session,
    entry: DomainEntry,
    { argv, command }: Tool,
    run: ConsoleRun,
    open: () => ByteStream | Promise<ByteStream>,
  ): Promise<number> {
    const why = problemOf(entry);
    if (why !== null) return told(run, why, FAILED);
    const watches = command === "watch";
    const code = await runTool(argv, {
      connect: open,
      out: (text) => {
        if (watches) this.#saw(entry.domid, text);
        run.print("out", text);
      },
      err: (text) => run.print("err", text),
      files: filesOf(session),
      signal: run.signal,
    });
    // The tool says only that its connection is lost.
    const lost = code === 0 || code === INTERRUPTED ? null : problemOf(entry);
    return lost === null ? code : told(run, lost, code);
  }

  /** A watch prints one line for each event. */
  #saw(domid: number, text: string): void {
    const shown = this.shown.get(domid) ?? [];
    this.shown.set(domid, shown);
    for (const line of text.split("\n")) if (line !== "") shown.push(line);
    if (shown.length > SHOWN_MAX) shown.splice(0, shown.length - SHOWN_MAX / 2);
  }
}

/** Why a domain's commands can't reach the store; domain 0 has no ring that could be broken. */
function problemOf(entry: DomainEntry): string | null {
  return entry.domid === 0 ? null : whyNotServed(entry);
}

async function connect(session: Session, entry: DomainEntry, { command }: Tool) {
  if (entry.domid !== 0) return clientStream(await clientOf(session, entry));
  return session.labelled(`xenstore ${command}`, () => session.store.stream());
}

/** Says why it ends. */
function told(run: ConsoleRun, text: string, code: number): number {
  run.print("err", `${text}\n`);
  return code;
}
