// Feed: the bytes of a file, piece by piece as the host has them, for readers that want more of
// them at a time.
// Holds   what was given and not used, in one growing run of bytes.
// Never   keeps more than the longest thing that a reader wants whole.
// Source  our own.

import { Heap } from "../base/heap";

export class Feed {
  static base: usize = 0;
  private static cap: u32 = 0;
  private static start: u32 = 0;
  private static end: u32 = 0;
  /** Bytes of the file in front of what is here. */
  static offset: u64 = 0;

  static begin(): void {
    Feed.start = 0;
    Feed.end = 0;
    Feed.offset = 0;
  }

  /** A place for at most `size` bytes more; 0 without memory. */
  static place(size: u32): usize {
    const have = Feed.end - Feed.start;
    if (Feed.start > 0) {
      memory.copy(Feed.base, Feed.base + Feed.start, have);
      Feed.start = 0;
      Feed.end = have;
    }
    if (have + size > Feed.cap) {
      const cap = max<u32>(have + size, Feed.cap + (Feed.cap >> 1));
      const place = Heap.alloc(cap);
      if (place == 0) return 0;
      memory.copy(place, Feed.base, have);
      if (Feed.cap != 0) Heap.free(Feed.base);
      Feed.base = place;
      Feed.cap = cap;
    }
    return Feed.base + Feed.end;
  }

  /** `len` bytes have been put there. */
  static add(len: u32): void {
    Feed.end += len;
  }

  @inline
  static get ptr(): usize {
    return Feed.base + Feed.start;
  }

  @inline
  static get len(): u32 {
    return Feed.end - Feed.start;
  }

  /** The first `len` bytes are done with. */
  @inline
  static take(len: u32): void {
    Feed.start += len;
    Feed.offset += len;
  }

  static close(): void {
    if (Feed.cap != 0) Heap.free(Feed.base);
    Feed.base = 0;
    Feed.cap = 0;
    Feed.start = 0;
    Feed.end = 0;
  }
}
