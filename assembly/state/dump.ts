// Dump: the store as a stream of records, written chunk by chunk while requests are served.
// Holds   the node at which the walk is, its path, and the snapshot that keeps it where it was.
// Never   writes a node as it is now when it is asked for the state of a moment.
// Source  the XenStore protocol, migration stream; our own.
//
//   head, quotas, what holds for all | connections | nodes, parents first | special nodes |
//   transactions | domains | END

import { DUMP_FOREIGN, DUMP_SNAPSHOT, DUMP_UPDATE } from "../abi";
import { Heap } from "../base/heap";
import { Node } from "../store/node";
import { Path } from "../store/path";
import { PermList } from "../store/perms";
import { Transactions } from "../store/transaction";
import { Tree } from "../store/tree";
import { NOW, Value, Version, Versions } from "../store/version";
import { dumpConnections } from "./dump_connections";
import { dumpDomains, dumpGlobals, putPublicPerms } from "./dump_domains";
import { dumpTransactions } from "./dump_transactions";
import { CHUNK, Sheet } from "./sheet";
import {
  OLDER,
  S_GENERATIONS,
  S_GHOST,
  S_NODE,
  S_OLDER,
  S_PERMS_MORE,
  STREAM_VERSION,
} from "./stream";

/** Nodes in one chunk at most: a chunk takes a millisecond or two. */
const NODES_MAX: u32 = 4096;
const GENERATIONS: u32 = 512;
const generations: usize = memory.data(4096, 8);
const walkPath: usize = memory.data(4096);

const IDLE: u32 = 0;
const NODES: u32 = 1;
const SPECIAL: u32 = 2;
const REST: u32 = 3;
const DONE: u32 = 4;

export class Dump {
  static what: u32 = 0;
  private static phase: u32 = IDLE;
  private static fresh: bool = false;
  /** The change as of which nodes are written. */
  private static asOf: u64 = NOW;
  private static node: Node | null = null;
  private static pathLen: u32 = 0;
  private static generationCount: u32 = 0;
  /** Records of the domains, which were made at the start and stand at the end. */
  private static domains: usize = 0;
  private static domainsLen: u32 = 0;

  /** @returns false without memory, or while another is being written */
  static begin(what: u32, number: u32): bool {
    if (Dump.phase != IDLE) return false;
    Dump.what = what;
    if (what == DUMP_UPDATE) Versions.work(0xffff_ffff);
    Sheet.begin(what == DUMP_FOREIGN ? 1 : STREAM_VERSION, what != DUMP_FOREIGN);
    dumpGlobals(what, number);
    dumpConnections(what);
    const mark = Sheet.len;
    dumpDomains(what);
    Dump.domainsLen = Sheet.len - mark;
    Dump.domains = Sheet.cutOff(mark);
    Dump.fresh = true;
    Dump.phase = NODES;
    Dump.node = Tree.root;
    Dump.pathLen = 0;
    Dump.generationCount = 0;
    Dump.asOf = NOW;
    if (what == DUMP_SNAPSHOT) {
      Dump.asOf = Tree.seq;
      Versions.hold(Tree.seq);
    }
    if (!Sheet.lost) return true;
    Dump.end();
    return false;
  }

  /** Writes the next chunk. @returns its length, 0 when all is written or it is lost */
  static next(): u32 {
    // The first chunk goes on behind what `begin` wrote.
    if (!Dump.fresh) Sheet.clear();
    Dump.fresh = false;
    if (Dump.lost || Dump.phase == IDLE) return 0;
    return Dump.fill();
  }

  /** The snapshot could not be kept, or there was no memory: what was written is of no use. */
  static get lost(): bool {
    return Sheet.lost || (Dump.phase != IDLE && Dump.what == DUMP_SNAPSHOT && !Versions.held);
  }

  static end(): void {
    if (Dump.domains != 0) Heap.free(Dump.domains);
    Dump.domains = 0;
    Dump.phase = IDLE;
    Sheet.close();
    if (!Versions.held) return;
    Versions.release();
    Transactions.reclaim();
  }

  private static fill(): u32 {
    let count: u32 = 0;
    while (Dump.phase == NODES && count < NODES_MAX && Sheet.len < CHUNK) {
      const node = <Node>Dump.node;
      if (Dump.writes(node)) Dump.write(node, walkPath, Dump.pathLen);
      Dump.advance(node);
      count++;
    }
    if (Dump.phase == SPECIAL) {
      Dump.special("@releaseDomain");
      Dump.special("@introduceDomain");
      Dump.phase = REST;
    }
    Dump.flushGenerations();
    if (Dump.phase == REST && Sheet.len < CHUNK) {
      if (Dump.what == DUMP_UPDATE) dumpTransactions();
      Sheet.append(Dump.domains, Dump.domainsLen);
      Sheet.check();
      Sheet.end();
      Dump.phase = DONE;
    } else if (Dump.phase != DONE) Sheet.check();
    return Sheet.lost ? 0 : Sheet.len;
  }

  /** Does the walk write this node? All that it meets is there as of the moment, but ghosts. */
  private static writes(node: Node): bool {
    return !node.ghost || Dump.what != DUMP_FOREIGN;
  }

