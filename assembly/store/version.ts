// Version: what a node was before a change, kept while the snapshot of a transaction may need it.
// Holds   for each node a chain, newest first, and all of them in one queue, oldest first.
// Never   keeps what no open snapshot can see; keeps nothing at all while none is open.
// Source  our own; transactions of the XenStore protocol see the store as it was at START.
//
//   node.versions -> | seq 9, value | -> | seq 5, permissions | -> null
//   The record with sequence number 9 holds what change 9 replaced. A reader as of 7 steps back
//   over every record above 7 and takes, of each aspect, the oldest it met.

import { Heap } from "../base/heap";
import { Order } from "../base/order";
import { UNDO_MAX } from "../limits";
import { NODE_GHOST, Node } from "./node";
import { PermList, Perms } from "./perms";

/** The node did not exist before. */
export const CREATED: u32 = 1;
/** The node existed before, and does no more. */
export const REMOVED: u32 = 2;
/** Generation and list of children. */
export const CHILDREN: u32 = 4;
export const VALUE: u32 = 8;
export const PERMS: u32 = 16;

/** Records that are freed at once; a hundred or two take a few microseconds. */
const AT_ONCE: u32 = 1000;

/** As of now: behind every record. */
export const NOW: u64 = u64.MAX_VALUE;

@unmanaged
export class Version {
  older: Version | null;
  newer: Version | null;
  queueNext: Version | null;
  queuePrev: Version | null;
  node: Node;
  aspects: u32;
  seq: u64;
  generation: u64;
  childBytes: u32;
  perms: PermList | null;
  valueLen: u32;

  @inline
  get valuePtr(): usize {
    return changetype<usize>(this) + offsetof<Version>();
  }
}

/** What `Versions.valueAt` found. */
export class Value {
  static ptr: usize = 0;
  static len: u32 = 0;
}

export class Versions {
  /** Is any snapshot open? */
  static active: bool = false;
  /** Sequence number of the newest snapshot. */
  static newest: u64 = 0;
  /** Snapshots older than this were given up to bound memory. */
  static lostBefore: u64 = 0;
  static bytes: usize = 0;
  static bytesMax: usize = UNDO_MAX;
  static first: Version | null = null;
  static last: Version | null = null;
  /** A snapshot is open that belongs to no transaction: the store is being written down. */
  static held: bool = false;
  private static heldAt: u64 = 0;
  /** Records that no snapshot sees, and which have not been freed yet. */
  static backlog: bool = false;
  /** Up to which change there are such records. */
  private static floor: u64 = 0;

  /** Takes a snapshot that belongs to no transaction. */
  static hold(seq: u64): void {
    Versions.held = true;
    Versions.heldAt = seq;
    Versions.open(seq);
  }

  /** It is not needed any more; what only it could see is freed with the next `reclaim`. */
  static release(): void {
    Versions.held = false;
  }

  /** A snapshot of everything up to `seq` is taken. */
  static open(seq: u64): void {
    Versions.active = true;
    Versions.newest = max<u64>(Versions.newest, seq);
    // What is still to be freed is older than this; what is kept from now on must stay.
    Versions.floor = min<u64>(Versions.floor, seq);
  }

  /** Keeps the named aspects of a node, which change `seq` is about to replace. */
  static keep(node: Node, aspects: u32, seq: u64): void {
    if (!Versions.active) return;
    let need = aspects;
    let v: Version | null = node.versions;
    while (v !== null && v.seq > Versions.newest) {
      if (v.aspects & CREATED) return;
      need &= ~v.aspects;
      v = v.older;
    }
    if (need != 0) Versions.add(node, need, seq);
  }

  /** Notes that change `seq` made the node. */
  static created(node: Node, seq: u64): void {
    if (Versions.active) Versions.add(node, CREATED, seq);
  }

  /**
   * Notes that change `seq` removes the node.
   * @returns true when a snapshot still sees it, so that it must stay as a ghost
   */
  static removed(node: Node, seq: u64): bool {
    if (!Versions.active) {
      // Below it there may be ghosts that have not been freed yet: it goes after them.
      if (node.first !== null) return Versions.add(node, REMOVED, seq);
      Versions.dropAll(node);
      return false;
    }
    let v: Version | null = node.versions;
    while (v !== null && v.seq > Versions.newest) {
      if (v.aspects & CREATED) {
        Versions.dropAll(node);
        return false;
      }
      v = v.older;
    }
    return Versions.add(node, REMOVED, seq);
  }

  static visible(node: Node, asOf: u64): bool {
    let there = !node.ghost;
    let v: Version | null = node.versions;
    while (v !== null && v.seq > asOf) {
      if (v.aspects & REMOVED) there = true;
      if (v.aspects & CREATED) there = false;
      v = v.older;
    }
    return there;
  }

  /** Sets `Value` to the node's value as of then. */
  static valueAt(node: Node, asOf: u64): void {
    Value.ptr = node.valuePtr;
    Value.len = node.valueLen;
    let v: Version | null = node.versions;
    while (v !== null && v.seq > asOf) {
      if (v.aspects & VALUE) {
        Value.ptr = v.valuePtr;
        Value.len = v.valueLen;
      }
      v = v.older;
    }
  }

  static permsAt(node: Node, asOf: u64): PermList {
    let perms = node.perms;
    let v: Version | null = node.versions;
    while (v !== null && v.seq > asOf) {
      if (v.aspects & PERMS) perms = <PermList>v.perms;
      v = v.older;
    }
    return perms;
  }

