// Perms: permission lists, and the one check of who may do what.
// Holds   every distinct list once, counted; equal lists of a million nodes are one object.
// Never   looks at nodes; whether a domain exists is the caller's business.
// Source  the XenStore protocol, permissions.
//
//   list    | hashNext | hash | refs | nodes | count | entry 0 (owner and default) | entry 1 | ...
//   entry   | domid i32 | bits u8 (1 read, 2 write) | inert u8 | 0 u16 |

import { Bytes } from "../base/bytes";
import { Hash } from "../base/hash";
import { Heap } from "../base/heap";
import { Entry, Table } from "../base/table";
import { DOMID_ANY } from "../xs_wire";
import { Domains } from "./domain";
import { QUOTA_MEMORY } from "./quota";

export const PERM_READ: u32 = 1;
export const PERM_WRITE: u32 = 2;
export const PERM_OWNER: u32 = 4;
export const PERM_ALL: u32 = 7;

const ENTRY: u32 = 8;

@unmanaged
export class PermList extends Entry {
  refs: u32;
  /** Nodes of the tree that have it: their owner is charged for its entries. */
  nodes: u32;
  count: u32;

  @inline
  entry(index: u32): usize {
    return changetype<usize>(this) + offsetof<PermList>() + (index << 3);
  }

  @inline
  domid(index: u32): i32 {
    return load<i32>(this.entry(index));
  }

  @inline
  bits(index: u32): u32 {
    return load<u8>(this.entry(index), 4);
  }

  @inline
  inert(index: u32): bool {
    return load<u8>(this.entry(index), 5) != 0;
  }

  /** Domid of the first entry: whose node it is. */
  @inline
  get owner(): u32 {
    return <u32>this.domid(0);
  }
}

/** Who asks: a domain, and the domain it may also act for. */
export class Caller {
  static id: u32 = 0;
  static target: u32 = 0;
  static privileged: bool = false;
}

export class Perms {
  static table: Table = changetype<Table>(0);

  static init(): void {
    Perms.table = Table.make();
  }

  /** Writes one entry of a list that is being put together at `ptr`. */
  static putEntry(ptr: usize, index: u32, domid: i32, bits: u32, inert: bool): void {
    const at = ptr + (index << 3);
    store<i32>(at, domid);
    store<u8>(at, <u8>bits, 4);
    store<u8>(at, inert ? 1 : 0, 5);
    store<u16>(at, 0, 6);
  }

  /** The letter that stands for bits PERM_READ and PERM_WRITE: `n`, `r`, `w` or `b`. */
  static letterOf(bits: u32): u8 {
    switch (bits) {
      case 0:
        return 0x6e;
      case 1:
        return 0x72;
      case 2:
        return 0x77;
      default:
        return 0x62;
    }
  }

  /** The bits that a letter stands for; -1: it is none of these. */
  static bitsOf(letter: u8): i32 {
    switch (letter) {
      case 0x6e:
        return 0;
      case 0x72:
        return 1;
      case 0x77:
        return 2;
      case 0x62:
        return 3;
      default:
        return -1;
    }
  }

  /**
   * The list with these entries, made if there is none yet. Takes no reference.
   * @returns null without memory
   */
  static intern(entries: usize, count: u32): PermList | null {
    const hash = hashOf(entries, count);
    let at = Perms.table.head(hash);
    while (at != 0) {
      const list = changetype<PermList>(at);
      if (
        list.hash == hash &&
        list.count == count &&
        Bytes.equal(list.entry(0), entries, count * ENTRY)
      )
        return list;
      at = list.hashNext;
    }
    const ptr = Heap.alloc(offsetof<PermList>() + count * ENTRY);
    if (ptr == 0) return null;
    const list = changetype<PermList>(ptr);
    list.refs = 0;
    list.nodes = 0;
    list.count = count;
    memory.copy(list.entry(0), entries, count * ENTRY);
    Perms.table.insert(ptr, hash);
    return list;
  }

