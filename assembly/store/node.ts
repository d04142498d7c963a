// Node: one node of the tree as it lies in linear memory.
// Holds   the layout, and the node's own bytes: name and value.
// Never   knows of other nodes, quotas or older versions.
// Source  our own.
//
//    0 hashNext  4 hash    8 parent   12 next     16 prev   20 first child  24 last child
//   28 perms    32 generation u64     40 value    44 versions  48 bytes of children's names
//   52 value length u16   54 name length u16   56 flags u8   57 name, then the value if it fits
//
// 6 bytes of name and 16 of value make 79: one object of 80. A value that outgrows its place
// stands in an object of its own, and comes back when it fits again. Children are in order of
// creation. A node that was removed while a snapshot still sees it stays linked as a ghost.

import { Heap } from "../base/heap";
import { Entry } from "../base/table";
import { PermList } from "./perms";
import { Version } from "./version";

/** Removed, but seen by the snapshot of an open transaction. */
export const NODE_GHOST: u8 = 1;
/** Has a node below it that is to be removed (while a domain ends). */
export const NODE_MARKED: u8 = 2;

const NAME: u32 = 57;

@unmanaged
export class Node extends Entry {
  parent: Node | null;
  next: Node | null;
  prev: Node | null;
  first: Node | null;
  last: Node | null;
  perms: PermList;
  /** Sequence number of the last change of value, permissions or list of children. */
  generation: u64;
  value: usize;
  versions: Version | null;
  /** Names of the children, each with a NUL: the length of a DIRECTORY reply. */
  childBytes: u32;
  valueLen: u16;
  nameLen: u16;
  flags: u8;

  /** A node that is not linked yet; 0 without memory. The list of permissions is not held. */
  static make(
    name: usize,
    nameLen: u32,
    value: usize,
    valueLen: u32,
    perms: PermList,
  ): Node | null {
    const ptr = Heap.alloc(NAME + nameLen + valueLen);
    if (ptr == 0) return null;
    memory.fill(ptr, 0, NAME);
    const n = changetype<Node>(ptr);
    n.perms = perms;
    n.nameLen = <u16>nameLen;
    memory.copy(n.namePtr, name, nameLen);
    n.valueLen = <u16>valueLen;
    memory.copy(n.namePtr + nameLen, value, valueLen);
    return n;
  }

  free(): void {
    if (this.value != 0) Heap.free(this.value);
    Heap.free(changetype<usize>(this));
  }

  @inline
  get namePtr(): usize {
    return changetype<usize>(this) + NAME;
  }

  @inline
  get valuePtr(): usize {
    return this.value != 0 ? this.value : this.namePtr + this.nameLen;
  }

  @inline
  get ghost(): bool {
    return (this.flags & NODE_GHOST) != 0;
  }

  /** Bytes that count for the quota on the size of a node. */
  @inline
  get size(): u32 {
    return nodeSize(this.perms.count, this.valueLen, this.childBytes);
  }

  /** @returns false without memory; then nothing has changed */
  putValue(value: usize, len: u32): bool {
    const room = Heap.sizeOf(changetype<usize>(this)) - NAME - this.nameLen;
    if (len <= room) {
      memory.copy(this.namePtr + this.nameLen, value, len);
      if (this.value != 0) {
        Heap.free(this.value);
        this.value = 0;
      }
    } else {
      if (this.value == 0 || Heap.sizeOf(this.value) < len || Heap.sizeOf(this.value) > len << 2) {
        const place = Heap.alloc(len);
        if (place == 0) return false;
        if (this.value != 0) Heap.free(this.value);
        this.value = place;
      }
      memory.copy(this.value, value, len);
    }
    this.valueLen = <u16>len;
    return true;
  }
}

/** Bytes of a node for the quotas node-size and memory: head, entries, value, children. */
export function nodeSize(permCount: u32, valueLen: u32, childBytes: u32): u32 {
  return 16 + (permCount << 3) + valueLen + childBytes;
}
