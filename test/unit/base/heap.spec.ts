// Heap: memory given out and taken back, under test with a lowered limit.
// Holds   a list of live objects in memory of its own.
// Never   relies on where an object lies.
// Source  our own.

import { Heap } from "../../../assembly/base/heap";

Heap.init();

const list = memory.data(65536);

function fill(ptr: usize, size: u32, value: u8): void {
  memory.fill(ptr, value, size);
}

function holds(ptr: usize, size: u32, value: u8): bool {
  for (let i: u32 = 0; i < size; i++) if (load<u8>(ptr + i) != value) return false;
  return true;
}

describe("the heap", () => {
  it("gives objects of every size that do not overlap", () => {
    const before = Heap.used;
    let count: u32 = 0;
    for (let size: u32 = 1; size <= 70000; size = size + (size >> 3) + 1) {
      const ptr = Heap.alloc(size);
      expect<bool>(ptr != 0).toBe(true);
      expect<bool>(Heap.sizeOf(ptr) >= size).toBe(true);
      fill(ptr, size, <u8>count);
      store<usize>(list + (count << 3), ptr);
      store<u32>(list + (count << 3) + 4, size);
      count++;
    }
    let whole: bool = true;
    for (let i: u32 = 0; i < count; i++) {
      const ptr = load<usize>(list + (i << 3));
      whole = whole && holds(ptr, load<u32>(list + (i << 3) + 4), <u8>i);
    }
    expect<bool>(whole).toBe(true);
    for (let i: u32 = 0; i < count; i++) Heap.free(load<usize>(list + (i << 3)));
    expect<usize>(Heap.used).toBe(before);
  });

  it("gives the same memory again after it was freed", () => {
    const pages = Heap.pageCount;
    for (let round = 0; round < 50; round++) {
      for (let i: u32 = 0; i < 1000; i++) store<usize>(list + (i << 2), Heap.alloc(100 + i));
      for (let i: u32 = 0; i < 1000; i++) Heap.free(load<usize>(list + (i << 2)));
    }
    expect<bool>(Heap.pageCount - pages <= 256).toBe(true);
  });

  it("wastes little in a class", () => {
    for (let size: u32 = 16; size < 16384; size += 97) {
      const ptr = Heap.alloc(size);
      expect<bool>(Heap.sizeOf(ptr) - size <= max<u32>(16, size >> 2)).toBe(true);
      Heap.free(ptr);
    }
  });

  it("answers 0 when there is no memory and goes on afterwards", () => {
    const limit = Heap.pagesMax;
    Heap.pagesMax = Heap.pageCount;
    let count: u32 = 0;
    for (;;) {
      const ptr = Heap.alloc(60000);
      if (ptr == 0) break;
      store<usize>(list + (count++ << 2), ptr);
    }
    expect<usize>(Heap.alloc(1 << 20)).toBe(0);
    expect<bool>(Heap.reserve(1 << 20)).toBe(false);
    for (let i: u32 = 0; i < count; i++) Heap.free(load<usize>(list + (i << 2)));
    const ptr = Heap.alloc(60000);
    expect<bool>(ptr != 0).toBe(true);
    Heap.free(ptr);
    Heap.pagesMax = limit;
  });

  it("refuses a size beyond all bounds", () => {
    expect<usize>(Heap.alloc(0xffff_ffff)).toBe(0);
    expect<usize>(Heap.alloc(0x8000_0000)).toBe(0);
  });
});
