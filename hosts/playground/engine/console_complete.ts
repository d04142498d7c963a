// Console complete: what could stand at the cursor of a console's line.
// Holds   which words of which command are paths, files or options.
// Never   tells a domain of names that it may not read.
// Source  the XenStore command line; its permissions.

import { COMMANDS } from "../../entry/tools.ts";
import { rightsOf } from "../model/rights.ts";
import { homeOf, parsePerms } from "../model/words.ts";
import { filesOf } from "./console_files.ts";
import type { MirrorNode } from "./mirror.ts";
import type { Session } from "./session.ts";

export interface Completion {
  readonly from: number;
  readonly options: readonly string[];
}

const OPTIONS_MAX = 200;
const PREFIX = "xenstore-";
const FILE_COMMANDS = new Set(["dump", "restore", "export", "import"]);
const SPECIAL = ["@introduceDomain", "@releaseDomain"];

const OPTIONS: Readonly<Record<string, readonly string[]>> = {
  read: ["--json", "-p", "-R"],
  write: ["-R"],
  rm: ["-t"],
  exists: ["--json"],
  list: ["--json", "-p"],
  ls: ["--json", "-f", "-p"],
  chmod: ["-r", "-u"],
  watch: ["--depth", "--json", "-n"],
  dump: ["--prefix"],
  export: ["--json", "--prefix"],
  restore: ["--prefix"],
  import: ["--prefix"],
};

const CONTROL = ["check", "help", "log", "memreport", "print", "quota", "quota-soft"];

/** What could stand in the place of the text from `from` to the cursor. */
export function complete(
  session: Session,
  domid: number,
  line: string,
  cursor: number,
): Completion {
  const { words, last, from } = cut(line.slice(0, Math.max(0, cursor)));
  const found = candidates(session, domid, words, last);
  return { from, options: found.slice(0, OPTIONS_MAX) };
}

/** The words before the one at the end of a text, and that one. */
function cut(text: string): { words: string[]; last: string; from: number } {
  const words: string[] = [];
  let word = "";
  let from = 0;
  let quote = "";
  for (let at = 0; at < text.length; at++) {
    const char = text.charAt(at);
    if (quote === "" && " \t".includes(char)) {
      if (word !== "") words.push(word);
      word = "";
      from = at + 1;
    } else if (char === quote) quote = "";
    else if (quote === "" && (char === "'" || char === '"')) {
      quote = char;
      if (word === "") from = at + 1;
    } else word += char;
  }
  return { words, last: word, from };
}

function candidates(
  session: Session,
  domid: number,
  words: readonly string[],
  last: string,
): readonly string[] {
  const [first, ...rest] = words;
  if (first === undefined) return beginning(last, firstWords());
  if (first === "xenstore" && rest.length === 0) {
    return beginning(
      last,
      COMMANDS.filter((name) => name !== "control"),
    );
  }
  const named = first === "xenstore" ? rest.shift() : first;
  const command = (named ?? "").replace(/^xenstore-/, "");
  if (!COMMANDS.includes(command)) return [];
  if (command === "control") return rest.length === 0 ? beginning(last, CONTROL) : [];
  if (last.startsWith("-")) return beginning(last, OPTIONS[command] ?? []);
  const operands = operandsOf(rest);
  const afterPrefix = rest.at(-1) === "--prefix";
  if (FILE_COMMANDS.has(command) && !afterPrefix) {
    return operands === 0 ? beginning(last, filesOf(session).names) : [];
  }
  const valueIsNext = command === "write" && operands % 2 === 1;
  const permsAreNext = command === "chmod" && operands > 0;
  if (valueIsNext || permsAreNext) return [];
  if (last.startsWith("@") && (command === "watch" || command === "chmod")) {
    return beginning(last, SPECIAL);
  }
  return pathsFor(session, domid, last);
}

function firstWords(): string[] {
  return [...COMMANDS, "files", "help", "xenstore", ...COMMANDS.map((name) => PREFIX + name)];
}

/** Words that are no options, nor the values of some. */
function operandsOf(words: readonly string[]): number {
  const takesValue = new Set(["-n", "--prefix", "--depth"]);
  return words.filter((word, at) => {
    return !word.startsWith("-") && !takesValue.has(words[at - 1] ?? "");
  }).length;
}

function beginning(start: string, words: readonly string[]): readonly string[] {
  return words.filter((word) => word.startsWith(start)).sort();
}

/** Paths that go on from a text; from a node that is meant itself to its children. */
function pathsFor(session: Session, domid: number, text: string): readonly string[] {
  const relative = !text.startsWith("/");
  const base = relative ? `${homeOf(domid)}/` : "";
  const slash = text.lastIndexOf("/");
  const lead = text.slice(0, slash + 1);
  const above = session.mirror.find(`${base}${lead}`.replace(/\/$/, "") || "/");
  if (!above) return [];
  const found = namesIn(session, domid, above, text.slice(slash + 1));
  const only = found.length === 1 && `${lead}${found[0]}` === text ? found[0] : undefined;
  if (only === undefined) return found.map((name) => lead + name);
  const node = above.children?.get(only);
  const below = node ? namesIn(session, domid, node, "") : [];
  return below.map((name) => `${text}/${name}`);
}

/** Names of children that begin so, if the domain may list them. */
function namesIn(session: Session, domid: number, node: MirrorNode, start: string): string[] {
  if (!node.children) return [];
  const target = session.domains.get(domid)?.target ?? null;
  if (!rightsOf(parsePerms(node.perms), domid, target).read.ok) return [];
  const names: string[] = [];
  for (const name of node.children.keys()) if (name.startsWith(start)) names.push(name);
  return names.sort();
}
