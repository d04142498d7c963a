// Watch: who asked to hear about which path, and which of them match a change.
// Holds   a group for each watched path, found by the path's hash, in order of registration.
// Never   sends anything, never looks at permissions; a connection is a number here.
// Source  the XenStore protocol, watches.
//
//   Path /t/a changes: the groups of `/`, `/t` and `/t/a` are looked up (one probe each) and
//   merged by registration number, so the cost is the depth and the matches alone.

import { Bytes } from "../base/bytes";
import { Hash } from "../base/hash";
import { Heap } from "../base/heap";
import { Order } from "../base/order";
import { Entry, Table } from "../base/table";
import { DEPTH_MAX } from "../limits";
import { Node } from "./node";
import { Path } from "./path";
import { Tree } from "./tree";

/** A watch without a depth hears of everything below its path. */
export const DEPTH_UNLIMITED: u32 = 0xffff_ffff;

@unmanaged
export class WatchGroup extends Entry {
  first: Watch | null;
  last: Watch | null;
  pathLen: u32;

  @inline
  get pathPtr(): usize {
    return changetype<usize>(this) + offsetof<WatchGroup>();
  }
}

/** Hangs in the table of watches by path, token and connection. */
@unmanaged
export class Watch extends Entry {
  group: WatchGroup;
  next: Watch | null;
  prev: Watch | null;
  connNext: Watch | null;
  connPrev: Watch | null;
  /** Number of registration: later watches have larger ones. */
  id: u64;
  conn: u32;
  depth: u32;
  /** Bytes of home and slash that are cut off event paths: the watch was given relative. */
  homeLen: u32;
  tokenLen: u32;

  @inline
  get tokenPtr(): usize {
    return changetype<usize>(this) + offsetof<Watch>();
  }

  /** Bytes that count towards its owner's memory. */
  get charge(): u32 {
    return this.group.pathLen + this.tokenLen;
  }
}

/** The watches of one connection, oldest first. */
@unmanaged
export class WatchList {
  first: Watch | null;
  last: Watch | null;
}

/** For each level of the path of an event that has one: the next watch, and the levels below. */
const heads: usize = memory.data(4 * 1544);
const belows: usize = memory.data(4 * 1544);

export class Watches {
  static groups: Table = changetype<Table>(0);
  static table: Table = changetype<Table>(0);
  static count: u32 = 0;
  static ids: u64 = 0;

  static init(): void {
    Watches.groups = Table.make();
    Watches.table = Table.make();
  }

  /** The connection's watch on `Path` with this token, or null. */
  static find(conn: u32, token: usize, tokenLen: u32): Watch | null {
    const hash = Watches.hashOf(conn, token, tokenLen);
    let at = Watches.table.head(hash);
    while (at != 0) {
      const w = changetype<Watch>(at);
      if (
        w.hash == hash &&
        w.conn == conn &&
        w.tokenLen == tokenLen &&
        Watches.isOn(w.group) &&
        Bytes.equal(w.tokenPtr, token, tokenLen)
      )
        return w;
      at = w.hashNext;
    }
    return null;
  }

  /** Adds a watch of the connection on `Path`; null without memory. */
  static add(list: WatchList, conn: u32, token: usize, tokenLen: u32, depth: u32): Watch | null {
    const group = Watches.groupOf();
    if (group === null) return null;
    const ptr = Heap.alloc(<u32>offsetof<Watch>() + tokenLen);
    if (ptr == 0) {
      if (group.first === null) Watches.dropGroup(group);
      return null;
    }
    memory.fill(ptr, 0, offsetof<Watch>());
    const w = changetype<Watch>(ptr);
    w.group = group;
    w.id = ++Watches.ids;
    w.conn = conn;
    w.depth = depth;
    w.homeLen = Path.homeLen;
    w.tokenLen = tokenLen;
    memory.copy(w.tokenPtr, token, tokenLen);
    Watches.hang(w);
    const connLast = list.last;
    w.connPrev = connLast;
    if (connLast !== null) connLast.connNext = w;
    else list.first = w;
    list.last = w;
    Watches.table.insert(ptr, Watches.hashOf(conn, token, tokenLen));
    Watches.count++;
    return w;
  }

  static remove(list: WatchList, w: Watch): void {
    const group = w.group;
    const next = w.next;
    const prev = w.prev;
    if (next !== null) next.prev = prev;
    else group.last = prev;
    if (prev !== null) prev.next = next;
    else group.first = next;
    const connNext = w.connNext;
    const connPrev = w.connPrev;
    if (connNext !== null) connNext.connPrev = connPrev;
    else list.last = connPrev;
    if (connPrev !== null) connPrev.connNext = connNext;
    else list.first = connNext;
    Watches.table.remove(changetype<usize>(w));
    Watches.count--;
    Heap.free(changetype<usize>(w));
    if (group.first === null) Watches.dropGroup(group);
  }

