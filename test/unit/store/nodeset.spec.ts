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
});
