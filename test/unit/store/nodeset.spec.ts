// NodeSet: the set of a guest's nodes under test.
// Holds   made-up addresses: the set never looks behind one.
// Never   needs a node.
// Source  our own.

import { Heap } from "../../../assembly/base/heap";
import { NodeSet } from "../../../assembly/store/nodeset";

Heap.init();

function has(set: NodeSet, node: usize): bool {
  for (let i: u32 = 0; i < set.cap; i++) if (set.at(i) == node) return true;
  return false;
}

describe("a set of nodes", () => {
  it("holds what was added and not what was removed", () => {
    const set = <NodeSet>NodeSet.make();
    for (let i: u32 = 1; i <= 1000; i++) set.add((<usize>i) << 4);
    expect<u32>(set.count).toBe(1000);
    for (let i: u32 = 1; i <= 1000; i += 2) set.remove((<usize>i) << 4);
    expect<u32>(set.count).toBe(500);
    let right = true;
    for (let i: u32 = 1; i <= 1000; i++) right = right && has(set, (<usize>i) << 4) == (i % 2 == 0);
    expect<bool>(right).toBe(true);
    set.free();
  });

  it("shrinks when it empties and gives all back in the end", () => {
    const before = Heap.used;
    const set = <NodeSet>NodeSet.make();
    const small = set.cap;
    for (let i: u32 = 1; i <= 5000; i++) set.add((<usize>i) << 5);
    expect<bool>(set.cap >= 10000).toBe(true);
    for (let i: u32 = 1; i <= 5000; i++) set.remove((<usize>i) << 5);
    expect<u32>(set.count).toBe(0);
    expect<u32>(set.cap).toBe(small);
    set.free();
    expect<usize>(Heap.used).toBe(before);
  });

  it("gets fuller without memory, and refuses only when it is full", () => {
    const set = <NodeSet>NodeSet.make();
    for (let i: u32 = 1; i <= 4096; i++) set.add((<usize>i) << 4);
    expect<u32>(set.cap).toBe(8192);
    const pagesMax = Heap.pagesMax;
    Heap.pagesMax = Heap.pageCount;
    while (Heap.alloc(65536) != 0) {}
    expect<bool>(set.grow(1)).toBe(false);
    let more: u32 = 4096;
    while (set.add((<usize>(more + 1)) << 4)) more++;
    Heap.pagesMax = pagesMax;
    expect<u32>(more).toBe(8191);
    expect<u32>(set.count).toBe(8191);
    expect<bool>(has(set, 8191 << 4)).toBe(true);
    expect<bool>(set.grow(1)).toBe(true);
    expect<u32>(set.cap).toBe(16384);
    set.free();
  });
});
