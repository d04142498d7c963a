// Journal reader: frame after frame is checked and applied, until the zeros behind the last.
// Holds   how far it came, and whether whole frames lie behind a fault.
// Never   applies a frame whose number is not the next: what was before it is missing.
// Source  our own; the layout stands at state/frames.ts.

import {
  BOOT_SIZE,
  LOADED,
  LOADED_DAMAGED,
  LOADED_FOREIGN,
  LOADED_NEWER,
  LOADED_NO_MEMORY,
  LOADED_TORN,
} from "../abi";
import { Bytes } from "../base/bytes";
import { Crc } from "../base/crc";
import { Heap } from "../base/heap";
import { FRAME_HEAD } from "../store/journal";
import { Tree } from "../store/tree";
import { Feed } from "./feed";
import {
  FRAME_MAGIC,
  Frames,
  frameCrc,
  frameSize,
  JOURNAL_HEAD,
  JOURNAL_MAGIC,
  JOURNAL_VERSION,
} from "./frames";
import { Replay } from "./replay";

/** A frame says that it is longer than this: it is none. */
const RECORDS_MAX: u32 = 0x4000_0000;

const HEAD: u32 = 0;
const FRAMES: u32 = 1;
/** Zeros behind the last frame. */
const TAIL: u32 = 2;
/** Behind a fault: looking for whole frames. */
const SEARCH: u32 = 3;
const DONE: u32 = 4;

export class JournalReader {
  private static phase: u32 = 0;
  private static only: bool = false;
  private static result: u32 = 0;
  static fault: u64 = 0;
  static frames: u32 = 0;
  /** Frames that can't be applied. */
  static lost: u32 = 0;
  static number: u32 = 0;
  static sameBoot: bool = false;
  /** Number of the file's first frame. */
  static first: u64 = 0;
  /** Frames from this number on do not count: a later file begins with it. 0: all count. */
  static until: u64 = 0;
  /** Where the last good frame ends. */
  private static good: u64 = 0;
  /** Number that the next frame must have; 0: any, when a file is only checked. */
  private static next: u64 = 0;

  static begin(only: bool): void {
    JournalReader.phase = HEAD;
    JournalReader.only = only;
    JournalReader.result = LOADED;
    JournalReader.fault = 0;
    JournalReader.frames = 0;
    JournalReader.lost = 0;
    JournalReader.number = 0;
    JournalReader.sameBoot = false;
    JournalReader.first = 0;
    JournalReader.good = 0;
    JournalReader.next = only ? 0 : Frames.number;
  }

  /** Reads what is there. @returns whether more is wanted */
  static read(): bool {
    if (JournalReader.phase == HEAD && !JournalReader.readHead()) return true;
    while (JournalReader.phase == FRAMES) if (!JournalReader.readFrame()) return true;
    if (JournalReader.phase == TAIL) JournalReader.readTail();
    if (JournalReader.phase == SEARCH) JournalReader.search(false);
    return JournalReader.phase != DONE;
  }

  static end(): u32 {
    const result = JournalReader.conclude();
    if (result == LOADED) JournalReader.fault = JournalReader.good;
    JournalReader.until = 0;
    return result;
  }

  private static conclude(): u32 {
    switch (JournalReader.phase) {
      case HEAD:
        // Made, and never written to: the process ended between the two.
        if (JournalReader.isZero()) return Feed.offset + Feed.len == 0 ? LOADED : LOADED_TORN;
        return LOADED_FOREIGN;
      case FRAMES:
        // Neither a whole frame nor the zeros that stand behind the last one.
        JournalReader.stop(LOADED_TORN);
        JournalReader.search(true);
        break;
      case SEARCH:
        JournalReader.search(true);
        break;
      default:
        break;
    }
    return JournalReader.result;
  }

  /** @returns false when more is needed */
  private static readHead(): bool {
    if (Feed.len < JOURNAL_HEAD) return false;
    const at = Feed.ptr;
    if (JournalReader.isZero()) {
      JournalReader.stop(LOADED_TORN);
      return true;
    }
    if (Crc.of(at, 40, 0) != load<u32>(at, 40) || load<u32>(at, 44) != 0) {
      // The frames may be whole all the same, and say themselves which they are.
      const ours = load<u64>(at) == JOURNAL_MAGIC;
      JournalReader.result = ours ? LOADED_DAMAGED : LOADED_FOREIGN;
      JournalReader.sameBoot = true;
      Feed.take(JOURNAL_HEAD);
      JournalReader.phase = FRAMES;
      return true;
    }
    if (load<u64>(at) != JOURNAL_MAGIC) return JournalReader.finish(LOADED_FOREIGN);
    if (load<u32>(at, 8) > JOURNAL_VERSION) return JournalReader.finish(LOADED_NEWER);
    JournalReader.number = load<u32>(at, 12);
    JournalReader.sameBoot = Bytes.equal(at + 16, Frames.boot, BOOT_SIZE);
    const first = load<u64>(at, 32);
    JournalReader.first = first;
    if (JournalReader.next == 0) JournalReader.next = first;
    if (first > JournalReader.next) {
      // What the files before this one should hold is not there.
      JournalReader.lost += <u32>(first - JournalReader.next);
      JournalReader.stop(LOADED_DAMAGED);
      return true;
    }
    Feed.take(JOURNAL_HEAD);
    JournalReader.good = Feed.offset;
    JournalReader.phase = FRAMES;
    return true;
  }

