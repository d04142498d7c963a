// NodeSet: the nodes that one guest owns, so that its end costs what it owned.
// Holds   addresses of nodes, in a table with open addressing at most half full.
// Never   looks into a node.
// Source  our own.

import { Heap } from "../base/heap";

const FIRST_CAP: u32 = 16;

@unmanaged
export class NodeSet {
  slots: usize;
  cap: u32;
  count: u32;

  /** An empty set, or null without memory. */
  static make(): NodeSet | null {
    const ptr = Heap.alloc(offsetof<NodeSet>());
    if (ptr == 0) return null;
    const set = changetype<NodeSet>(ptr);
    set.count = 0;
    set.cap = FIRST_CAP;
    set.slots = newSlots(FIRST_CAP);
    if (set.slots == 0) {
      Heap.free(ptr);
      return null;
    }
    return set;
  }

  free(): void {
    Heap.free(this.slots);
    Heap.free(changetype<usize>(this));
  }

  /** @returns false when it is full and there is no memory for a larger one */
  add(node: usize): bool {
    // Without memory it just gets fuller; one free slot ends every search.
    if (!this.grow(1) && this.count + 1 >= this.cap) return false;
    store<usize>(this.find(node), node);
    this.count++;
    return true;
  }

  /** Makes room for `more` nodes beyond those it has. @returns false without memory */
  grow(more: u32): bool {
    let cap = this.cap;
    while ((this.count + more) << 1 > cap) cap <<= 1;
    return cap == this.cap || this.resize(cap);
  }

  remove(node: usize): void {
    let hole = this.find(node);
    assert(load<usize>(hole) == node, "a node that is not in its owner's set");
    this.count--;
    // Entries behind the hole that could stand nearer to their place move up.
    let at = hole;
    for (;;) {
      at = this.after(at);
      const moved = load<usize>(at);
      if (moved == 0) break;
      const home = this.home(moved);
      const fromHome = (at - home) & ((this.cap << 2) - 1);
      const fromHole = (at - hole) & ((this.cap << 2) - 1);
      if (fromHome < fromHole) continue;
      store<usize>(hole, moved);
      hole = at;
    }
    store<usize>(hole, 0);
    if (this.cap > FIRST_CAP && this.count << 3 < this.cap) this.resize(this.cap >> 1);
  }

  /** The node in slot `index`, or 0; for a walk over `cap` slots. */
  at(index: u32): usize {
    return load<usize>(this.slots + (index << 2));
  }

  private home(node: usize): usize {
    return this.slots + ((((<u32>node >> 4) * 0x9e37_79b1) & (this.cap - 1)) << 2);
  }

  private after(slot: usize): usize {
    const next = slot + 4;
    return next == this.slots + (this.cap << 2) ? this.slots : next;
  }

  private find(node: usize): usize {
    let slot = this.home(node);
    for (;;) {
      const there = load<usize>(slot);
      if (there == 0 || there == node) break;
      slot = this.after(slot);
    }
    return slot;
  }

  private resize(cap: u32): bool {
    const slots = newSlots(cap);
    if (slots == 0) return false;
    const old = this.slots;
    const oldCap = this.cap;
    this.slots = slots;
    this.cap = cap;
    for (let i: u32 = 0; i < oldCap; i++) {
      const node = load<usize>(old + (i << 2));
      if (node != 0) store<usize>(this.find(node), node);
    }
    Heap.free(old);
    return true;
  }
}

function newSlots(cap: u32): usize {
  const ptr = Heap.alloc(cap << 2);
  if (ptr != 0) memory.fill(ptr, 0, cap << 2);
  return ptr;
}
