// Transaction line: one line of a transaction: read, write and so on, and what it prints.
// Holds   the commands there are within a transaction.
// Never   begins or ends one.
// Source  the XenStore command line.

import type { Transaction } from "../../entry/browser.ts";
import { formatPerms } from "../model/words.ts";
import { explained } from "./explained.ts";

interface LineCommand {
  readonly usage: string;
  /** Fewest and most operands. */
  readonly least: number;
  readonly most: number;
  run(tx: Transaction, operands: readonly string[]): Promise<string>;
}

/** Nodes that `ls` shows. */
const NODES_MAX = 500;
const VALUE_MAX = 200;
const decoder = new TextDecoder();

const COMMANDS: Readonly<Record<string, LineCommand>> = {
  read: {
    ...{ usage: "read PATH", least: 1, most: 1 },
    run: async (tx, [path = ""]) => text(await tx.read(path, { as: "bytes" })),
  },
  write: {
    ...{ usage: "write PATH VALUE", least: 2, most: 2 },
    run: async (tx, [path = "", value = ""]) => nothing(tx.write(path, value)),
  },
  mkdir: {
    ...{ usage: "mkdir PATH", least: 1, most: 1 },
    run: async (tx, [path = ""]) => nothing(tx.mkdir(path)),
  },
  rm: {
    ...{ usage: "rm PATH", least: 1, most: 1 },
    run: async (tx, [path = ""]) => nothing(tx.rm(path)),
  },
  list: {
    ...{ usage: "list PATH", least: 1, most: 1 },
    run: async (tx, [path = ""]) => (await tx.list(path)).join("\n"),
  },
  ls: {
    ...{ usage: "ls [PATH]", least: 0, most: 1 },
    run: (tx, [path = "/"]) => listed(tx, path),
  },
  exists: {
    ...{ usage: "exists PATH", least: 1, most: 1 },
    run: async (tx, [path = ""]) => ((await tx.exists(path)) ? "It is there." : "It is not there."),
  },
  chmod: {
    ...{ usage: "chmod PATH PERM ...", least: 2, most: 64 },
    run: async (tx, [path = "", ...perms]) => nothing(tx.setPerms(path, perms.join(" "))),
  },
  getperms: {
    ...{ usage: "getperms PATH", least: 1, most: 1 },
    run: async (tx, [path = ""]) => formatPerms(await tx.getPerms(path)),
  },
};

/**
 * Runs the words of a line. Returns what it prints.
 * @throws Error of one sentence, with the store's code where it has one
 */
export async function runLine(tx: Transaction, words: readonly string[]): Promise<string> {
  const [command, operands] = commandOf(words);
  try {
    return await command.run(tx, operands);
  } catch (error) {
    throw explained(error as never, operands[0]);
  }
}

/** Says what is wrong with the words of a line; null: they can be run. */
export function lineProblem(words: readonly string[]): string | null {
  try {
    commandOf(words);
    return null;
  } catch (error) {
    return (error as Error).message;
  }
}

function commandOf(words: readonly string[]): [LineCommand, readonly string[]] {
  const [first = "", ...rest] = words[0] === "xenstore" ? words.slice(1) : words;
  const name = first.replace(/^xenstore-/, "");
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (!command) {
    const all = Object.keys(COMMANDS).join(", ");
    const what = first === "" ? "The line is empty." : `There is no "${first}" in a transaction.`;
    throw new Error(`${what} There are ${all}.`);
  }
  if (rest.length < command.least || rest.length > command.most) {
    throw new Error(`That is not how it is called: ${command.usage}.`);
  }
  return [command, rest];
}

async function nothing(request: Promise<void>): Promise<string> {
  await request;
  return "";
}

async function listed(tx: Transaction, path: string): Promise<string> {
  const lines: string[] = [];
  for await (const node of tx.walk(path)) {
    if (node.depth === 0) continue;
    const name = node.path.slice(node.path.lastIndexOf("/") + 1);
    const value = node.value === null ? "" : ` = "${text(node.value)}"`;
    lines.push(`${" ".repeat(node.depth - 1)}${name}${value}`);
    if (lines.length >= NODES_MAX) {
      lines.push(`and more: only the first ${NODES_MAX} nodes are shown`);
      break;
    }
  }
  return lines.join("\n");
}

/** A value for people: what can't be printed as an escape. */
function text(value: Uint8Array): string {
  const all = decoder.decode(value.subarray(0, VALUE_MAX * 4));
  const cut = all.length > VALUE_MAX ? `${all.slice(0, VALUE_MAX)}…` : all;
  return cut.replace(/\p{Cc}/gu, (char) => {
    return `\\x${char.charCodeAt(0).toString(16).padStart(2, "0")}`;
  });
}
