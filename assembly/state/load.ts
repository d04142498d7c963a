// Load: a file of the database, or the state of another process, becomes the store.
// Holds   what is being read, how far, and what was found wrong.
// Never   applies a byte that was not checked, where there is a checksum to check it by.
// Source  our own.

import {
  COUNT_FIRST,
  COUNT_FRAMES,
  COUNT_LOST,
  COUNT_NODES,
  COUNT_NUMBER,
  COUNT_SAME_BOOT,
  LOAD_CHECK,
  LOAD_JOURNAL,
  LOADED,
  LOADED_NO_MEMORY,
} from "../abi";
import { Outbox } from "../connection/outbox";
import { actAsStore } from "../ops/lifecycle";
import { settleLoaded } from "../ops/resume";
import { Feed } from "./feed";
import { JournalReader } from "./journal_reader";
import { StreamReader } from "./stream_reader";

export class Load {
  static what: u32 = 0;
  private static broke: bool = false;

  static begin(what: u32): void {
    Load.what = what;
    Load.broke = false;
    Feed.begin();
    // What is loaded was told to everybody before the store ended.
    Outbox.silent = true;
    actAsStore();
    if (Load.isJournal) JournalReader.begin(what == LOAD_CHECK);
    else StreamReader.begin(what);
  }

  static place(size: u32): usize {
    const place = Feed.place(size);
    if (place == 0) Load.broke = true;
    return place;
  }

  /** @returns whether more is wanted */
  static add(len: u32): bool {
    Feed.add(len);
    return Load.isJournal ? JournalReader.read() : StreamReader.read();
  }

  /** @returns LOADED_* */
  static end(): u32 {
    const result = Load.isJournal ? JournalReader.end() : StreamReader.end();
    Feed.close();
    Outbox.silent = false;
    settleLoaded();
    return Load.broke && result != LOADED ? LOADED_NO_MEMORY : result;
  }

  static get offset(): u64 {
    return Load.isJournal ? JournalReader.fault : StreamReader.fault;
  }

  static count(which: u32): f64 {
    const journal = Load.isJournal;
    switch (which) {
      case COUNT_NODES:
        return journal ? 0 : StreamReader.nodes;
      case COUNT_FRAMES:
        return journal ? JournalReader.frames : 0;
      case COUNT_LOST:
        return journal ? JournalReader.lost : StreamReader.lost;
      case COUNT_NUMBER:
        return journal ? JournalReader.number : StreamReader.number;
      case COUNT_SAME_BOOT:
        return (journal ? JournalReader.sameBoot : StreamReader.sameBoot) ? 1 : 0;
      case COUNT_FIRST:
        return journal ? <f64>JournalReader.first : 0;
      default:
        return -1;
    }
  }

  private static get isJournal(): bool {
    return Load.what == LOAD_JOURNAL || Load.what == LOAD_CHECK;
  }
}