  static generationAt(node: Node, asOf: u64): u64 {
    let generation = node.generation;
    let v: Version | null = node.versions;
    while (v !== null && v.seq > asOf) {
      if ((v.aspects & CREATED) == 0) generation = v.generation;
      v = v.older;
    }
    return generation;
  }

  static childBytesAt(node: Node, asOf: u64): u32 {
    let bytes = node.childBytes;
    let v: Version | null = node.versions;
    while (v !== null && v.seq > asOf) {
      if (v.aspects & CHILDREN) bytes = v.childBytes;
      v = v.older;
    }
    return bytes;
  }

  /**
   * Frees what only snapshots older than `oldest` could see; all of it if none is open.
   * So much at once, that is; `work` does the rest.
   */
  static reclaim(oldest: u64, any: bool): void {
    Versions.active = any || Versions.held;
    let floor = any ? oldest : NOW;
    if (Versions.held) floor = min<u64>(floor, Versions.heldAt);
    Versions.floor = floor;
    Versions.work(AT_ONCE);
  }

  /** Frees at most `count` records that nobody sees. */
  static work(count: u32): void {
    let left = count;
    let v: Version | null = Versions.first;
    while (v !== null && v.seq <= Versions.floor) {
      if (left-- == 0) {
        Versions.backlog = true;
        return;
      }
      const node = v.node;
      const gone = (v.aspects & REMOVED) != 0;
      Versions.drop(v);
      if (gone) {
        assert((node.flags & NODE_GHOST) != 0, "only ghosts are buried");
        Burial.bury(node);
      }
      v = Versions.first;
    }
    Versions.backlog = false;
  }

  /** Frees every record of a node that no snapshot sees. */
  static dropAll(node: Node): void {
    let v: Version | null = node.versions;
    while (v !== null) {
      Versions.drop(v);
      v = node.versions;
    }
  }

  /** A record of a store that is being loaded, newer than those the node has; `sort` follows. */
  static restore(node: Node, valueLen: u32): Version | null {
    const size = offsetof<Version>() + valueLen;
    const ptr = Heap.alloc(<u32>size);
    if (ptr == 0) return null;
    const v = changetype<Version>(ptr);
    v.node = node;
    v.valueLen = valueLen;
    Versions.link(v, node);
    Versions.bytes += size;
    return v;
  }

  /** Puts all records into the order of their changes. @returns false without memory */
  static sort(): bool {
    let count: u32 = 0;
    let v: Version | null = Versions.first;
    while (v !== null) {
      count++;
      v = v.queueNext;
    }
    if (count < 2) return true;
    const items = Heap.alloc(count << 2);
    if (items == 0) return false;
    v = Versions.first;
    for (let i: u32 = 0; v !== null; i++) {
      store<usize>(items + (i << 2), changetype<usize>(v));
      v = v.queueNext;
    }
    Order.byNumber(items, count, <u32>offsetof<Version>("seq"));
    Versions.first = null;
    Versions.last = null;
    for (let i: u32 = 0; i < count; i++) Versions.queue(load<Version>(items + (i << 2)));
    Heap.free(items);
    return true;
  }

  private static queue(v: Version): void {
    const last = Versions.last;
    v.queuePrev = last;
    v.queueNext = null;
    if (last !== null) last.queueNext = v;
    else Versions.first = v;
    Versions.last = v;
  }

  private static add(node: Node, aspects: u32, seq: u64): bool {
    const valueLen: u32 = aspects & VALUE ? node.valueLen : 0;
    const size = offsetof<Version>() + valueLen;
    const ptr = Versions.bytes + size <= Versions.bytesMax ? Heap.alloc(<u32>size) : 0;
    if (ptr == 0) {
      Versions.giveUp(seq);
      return false;
    }
    const v = changetype<Version>(ptr);
    v.node = node;
    v.aspects = aspects;
    v.seq = seq;
    v.generation = node.generation;
    v.childBytes = node.childBytes;
    v.perms = aspects & PERMS ? Perms.hold(node.perms) : null;
    v.valueLen = valueLen;
    if (valueLen) memory.copy(v.valuePtr, node.valuePtr, valueLen);
    Versions.link(v, node);
    Versions.bytes += size;
    return true;
  }

  private static link(v: Version, node: Node): void {
    const older = node.versions;
    v.older = older;
    v.newer = null;
    if (older !== null) older.newer = v;
    node.versions = v;
    Versions.queue(v);
  }

  private static drop(v: Version): void {
    const newer = v.newer;
    const older = v.older;
    if (newer !== null) newer.older = older;
    else v.node.versions = older;
    if (older !== null) older.newer = newer;
    const next = v.queueNext;
    const prev = v.queuePrev;
    if (next !== null) next.queuePrev = prev;
    else Versions.last = prev;
    if (prev !== null) prev.queueNext = next;
    else Versions.first = next;
    const perms = v.perms;
    if (perms !== null) Perms.drop(perms);
    Versions.bytes -= offsetof<Version>() + v.valueLen;
    Heap.free(changetype<usize>(v));
  }

  /** Out of room: every open snapshot is lost, and its transaction can only end in EAGAIN. */
  private static giveUp(seq: u64): void {
    Versions.lostBefore = seq;
    Versions.held = false;
    Versions.reclaim(0, false);
    Versions.work(0xffff_ffff);
  }
}

/** How a ghost leaves its parent's list and is freed: the tree, which owns the links, says. */
export class Burial {
  static bury: (node: Node) => void = (_node: Node): void => {};
}