  /** The same list under another owner. */
  static withOwner(list: PermList, owner: u32): PermList | null {
    if (list.owner == owner) return list;
    const copy = Heap.alloc(list.count * ENTRY);
    if (copy == 0) return null;
    memory.copy(copy, list.entry(0), list.count * ENTRY);
    store<i32>(copy, <i32>owner);
    const result = Perms.intern(copy, list.count);
    Heap.free(copy);
    return result;
  }

  /** One more user of the list. */
  @inline
  static hold(list: PermList): PermList {
    list.refs++;
    return list;
  }

  static drop(list: PermList): void {
    assert(list.refs > 0, "a permission list is dropped too often");
    if (--list.refs > 0) return;
    Perms.table.remove(changetype<usize>(list));
    Heap.free(changetype<usize>(list));
  }

  /** Do two lists say the same? */
  @inline
  static same(a: PermList, b: PermList): bool {
    if (changetype<usize>(a) == changetype<usize>(b)) return true;
    return a.count == b.count && Bytes.equal(a.entry(0), b.entry(0), a.count * ENTRY);
  }

  /** What the caller may do: bits PERM_*. */
  @inline
  static rights(list: PermList): u32 {
    return Caller.privileged ? PERM_ALL : Perms.rightsOf(list, Caller.id, Caller.target);
  }

  /** What an unprivileged domain with this target may do: bits PERM_*. */
  static rightsOf(list: PermList, id: u32, target: u32): u32 {
    if (matches(list.domid(0), id, target)) return PERM_ALL;
    for (let i: u32 = 1; i < list.count; i++) {
      if (!list.inert(i) && matches(list.domid(i), id, target)) return list.bits(i);
    }
    return list.bits(0);
  }

  /**
   * Takes a domain that ended out of every list, so that the next holder of its id gets nothing.
   * Cost: the number of distinct lists.
   */
  static forget(domid: u32): void {
    const table = Perms.table;
    let changed: usize = 0;
    for (let b: u32 = 0; b < table.buckets; b++) {
      let at = load<usize>(table.slot(b));
      while (at != 0) {
        const list = changetype<PermList>(at);
        const next = list.hashNext;
        if (names(list, domid)) {
          Perms.table.remove(at);
          // Kept aside until the walk is over: a list put back could be met again.
          list.hashNext = changed;
          changed = at;
        }
        at = next;
      }
    }
    while (changed != 0) {
      const list = changetype<PermList>(changed);
      changed = list.hashNext;
      strip(list, domid);
      Perms.table.insert(changetype<usize>(list), hashOf(list.entry(0), list.count));
    }
  }
}

/** Marks the domids that active entries of lists name: a bit for each, 8192 bytes. */
export function markNamed(bits: usize): void {
  const table = Perms.table;
  for (let b: u32 = 0; b < table.buckets; b++) {
    for (let at = load<usize>(table.slot(b)); at != 0; at = changetype<PermList>(at).hashNext) {
      const list = changetype<PermList>(at);
      for (let i: u32 = 0; i < list.count; i++) {
        const domid = list.domid(i);
        if (domid < 0 || domid > 0xffff || list.inert(i)) continue;
        const byte = bits + (domid >> 3);
        store<u8>(byte, load<u8>(byte) | (1 << (<u8>domid & 7)));
      }
    }
  }
}

function matches(domid: i32, id: u32, target: u32): bool {
  return domid == <i32>id || domid == <i32>target || domid == <i32>DOMID_ANY;
}

function names(list: PermList, domid: u32): bool {
  for (let i: u32 = 1; i < list.count; i++) if (list.domid(i) == <i32>domid) return true;
  return false;
}

/** Takes the domain's entries out; the nodes that have the list are smaller then. */
function strip(list: PermList, domid: u32): void {
  let kept: u32 = 1;
  for (let i: u32 = 1; i < list.count; i++) {
    if (list.domid(i) == <i32>domid) continue;
    if (i != kept) memory.copy(list.entry(kept), list.entry(i), ENTRY);
    kept++;
  }
  const owner = Domains.find(list.owner);
  if (owner !== null) owner.add(QUOTA_MEMORY, -(<i32>((list.count - kept) * ENTRY * list.nodes)));
  list.count = kept;
}

function hashOf(entries: usize, count: u32): u32 {
  return Hash.extend(count, entries, count * ENTRY);
}
