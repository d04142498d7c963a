// Cli: the command line tools on Node; the program's name chooses the tool.
// Holds   arguments, environment, output and the exit code of this process.
// Never   knows what a tool does.
// Source  our own.

import fs from "node:fs";
import { DOMID_FIRST_RESERVED } from "../../assembly/xs_wire.ts";
import {
  type ByteString,
  byteString,
  bytesOf,
  type Draft,
  ToolExit,
  type ToolHost,
} from "../shared/cli/host.ts";
import type { Replayer, ReplayReport } from "../shared/cli/replay.ts";
import { runTool } from "../shared/cli/tool.ts";
import { Client } from "../shared/client.ts";
import { XenstoreError } from "../shared/errors.ts";
import { openStore } from "./address.ts";
import { openGuest } from "./guest.ts";
import { draftFile, HeldDraft, readFilePieces, readPieces } from "./tool_file.ts";

const STDIN = 0;
const STDOUT = 1;
const STDERR = 2;
/** Output is collected up to this size. */
const OUT_SIZE = 65_536;
/** Wait before writing again to something that is full and must not be waited for. */
const FULL_MS = 5;
/** Columns of a terminal that doesn't tell. */
const COLUMNS = 80;
/** Signals by which a program is asked to end. */
const INTERRUPTIONS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
/** A store that does not answer keeps nobody from ending for longer. */
const PATIENCE_MS = 1000;

/** Writes all of it. Throws the system's error. */
function writeAll(fd: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; ) {
    try {
      at += fs.writeSync(fd, bytes, at);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN") throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, FULL_MS);
    }
  }
}

/**
 * Standard output and error of this process; output is collected, errors are not. Neither goes
 * through process.stdout: that costs time at the start, and may not be out at the end.
 */
class NodeHost implements ToolHost {
  readonly env = process.env;
  #parts: ByteString[] = [];
  #size = 0;
  #drafts: Draft[] = [];
  #interruption: AbortController | null = null;
  /** The signal that this was interrupted by. */
  interruptedBy: NodeJS.Signals | null = null;

  columns(): number | null {
    return process.stdout.isTTY ? process.stdout.columns : null;
  }

