// Table: the hash table under test while it grows and shrinks bucket by bucket.
// Holds   entries of twelve bytes: the table's two words and a number.
// Never   uses a good hash: equal hashes must work, too.
// Source  our own.

import { Heap } from "../../../assembly/base/heap";
import { Entry, Table } from "../../../assembly/base/table";

Heap.init();

function add(table: Table, hash: u32, value: u32): usize {
  const ptr = Heap.alloc(12);
  store<u32>(ptr, value, 8);
  table.insert(ptr, hash);
  return ptr;
}

function find(table: Table, hash: u32, value: u32): usize {
  let at = table.head(hash);
  while (at != 0 && (changetype<Entry>(at).hash != hash || load<u32>(at, 8) != value)) {
    at = changetype<Entry>(at).hashNext;
  }
  return at;
}

function scatter(value: u32): u32 {
  return value * 0x9e37_79b1;
}

describe("a table", () => {
  it("finds every entry while it grows and while it shrinks", () => {
    const table = Table.make();
    const count: u32 = 20000;
    for (let i: u32 = 0; i < count; i++) add(table, scatter(i), i);
    expect<u32>(table.count).toBe(count);
    let found = true;
    for (let i: u32 = 0; i < count; i++) found = found && find(table, scatter(i), i) != 0;
    expect<bool>(found).toBe(true);
    expect<usize>(find(table, scatter(count), count)).toBe(0);
    for (let i: u32 = 0; i < count; i++) {
      const at = find(table, scatter(i), i);
      found = found && at != 0;
      table.remove(at);
      Heap.free(at);
      if (i % 997 == 0 && i + 1 < count) {
        found = found && find(table, scatter(count - 1), count - 1) != 0;
      }
    }
    expect<bool>(found).toBe(true);
    expect<u32>(table.count).toBe(0);
  });

  it("gives its memory back when it is empty again", () => {
    const table = Table.make();
    const before = Heap.used;
    for (let i: u32 = 0; i < 50000; i++) add(table, scatter(i), i);
    for (let i: u32 = 0; i < 50000; i++) {
      const at = find(table, scatter(i), i);
      table.remove(at);
      Heap.free(at);
    }
    // The directory keeps its width; its segments are given back.
    expect<bool>(Heap.used - before <= 16384).toBe(true);
  });

  it("keeps entries apart that have one hash", () => {
    const table = Table.make();
    for (let i: u32 = 0; i < 100; i++) add(table, 7, i);
    for (let i: u32 = 0; i < 100; i += 2) table.remove(find(table, 7, i));
    expect<u32>(table.count).toBe(50);
    expect<usize>(find(table, 7, 2)).toBe(0);
    expect<bool>(find(table, 7, 3) != 0).toBe(true);
  });

  it("shows every entry once to a walk over its buckets", () => {
    const table = Table.make();
    for (let i: u32 = 0; i < 3000; i++) add(table, scatter(i), i);
    let seen: u32 = 0;
    for (let b: u32 = 0; b < table.buckets; b++) {
      for (let at = load<usize>(table.slot(b)); at != 0; at = changetype<Entry>(at).hashNext)
        seen++;
    }
    expect<u32>(seen).toBe(3000);
  });
});
