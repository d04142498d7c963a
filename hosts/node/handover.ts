// Handover: what one process tells its successor besides the state of the store.
// Holds   the variable that carries it, and its form.
// Never   is passed on: whoever has read it takes it out of the environment.
// Source  our own.

import process from "node:process";

const VARIABLE = "XENSTORED_HANDOVER";

export interface Handover {
  /** File with the state. */
  readonly state: string;
  /** Folder that relative names of the command line start from. */
  readonly cwd: string;
  /** All descriptors that were handed over, as `packed`. */
  readonly fds: string;
  /** Descriptor of the read-only socket, for which the state has no place; -1: there is none. */
  readonly readOnly: number;
  /** Folder of the database that holds the same as the state; empty: none does. */
  readonly database: string;
  /** The trace file that was last in use, if any, and whether it was open. */
  readonly trace: string;
  readonly tracing: boolean;
  /** Descriptor of the connection that asked for the update; -1: that is not known. */
  readonly asker: number;
  /** The command that the old version ran with, to go back to; empty: it waits and goes on. */
  readonly back: readonly string[];
  /** The command line is not that of the old version: limits that it names are not the state's. */
  readonly otherOptions: boolean;
  /** Set on the way back: why the new version could not take over. */
  readonly failure: string;
  /** Descriptor on which the old process waits for a word; -1: its place is taken already. */
  readonly ready: number;
}

/** What the process before handed over; null: nobody was before, or another program. */
export function takeHandover(): Handover | null {
  const text = process.env[VARIABLE];
  delete process.env[VARIABLE];
  return text ? (JSON.parse(text) as Handover) : null;
}

/** The environment for a successor. */
export function handoverEnvironment(handover: Handover): NodeJS.ProcessEnv {
  return { ...process.env, [VARIABLE]: JSON.stringify(handover) };
}

/** Descriptors as ranges, such as "3,17-19": a variable of the environment can't be long. */
export function packed(fds: readonly number[]): string {
  const sorted = [...fds].sort((a, b) => a - b);
  const parts: string[] = [];
  for (let at = 0; at < sorted.length; ) {
    let end = at;
    while (sorted[end + 1] === (sorted[end] as number) + 1) end++;
    parts.push(end > at ? `${sorted[at]}-${sorted[end]}` : `${sorted[at]}`);
    at = end + 1;
  }
  return parts.join(",");
}

/** What `packed` made, as numbers again. */
export function unpacked(text: string): number[] {
  return text.split(",").flatMap((part) => {
    if (part === "") return [];
    const [first, last] = part.split("-").map(Number) as [number, number | undefined];
    return Array.from({ length: (last ?? first) - first + 1 }, (_, i) => first + i);
  });
}
