// Log: where the core's records and the daemon's own notices go.
// Holds   the trace file, and whether there is a terminal to talk to.
// Never   lets a full disk stop the daemon once it runs.
// Source  control, Formats; command line, Trace file.

import { spawn } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import process from "node:process";
import {
  LOG_NOTICE,
  LOG_PRINT,
  LOG_REPORT,
  LOG_TRACE,
  LOG_TRACE_CLOSE,
  LOG_TRACE_OPEN,
} from "../../assembly/abi.ts";
import type { Log, LogRecord } from "../shared/runtime.ts";
import { type Libc, sendDatagram } from "./libc.ts";
import { TraceFile } from "./trace.ts";

const SYSLOG_SOCKET = "/dev/log";
/** Facility daemon (3), level notice (5). */
const SYSLOG_PRIORITY = 3 * 8 + 5;

export class NodeLog implements Log {
  readonly trace: TraceFile;
  /** Told when the trace file was opened (true) or closed. */
  onTrace: (open: boolean) => void = () => {};
  #folder: string;
  #foreground: boolean;
  #libc: Libc | null;
  #failed = false;

  /**
   * @param folder      where relative names of trace files and reports belong
   * @param foreground  notices go to standard error, else to the system's log
   */
  constructor(folder: string, foreground: boolean, libc: Libc | null) {
    this.#folder = folder;
    this.#foreground = foreground;
    this.#libc = libc;
    this.trace = new TraceFile(folder);
  }

  records(records: readonly LogRecord[]): void {
    let lines: Uint8Array[] = [];
    for (const record of records) {
      if (record.kind === LOG_TRACE) {
        lines.push(record.bytes);
        continue;
      }
      this.#lines(lines);
      lines = [];
      this.#record(record.kind, record.bytes);
    }
    this.#lines(lines);
  }

  /** A line for whoever looks after the machine. */
  notice(text: string): void {
    const line = text.trimEnd();
    if (this.#foreground) process.stderr.write(`xenstored: ${line}\n`);
    else this.#syslog(line);
  }

  /** Opens the trace file again, after it was moved away. */
  reopen(): void {
    this.#try("the trace file cannot be opened again", () => this.trace.reopen());
  }

  #record(kind: number, bytes: Uint8Array): void {
    const text = Buffer.from(bytes).toString("latin1");
    if (kind === LOG_NOTICE) this.notice(text);
    else if (kind === LOG_TRACE_OPEN) this.#open(text);
    else if (kind === LOG_PRINT) this.#print(text);
    else if (kind === LOG_REPORT) this.#report(text);
    else if (kind === LOG_TRACE_CLOSE) {
      this.trace.close();
      this.onTrace(false);
    }
  }

  #open(name: string): void {
    this.#try(`${name || "the trace file"} cannot be opened`, () => this.trace.open(name));
    this.onTrace(this.trace.isOpen);
  }

  #print(text: string): void {
    if (this.#foreground) process.stdout.write(Buffer.from(text, "latin1"));
    else this.#lines([Buffer.from(text, "latin1")]);
  }

  #report(text: string): void {
    const split = text.indexOf("\0");
    const [name, body] = [text.slice(0, split), text.slice(split + 1)];
    if (name === "") {
      this.#lines([Buffer.from(body, "latin1")]);
      return;
    }
    const file = path.resolve(this.#folder, name);
    this.#try(`${file} cannot be written`, () =>
      fs.appendFileSync(file, Buffer.from(body, "latin1"), { mode: 0o600 }),
    );
  }

  #lines(lines: readonly Uint8Array[]): void {
    if (lines.length === 0) return;
    try {
      this.trace.lines(lines);
      this.#failed = false;
    } catch (error) {
      if (!this.#failed) this.notice(`the trace file cannot be written: ${reason(error)}`);
      this.#failed = true;
    }
  }

  #try(failure: string, action: () => void): void {
    try {
      action();
    } catch (error) {
      this.notice(`${failure}: ${reason(error)}`);
    }
  }

  #syslog(line: string): void {
    const message = `<${SYSLOG_PRIORITY}>xenstored[${process.pid}]: ${line}`;
    if (this.#libc && sendDatagram(this.#libc, SYSLOG_SOCKET, message)) return;
    const args = ["-t", `xenstored[${process.pid}]`, "-p", "daemon.notice", "--", line];
    spawn("logger", args, { stdio: "ignore" }).on("error", () => {});
  }
}

/** The short name of a system error, else its text. */
export function reason(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return code ?? message;
}
