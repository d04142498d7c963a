// Replay: xenstore replay, a recorded trace sent to a store of its own, and what differs.
// Holds   how a trace is read and refused, and how differences are told.
// Never   talks to the store of this machine, and never loads the replaying part before it is needed.
// Source  our own; docs/tools.md describes it.

import { errorText, isXenstoreError } from "../errors.ts";
import { concat, toText } from "../wire.ts";
import { JSON_OPTION, type LocalCall, type LocalCommand } from "./command.ts";
import { ToolExit, utf8 } from "./host.ts";
import { jsonLine } from "./json.ts";

const STANDARD = "-";
/** The exit code of a trace that could not be replayed. */
const EXIT_TROUBLE = 2;

/** What replays: the testing part of the library, as far as it is used here. */
export interface Replayer<Record = unknown> {
  /** Throws an Error that names the line. */
  readTrace(text: string): Record[];
  /** Replays on a new store. */
  replay(trace: readonly Record[]): Promise<ReplayReport>;
}

/** What came of it; the library says it in detail. */
export interface ReplayReport {
  readonly requests: number;
  readonly replies: number;
  readonly events: number;
  readonly merged: number;
  readonly unread: number;
  readonly shutdowns: number;
  readonly differences: readonly {
    readonly conn: string;
    /** Index of the record; -1: of none. */
    readonly at: number;
    readonly recorded: string | null;
    readonly got: string | null;
  }[];
}

export const replay: LocalCommand = {
  usage: "[-h] [--json] FILE",
  accepts: "",
  extra: [JSON_OPTION],
  strict: true,
  fits: (count) => count === 1,
  async runAlone(call) {
    const [file] = call.operands;
    const text = await read(call, file);
    const replayer = await call.host.replayer?.();
    if (replayer === undefined) throw trouble(call, "traces can't be replayed here");
    const trace = parse(call, file, text, replayer);
    const report = await replayer.replay(trace);
    const lines = linesOf(text);
    if (call.json) tellJson(call, report, lines);
    else tell(call, report, lines);
    if (report.differences.length > 0) throw new ToolExit(1);
  },
};

async function read(call: LocalCall, file: string): Promise<string> {
  const pieces: Uint8Array[] = [];
  try {
    for await (const piece of call.host.pieces(file)) pieces.push(piece);
  } catch (error) {
    if (!isXenstoreError(error)) throw error;
    throw trouble(call, `${nameOf(file)} can't be read: ${errorText(error.code)}`);
  }
  return toText(concat(pieces));
}

function parse(call: LocalCall, file: string, text: string, replayer: Replayer): unknown[] {
  let trace: unknown[];
  try {
    trace = replayer.readTrace(text);
  } catch (error) {
    const { message } = error as Error;
    const broken = Number(/^line (\d+) /.exec(message)?.[1]);
    // Who was stopped while it wrote leaves half a line, and no newline.
    const half = !text.endsWith("\n") && broken === text.split("\n").length;
    const advice = half ? "; the trace ends in the middle of this line: remove it" : "";
    throw trouble(call, `${nameOf(file)}: ${utf8(message)}${advice}`);
  }
  if (trace.length === 0) throw trouble(call, `${nameOf(file)} holds no line of a trace`);
  return trace;
}

function tell(call: LocalCall, report: ReplayReport, lines: readonly number[]): void {
  const { requests, merged, unread, shutdowns, differences } = report;
  const lacking = { replies: report.replies, events: report.events };
  for (const { recorded } of differences) {
    if (recorded !== null) lacking[isEvent(recorded) ? "events" : "replies"] -= 1;
  }
  const came = `${count(lacking.replies, "reply")} and ${count(lacking.events, "event")}`;
  const differ = differences.length === 0 ? "" : `; ${differences.length} differ`;
  call.print(`${count(requests, "request")}, ${came} as recorded${differ}\n`);
  const notes = [
    [shutdowns, "shutdown", "taken from @releaseDomain, for which there is no other reason"],
    [merged, "event", "more than recorded, where the recorded store had made one of two alike"],
    [unread, "message", "more behind the end of what was recorded"],
  ] as const;
  for (const [number, what, text] of notes) {
    if (number > 0) call.print(`${count(number, what)} ${text}\n`);
  }
  for (const { conn, at, recorded, got } of differences) {
    const where = at < 0 ? `not recorded, ${conn}` : `line ${lines[at]}, ${conn}`;
    call.print(
      `\n${where}:\n  recorded ${recorded ?? "nothing"}\n  got      ${got ?? "nothing"}\n`,
    );
  }
}

function tellJson(call: LocalCall, report: ReplayReport, lines: readonly number[]): void {
  for (const { conn, at, recorded, got } of report.differences) {
    call.print(jsonLine({ line: at < 0 ? null : lines[at], conn, recorded, got }));
  }
  const { requests, replies, events, merged, unread, shutdowns, differences } = report;
  const sums = { requests, replies, events, merged, unread, shutdowns };
  call.print(jsonLine({ ...sums, differences: differences.length }));
}

/** The number of the line of each record: empty lines and comments are none. */
function linesOf(text: string): number[] {
  const found: number[] = [];
  for (const [index, line] of text.split("\n").entries()) {
    if (line !== "" && !line.startsWith("#")) found.push(index + 1);
  }
  return found;
}

const isEvent = (line: string) => / < WATCH_EVENT req=/.test(line);
const nameOf = (file: string) => (file === STANDARD ? "standard input" : file);

function count(number: number, what: string): string {
  if (number === 1) return `1 ${what}`;
  return `${number} ${what.endsWith("y") ? `${what.slice(0, -1)}ies` : `${what}s`}`;
}

function trouble(call: LocalCall, text: string): ToolExit {
  return new ToolExit(EXIT_TROUBLE, `${call.program}: ${text}\n`);
}
