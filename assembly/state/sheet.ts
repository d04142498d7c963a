// Sheet: records of a stream on their way to the host, one chunk at a time.
// Holds   the chunk in one growing run of bytes, and the CRC of what has left.
// Never   fails half way: without memory `lost` is set, and what follows counts for nothing.
// Source  the XenStore protocol, migration stream; our own.

import { Crc } from "../base/crc";
import { Heap } from "../base/heap";
import {
  CHECK_MAGIC,
  CHECK_SIZE,
  RECORD_HEAD,
  S_CHECK,
  S_END,
  STREAM_HEAD,
  STREAM_MAGIC,
  swapped,
} from "./stream";

/** Chunks are handed over when they have this size. */
export const CHUNK: u32 = 262144;
const FIRST_SIZE: u32 = CHUNK + 65536;
/** Where records go when there is no memory for them: nobody reads that. */
const nowhere: usize = memory.data(8192, 8);

export class Sheet {
  static ptr: usize = 0;
  static len: u32 = 0;
  private static cap: u32 = 0;
  private static checked: bool = false;
  private static blocks: u32 = 0;
  static lost: bool = false;

  /** @param checked  the stream gets checksums */
  static begin(version: u32, checked: bool): void {
    Sheet.len = 0;
    Sheet.lost = false;
    Sheet.checked = checked;
    Sheet.blocks = 0;
    if (!Sheet.room(STREAM_HEAD)) return;
    store<u64>(Sheet.ptr, STREAM_MAGIC);
    store<u32>(Sheet.ptr, swapped(version), 8);
    store<u32>(Sheet.ptr, 0, 12);
    Sheet.len = STREAM_HEAD;
  }

  static close(): void {
    if (Sheet.cap != 0) Heap.free(Sheet.ptr);
    Sheet.ptr = 0;
    Sheet.cap = 0;
    Sheet.len = 0;
  }

  /** The chunk has been taken. */
  static clear(): void {
    Sheet.len = 0;
  }

  /**
   * A record with a body of `size` bytes, to be filled by the caller; zeros stand behind it.
   * @returns 0 without memory, for bodies too long for the place where that does no harm
   */
  static place(type: u32, size: u32): usize {
    const padded = (size + 7) & ~7;
    if (!Sheet.room(RECORD_HEAD + padded)) return size <= 8192 ? nowhere : 0;
    const at = Sheet.ptr + Sheet.len;
    store<u32>(at, type);
    store<u32>(at, padded, 4);
    if (padded > 0) store<u64>(at + RECORD_HEAD + padded - 8, 0);
    Sheet.len += RECORD_HEAD + padded;
    return at + RECORD_HEAD;
  }

  /** Closes the chunk: from its bytes a reader knows that they are those that were written. */
  static check(): void {
    if (!Sheet.checked || Sheet.len == 0) return;
    const crc = Crc.of(Sheet.ptr, Sheet.len, 0);
    const at = Sheet.place(S_CHECK, CHECK_SIZE);
    store<u64>(at, CHECK_MAGIC);
    store<u32>(at, crc, 8);
    store<u32>(at, Sheet.blocks++, 12);
  }

  static end(): void {
    Sheet.place(S_END, 0);
  }

  /** Takes the records from `from` on out of the chunk, into a place of their own; 0: none. */
  static cutOff(from: u32): usize {
    const len = Sheet.len - from;
    const place = Heap.alloc(max<u32>(len, 1));
    if (place == 0) Sheet.lost = true;
    else memory.copy(place, Sheet.ptr + from, len);
    Sheet.len = from;
    return place;
  }

  /** Puts records back. */
  static append(ptr: usize, len: u32): void {
    if (ptr == 0 || !Sheet.room(len)) return;
    memory.copy(Sheet.ptr + Sheet.len, ptr, len);
    Sheet.len += len;
  }

  private static room(bytes: u32): bool {
    const need = Sheet.len + bytes;
    if (need <= Sheet.cap) return true;
    const cap = max<u32>(FIRST_SIZE, need + (need >> 1));
    const place: usize = Sheet.lost ? 0 : Heap.alloc(cap);
    if (place == 0) {
      Sheet.lost = true;
      return false;
    }
    memory.copy(place, Sheet.ptr, Sheet.len);
    if (Sheet.cap != 0) Heap.free(Sheet.ptr);
    Sheet.ptr = place;
    Sheet.cap = cap;
    return true;
  }
}
