// Run: the command line tools within a program, on any connection and any runtime.
// Holds   what takes the place of a process: text in place of descriptors, a signal for Ctrl-C.
// Never   reads standard input: there is none.
// Source  our own.

import type { ByteStream } from "../byte_stream.ts";
import { Client } from "../client.ts";
import { isXenstoreError, XenstoreError } from "../errors.ts";
import { concat, toText } from "../wire.ts";
import { type ByteString, bytesOf, type Draft, ToolExit, type ToolHost, utf8 } from "./host.ts";
import { runTool as run } from "./tool.ts";

/** The exit code that a shell gives to a program which Ctrl-C has ended. */
const INTERRUPTED = 130;
const STANDARD = "-";

/** Files for dump, export, restore, import and the kernel of a live update, by their names. */
export interface ToolFiles {
  /** The bytes of a file; undefined: there is none of that name. */
  read(name: string): Uint8Array | undefined | Promise<Uint8Array | undefined>;
  /** Puts a whole file in place; what had the name before is gone. */
  write(name: string, bytes: Uint8Array): void | Promise<void>;
}

/** What `runTool` takes. */
export interface ToolOptions {
  /**
   * Opens the connection that the tool uses, and that is closed when it ends; not called for a
   * command line that is wrong. A XenstoreError is told as the tool does, any other error is passed
   * on.
   */
  readonly connect: () => ByteStream | Promise<ByteStream>;
  /** Takes what it prints as it is printed: UTF-8, of which no character comes in parts. */
  readonly out: (text: string) => void;
  /** Takes its messages. */
  readonly err: (text: string) => void;
  /** Columns of the terminal that `ls` cuts its lines for; null: no terminal, so 80 (default). */
  readonly columns?: number | null | undefined;
  /** Variables; none by default. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /** By default there are no files. */
  readonly files?: ToolFiles | undefined;
  /**
   * Ends the tool as Ctrl-C does: its connection is closed, nothing more is printed, no file is
   * written, and the exit code is 130.
   */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Runs one command line, such as `["xenstore", "read", "/tool/hello"]` or `["xenstore-ls", "-fp"]`:
 * output, messages and exit code are those of the command line tools, byte for byte. Standard input
 * there is none; `export` prints what it is not given a file for.
 *
 *     const connect = () => store.stream({ domid: 7 });
 *     const exitCode = await runTool(["xenstore", "ls"], { connect, out, err });
 *
 * @param argv  the program's name, as of the command line tools, and its arguments
 * @returns     the exit code
 */
export async function runTool(argv: readonly string[], options: ToolOptions): Promise<number> {
  const { signal } = options;
  if (signal?.aborted) return INTERRUPTED;
  const [program = "xenstore", ...args] = argv.map(utf8);
  const host = new LentHost(program, options);
  let interrupt = () => {};
  const interrupted = new Promise<number>((resolve) => {
    interrupt = () => {
      host.interrupt();
      resolve(INTERRUPTED);
    };
  });
  signal?.addEventListener("abort", interrupt);
  try {
    // What goes on behind an interruption is at its end soon: it has no connection any more.
    return await Promise.race([run(program, args, host), interrupted]);
  } finally {
    signal?.removeEventListener("abort", interrupt);
    host.end();
  }
}

/** The bytes of a stream of output, as text that comes in whole characters. */
class Printer {
  readonly #put: (text: string) => void;
  readonly #decoder = new TextDecoder("utf-8", { ignoreBOM: true });

  constructor(put: (text: string) => void) {
    this.#put = put;
  }

  print(bytes: Uint8Array): void {
    this.#tell(this.#decoder.decode(bytes, { stream: true }));
  }

  /** A character that has begun and does not go on is shown as one that is none. */
  end(): void {
    this.#tell(this.#decoder.decode());
  }

  #tell(text: string): void {
    if (text !== "") this.#put(text);
  }
}

