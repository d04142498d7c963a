// Heap: linear memory given out and taken back, in size classes over 64 KiB pages.
// Holds   a state for each page of linear memory, and for each size class the slabs with room.
// Never   moves an object, never traps when memory is short: 0 is the answer.
// Source  our own.
//
//   slab (one page, one size class)            run (whole pages, for what is above 16 KiB)
//   +-------+------+------+------+-----+-----+  +---------------------------------------+
//   | class | live | free | bump | next| prev|  | bytes, from the very start of a page  |
//   +-------+------+------+------+-----+-----+  +---------------------------------------+
//   | object | object | object ...           |
//   +----------------------------------------+

const PAGE: u32 = 65536;
const PAGE_BITS: u32 = 16;
const PAGES_MAX: u32 = 65535;
/** Pages by which linear memory grows at least: growing detaches the host's views. */
const GROW_PAGES: u32 = 128;
const HEADER: u32 = 32;
const SMALL_MAX: u32 = 512;
const CLASSED_MAX: u32 = 16384;
const CLASS_COUNT: u32 = 53;

const FOREIGN: u8 = 0;
const FREE: u8 = 1;
const SLAB: u8 = 2;
const RUN: u8 = 3;
const RUN_TAIL: u8 = 4;

@unmanaged
class Slab {
  sizeClass: u32;
  live: u32;
  free: usize;
  bump: u32;
  next: Slab | null;
  prev: Slab | null;
}

/** State of each page; the length of a run stands at its first page. */
const states: usize = memory.data(65536);
const runLens: usize = memory.data(262144);
/** For each class the first slab that has room. */
const partial: usize = memory.data(256);

export class Heap {
  static firstPage: u32 = 0;
  static pageCount: u32 = 0;
  static freePages: u32 = 0;
  static hint: u32 = 0;
  /** Pages that linear memory may have; lowered by tests. */
  static pagesMax: u32 = PAGES_MAX;
  /** Bytes in objects that are in use, rounded up to their class. */
  static used: usize = 0;

  static init(): void {
    Heap.firstPage = memory.size();
    Heap.pageCount = Heap.firstPage;
    Heap.hint = Heap.firstPage;
  }

  /** An object of at least `size` bytes, not cleared; 0 when there is no memory. */
  static alloc(size: u32): usize {
    if (size > CLASSED_MAX) return Heap.allocRun(size);
    const sizeClass = classOf(size);
    const slot = partial + (sizeClass << 2);
    let slab = load<usize>(slot);
    if (slab == 0) {
      slab = Heap.newSlab(sizeClass);
      if (slab == 0) return 0;
    }
    const s = changetype<Slab>(slab);
    let ptr = s.free;
    const bytes = classSize(sizeClass);
    if (ptr != 0) {
      s.free = load<usize>(ptr);
    } else {
      ptr = slab + s.bump;
      s.bump += bytes;
    }
    s.live++;
    Heap.used += bytes;
    if (s.free == 0 && s.bump + bytes > PAGE) Heap.unlinkSlab(slot, s);
    return ptr;
  }

  /** Gives an object back. */
  static free(ptr: usize): void {
    if ((ptr & (PAGE - 1)) == 0) {
      Heap.freeRun(ptr);
      return;
    }
    const slab = ptr & ~(<usize>(PAGE - 1));
    const s = changetype<Slab>(slab);
    const bytes = classSize(s.sizeClass);
    const slot = partial + (s.sizeClass << 2);
    const wasFull = s.free == 0 && s.bump + bytes > PAGE;
    store<usize>(ptr, s.free);
    s.free = ptr;
    s.live--;
    Heap.used -= bytes;
    if (wasFull) Heap.linkSlab(slot, s);
    // The last slab of a class stays, so that one object in and out costs no page.
    if (s.live == 0 && (s.next !== null || s.prev !== null)) {
      Heap.unlinkSlab(slot, s);
      Heap.freePage(<u32>(slab >> PAGE_BITS));
    }
  }

  /** Bytes that an object really has. */
  static sizeOf(ptr: usize): u32 {
    if ((ptr & (PAGE - 1)) == 0) {
      return load<u32>(runLens + ((ptr >> PAGE_BITS) << 2)) << PAGE_BITS;
    }
    return classSize(changetype<Slab>(ptr & ~(<usize>(PAGE - 1))).sizeClass);
  }

  /** Can `bytes` more be had? Asked before a change begins, so that none stops half way. */
  static reserve(bytes: u32): bool {
    const pages = (bytes >> PAGE_BITS) + 1;
    if (Heap.freePages >= pages) return true;
    return Heap.grow(pages - Heap.freePages);
  }