  private static finish(result: u32): bool {
    JournalReader.result = result;
    JournalReader.phase = DONE;
    return true;
  }

  /** Here is a fault; whether it is the torn end of the file turns out later. */
  private static stop(result: u32): void {
    // Of two faults the first is told.
    if (JournalReader.result == LOADED) {
      JournalReader.result = result;
      JournalReader.fault = Feed.offset;
    }
    JournalReader.phase = SEARCH;
  }

  /** @returns false when more is needed */
  private static readFrame(): bool {
    if (Feed.len < FRAME_HEAD) return false;
    const at = Feed.ptr;
    if (load<u32>(at) == 0) {
      JournalReader.phase = TAIL;
      return true;
    }
    const records = load<u32>(at, 4);
    if (load<u32>(at) != FRAME_MAGIC || records > RECORDS_MAX) {
      JournalReader.stop(LOADED_TORN);
      return true;
    }
    const size = frameSize(records);
    if (Feed.len < size) return false;
    const sound = frameCrc(at, records) == load<u32>(at, 24) && load<u32>(at, 28) == 0;
    if (!sound || !padded(at + FRAME_HEAD + records, size - FRAME_HEAD - records)) {
      // A frame that was not written to its end has zeros there.
      JournalReader.stop(load<u64>(at + size - 8) == 0 ? LOADED_TORN : LOADED_DAMAGED);
      return true;
    }
    if (JournalReader.until != 0 && load<u64>(at, 8) >= JournalReader.until) {
      // It could not be stored, and was refused or written again.
      JournalReader.phase = DONE;
      return true;
    }
    if (JournalReader.next == 0) JournalReader.next = load<u64>(at, 8);
    if (load<u64>(at, 8) < JournalReader.next && JournalReader.frames == 0) {
      // The file before this one has it, too: nobody knew whether it had got there.
      Feed.take(size);
      return true;
    }
    if (load<u64>(at, 8) != JournalReader.next) {
      JournalReader.lost++;
      JournalReader.stop(LOADED_DAMAGED);
      return true;
    }
    JournalReader.apply(at, records, size);
    return true;
  }

  private static apply(at: usize, records: u32, size: u32): void {
    if (!JournalReader.only && !Replay.records(at + FRAME_HEAD, records)) {
      JournalReader.stop(Heap.reserve(1048576) ? LOADED_DAMAGED : LOADED_NO_MEMORY);
      JournalReader.phase = DONE;
      return;
    }
    if (JournalReader.result == LOADED_FOREIGN) JournalReader.result = LOADED_DAMAGED;
    JournalReader.next++;
    JournalReader.frames++;
    if (!JournalReader.only) {
      Tree.seq = max<u64>(Tree.seq, load<u64>(at, 16));
      Frames.number = JournalReader.next;
    }
    Feed.take(size);
    JournalReader.good = Feed.offset;
  }

  /** Behind the last frame there is nothing but zeros. */
  private static readTail(): void {
    if (!JournalReader.isZero()) {
      JournalReader.stop(LOADED_TORN);
      // Where zeros should begin, however many of them there are.
      if (JournalReader.result == LOADED_TORN) JournalReader.fault = JournalReader.good;
      return;
    }
    Feed.take(Feed.len & ~7);
  }

  /** Looks for whole frames behind a fault: then it was no torn end. */
  private static search(last: bool): void {
    while (Feed.len >= FRAME_HEAD) {
      const at = Feed.ptr;
      const records = load<u32>(at, 4);
      if (load<u32>(at) == FRAME_MAGIC && records < RECORDS_MAX) {
        const size = frameSize(records);
        if (size > Feed.len) {
          // Perhaps a frame whose end is still to come; what says so may also be a fault.
          if (!last) return;
        } else if (frameCrc(at, records) == load<u32>(at, 24)) {
          JournalReader.lost++;
          if (JournalReader.result == LOADED_TORN) JournalReader.result = LOADED_DAMAGED;
          Feed.take(size);
          continue;
        }
      }
      Feed.take(8);
    }
  }

  /** Is all that has not been used zero? */
  private static isZero(): bool {
    return padded(Feed.ptr, Feed.len);
  }
}

function padded(ptr: usize, len: u32): bool {
  for (let i: u32 = 0; i < len; i++) if (load<u8>(ptr + i) != 0) return false;
  return true;
}
