// Table: a hash table that grows and shrinks a bucket at a time, so that no request pays for all.
// Holds   chains of entries; an entry is any object that begins with `hashNext` and `hash`.
// Never   owns its entries, never looks at more of them than these two words.
// Source  our own (linear hashing).
//
//   directory -> segment of 1024 chain heads -> entry -> entry -> 0
//   buckets 0 .. mask are addressed by `hash & mask`; those below `split` have already been
//   divided in two and are addressed by one more bit of the hash.

import { Heap } from "./heap";

const SEGMENT_BITS: u32 = 10;
const SEGMENT: u32 = 1024;

@unmanaged
export class Entry {
  hashNext: usize;
  hash: u32;
}

@unmanaged
export class Table {
  directory: usize;
  directoryCap: u32;
  count: u32;
  mask: u32;
  split: u32;

  /** A table with 1024 buckets; called at start only, when there is memory. */
  static make(): Table {
    const t = changetype<Table>(Heap.alloc(offsetof<Table>()));
    t.directoryCap = 8;
    t.directory = Heap.alloc(t.directoryCap << 2);
    t.count = 0;
    t.mask = SEGMENT - 1;
    t.split = 0;
    store<usize>(t.directory, newSegment());
    return t;
  }

  /** First entry of the chain where `hash` belongs; follow `hashNext` and compare. */
  @inline
  head(hash: u32): usize {
    return load<usize>(this.slot(this.bucket(hash)));
  }

  insert(ptr: usize, hash: u32): void {
    const slot = this.slot(this.bucket(hash));
    const e = changetype<Entry>(ptr);
    e.hash = hash;
    e.hashNext = load<usize>(slot);
    store<usize>(slot, ptr);
    this.count++;
    // At most half full: a find then meets few others on its way. Two, so that it catches up.
    if (this.count << 1 <= this.buckets) return;
    this.divide();
    this.divide();
  }

  remove(ptr: usize): void {
    let link = this.slot(this.bucket(changetype<Entry>(ptr).hash));
    while (load<usize>(link) != ptr) {
      link = load<usize>(link);
      assert(link != 0, "an entry that is not in its table");
      link += offsetof<Entry>("hashNext");
    }
    store<usize>(link, changetype<Entry>(ptr).hashNext);
    this.count--;
    // Eight buckets go for one entry, so that the table follows however fast it empties.
    for (let i = 0; i < 8; i++) {
      if (this.buckets <= SEGMENT || this.count >= this.buckets >> 3) return;
      this.join();
    }
  }

  @inline
  private bucket(hash: u32): u32 {
    const b = hash & this.mask;
    return b < this.split ? hash & ((this.mask << 1) | 1) : b;
  }

  @inline
  slot(bucket: u32): usize {
    return (
      load<usize>(this.directory + ((bucket >> SEGMENT_BITS) << 2)) +
      ((bucket & (SEGMENT - 1)) << 2)
    );
  }

  /** Number of buckets, for a walk over everything with `slot`. */
  get buckets(): u32 {
    return this.mask + 1 + this.split;
  }

  /** One more bucket. Without memory the chains just get longer. */
  private divide(): void {
    const fresh = this.mask + 1 + this.split;
    if ((fresh & (SEGMENT - 1)) == 0 && !this.addSegment(fresh >> SEGMENT_BITS)) return;
    const bit = this.mask + 1;
    const link = this.slot(this.split);
    let e = load<usize>(link);
    let stay: usize = 0;
    let move: usize = 0;
    while (e != 0) {
      const entry = changetype<Entry>(e);
      const next = entry.hashNext;
      if (entry.hash & bit) {
        entry.hashNext = move;
        move = e;
      } else {
        entry.hashNext = stay;
        stay = e;
      }
      e = next;
    }
    store<usize>(link, stay);
    store<usize>(this.slot(fresh), move);
    this.split++;
    if (this.split > this.mask) {
      this.mask = (this.mask << 1) | 1;
      this.split = 0;
    }
  }

  /** One bucket less. */
  private join(): void {
    if (this.split == 0) {
      this.mask >>= 1;
      this.split = this.mask + 1;
    }
    this.split--;
    const last = this.mask + 1 + this.split;
    const from = this.slot(last);
    const to = this.slot(this.split);
    let e = load<usize>(from);
    while (e != 0) {
      const entry = changetype<Entry>(e);
      const next = entry.hashNext;
      entry.hashNext = load<usize>(to);
      store<usize>(to, e);
      e = next;
    }
    store<usize>(from, 0);
    if ((last & (SEGMENT - 1)) == 0) {
      Heap.free(load<usize>(this.directory + ((last >> SEGMENT_BITS) << 2)));
    }
  }

  private addSegment(index: u32): bool {
    if (index >= this.directoryCap) {
      const wider = Heap.alloc(this.directoryCap << 3);
      if (wider == 0) return false;
      memory.copy(wider, this.directory, this.directoryCap << 2);
      Heap.free(this.directory);
      this.directory = wider;
      this.directoryCap <<= 1;
    }
    const segment = newSegment();
    if (segment == 0) return false;
    store<usize>(this.directory + (index << 2), segment);
    return true;
  }
}

function newSegment(): usize {
  const segment = Heap.alloc(SEGMENT << 2);
  if (segment != 0) memory.fill(segment, 0, SEGMENT << 2);
  return segment;
}
