// Undo: how the tree was before the changes of the open frame, in case that can't be stored.
// Holds   records as of the journal, but of the opposite: oldest change first, one group for each.
// Never   keeps more than UNDO_SIZE bytes: then what was kept is of no use, and dropped.
// Source  our own.
//
//   | record ... | u32 length of this group |   applied group by group from the end

import { Heap } from "../base/heap";
import { J_BEFORE, J_CREATE, J_PERMS, J_REMOVE, J_VALUE, Journal } from "./journal";
import { Node } from "./node";
import { Tree } from "./tree";
import { NOW } from "./version";

const UNDO_SIZE: u32 = 16777216;
const FIRST_SIZE: u32 = 65536;
const KEEP_SIZE: u32 = 1048576;
const RECORD_HEAD: u32 = 8;
/** Paths of a subtree that goes are put together here. */
const walkPath: usize = memory.data(4096);

export class Undo {
  static ptr: usize = 0;
  static len: u32 = 0;
  private static cap: u32 = 0;
  /** Something of this frame can't be undone. */
  static lost: bool = false;
  private static start: u32 = 0;

  static clear(): void {
    Undo.len = 0;
    Undo.lost = false;
    if (Undo.cap <= KEEP_SIZE) return;
    Heap.free(Undo.ptr);
    Undo.ptr = 0;
    Undo.cap = 0;
  }

  /** What was done so far stays: what follows has taken its ground away. */
  static bar(): void {
    Undo.len = 0;
    Journal.barred = Journal.len;
  }

  /** The node at this path is about to get another value. */
  static value(node: Node, path: usize, pathLen: u32): void {
    if (!Journal.recording) return;
    Undo.start = Undo.len;
    const at = Undo.place(J_VALUE, 2 + pathLen + node.valueLen);
    if (at == 0) return;
    store<u16>(at, <u16>pathLen);
    memory.copy(at + 2, path, pathLen);
    memory.copy(at + 2 + pathLen, node.valuePtr, node.valueLen);
    Undo.close();
  }

  static perms(node: Node, path: usize, pathLen: u32): void {
    if (!Journal.recording) return;
    Undo.start = Undo.len;
    const list = node.perms;
    const entries = list.count << 3;
    const at = Undo.place(J_PERMS, 4 + entries + pathLen);
    if (at == 0) return;
    store<u16>(at, <u16>pathLen);
    store<u16>(at, <u16>list.count, 2);
    memory.copy(at + 4, list.entry(0), entries);
    memory.copy(at + 4 + entries, path, pathLen);
    Undo.close();
  }

  /** A node, and perhaps more below it, is made at this path. */
  static create(path: usize, pathLen: u32): void {
    if (!Journal.recording) return;
    Undo.start = Undo.len;
    const at = Undo.place(J_REMOVE, pathLen);
    if (at == 0) return;
    memory.copy(at, path, pathLen);
    Undo.close();
  }

  /** The node at this path is about to go with all below it. Cost: what goes. */
  static remove(top: Node, path: usize, pathLen: u32): void {
    if (!Journal.recording) return;
    Undo.start = Undo.len;
    memory.copy(walkPath, path, pathLen);
    let len = pathLen;
    let node: Node | null = top;
    while (node !== null) {
      if (!Undo.whole(node, walkPath, len)) return;
      let next = Tree.firstChild(node, NOW);
      while (next === null && node !== top) {
        len -= node.nameLen + 1;
        next = Tree.nextChild(node, NOW);
        node = <Node>node.parent;
      }
      if (next !== null) {
        store<u8>(walkPath + len, 0x2f);
        memory.copy(walkPath + len + 1, next.namePtr, next.nameLen);
        len += next.nameLen + 1;
      }
      node = next;
    }
    if (Undo.position(top, path, pathLen)) Undo.close();
  }

  /** Where it stood among its siblings: in front of the next. */
  private static position(node: Node, path: usize, pathLen: u32): bool {
    const sibling = Tree.nextChild(node, NOW);
    if (sibling === null) return true;
    const above = pathLen - node.nameLen;
    const at = Undo.place(J_BEFORE, 2 + pathLen + above + sibling.nameLen);
    if (at == 0) return false;
    store<u16>(at, <u16>pathLen);
    memory.copy(at + 2, path, pathLen);
    memory.copy(at + 2 + pathLen, path, above);
    memory.copy(at + 2 + pathLen + above, sibling.namePtr, sibling.nameLen);
    return true;
  }

  private static whole(node: Node, path: usize, pathLen: u32): bool {
    const list = node.perms;
    const entries = list.count << 3;
    const at = Undo.place(J_CREATE, 8 + entries + pathLen + node.valueLen);
    if (at == 0) return false;
    store<u16>(at, <u16>pathLen);
    store<u16>(at, <u16>list.count, 2);
    store<u32>(at, node.valueLen, 4);
    memory.copy(at + 8, list.entry(0), entries);
    memory.copy(at + 8 + entries, path, pathLen);
    memory.copy(at + 8 + entries + pathLen, node.valuePtr, node.valueLen);
    return true;
  }

  private static close(): void {
    store<u32>(Undo.ptr + Undo.len, Undo.len - Undo.start);
    Undo.len += 4;
  }

  /** A record with a body of `size` bytes and room for the group's end; 0: nothing is kept. */
  private static place(type: u32, size: u32): usize {
    if (Undo.lost || !Undo.room(RECORD_HEAD + size + 4)) {
      Undo.lost = true;
      Undo.len = 0;
      return 0;
    }
    const at = Undo.ptr + Undo.len;
    store<u32>(at, type);
    store<u32>(at, size, 4);
    Undo.len += RECORD_HEAD + size;
    return at + RECORD_HEAD;
  }

  private static room(bytes: u32): bool {
    const need = Undo.len + bytes;
    if (need <= Undo.cap) return true;
    const cap = max<u32>(FIRST_SIZE, need + (need >> 1));
    const ptr = cap <= UNDO_SIZE ? Heap.alloc(cap) : 0;
    if (ptr == 0) return false;
    memory.copy(ptr, Undo.ptr, Undo.len);
    if (Undo.cap != 0) Heap.free(Undo.ptr);
    Undo.ptr = ptr;
    Undo.cap = cap;
    return true;
  }
}
