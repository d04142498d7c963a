// Backup file: what the tools can restore, read from any of the formats there are.
// Holds   how a format is known by its beginning; which records of a stream count.
// Never   talks to a store.
// Source  our own; the XenStore protocol, live update.

import { latin1, RECORD_PRIVATE } from "../records.ts";
import { type PlacedRecord, STREAM_MAGIC, StreamError, StreamReader } from "../stream.ts";
import { concat } from "../wire.ts";
import { type Backup, BackupError, Collection, isSpecialPath, parentOf } from "./backup.ts";
import { readExport } from "./export_file.ts";
import { OX_DUMP_START, readOxDump } from "./ox_dump.ts";

/** Bytes by which a file's format is known. */
const START_SIZE = OX_DUMP_START.length;
const JSON_START = /^\s*\{/;
const BLANK = /^\s*$/;
const TDB_START = "TDB file";

/**
 * Reads all of a file.
 * @param count  hears how many bytes have come so far, now and then
 * @throws       BackupError
 */
export async function readBackup(
  pieces: AsyncIterable<Uint8Array>,
  count: (bytes: number) => void,
): Promise<Backup> {
  let total = 0;
  let start: Uint8Array = new Uint8Array(0);
  let reader: FormatReader | null = null;
  for await (const piece of pieces) {
    total += piece.length;
    count(total);
    if (reader !== null) {
      reader.push(piece);
      continue;
    }
    start = concat([start, piece]);
    if (start.length < START_SIZE) continue;
    reader = readerFor(start);
    reader.push(start);
  }
  if (total === 0) throw new BackupError("is empty");
  if (reader === null) {
    reader = readerFor(start);
    reader.push(start);
  }
  return reader.end();
}

/** Takes a file piece by piece. */
interface FormatReader {
  push(piece: Uint8Array): void;
  end(): Backup;
}

function readerFor(start: Uint8Array): FormatReader {
  const text = latin1(start.subarray(0, START_SIZE));
  const begins = (wanted: string) => wanted.startsWith(text.slice(0, wanted.length));
  if (begins(STREAM_MAGIC)) return new StreamBackup();
  if (begins(OX_DUMP_START)) return new Whole(readOxDump);
  if (JSON_START.test(text) || BLANK.test(text)) return new Whole(readExport);
  if (begins(TDB_START)) {
    throw new BackupError("is the C daemon's own database, which can't be read", 0);
  }
  throw new BackupError("is neither a stream, nor an export, nor a dump of oxenstored", 0);
}

/** A format that is read as a whole. */
class Whole implements FormatReader {
  readonly #read: (bytes: Uint8Array) => Backup;
  readonly #pieces: Uint8Array[] = [];

  constructor(read: (bytes: Uint8Array) => Backup) {
    this.#read = read;
  }

  push(piece: Uint8Array): void {
    this.#pieces.push(piece);
  }

  end(): Backup {
    return this.#read(concat(this.#pieces));
  }
}

/** Nodes of the public state; connections, watches and open transactions are left aside. */
class StreamBackup implements FormatReader {
  readonly #reader = new StreamReader();
  readonly #nodes = new Collection();
  #unknown = 0;
  #firstUnknown = { type: 0, at: 0 };

  push(piece: Uint8Array): void {
    for (const record of told(() => this.#reader.push(piece))) {
      told(() => this.#take(record), record.at);
    }
  }

  end(): Backup {
    told(() => this.#reader.end());
    const { backup } = this.#nodes;
    if (this.#unknown > 0) {
      const { type, at } = this.#firstUnknown;
      const which = `the first of type ${type} at offset ${at}`;
      backup.notes.push(`records of unknown types left out: ${this.#unknown}, ${which}`);
    }
    return backup;
  }

  #take(record: PlacedRecord): void {
    if (record.kind === "skipped" && record.type < RECORD_PRIVATE) {
      if (this.#unknown++ === 0) this.#firstUnknown = record;
    }
    if (record.kind !== "node" || record.conn !== 0 || record.txId !== 0) return;
    const { path, value, perms } = record;
    const orphan = this.#nodes.backup.nodes.length > 0 && !this.#nodes.has(parentOf(path));
    if (!isSpecialPath(path) && orphan) {
      throw new BackupError(`${JSON.stringify(path)} comes without its parent`);
    }
    // An entry that is inert grants nothing, but might when it is set now.
    const entries = perms.filter(({ inert }, i) => i === 0 || !inert);
    const list = entries.map(({ access, domid }) => `${access}${domid}`);
    this.#nodes.add(path, value, list);
  }
}

/** Does it; a fault of the stream becomes a BackupError, and every one gets an offset. */
function told<T>(work: () => T, at: number | null = null): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof StreamError) throw new BackupError(error.message, error.offset);
    if (error instanceof BackupError) throw new BackupError(error.message, error.offset ?? at);
    throw error;
  }
}
