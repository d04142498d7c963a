// Console line: what a line typed into a console means.
// Holds   the names of commands, their options, and what else a console knows.
// Never   runs anything.
// Source  the XenStore command line.

import { COMMANDS, splitWords } from "../../entry/tools.ts";

export type ConsoleCommand =
  | { readonly kind: "nothing" }
  | { readonly kind: "help" }
  | { readonly kind: "files" }
  /** One of the tools; `command` is such as `read`. */
  | { readonly kind: "tool"; readonly command: string; readonly argv: readonly string[] }
  /** It can't be run: an exit code of a shell, and why. */
  | { readonly kind: "wrong"; readonly code: number; readonly text: string };

const NOT_FOUND = 127;
const SYNTAX = 2;
const PREFIX = "xenstore-";

/** What a shell would take apart, and a console here does not. */
const OPERATORS: Readonly<Record<string, string>> = {
  "|": "pipes",
  ">": "redirections",
  "<": "redirections",
  "&": "commands in the background",
  ";": "several commands in one line",
};

export const HELP = `Commands, each as "xenstore-read", "xenstore read" or just "read":

  ls [-f] [-p] [PATH]          the nodes below, with -p their permissions
  list PATH                    names of the children
  read PATH ...                values
  write PATH VALUE ...         sets values, and makes nodes
  rm PATH ...                  removes nodes with all below
  exists PATH ...              whether they are there
  chmod PATH PERM ...          permissions, such as n0 r3
  watch PATH ...               tells of changes until it is stopped
  control COMMAND ...          asks the store itself, such as: control help
  dump, restore, export, import FILE    whole trees; "files" lists the files

A path without "/" at its start counts from the home of the domain. "read -h" tells more.
`;

/** What a line asks for. */
export function parseLine(line: string): ConsoleCommand {
  let words: string[];
  try {
    words = splitWords(line);
  } catch (error) {
    return wrong(SYNTAX, `${sentenceOf(error)}. Close it, or put a backslash before it.`);
  }
  const [first, ...rest] = words;
  if (first === undefined) return { kind: "nothing" };
  const operator = operatorIn(line);
  if (operator !== null) {
    const what = OPERATORS[operator];
    return wrong(SYNTAX, `There are no ${what} here. Put "${operator}" in quotes to mean itself.`);
  }
  if (first === "help" || first === "?") return { kind: "help" };
  if (first === "files" && rest.length === 0) return { kind: "files" };
  return toolOf(first, rest);
}

function toolOf(first: string, rest: readonly string[]): ConsoleCommand {
  if (first === "xenstore") {
    return { kind: "tool", command: rest[0] ?? "", argv: [first, ...rest] };
  }
  const own = first.startsWith(PREFIX);
  const command = own ? first.slice(PREFIX.length) : first;
  if (COMMANDS.includes(command)) {
    // Control is a tool of its own, and no command of xenstore.
    const named = own || command === "control";
    const argv = named ? [PREFIX + command, ...rest] : ["xenstore", command, ...rest];
    return { kind: "tool", command, argv };
  }
  const near = COMMANDS.find((one) => alike(one, command));
  const hint = near
    ? `Did you mean "${own ? PREFIX + near : near}"?`
    : '"help" lists all there are.';
  return wrong(NOT_FOUND, `${first}: there is no such command here. ${hint}`);
}

function wrong(code: number, text: string): ConsoleCommand {
  return { kind: "wrong", code, text };
}

function sentenceOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** A character outside of quotes that a shell would not hand to the command. */
function operatorIn(line: string): string | null {
  let quote = "";
  for (let at = 0; at < line.length; at++) {
    const char = line.charAt(at);
    if (quote !== "") {
      if (char === "\\" && quote === '"') at++;
      else if (char === quote) quote = "";
    } else if (char === "\\") at++;
    else if (char === "'" || char === '"') quote = char;
    else if (char in OPERATORS) return char;
  }
  return null;
}

/** One letter more, less, or other: enough to guess what was meant. */
function alike(a: string, b: string): boolean {
  if (Math.abs(a.length - b.length) > 1 || b.length < 2) return false;
  let start = 0;
  while (start < a.length && a[start] === b[start]) start++;
  const [restA, restB] = [a.slice(start), b.slice(start)];
  return restA.slice(1) === restB.slice(1) || restA.slice(1) === restB || restA === restB.slice(1);
}