  /** Puts the watches of each path into the order of their registration. @returns false: no memory */
  static sort(): bool {
    if (Watches.count < 2) return true;
    const items = Heap.alloc(Watches.count << 2);
    if (items == 0) return false;
    let count: u32 = 0;
    const table = Watches.table;
    for (let b: u32 = 0; b < table.buckets; b++) {
      for (let at = load<usize>(table.slot(b)); at != 0; at = changetype<Watch>(at).hashNext) {
        store<usize>(items + (count++ << 2), at);
      }
    }
    Order.byNumber(items, count, <u32>offsetof<Watch>("id"));
    for (let i: u32 = 0; i < count; i++) {
      const group = load<Watch>(items + (i << 2)).group;
      group.first = null;
      group.last = null;
    }
    for (let i: u32 = 0; i < count; i++) {
      const w = load<Watch>(items + (i << 2));
      w.next = null;
      Watches.hang(w);
      Watches.ids = max<u64>(Watches.ids, w.id);
    }
    Heap.free(items);
    return true;
  }

  /** The youngest of its path. */
  private static hang(w: Watch): void {
    const group = w.group;
    const last = group.last;
    w.prev = last;
    if (last !== null) last.next = w;
    else group.first = w;
    group.last = w;
  }

  private static hashOf(conn: u32, token: usize, tokenLen: u32): u32 {
    const path = Hash.combine(Path.hashAt(Path.depth), conn);
    return Hash.extend(path, token, tokenLen);
  }

  private static isOn(group: WatchGroup): bool {
    return (
      group.hash == Path.hashAt(Path.depth) &&
      group.pathLen == Path.len &&
      Bytes.equal(group.pathPtr, Path.ptr, Path.len)
    );
  }

  /** The group of the first `level` names of `Path`, or null. */
  static groupAt(level: u32): WatchGroup | null {
    const hash = Path.hashAt(level);
    const len = Path.prefixLen(level);
    let at = Watches.groups.head(hash);
    while (at != 0) {
      const g = changetype<WatchGroup>(at);
      if (g.hash == hash && g.pathLen == len && sameText(g, level, len)) return g;
      at = g.hashNext;
    }
    return null;
  }

  /** The group of a node's own path, or null. */
  static groupOfNode(node: Node): WatchGroup | null {
    let at = Watches.groups.head(node.hash);
    while (at != 0) {
      const g = changetype<WatchGroup>(at);
      if (g.hash == node.hash && Tree.hasPath(node, g.pathPtr, g.pathLen)) return g;
      at = g.hashNext;
    }
    return null;
  }

  private static groupOf(): WatchGroup | null {
    const known = Watches.groupAt(Path.depth);
    if (known !== null) return known;
    const ptr = Heap.alloc(<u32>offsetof<WatchGroup>() + Path.len);
    if (ptr == 0) return null;
    const g = changetype<WatchGroup>(ptr);
    g.first = null;
    g.last = null;
    g.pathLen = Path.len;
    memory.copy(g.pathPtr, Path.ptr, Path.len);
    Watches.groups.insert(ptr, Path.hashAt(Path.depth));
    return g;
  }

  private static dropGroup(group: WatchGroup): void {
    Watches.groups.remove(changetype<usize>(group));
    Heap.free(changetype<usize>(group));
  }
}

function sameText(g: WatchGroup, level: u32, len: u32): bool {
  // Level 0 is the root also for a special path, whose text does not begin with a slash.
  if (level == 0) return load<u8>(g.pathPtr) == 0x2f;
  return Bytes.equal(g.pathPtr, Path.ptr, len);
}

/** The watches that a change of `Path` matches, one by one in order of registration. */
export class Matches {
  /** Levels at which there is a next watch. */
  private static count: u32 = 0;

  /** A normal change: watches on the path and, as far as their depth reaches, above it. */
  static begin(): void {
    const depth = Path.depth;
    Matches.count = 0;
    // What happens to special nodes is nobody's business who watches the root.
    for (let level: u32 = Path.special ? 1 : 0; level <= depth; level++) {
      const g = Watches.groupAt(level);
      const w = g !== null ? reaching(g.first, depth - level) : null;
      if (w === null) continue;
      setHead(Matches.count, w);
      store<u32>(belows + (Matches.count++ << 2), depth - level);
    }
  }

  /** The next match, or null. Cost: the levels that have watches left. */
  static next(): Watch | null {
    if (Matches.count == 0) return null;
    let best = headAt(0);
    let at: u32 = 0;
    for (let i: u32 = 1; i < Matches.count; i++) {
      const w = headAt(i);
      if (w.id > best.id) continue;
      best = w;
      at = i;
    }
    const below = load<u32>(belows + (at << 2));
    const after = reaching(best.next, below);
    if (after !== null) {
      setHead(at, after);
      return best;
    }
    // The last level takes the place of the one that has no more.
    Matches.count--;
    setHead(at, headAt(Matches.count));
    store<u32>(belows + (at << 2), load<u32>(belows + (Matches.count << 2)));
    return best;
  }
}

function headAt(index: u32): Watch {
  return load<Watch>(heads + (index << 2));
}

function setHead(index: u32, w: Watch): void {
  store<usize>(heads + (index << 2), changetype<usize>(w));
}

function reaching(first: Watch | null, levels: u32): Watch | null {
  let w = first;
  while (w !== null && w.depth < levels) w = w.next;
  return w;
}

assert(DEPTH_MAX < 1544, "a head for each level");