class LentHost implements ToolHost {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly #program: ByteString;
  readonly #options: ToolOptions;
  readonly #out: Printer;
  readonly #err: Printer;
  readonly #interruption = new AbortController();
  #clients: Client[] = [];
  #over = false;

  constructor(program: ByteString, options: ToolOptions) {
    this.env = options.env ?? {};
    this.#program = program;
    this.#options = options;
    this.#out = new Printer(options.out);
    this.#err = new Printer(options.err);
  }

  columns(): number | null {
    return this.#options.columns ?? null;
  }

  errColumns(): null {
    return null;
  }

  nowMs(): number {
    return performance.now();
  }

  out(text: ByteString): void {
    if (!this.#over) this.#out.print(bytesOf(text));
  }

  flush(): void {}

  err(text: ByteString): void {
    if (!this.#over) this.#err.print(bytesOf(text));
  }

  async connect(): Promise<Client> {
    const stream = await this.#options.connect();
    if (this.#over) {
      stream.close();
      throw new ToolExit(INTERRUPTED);
    }
    const client = new Client(stream);
    this.#clients.push(client);
    return client;
  }

  async readFile(path: ByteString): Promise<Uint8Array> {
    if (path === STANDARD) throw this.#failure("there is no standard input here; name a file");
    const name = nameOf(path);
    const bytes = await this.#told(name, "read", () => this.#options.files?.read(name));
    if (bytes === undefined) throw new XenstoreError("ENOENT");
    return bytes;
  }

  async *pieces(path: ByteString): AsyncGenerator<Uint8Array, void> {
    yield await this.readFile(path);
  }

  draft(path: ByteString): Draft {
    if (path === STANDARD) return new KeptDraft((bytes) => this.#printFile(bytes));
    const { files } = this.#options;
    if (files === undefined) throw new XenstoreError("EROFS");
    const name = nameOf(path);
    return new KeptDraft((bytes) => {
      if (this.#over) throw new ToolExit(INTERRUPTED);
      return this.#told(name, "written", () => files.write(name, bytes));
    });
  }

  interruption(): AbortSignal {
    return this.#interruption.signal;
  }

  /** Nothing of what the tool still does is seen any more. */
  interrupt(): void {
    this.#over = true;
    this.#interruption.abort(new ToolExit(INTERRUPTED));
    this.#close();
  }

  /** The tool is at its end. */
  end(): void {
    this.#close();
    if (this.#over) return;
    this.#over = true;
    this.#out.end();
    this.#err.end();
  }

  #close(): void {
    for (const client of this.#clients.splice(0)) client.close();
  }

  /** A file that goes to standard output, which takes text. */
  #printFile(bytes: Uint8Array): void {
    if (bytes.includes(0)) throw this.#failure("what is written is no text here; name a file");
    if (!this.#over) this.#out.print(bytes);
  }

  /** Does it with a file; what fails is told by its name, unless the tool does that. */
  async #told<T>(name: string, done: string, work: () => T | Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (isXenstoreError(error)) throw error;
      const why = error instanceof Error ? error.message : String(error);
      throw this.#failure(`${name} can't be ${done}: ${why}`);
    }
  }

  #failure(text: string): ToolExit {
    return new ToolExit(1, `${this.#program}: ${utf8(text)}\n`);
  }
}

/** A file that is handed over when all of it has been written. */
class KeptDraft implements Draft {
  readonly #put: (bytes: Uint8Array) => void | Promise<void>;
  #parts: Uint8Array[] = [];

  constructor(put: (bytes: Uint8Array) => void | Promise<void>) {
    this.#put = put;
  }

  write(bytes: Uint8Array): void {
    this.#parts.push(bytes);
  }

  restart(): void {
    this.#parts = [];
  }

  finish(): void | Promise<void> {
    return this.#put(concat(this.#parts));
  }

  abandon(): void {
    this.#parts = [];
  }
}

const nameOf = (path: ByteString) => toText(bytesOf(path));