  out(text: ByteString): void {
    this.#parts.push(text);
    this.#size += text.length;
    if (this.#size >= OUT_SIZE) this.flush();
  }

  flush(): void {
    const text = this.#parts.join("");
    this.#parts = [];
    this.#size = 0;
    try {
      writeAll(STDOUT, bytesOf(text));
    } catch (error) {
      outputFailed(error as NodeJS.ErrnoException);
    }
  }

  err(text: ByteString): void {
    try {
      // On a terminal both are seen in one place, so they keep their order.
      if (fs.fstatSync(STDOUT).isCharacterDevice()) this.flush();
      writeAll(STDERR, bytesOf(text));
    } catch {
      // There is nobody left to tell.
    }
  }

  async connect(): Promise<Client> {
    if (domid < 0) return new Client(await openStore(this.env));
    return new Client(await openGuest(programName(), this.env, domid));
  }

  async readFile(path: ByteString): Promise<Uint8Array> {
    try {
      return fs.readFileSync(Buffer.from(bytesOf(path)));
    } catch (error) {
      throw new XenstoreError((error as NodeJS.ErrnoException).code ?? "EIO", { cause: error });
    }
  }

  errColumns(): number | null {
    // Some terminals don't say how wide they are.
    return process.stderr.isTTY ? process.stderr.columns || COLUMNS : null;
  }

  nowMs(): number {
    return performance.now();
  }

  pieces(path: ByteString): AsyncIterable<Uint8Array> {
    return path === "-" ? readPieces(STDIN) : readFilePieces(Buffer.from(bytesOf(path)));
  }

  draft(path: ByteString): Draft {
    const draft = path === "-" ? new HeldDraft(toOutput) : draftFile(fileName(path));
    this.#drafts.push(draft);
    return draft;
  }

  async replayer(): Promise<Replayer> {
    const { createTestStore, readTrace, replay } = await loadLibrary();
    return {
      readTrace,
      async replay(trace) {
        const store = await createTestStore({ record: false });
        try {
          return await replay(store, trace);
        } finally {
          await store.close();
        }
      },
    };
  }

  interruption(): AbortSignal {
    if (this.#interruption !== null) return this.#interruption.signal;
    const controller = new AbortController();
    this.#interruption = controller;
    for (const name of INTERRUPTIONS) {
      process.once(name, () => {
        for (const draft of this.#drafts) draft.abandon();
        this.interruptedBy ??= name;
        // Once more, or a store that keeps silent, ends it at once.
        for (const other of INTERRUPTIONS) process.removeAllListeners(other);
        setTimeout(() => endBy(name), PATIENCE_MS).unref();
        controller.abort(new ToolExit(1));
      });
    }
    return controller.signal;
  }
}

/** The part of the library that replays, as far as it is used here. */
interface Library extends Pick<Replayer, "readTrace"> {
  createTestStore(options: { record: boolean }): Promise<{ close(): Promise<void> }>;
  replay(store: object, trace: readonly unknown[]): Promise<ReplayReport>;
}

/** Loads the library, which the build puts beside this program. Throws a ToolExit. */
async function loadLibrary(): Promise<Library> {
  const inSources = import.meta.url.endsWith(".ts");
  const place = inSources ? "../../build/lib/testing_node.js" : "../lib/testing_node.js";
  // The address is made at run time: a bundler must leave it alone.
  const { href } = new URL(place, import.meta.url);
  try {
    return (await import(href)) as Library;
  } catch (error) {
    const why = (error as Error).message.split("\n", 1)[0];
    const text = `the library could not be loaded, which is installed with this program: ${why}`;
    throw new ToolExit(2, byteString(Buffer.from(`${programName()}: ${text}\n`)));
  }
}

/** A name to be made must be text: another one would come out changed. */
function fileName(path: ByteString): string {
  const name = Buffer.from(bytesOf(path)).toString();
  if (name.includes("\ufffd")) throw new XenstoreError("EINVAL");
  return name;
}

/** Writes to standard output what can't be taken back. */
function toOutput(bytes: Uint8Array): void {
  try {
    writeAll(STDOUT, bytes);
  } catch (error) {
    outputFailed(error as NodeJS.ErrnoException);
  }
}

/** A line for standard error. */
function tell(text: string): void {
  writeAll(STDERR, Buffer.from(text));
}

/** Ends as a program does that nobody listens to any more, or says why output was lost. */
function outputFailed(error: NodeJS.ErrnoException): never {
  if (error.code === "EPIPE") {
    endBy("SIGPIPE");
  }
  tell(`${programName()}: write error: ${error.code}\n`);
  process.exit(1);
}

/** Ends by a signal, as if it had not been caught. */
function endBy(signal: NodeJS.Signals): void {
  // Node ignores some signals; with a listener put and taken away they act again.
  const ignore = () => {};
  process.on(signal, ignore);
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
}

/** Name of the link this was started by, such as `xenstore-ls`; `xenstore` for the file itself. */
function programName(): ByteString {
  const file = process.argv[1].slice(process.argv[1].lastIndexOf("/") + 1);
  return byteString(Buffer.from(file.replace(/\.m?js$/, "")));
}

/** The arguments, byte for byte; Node replaces what is not UTF-8, so those are read again. */
function programArguments(): ByteString[] {
  const args = process.argv.slice(2);
  if (!args.some((arg) => arg.includes("\ufffd"))) {
    return args.map((arg) => byteString(Buffer.from(arg)));
  }
  try {
    const words = fs.readFileSync("/proc/self/cmdline", "latin1").split("\0");
    return words.slice(0, -1).slice(-args.length);
  } catch {
    return args.map((arg) => byteString(Buffer.from(arg)));
  }
}

/** Takes `--domain N` away from the front of the arguments. Returns N, or -1. */
function takeDomain(args: ByteString[]): number {
  const [first = "", second] = args;
  if (first !== "--domain" && !first.startsWith("--domain=")) return -1;
  args.shift();
  const value = first === "--domain" ? second : first.slice("--domain=".length);
  if (first === "--domain") args.shift();
  const number = /^\d{1,5}$/.test(value ?? "") ? Number(value) : 0;
  if (number > 0 && number < DOMID_FIRST_RESERVED) return number;
  const allowed = `a domid from 1 to ${DOMID_FIRST_RESERVED - 1}`;
  tell(`${programName()}: --domain: "${value ?? ""}" is not allowed, but ${allowed}\n`);
  process.exit(1);
}

const host = new NodeHost();
const args = programArguments();
/** The domain to act as on a simulated machine; -1: none. */
const domid = takeDomain(args);
const exitCode = await runTool(programName(), args, host);
host.flush();
if (host.interruptedBy !== null) endBy(host.interruptedBy);
else process.exit(exitCode);
