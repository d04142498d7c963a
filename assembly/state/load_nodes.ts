// Load of nodes: the public ones, and what snapshots of open transactions see of them.
// Holds   the nodes above the one that was read last, and those whose generations are to come.
// Never   makes a node without its parent.
// Source  the XenStore protocol, migration stream; the layouts stand at state/stream.ts.

import { LOAD_SALVAGE } from "../abi";
import { Heap } from "../base/heap";
import { NODE_GHOST, Node } from "../store/node";
import { Path } from "../store/path";
import { PermList, Perms } from "../store/perms";
import { Tree } from "../store/tree";
import { Versions } from "../store/version";
import { LoadTransactions } from "./load_transactions";
import { Records } from "./records";
import { OLDER } from "./stream";

const RECENT: u32 = 512;
const recent: usize = memory.data(2048);
/** The node at each level of the path that was read last. */
const above: usize = memory.data(4 * 1544);

export class LoadNodes {
  private static count: u32 = 0;
  private static depth: u32 = 0;
  private static last: Node | null = null;

  /** The store is empty but for its root and the special nodes. */
  static begin(): void {
    LoadNodes.count = 0;
    LoadNodes.depth = 0;
    LoadNodes.last = null;
    store<usize>(above, changetype<usize>(Tree.root));
    let child = Tree.root.first;
    while (child !== null) {
      Tree.removeAll(child);
      child = Tree.root.first;
    }
  }

  static node(body: usize, size: u32): bool {
    const textLen = <u32>load<u16>(body, 8);
    const valueLen = <u32>load<u16>(body, 10);
    const count = <u32>load<u16>(body, 14);
    const text = body + 16 + (count << 2);
    if (<u32>16 + (count << 2) + textLen + valueLen > size || textLen < 2) return false;
    if (load<u8>(text + textLen - 1) != 0) return false;
    if (load<u32>(body) != 0) return LoadTransactions.node(text, textLen - 1);
    if (count == 0 || !Path.take(text, textLen - 1)) return false;
    const perms = publicPerms(body + 16, count);
    if (perms === null) return false;
    const done = LoadNodes.put(text + textLen, valueLen, perms);
    Perms.drop(perms);
    return done;
  }

  private static put(value: usize, len: u32, perms: PermList): bool {
    if (!Tree.mayOwn(perms.owner, 1)) return false;
    const depth = Path.depth;
    let node: Node | null = Tree.find(depth);
    if (node !== null) {
      if (!Tree.setValue(node, value, len)) return false;
      Tree.setPerms(node, perms);
    } else {
      const parent = LoadNodes.parent();
      if (parent === null) {
        Records.lost++;
        LoadNodes.last = null;
        return Records.what == LOAD_SALVAGE;
      }
      node = Tree.place(parent, depth, value, len, perms);
    }
    if (node === null) return false;
    Records.nodes++;
    LoadNodes.note(node);
    if (LoadNodes.count == RECENT) LoadNodes.count = 0;
    store<usize>(recent + (LoadNodes.count++ << 2), changetype<usize>(node));
    if (!Records.ours) node.generation = ++Tree.seq;
    return true;
  }

  private static note(node: Node): void {
    LoadNodes.last = node;
    if (Path.special) return;
    LoadNodes.depth = Path.depth;
    store<usize>(above + (Path.depth << 2), changetype<usize>(node));
  }

  /** Of `Path`: parents come before their children, so it is the last at its level, or lost. */
  private static parent(): Node | null {
    if (Path.special || Path.depth == 0) return null;
    const level = Path.depth - 1;
    if (level <= LoadNodes.depth) {
      const node = load<Node>(above + (level << 2));
      if (Tree.hasPath(node, Path.ptr, Path.prefixLen(level))) return node;
    }
    return Tree.find(level);
  }

  /** They are those of the last nodes. */
  static generations(body: usize, size: u32): bool {
    const count = load<u32>(body);
    if (count > RECENT || <u32>8 + (count << 3) > size) return false;
    // Some may have been lost: then it can't be known whose they are.
    if (count > LoadNodes.count) return Records.what == LOAD_SALVAGE;
    const first = LoadNodes.count - count;
    for (let i: u32 = 0; i < count; i++) {
      const node = load<Node>(recent + ((first + i) << 2));
      node.generation = load<u64>(body + 8 + (i << 3));
    }
    LoadNodes.count = 0;
    return true;
  }

  static permsMore(body: usize, size: u32): bool {
    const count = load<u32>(body);
    const node = LoadNodes.last;
    if (<u64>8 + ((<u64>count) << 3) > size || count == 0) return false;
    if (node === null) return Records.what == LOAD_SALVAGE;
    const list = Perms.intern(body + 8, count);
    if (list === null || list.owner > 0xffff || !Tree.mayOwn(list.owner, 1)) return false;
    Perms.hold(list);
    const generation = node.generation;
    const seq = Tree.seq;
    Tree.setPerms(node, list);
    Tree.seq = seq;
    node.generation = generation;
    Perms.drop(list);
    return true;
  }

  static ghost(body: usize, size: u32): bool {
    const pathLen = <u32>load<u16>(body, 8);
    const count = <u32>load<u16>(body, 10);
    const valueLen = load<u32>(body, 12);
    const path = body + 16 + (count << 3);
    if (<u64>16 + (count << 3) + pathLen + valueLen > size) return false;
    if (!Path.take(path, pathLen)) return false;
    const parent = LoadNodes.parent();
    const list = count > 0 ? Perms.intern(body + 16, count) : null;
    if (parent === null || list === null || valueLen > 0xffff) return false;
    const depth = Path.depth;
    const nameLen = Path.nameLen(depth);
    const node = Node.make(Path.namePtr(depth), nameLen, path + pathLen, valueLen, list);
    if (node === null) return false;
    Tree.haunt(node, parent, Path.hashAt(depth));
    node.flags |= NODE_GHOST;
    node.generation = load<u64>(body);
    LoadNodes.note(node);
    return true;
  }

  static older(body: usize, size: u32): bool {
    const count = <u32>load<u16>(body, 24);
    const valueLen = <u32>load<u16>(body, 26);
    const node = LoadNodes.last;
    if (node === null || OLDER + (count << 3) + valueLen > size) return false;
    const list = count > 0 ? Perms.intern(body + OLDER, count) : null;
    if (count > 0 && list === null) return false;
    const v = Versions.restore(node, valueLen);
    if (v === null) return false;
    v.aspects = load<u32>(body);
    v.childBytes = load<u32>(body, 4);
    v.seq = load<u64>(body, 8);
    v.generation = load<u64>(body, 16);
    v.perms = list !== null ? Perms.hold(list) : null;
    memory.copy(v.valuePtr, body + OLDER + (count << 3), valueLen);
    return true;
  }
}

/** The list of a public record, held; null when it makes no sense. */
function publicPerms(from: usize, count: u32): PermList | null {
  const entries = Heap.alloc(count << 3);
  if (entries == 0) return null;
  let sound = true;
  for (let i: u32 = 0; i < count; i++) {
    const at = from + (i << 2);
    const bits = Perms.bitsOf(load<u8>(at));
    if (bits < 0) sound = false;
    Perms.putEntry(entries, i, load<u16>(at, 2), <u32>bits, (load<u8>(at, 1) & 1) != 0);
  }
  const list = sound ? Perms.intern(entries, count) : null;
  Heap.free(entries);
  return list !== null ? Perms.hold(list) : null;
}
