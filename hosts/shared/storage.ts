// Storage: what keeps the database's files on a runtime: a folder, or a browser's private files.
// Holds   types, and the one error that storing ends in.
// Never   knows what is in a file, and never decides when something is stored.
// Source  our own; Node, Deno and the File System Access API (synchronous access handles).

/**
 * A medium that fails. `code` is the system's name for it, such as EIO, ENOSPC, EROFS, EACCES;
 * EIO where the system gives none. `file` is the full name for people.
 */
export class StorageError extends Error {
  override name = "StorageError";
  readonly code: string;
  readonly file: string;

  constructor(code: string, file: string, cause?: unknown) {
    super(`${file}: ${code}`, { cause });
    this.code = code;
    this.file = file;
  }
}

/**
 * A file that is being written. All calls are synchronous but those that end in `Later`, and all
 * throw StorageError; after a throw what lies behind `size` is unknown, until `cut` says otherwise.
 */
export interface Appender {
  readonly name: string;
  /** Bytes that were appended; what lies behind them are zeros that `extend` made. */
  readonly size: number;
  /** Puts bytes behind those there are; all of them, however the system cuts the work up. */
  append(bytes: Uint8Array): void;
  /**
   * Makes the file at least `length` bytes long, with zeros for which there is room on the medium:
   * what is appended up to there does not meet a full disk. All or nothing.
   */
  extend(length: number): void;
  /** Takes back all bytes from `size` on, written in part or in full, and all that was extended. */
  cut(size: number): void;
  /** What was appended survives the loss of power when this returns. */
  sync(): void;
  /** As `sync`, while the caller goes on, where the runtime can do that. */
  syncLater(): Promise<void>;
  /** Whether the file is still found by its name: somebody may have removed it. Never throws. */
  named(): boolean;
  /** Lets go of the file. Never throws. */
  close(): void;
}

/** A file of the database. */
export interface Stored {
  readonly name: string;
  /** Bytes. */
  readonly size: number;
}

/** The files of one database, by plain names. All calls throw StorageError. */
export interface Storage {
  /** Where the files lie, for people. */
  readonly place: string;
  /** Makes the place, if somebody has removed it. */
  prepare(): void;
  /** All files there are; anything that is none is left out. */
  list(): Stored[];
  /**
   * Reads into `bytes` from the offset `at` on.
   * @returns how many bytes there were; fewer than asked for only at the end of the file
   */
  read(name: string, at: number, bytes: Uint8Array): number;
  /** Makes an empty file, in place of one that has the name; durable by name after `syncNames`. */
  create(name: string): Appender;
  /** Opens a file for appending behind its first `size` bytes; what follows must be zeros. */
  open(name: string, size: number): Appender;
  /** Gives a closed file another name in one step; a file that had that name is gone. */
  rename(from: string, to: string): void;
  remove(name: string): void;
  /** As `remove`, while the caller goes on, where the runtime can do that: large files take long. */
  removeLater(name: string): Promise<void>;
  /**
   * Keeps what a file holds now under another name as well, `<name>.damaged-<n>`, which nothing
   * here writes to again. The file itself stays.
   * @returns the other name
   */
  keepAside(name: string): string;
  /** Files that were made, renamed or removed are so after the loss of power, too. */
  syncNames(): void;
  /** As `syncNames`, while the caller goes on, where the runtime can do that. */
  syncNamesLater(): Promise<void>;
  /** Lets go of what is open for reading, and of the whole database for others. Never throws. */
  close(): void;
}

/** The error, if it is one of storing; others are bugs and go on their way. */
export function storageError(error: unknown): StorageError {
  if (error instanceof StorageError) return error;
  throw error;
}
