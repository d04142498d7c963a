// Frames: the changes that are stored together, and what happens when they can't be.
// Holds   the number of the next frame, and the name of this run of the machine.
// Never   writes anything: the host takes the bytes.
// Source  our own.
//
//   file    "xsjournl"  8 u32 version  12 u32 number  16 boot (16)  32 u64 its first frame
//           40 u32 CRC of the 40 bytes  44 0  48 frames, then at least FRAME_HEAD zeros
//   frame   u32 "FRAM"  4 u32 bytes of records  8 u64 number  16 u64 last change
//           24 u32 CRC of the 24 bytes and the records  28 0  32 records, zeros up to a multiple of 8

import { BOOT_SIZE, STORAGE_OK } from "../abi";
import { Crc } from "../base/crc";
import { Kept } from "../connection/kept";
import { storageErrno, Unstored } from "../connection/unstored";
import { FRAME_HEAD, Journal } from "../store/journal";
import { Tree } from "../store/tree";
import { Undo } from "../store/undo";
import { undoFrame } from "./replay";

export const JOURNAL_MAGIC: u64 = 0x6c6e_7275_6f6a_7378;
export const JOURNAL_VERSION: u32 = 1;
export const JOURNAL_HEAD: u32 = 48;
export const FRAME_MAGIC: u32 = 0x4d41_5246;

const head: usize = memory.data(48, 8);
/** Name of this run of the machine. */
const boot: usize = memory.data(16, 8);

export class Frames {
  /** Number of the frame that is open. */
  static number: u64 = 1;
  /** Where the host finds what it asked for. */
  static ptr: usize = 0;

  static get boot(): usize {
    return boot;
  }

  /** What a file with this number begins with. @returns its length */
  static head(number: u32): u32 {
    store<u64>(head, JOURNAL_MAGIC);
    store<u32>(head, JOURNAL_VERSION, 8);
    store<u32>(head, number, 12);
    memory.copy(head + 16, boot, BOOT_SIZE);
    store<u64>(head, Frames.number, 32);
    store<u32>(head, Crc.of(head, 40, 0), 40);
    store<u32>(head, 0, 44);
    Frames.ptr = head;
    return JOURNAL_HEAD;
  }

  /** Closes the open frame. @returns its length, 0 when nothing waits */
  static take(): u32 {
    Kept.putDown();
    const len = Journal.len;
    Journal.urgent = false;
    if (len == 0) return 0;
    assert(Journal.ensure(8), "no memory for the end of a frame");
    const at = Journal.ptr;
    store<u32>(at, FRAME_MAGIC);
    store<u32>(at, len, 4);
    store<u64>(at, Frames.number, 8);
    store<u64>(at, Tree.seq, 16);
    store<u32>(at, frameCrc(at, len), 24);
    store<u32>(at, 0, 28);
    store<u64>(at + FRAME_HEAD + len, 0);
    Frames.ptr = at;
    return frameSize(len);
  }

  /**
   * After a frame that could not be stored: its records that hold all the same.
   * @returns their length
   */
  static stays(): u32 {
    Frames.ptr = Journal.ptr + FRAME_HEAD + Journal.known;
    return Journal.deferred - Journal.known;
  }

  /** How storing it went. */
  static done(status: u32): void {
    if (status == STORAGE_OK) {
      Frames.number++;
      Kept.letGo();
    } else {
      // The journal is empty while the records of Undo are applied, and does not take them down.
      Journal.quiet++;
      Kept.takeBack();
      undoFrame();
      Unstored.refuse(storageErrno(status));
      Journal.quiet--;
      Journal.retain(Undo.lost);
    }
    if (status == STORAGE_OK) Journal.clear();
    Undo.clear();
    Unstored.clear();
  }
}

/** Bytes of a frame with so many bytes of records. */
export function frameSize(records: u32): u32 {
  return (FRAME_HEAD + records + 7) & ~7;
}

export function frameCrc(at: usize, records: u32): u32 {
  return Crc.of(at + FRAME_HEAD, records, Crc.of(at, 24, 0));
}
