// Dump: xenstore dump and export, a tree into a file.
// Holds   the two formats that are written; how a tree is read so that it is of one moment.
// Never   leaves half a file, and never changes the store.
// Source  our own; the XenStore protocol, live update, Stream.

import { parsePerm, type Store } from "../client.ts";
import { errorText, isXenstoreError, type XenstoreError } from "../errors.ts";
import type { StreamPerm } from "../records.ts";
import { encodeRecord, streamHeader } from "../stream.ts";
import { concat } from "../wire.ts";
import { type BackupNode, isTreePath } from "./backup.ts";
import { type Call, type Command, Failure, JSON_OPTION } from "./command.ts";
import { exportHead, exportNode, exportTail } from "./export_file.ts";
import { type Draft, ToolExit } from "./host.ts";
import type { Option } from "./options.ts";
import { Pace, TooSlow } from "./pace.ts";
import { Progress } from "./progress.ts";
import { type Walked, walk } from "./walk.ts";

/** Standard output, or input. */
export const STANDARD = "-";
/** Which part of the tree is meant. */
export const SUBTREE: Option = { letter: "p", name: "prefix", value: true };

/** In the order in which daemons write them. */
const SPECIAL = ["@releaseDomain", "@introduceDomain"];
/** How often the whole is read in the hope that nobody changes it meanwhile. */
const ATTEMPTS = 3;
/** Bytes that are collected before they are written. */
const BUFFER = 1 << 18;
/** The exit code of a file that was written but is not all there is. */
const EXIT_INCOMPLETE = 2;

/** How a file is laid out. */
interface Format {
  head(root: string): Uint8Array;
  node(node: BackupNode, first: boolean): Uint8Array;
  tail(): Uint8Array;
}

const STREAM: Format = {
  head: streamHeader,
  node: ({ path, value, perms }) =>
    encodeRecord({
      kind: "node",
      conn: 0,
      txId: 0,
      access: 0,
      path,
      value,
      perms: perms.map(streamPerm),
    }),
  tail: () => encodeRecord({ kind: "end" }),
};

const JSON_FORMAT: Format = { head: exportHead, node: exportNode, tail: exportTail };

export const dump: Command = {
  usage: "[-h] [--prefix PATH] FILE",
  accepts: "",
  extra: [SUBTREE],
  strict: true,
  fits: (count) => count === 1,
  inTransaction: () => false,
  async run(_store, call) {
    const [file] = call.operands;
    if (file === STANDARD && call.host.columns() !== null) {
      throw new Failure(call, "standard output is a terminal; give the dump a file or a pipe");
    }
    await save(call, file, STREAM);
  },
};

export const exportTree: Command = {
  usage: "[-h] [--json] [--prefix PATH] [FILE]",
  accepts: "",
  extra: [SUBTREE, JSON_OPTION],
  strict: true,
  fits: (count) => count <= 1,
  inTransaction: () => false,
  run: (_store, call) => save(call, call.operands[0] ?? STANDARD, JSON_FORMAT),
};

/** The part of the tree that the options name. Throws Failure for something else than a path. */
export function subtreeOf(call: Call): string | null {
  const root = call.values.get("p");
  if (root === undefined || isTreePath(root)) return root ?? null;
  throw new Failure(call, `--prefix: "${root}" is no absolute path, such as /local/domain/3`);
}

async function save(call: Call, file: string, format: Format): Promise<void> {
  const root = subtreeOf(call) ?? "/";
  const signal = call.host.interruption();
  const draft = writing(call, file, () => call.host.draft(file));
  const progress = new Progress(call.host, call.program, "nodes", null);
  try {
    const writer = new Writer({ call, file, draft, format, root }, progress);
    const walked = await readAll(call, root, writer, signal, progress);
    writer.end();
    progress.clear();
    await finishing(call, file, draft);
    if (walked.hidden > 0) throw incomplete(call, walked);
  } finally {
    progress.clear();
    draft.abandon();
  }
}

/** What is written where. */
interface Target {
  call: Call;
  file: string;
  draft: Draft;
  format: Format;
  root: string;
}

/** A file of the tree under way. */
class Writer {
  readonly #to: Target;
  readonly #progress: Progress;
  #parts: Uint8Array[] = [];
  #size = 0;
  #count = 0;

  constructor(to: Target, progress: Progress) {
    this.#to = to;
    this.#progress = progress;
  }

  /** Begins, or begins anew. */
  begin(): void {
    this.#try((draft) => draft.restart());
    this.#parts = [];
    this.#size = 0;
    this.#count = 0;
    this.#progress.set(0);
    this.#put(this.#to.format.head(this.#to.root));
  }

  node(node: BackupNode): void {
    this.#put(this.#to.format.node(node, this.#count === 0));
    this.#progress.set(++this.#count);
  }

  end(): void {
    this.#put(this.#to.format.tail());
    this.#flush();
  }

  #put(bytes: Uint8Array): void {
    this.#parts.push(bytes);
    this.#size += bytes.length;
    if (this.#size >= BUFFER) this.#flush();
  }