  private static linkSlab(slot: usize, s: Slab): void {
    const first = load<usize>(slot);
    s.prev = null;
    s.next = changetype<Slab | null>(first);
    if (first != 0) changetype<Slab>(first).prev = s;
    store<usize>(slot, changetype<usize>(s));
  }

  private static unlinkSlab(slot: usize, s: Slab): void {
    const next = s.next;
    const prev = s.prev;
    if (next !== null) next.prev = prev;
    if (prev !== null) prev.next = next;
    else store<usize>(slot, changetype<usize>(next));
    s.next = null;
    s.prev = null;
  }

  private static newSlab(sizeClass: u32): usize {
    const page = Heap.takePages(1);
    if (page == 0) return 0;
    store<u8>(states + page, SLAB);
    const slab = (<usize>page) << PAGE_BITS;
    const s = changetype<Slab>(slab);
    s.sizeClass = sizeClass;
    s.live = 0;
    s.free = 0;
    s.bump = HEADER;
    Heap.linkSlab(partial + (sizeClass << 2), s);
    return slab;
  }

  private static allocRun(size: u32): usize {
    if (size > 0x7fff_0000) return 0;
    const pages = (size + PAGE - 1) >> PAGE_BITS;
    const page = Heap.takePages(pages);
    if (page == 0) return 0;
    store<u8>(states + page, RUN);
    for (let i: u32 = 1; i < pages; i++) store<u8>(states + page + i, RUN_TAIL);
    store<u32>(runLens + (page << 2), pages);
    Heap.used += pages << PAGE_BITS;
    return (<usize>page) << PAGE_BITS;
  }

  private static freeRun(ptr: usize): void {
    const page = <u32>(ptr >> PAGE_BITS);
    assert(load<u8>(states + page) == RUN, "free of a run that is none");
    const pages = load<u32>(runLens + (page << 2));
    Heap.used -= pages << PAGE_BITS;
    for (let i: u32 = 0; i < pages; i++) Heap.freePage(page + i);
  }

  private static freePage(page: u32): void {
    store<u8>(states + page, FREE);
    Heap.freePages++;
    if (page < Heap.hint) Heap.hint = page;
  }

  /** First page of `count` free ones in a row, or 0. */
  private static takePages(count: u32): u32 {
    let page = Heap.findFree(count);
    if (page == 0) {
      // Some of the row may already be free at the end of memory.
      if (!Heap.grow(count)) return 0;
      page = Heap.findFree(count);
      if (page == 0) return 0;
    }
    Heap.freePages -= count;
    if (page == Heap.hint) Heap.hint = page + count;
    return page;
  }

  private static findFree(count: u32): u32 {
    if (Heap.freePages < count) return 0;
    let row: u32 = 0;
    for (let page = Heap.hint; page < Heap.pageCount; page++) {
      row = load<u8>(states + page) == FREE ? row + 1 : 0;
      if (row == count) return page - count + 1;
    }
    return 0;
  }

  private static grow(pages: u32): bool {
    const room = Heap.pagesMax > Heap.pageCount ? Heap.pagesMax - Heap.pageCount : 0;
    if (room < pages) return false;
    let step = min<u32>(max<u32>(pages, GROW_PAGES), room);
    let at = memory.grow(<i32>step);
    if (at < 0) {
      step = pages;
      at = memory.grow(<i32>step);
      if (at < 0) return false;
    }
    assert(<u32>at == Heap.pageCount, "linear memory grew behind the heap's back");
    for (let i: u32 = 0; i < step; i++) store<u8>(states + <u32>at + i, FREE);
    Heap.pageCount += step;
    Heap.freePages += step;
    return true;
  }
}

/** 16 byte steps up to 512, then four steps to each doubling. */
function classOf(size: u32): u32 {
  if (size <= SMALL_MAX) return size == 0 ? 1 : (size + 15) >> 4;
  const bits = 31 - clz(size - 1);
  return 33 + ((bits - 9) << 2) + (((size - 1) >> (bits - 2)) & 3);
}

function classSize(sizeClass: u32): u32 {
  if (sizeClass <= 32) return sizeClass << 4;
  const step = sizeClass - 33;
  const base: u32 = 512 << (step >> 2);
  return base + (base >> 2) * ((step & 3) + 1);
}

assert(classSize(CLASS_COUNT - 1) == CLASSED_MAX, "the last size class");
assert(FOREIGN == 0, "pages that are not the heap's own are marked by zero");
