// Restore: xenstore restore and import, a file's tree into the store.
// Holds   options, how the file is read before anything is written, what is told at the end.
// Never   writes anything from a file that is damaged.
// Source  our own; docs/tools.md describes it.

import { errorText, isXenstoreError } from "../errors.ts";
import { type Backup, BackupError, type BackupNode, isWithin } from "./backup.ts";
import { readBackup } from "./backup_file.ts";
import { type Call, type Command, Failure } from "./command.ts";
import { STANDARD, SUBTREE, subtreeOf } from "./dump.ts";
import { fill } from "./fill.ts";
import { utf8 } from "./host.ts";
import type { Option } from "./options.ts";
import { Progress } from "./progress.ts";

/** Letters that stand for options without a short form. */
const REPLACE = "\u{101}";
const KEEP_ORPHANS = "\u{102}";

const EXTRA: readonly Option[] = [
  SUBTREE,
  { letter: REPLACE, name: "replace" },
  { letter: KEEP_ORPHANS, name: "keep-orphans" },
];
const OPTIONS = "[-h] [--replace] [--keep-orphans] [--prefix PATH]";

export const restore: Command = {
  usage: `${OPTIONS} FILE`,
  accepts: "",
  extra: EXTRA,
  strict: true,
  fits: (count) => count === 1,
  inTransaction: () => false,
  run: (_store, call) => load(call, call.operands[0]),
};

export const importTree: Command = {
  usage: `${OPTIONS} [FILE]`,
  accepts: "",
  extra: EXTRA,
  strict: true,
  fits: (count) => count <= 1,
  inTransaction: () => false,
  run: (_store, call) => load(call, call.operands[0] ?? STANDARD),
};

async function load(call: Call, file: string): Promise<void> {
  const subtree = subtreeOf(call);
  const signal = call.host.interruption();
  const backup = await read(call, file, signal);
  for (const note of backup.notes) call.host.err(`${call.program}: ${nameOf(file)}: ${note}\n`);
  const nodes = backup.nodes.filter(({ path }) => isWithin(path, subtree ?? "/"));
  const special = subtree === null || subtree === "/" ? backup.special : [];
  if (nodes.length === 0 && (subtree !== null || special.length === 0)) {
    const where = subtree === null ? "" : ` at or below ${subtree}`;
    throw new Failure(call, `${nameOf(file)} has no node${where}; nothing was restored`);
  }
  const progress = new Progress(call.host, call.program, "nodes", nodes.length + special.length);
  try {
    const { orphans } = await fill(call, {
      nodes,
      special,
      root: call.flags.has(REPLACE) ? (subtree ?? rootOf(nodes)) : null,
      keepOrphans: call.flags.has(KEEP_ORPHANS),
      progress,
      signal,
    });
    progress.clear();
    if (orphans > 0) {
      const text = `nodes of domains that don't exist, given to domain 0: ${orphans}`;
      call.host.err(`${call.program}: ${text}\n`);
    }
  } finally {
    progress.clear();
  }
}

const nameOf = (file: string) => (file === STANDARD ? "standard input" : file);

/** Reads the whole file. Throws a Failure that says what is wrong with it, and where. */
async function read(call: Call, file: string, signal: AbortSignal): Promise<Backup> {
  const nothing = "nothing was restored";
  const progress = new Progress(call.host, `${call.program}: reading`, "bytes", null);
  try {
    return await readBackup(call.host.pieces(file), (bytes) => {
      signal.throwIfAborted();
      progress.set(bytes);
    });
  } catch (error) {
    progress.clear();
    if (isXenstoreError(error)) {
      throw new Failure(call, `${nameOf(file)} can't be read: ${errorText(error.code)}`);
    }
    if (!(error instanceof BackupError)) throw error;
    const where = error.offset === null ? "" : ` (at offset ${error.offset})`;
    throw new Failure(call, `${nameOf(file)}${where}: ${utf8(error.message)}; ${nothing}`);
  } finally {
    progress.clear();
  }
}

/** The node that all others are below, which is the first one if there is any; else `/`. */
function rootOf(nodes: readonly BackupNode[]): string {
  const root = nodes[0]?.path ?? "/";
  return nodes.every(({ path }) => isWithin(path, root)) ? root : "/";
}
