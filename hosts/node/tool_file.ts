// Tool file: files that the command line tools read in pieces, or write as a whole.
// Holds   the temporary name beside a file until all of it is written and synced.
// Never   leaves a part of a file under its name.
// Source  our own.

import fs from "node:fs";
import path from "node:path";
import process from "node:process";
import type { Draft } from "../shared/cli/host.ts";
import { XenstoreError } from "../shared/errors.ts";

/** Bytes read at a time. */
const PIECE = 1 << 20;
/** Wait before looking again at an input that has nothing yet and must not be waited for. */
const EMPTY_MS = 5;
/** A backup holds what guests may not read. */
const MODE = 0o600;

/** Does it; an error of the system becomes a XenstoreError. */
function asStore<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw new XenstoreError((error as NodeJS.ErrnoException).code ?? "EIO", { cause: error });
  }
}

/** The bytes behind a descriptor, to its end. Rejects with a XenstoreError. */
export async function* readPieces(fd: number): AsyncGenerator<Uint8Array, void> {
  for (;;) {
    const piece = new Uint8Array(PIECE);
    const size = await readSome(fd, piece);
    if (size === 0) return;
    yield piece.subarray(0, size);
  }
}

/** The same for a file, which is closed in the end. */
export async function* readFilePieces(name: string | Buffer): AsyncGenerator<Uint8Array, void> {
  const fd = asStore(() => fs.openSync(name, "r"));
  try {
    yield* readPieces(fd);
  } finally {
    fs.closeSync(fd);
  }
}

/** Waits without keeping the program from being interrupted. */
function readSome(fd: number, piece: Uint8Array): Promise<number> {
  return new Promise((done, failed) => {
    const look = () =>
      fs.read(fd, piece, 0, piece.length, null, (error, size) => {
        if (error?.code === "EAGAIN") setTimeout(look, EMPTY_MS);
        else if (error?.code === "EOF") done(0);
        else if (error) failed(new XenstoreError(error.code ?? "EIO", { cause: error }));
        else done(size);
      });
    look();
  });
}

/** Collects what goes to something that can't be taken back, such as a pipe. */
export class HeldDraft implements Draft {
  readonly #put: (bytes: Uint8Array) => void;
  #parts: Uint8Array[] = [];

  /** @param put  writes all of it, once; may throw the system's error */
  constructor(put: (bytes: Uint8Array) => void) {
    this.#put = put;
  }

  write(bytes: Uint8Array): void {
    this.#parts.push(bytes);
  }

  restart(): void {
    this.#parts = [];
  }

  finish(): void {
    const parts = this.#parts;
    this.#parts = [];
    asStore(() => {
      for (const part of parts) this.#put(part);
    });
  }

  abandon(): void {
    this.#parts = [];
  }
}

/** A file beside the one it is to replace. */
class FileDraft implements Draft {
  readonly #target: string;
  readonly #temporary: string;
  #fd: number | null;

  constructor(target: string, mode: number) {
    this.#target = target;
    this.#temporary = `${target}.${process.pid}.new`;
    this.#fd = fs.openSync(this.#temporary, "wx", mode);
    // Whatever mask there is, the file gets the mode of the one it replaces.
    this.#do((fd) => fs.fchmodSync(fd, mode));
  }

  write(bytes: Uint8Array): void {
    this.#do((fd) => {
      for (let at = 0; at < bytes.length; ) at += fs.writeSync(fd, bytes, at);
    });
  }

  restart(): void {
    this.#do((fd) => {
      fs.ftruncateSync(fd, 0);
      // Written at the place the descriptor stands at, so it is opened anew.
      fs.closeSync(fd);
      this.#fd = null;
      this.#fd = fs.openSync(this.#temporary, "r+");
    });
  }

  finish(): void {
    this.#do((fd) => {
      fs.fsyncSync(fd);
      fs.closeSync(fd);
      this.#fd = null;
      fs.renameSync(this.#temporary, this.#target);
      syncFolder(path.dirname(this.#target));
    });
  }

  abandon(): void {
    if (this.#fd === null) return;
    fs.closeSync(this.#fd);
    this.#fd = null;
    fs.rmSync(this.#temporary, { force: true });
  }

  /** After a failure nothing is left. */
  #do(work: (fd: number) => void): void {
    try {
      asStore(() => work(this.#fd ?? -1));
    } catch (error) {
      this.abandon();
      fs.rmSync(this.#temporary, { force: true });
      throw error;
    }
  }
}

/** So that the new name survives a power cut; not every file system can do it. */
function syncFolder(folder: string): void {
  const fd = fs.openSync(folder, "r");
  try {
    fs.fsyncSync(fd);
  } catch {
    // The file itself is safe.
  } finally {
    fs.closeSync(fd);
  }
}

/**
 * Begins to write a file. What is no plain file, such as a pipe, is written to at the end; a link
 * is followed. Throws a XenstoreError.
 */
export function draftFile(name: string): Draft {
  return asStore(() => {
    const stat = fs.statSync(name, { throwIfNoEntry: false });
    if (stat === undefined) return new FileDraft(path.resolve(name), MODE);
    if (stat.isDirectory()) throw Object.assign(new Error(name), { code: "EISDIR" });
    if (stat.isFile()) return new FileDraft(fs.realpathSync(name), stat.mode & 0o777);
    const fd = fs.openSync(name, "w");
    return new HeldDraft((bytes) => {
      for (let at = 0; at < bytes.length; ) at += fs.writeSync(fd, bytes, at);
    });
  });
}
