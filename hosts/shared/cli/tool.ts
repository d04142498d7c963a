// Tool: from a program's name and arguments to an exit code.
// Holds   which name runs which command, the common options, usage texts, transactions.
// Never   does a command's work.
// Source  the XenStore command line, xenstore-* tools.

import type { Store } from "../client.ts";
import { errorText, isXenstoreError } from "../errors.ts";
import { chmod } from "./chmod.ts";
import {
  type Call,
  type Command,
  Failure,
  JSON_LETTER,
  type LocalCall,
  type LocalCommand,
  type Syntax,
} from "./command.ts";
import { control } from "./control.ts";
import { dump, exportTree } from "./dump.ts";
import { type ByteString, ToolExit, type ToolHost } from "./host.ts";
import { ls } from "./ls.ts";
import { exists, list, read, rm, write } from "./nodes.ts";
import { type Option, scanOptions } from "./options.ts";
import { replay } from "./replay.ts";
import { importTree, restore } from "./restore.ts";
import { watch } from "./watch.ts";

const TABLE = new Map<ByteString, Command>(
  Object.entries({
    ...{ read, write, rm, exists, list, ls, chmod, watch },
    ...{ dump, restore, export: exportTree, import: importTree },
  }),
);

/** Those that need no store. */
const LOCAL = new Map<ByteString, LocalCommand>(Object.entries({ replay }));

/**
 * Names of the commands that talk to a store: `xenstore-<name>` each, and `xenstore <name>` but for
 * control.
 */
export const COMMANDS: readonly string[] = [...TABLE.keys(), "control"];

/** Every command knows these, and refuses those that are not its own. */
const OPTIONS: readonly Option[] = [
  { letter: "h", name: "help" },
  { letter: "f", name: "flat" },
  { letter: "p", name: "prefix" },
  { letter: "s" },
  { letter: "t", name: "tidy" },
  { letter: "u", name: "upto" },
  { letter: "r", name: "recurse" },
  { letter: "n", name: "number", value: true },
  { letter: "R", name: "raw" },
];

const PREFIX = "xenstore-";

/**
 * Runs one of the tools and returns its exit code.
 * @param argv0  name of the program; `xenstore-<command>` chooses the command, `xenstore-control`
 *               is a tool of its own, with any other name the first argument is the command
 */
export async function runTool(
  argv0: ByteString,
  args: readonly ByteString[],
  host: ToolHost,
): Promise<number> {
  try {
    if (argv0 === `${PREFIX}control`) await control(argv0, args, host);
    else await runCommand(argv0, args, host);
    return 0;
  } catch (error) {
    if (!(error instanceof ToolExit)) throw error;
    host.err(error.text);
    return error.exitCode;
  }
}

async function runCommand(argv0: ByteString, args: readonly ByteString[], host: ToolHost) {
  const named = argv0.startsWith(PREFIX);
  const program = { program: argv0 };
  if (!named && args.length === 0) {
    throw new Failure(program, `Usage: ${argv0} <mode> [-h] [...]`);
  }
  const mode = named ? argv0.slice(PREFIX.length) : args[0];
  const command = TABLE.get(mode) ?? LOCAL.get(mode);
  if (command === undefined) throw new Failure(program, `unknown mode ${mode}\n`);
  const usage = `Usage: ${named ? argv0 : `${argv0} ${mode}`} ${command.usage}`;
  const given = readOptions(command, named ? argv0 : mode, named ? args : args.slice(1), host);
  if (given === null || !command.fits(given.operands.length)) throw new Failure(program, usage);
  if ("runAlone" in command) await executeAlone(command, argv0, given, host);
  else await execute(command, argv0, given, host);
}

interface Given {
  operands: readonly ByteString[];
  flags: Set<string>;
  values: Map<string, ByteString>;
}

/** Reads the options, telling errors as they are met; null where the usage has to be shown. */
function readOptions(
  command: Syntax,
  program: ByteString,
  args: readonly ByteString[],
  host: ToolHost,
): Given | null {
  const extra = command.extra ?? [];
  // An option of the command's own takes the place of a common one.
  const common = OPTIONS.filter(({ letter }) => !extra.some((own) => own.letter === letter));
  const accepted = `s${command.accepts}${extra.map((option) => option.letter).join("")}`;
  const ordered = host.env.POSIXLY_CORRECT !== undefined;
  const flags = new Set<string>();
  const values = new Map<string, ByteString>();
  const scan = scanOptions(program, args, [...common, ...extra], ordered);
  let step = scan.next();
  for (; !step.done; step = scan.next()) {
    const finding = step.value;
    if (finding.kind === "error") {
      host.err(finding.text);
      if (command.strict) return null;
      continue;
    }
    if (!accepted.includes(finding.letter)) return null;
    flags.add(finding.letter);
    values.set(finding.letter, finding.value);
  }
  return { operands: step.value, flags, values };
}

async function executeAlone(
  command: LocalCommand,
  program: ByteString,
  given: Given,
  host: ToolHost,
) {
  const output: ByteString[] = [];
  try {
    await command.runAlone(callOf(program, given, host, output));
  } finally {
    host.out(output.join(""));
  }
}

/** What a command is given; what it prints goes to `output`. */
function callOf(
  program: ByteString,
  given: Given,
  host: ToolHost,
  output: ByteString[],
): LocalCall {
  const print = (text: ByteString) => void output.push(text);
  return { host, program, ...given, json: given.flags.has(JSON_LETTER), print };
}

async function execute(command: Command, program: ByteString, given: Given, host: ToolHost) {
  const client = await host.connect().catch((error) => {
    if (!isXenstoreError(error)) throw error;
    throw new Failure({ program }, `xs_open: ${errorText(error.code)}`);
  });
  const output: ByteString[] = [];
  const call: Call = { ...callOf(program, given, host, output), client };
  const run = (store: Store) => {
    output.length = 0;
    return command.run(store, call);
  };
  try {
    if (command.inTransaction(given.operands.length)) await transact(call, run);
    else await run(client);
  } finally {
    host.out(output.join(""));
    client.close();
  }
}

/** Runs a command in a transaction, again and again while it meets conflicts. */
async function transact(call: Call, run: (store: Store) => Promise<void>): Promise<void> {
  const couldNot = (what: string) => new Failure(call, `couldn't ${what} transaction`);
  let reported: ToolExit | null = null;
  const abortFailed = () => {
    if (reported instanceof Failure && reported.abrupt) return;
    throw new ToolExit(1, `${reported?.text ?? ""}${couldNot("end").text}`);
  };
  const body = (store: Store) =>
    run(store).catch((error) => {
      if (error instanceof ToolExit) reported = error;
      throw error;
    });
  try {
    await call.client.transaction(body, { abortFailed });
  } catch (error) {
    if (isXenstoreError(error) && error.op === "TRANSACTION_START") throw couldNot("start");
    if (isXenstoreError(error) && error.op === "TRANSACTION_END") throw couldNot("end");
    throw error;
  }
}