  #flush(): void {
    const bytes = concat(this.#parts);
    this.#parts = [];
    this.#size = 0;
    this.#try((draft) => draft.write(bytes));
  }

  #try(work: (draft: Draft) => void): void {
    const { call, file, draft } = this.#to;
    writing(call, file, () => work(draft));
  }
}

/** Reads the tree into the writer, of one moment if the store lets it. */
async function readAll(
  call: Call,
  root: string,
  writer: Writer,
  signal: AbortSignal,
  progress: Progress,
): Promise<Walked> {
  const note = (text: string) => {
    progress.clear();
    call.host.err(`${call.program}: ${text}; the file may mix what was there before and after\n`);
  };
  const reading = (store: Store, pace: Pace | null) => readOnce(store, root, writer, signal, pace);
  try {
    for (let n = 1; ; n++) {
      const read: { walked?: Walked } = {};
      const body = async (store: Store) => {
        read.walked = await reading(store, new Pace(call.host));
      };
      const error = await call.client.transaction(body, { attempts: 1 }).then(
        () => null,
        (why) => why,
      );
      if (read.walked === undefined || isXenstoreError(error, "EBADF")) throw error;
      if (error === null) return read.walked;
      if (isXenstoreError(error, "EAGAIN") && n < ATTEMPTS) continue;
      note(unconfirmed(error, n));
      return read.walked;
    }
  } catch (error) {
    if (error instanceof TooSlow) note("the store is too slow to read it all in one transaction");
    else if (!refusesTransaction(error, root)) throw problem(call, root, error);
    else note(`no transaction to read in (${errorText(error.code)})`);
  }
  return reading(call.client, null).catch((error) => {
    throw problem(call, root, error);
  });
}

/** All was read, but the store did not confirm that it was of one moment. */
function unconfirmed(error: unknown, times: number): string {
  if (!isXenstoreError(error)) throw error;
  if (error.code === "EAGAIN") return `the store changed each of the ${times} times it was read`;
  return `the end of the transaction failed (${errorText(error.code)})`;
}

/** A limit on transactions was met, not an obstacle that is there without one. */
function refusesTransaction(error: unknown, root: string): error is XenstoreError {
  if (!isXenstoreError(error) || ["EBADF", "EPROTO"].includes(error.code)) return false;
  return error.path !== root || !["EACCES", "ENOENT"].includes(error.code);
}

async function readOnce(
  store: Store,
  root: string,
  writer: Writer,
  signal: AbortSignal,
  pace: Pace | null,
): Promise<Walked> {
  writer.begin();
  const tell = (node: BackupNode) => {
    pace?.step();
    writer.node(node);
  };
  const walked = await walk(store, root, tell, signal);
  if (root !== "/") return walked;
  for (const path of SPECIAL) {
    const perms = await store.getPerms(path).catch((error) => {
      // The C daemon 4.17 does not tell, nor is every guest told.
      if (isXenstoreError(error, "EINVAL", "EACCES", "ENOENT")) return null;
      throw error;
    });
    if (perms === null) continue;
    const list = perms.map(({ access, domid }) => `${access}${domid & 0xffff}`);
    writer.node({ path, value: new Uint8Array(0), perms: list });
  }
  return walked;
}

/** An entry as in a stream; a number that is no domid keeps its lower 16 bits, as in C. */
function streamPerm(text: string): StreamPerm {
  const { access, domid } = parsePerm(text);
  return { access, domid: domid & 0xffff, inert: false };
}

/** What stopped the reading, in words for people. */
function problem(call: Call, root: string, error: unknown): unknown {
  if (!isXenstoreError(error)) return error;
  const why = errorText(error.code);
  if (error.code === "EBADF") return new Failure(call, "connection to the store lost");
  if (error.code === "EACCES" && error.path === root) {
    const hint = "--prefix PATH names a part that may be";
    return new Failure(call, `${root} may not be read: ${why}; ${hint}`);
  }
  return new Failure(call, `couldn't read ${error.path || root}: ${why}`);
}

function incomplete(call: Call, { hidden, firstHidden }: Walked): ToolExit {
  const nodes = hidden === 1 ? "1 node" : `${hidden} nodes`;
  const text = `${nodes} may not be read and left out, with all below, such as ${firstHidden}`;
  return new ToolExit(EXIT_INCOMPLETE, `${call.program}: incomplete: ${text}\n`);
}

/** Does it with the file; an error becomes a Failure that names it. */
function writing<T>(call: Call, file: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw unwritten(call, file, error);
  }
}

/** The same for putting the file in place, which may take a while. */
async function finishing(call: Call, file: string, draft: Draft): Promise<void> {
  try {
    await draft.finish();
  } catch (error) {
    throw unwritten(call, file, error);
  }
}

function unwritten(call: Call, file: string, error: unknown): unknown {
  if (!isXenstoreError(error)) return error;
  const name = file === STANDARD ? "standard output" : file;
  return new Failure(call, `${name} can't be written: ${errorText(error.code)}`);
}