  private static advance(node: Node): void {
    let next = Dump.firstOf(node);
    let at: Node = node;
    while (next === null && at !== Tree.root) {
      Dump.pathLen -= at.nameLen + 1;
      next = Dump.after(at);
      at = <Node>at.parent;
    }
    Dump.node = next;
    if (next === null) {
      Dump.phase = SPECIAL;
      return;
    }
    store<u8>(walkPath + Dump.pathLen, 0x2f);
    memory.copy(walkPath + Dump.pathLen + 1, next.namePtr, next.nameLen);
    Dump.pathLen += next.nameLen + 1;
  }

  private static firstOf(node: Node): Node | null {
    return Dump.what == DUMP_UPDATE ? node.first : Tree.firstChild(node, Dump.asOf);
  }

  private static after(node: Node): Node | null {
    return Dump.what == DUMP_UPDATE ? node.next : Tree.nextChild(node, Dump.asOf);
  }

  private static special(name: string): void {
    Path.set(name);
    const node = Tree.find(1);
    if (node !== null) Dump.write(node, Path.ptr, Path.len);
  }

  private static write(node: Node, path: usize, pathLen: u32): void {
    const asOf = Dump.asOf;
    if (Dump.what == DUMP_UPDATE && node.ghost) {
      Dump.ghost(node, path, pathLen);
    } else {
      Versions.valueAt(node, asOf);
      const perms = Versions.permsAt(node, asOf);
      Dump.publicNode(path, pathLen, perms);
      Dump.generation(Versions.generationAt(node, asOf));
    }
    if (Dump.what == DUMP_UPDATE && node.versions !== null) Dump.versions(node);
  }

  /** A public node with the value in `Value`. */
  private static publicNode(path: usize, pathLen: u32, perms: PermList): void {
    const textLen = pathLen == 0 ? 1 : pathLen;
    const entries = perms.count << 2;
    const at = Sheet.place(S_NODE, 16 + entries + textLen + 1 + Value.len);
    if (at == 0) return;
    store<u32>(at, 0);
    store<u32>(at, 0, 4);
    store<u16>(at, <u16>(textLen + 1), 8);
    store<u16>(at, <u16>Value.len, 10);
    store<u16>(at, 0, 12);
    store<u16>(at, <u16>perms.count, 14);
    const exact = putPublicPerms(at + 16, perms);
    const text = at + 16 + entries;
    if (pathLen == 0) store<u8>(text, 0x2f);
    else memory.copy(text, path, pathLen);
    store<u8>(text + textLen, 0);
    memory.copy(text + textLen + 1, Value.ptr, Value.len);
    if (exact || Dump.what == DUMP_FOREIGN) return;
    const more = Sheet.place(S_PERMS_MORE, 8 + (perms.count << 3));
    if (more == 0) return;
    store<u32>(more, perms.count);
    store<u32>(more, 0, 4);
    memory.copy(more + 8, perms.entry(0), perms.count << 3);
  }

  private static generation(value: u64): void {
    if (Dump.what == DUMP_FOREIGN) return;
    store<u64>(generations + (Dump.generationCount++ << 3), value);
    if (Dump.generationCount == GENERATIONS) Dump.flushGenerations();
  }

  private static flushGenerations(): void {
    const count = Dump.generationCount;
    if (count == 0) return;
    const at = Sheet.place(S_GENERATIONS, 8 + (count << 3));
    Dump.generationCount = 0;
    if (at == 0) return;
    store<u32>(at, count);
    store<u32>(at, 0, 4);
    memory.copy(at + 8, generations, count << 3);
  }

  private static ghost(node: Node, path: usize, pathLen: u32): void {
    const perms = node.perms;
    const entries = perms.count << 3;
    const at = Sheet.place(S_GHOST, 16 + entries + pathLen + node.valueLen);
    if (at == 0) return;
    store<u64>(at, node.generation);
    store<u16>(at, <u16>pathLen, 8);
    store<u16>(at, <u16>perms.count, 10);
    store<u32>(at, node.valueLen, 12);
    memory.copy(at + 16, perms.entry(0), entries);
    memory.copy(at + 16 + entries, path, pathLen);
    memory.copy(at + 16 + entries + pathLen, node.valuePtr, node.valueLen);
  }

  private static versions(node: Node): void {
    let v = <Version>node.versions;
    while (v.older !== null) v = <Version>v.older;
    for (;;) {
      Dump.version(v);
      if (v.newer === null) return;
      v = <Version>v.newer;
    }
  }

  private static version(v: Version): void {
    const perms = v.perms;
    const count: u32 = perms !== null ? perms.count : 0;
    const at = Sheet.place(S_OLDER, OLDER + (count << 3) + v.valueLen);
    if (at == 0) return;
    store<u32>(at, v.aspects);
    store<u32>(at, v.childBytes, 4);
    store<u64>(at, v.seq, 8);
    store<u64>(at, v.generation, 16);
    store<u16>(at, <u16>count, 24);
    store<u16>(at, <u16>v.valueLen, 26);
    store<u32>(at, 0, 28);
    if (perms !== null) memory.copy(at + OLDER, perms.entry(0), count << 3);
    memory.copy(at + OLDER + (count << 3), v.valuePtr, v.valueLen);
  }
}
