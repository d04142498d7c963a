// Host: what a runtime supplies to the command line tools, and what they have in common.
// Holds   types; byte strings, in which the tools work; the two ways of ending early.
// Never   names a runtime.
// Source  our own.

import type { Client } from "../client.ts";
import type { Replayer } from "./replay.ts";

/**
 * Text as the tools see it: one character of 0 to 255 for each byte, so that lengths, cuts and
 * escapes count bytes, and whatever bytes came in go out unchanged.
 */
export type ByteString = string;

/** What the tools need of a runtime. */
export interface ToolHost {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Columns of the terminal that standard output is; null when it is none. */
  columns(): number | null;
  out(text: ByteString): void;
  /** Sees to it that all of `out` has left. */
  flush(): void;
  err(text: ByteString): void;
  /** Opens a connection to the store. Rejects with a XenstoreError. */
  connect(): Promise<Client>;
  /** The bytes of a file. Rejects with a XenstoreError. */
  readFile(path: ByteString): Promise<Uint8Array>;
  /** Columns of the terminal that standard error is; null when it is none. */
  errColumns(): number | null;
  /** Milliseconds since some fixed moment. */
  nowMs(): number;
  /** The bytes of a file as they come; `-` is standard input. Rejects with a XenstoreError. */
  pieces(path: ByteString): AsyncIterable<Uint8Array>;
  /** Begins a file that is to be written; `-` is standard output. Throws a XenstoreError. */
  draft(path: ByteString): Draft;
  /**
   * From now on somebody who interrupts the program (Ctrl-C) ends it in order: drafts are given
   * up and the signal is aborted, with a ToolExit as its reason.
   */
  interruption(): AbortSignal;
  /** Loads what replays traces, which is large. Not there: this program can't. Throws a ToolExit. */
  replayer?(): Promise<Replayer>;
}

/** A file that appears under its name when all of it has been written, or not at all. */
export interface Draft {
  /** Adds some bytes. Throws a XenstoreError. */
  write(bytes: Uint8Array): void;
  /** Drops what was written so far. Throws a XenstoreError. */
  restart(): void;
  /** Puts it in place: what had the name before is gone. Throws, or rejects with, a XenstoreError. */
  finish(): void | Promise<void>;
  /** Leaves nothing behind; does nothing after `finish`. */
  abandon(): void;
}

/** Ends a tool with an exit code; `text`, if any, goes to standard error as it is. */
export class ToolExit extends Error {
  readonly exitCode: number;
  readonly text: ByteString;

  constructor(exitCode: number, text: ByteString = "") {
    super(text);
    this.name = "ToolExit";
    this.exitCode = exitCode;
    this.text = text;
  }
}

/** The bytes of a byte string. */
export function bytesOf(text: ByteString): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

/** The byte string of some bytes. */
export function byteString(bytes: Uint8Array): ByteString {
  const parts: string[] = [];
  for (let at = 0; at < bytes.length; at += 4096) {
    parts.push(String.fromCharCode(...bytes.subarray(at, at + 4096)));
  }
  return parts.join("");
}

/** A byte string of ordinary text, as UTF-8. */
export function utf8(text: string): ByteString {
  return byteString(new TextEncoder().encode(text));
}

/** A number as C's strtol reads it in base 10, kept to 32 bits; 0 where there is none. */
export function looseInt(text: ByteString): number {
  const digits = /^[ \t\n\v\f\r]*([+-]?\d+)/.exec(text)?.[1];
  if (digits === undefined) return 0;
  const max = 2n ** 63n - 1n;
  const value = BigInt(digits.replace("+", ""));
  const kept = value > max ? max : value < -max - 1n ? -max - 1n : value;
  return Number(BigInt.asIntN(32, kept));
}
