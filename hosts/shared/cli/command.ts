// Command: one of the tools, and one call of it.
// Holds   types, and how a tool fails.
// Never   parses a command line.
// Source  our own.

import type { Client, Store } from "../client.ts";
import { type ByteString, ToolExit, type ToolHost } from "./host.ts";
import type { Option } from "./options.ts";

/** What a command may look at and use while it runs, whether or not it needs a store. */
export interface LocalCall {
  readonly host: ToolHost;
  /** Name of the program, in front of every message. */
  readonly program: ByteString;
  readonly operands: readonly ByteString[];
  /** Letters of the options given. */
  readonly flags: ReadonlySet<string>;
  /** Values of the options given that take one: the last of each. */
  readonly values: ReadonlyMap<string, ByteString>;
  /** True with --json. */
  readonly json: boolean;
  /** Output that appears once the command is done; dropped when a transaction is repeated. */
  print(text: ByteString): void;
}

/** The same for a command that talks to a store. */
export interface Call extends LocalCall {
  /** The connection; `store` of `run` is a transaction on it, or the same. */
  readonly client: Client;
}

/** What a tool accepts. */
export interface Syntax {
  /** The usage line behind the command's name. */
  readonly usage: string;
  /** Letters of the options it accepts, apart from -h and -s, which all do. */
  readonly accepts: string;
  /** Options that this tool has beyond the common ones. */
  readonly extra?: readonly Option[];
  /** It is not run when an option is wrong; Debian's tools leave such options out. */
  readonly strict?: boolean;
  /** Whether there are as many operands as needed. */
  fits(count: number): boolean;
}

/** A tool: what it accepts, and what it does. */
export interface Command extends Syntax {
  /** Whether it runs in a transaction. */
  inTransaction(count: number): boolean;
  run(store: Store, call: Call): Promise<void>;
}

/** A tool that needs no store. */
export interface LocalCommand extends Syntax {
  runAlone(call: LocalCall): Promise<void>;
}

/** JSON_LETTER stands for --json, which has no short form. */
export const JSON_LETTER = "\u{100}";
export const JSON_OPTION: Option = { letter: JSON_LETTER, name: "json", exact: true };

/** A failure that is told as `<program>: text` and exit code 1. */
export class Failure extends ToolExit {
  /** The process ended without giving up its transaction in words. */
  readonly abrupt: boolean;

  constructor(call: { program: ByteString }, text: ByteString, abrupt = false) {
    super(1, `${call.program}: ${text}\n`);
    this.abrupt = abrupt;
  }
}

/** Waits for `request`; any error of it becomes a Failure with this text. */
export async function orFail<T>(call: Call, request: Promise<T>, text: ByteString): Promise<T> {
  try {
    return await request;
  } catch {
    throw new Failure(call, text);
  }
}
