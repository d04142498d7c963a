// Requests about nodes: READ WRITE MKDIR RM DIRECTORY DIRECTORY_PART GET_PERMS SET_PERMS.
// Holds   nothing.
// Never   touches the tree itself (store/view.ts does), never builds an event.
// Source  the XenStore protocol, operations.

import { Bytes } from "../base/bytes";
import { E2BIG, EINVAL, ENOENT, ENOMEM, Errno, OK, REPLIED } from "../base/errno";
import { Heap } from "../base/heap";
import { Publish } from "../connection/publish";
import { Journal } from "../store/journal";
import { Node } from "../store/node";
import { Path } from "../store/path";
import { PERM_READ, PERM_WRITE, PermList, Perms } from "../store/perms";
import { Removal } from "../store/removal";
import { Tree } from "../store/tree";
import { Undo } from "../store/undo";
import { Value } from "../store/version";
import { View } from "../store/view";
import { XENSTORE_PAYLOAD_MAX } from "../xs_wire";
import { Call } from "./call";
import { Credit } from "./credit";

export class Nodes {
  static read(): Errno {
    const errno = Nodes.reach(false, PERM_READ);
    if (errno != OK) return errno;
    View.value();
    return Call.reply(Value.ptr, Value.len);
  }

  static directory(): Errno {
    const errno = Nodes.reach(false, PERM_READ);
    if (errno != OK) return errno;
    const len = View.childBytes();
    if (len > XENSTORE_PAYLOAD_MAX) return E2BIG;
    const at = Call.open(len);
    if (at == 0) return REPLIED;
    return Call.close(View.putChildren(at, len));
  }

  /** Generation, NUL, whole names from an offset on, and a NUL more when the list ends. */
  static directoryPart(): Errno {
    if (Call.strings() != 2) return EINVAL;
    const errno = Nodes.at(false, PERM_READ);
    if (errno != OK) return errno;
    const room = View.childBytes();
    const names = room > 0 ? Heap.alloc(room) : 0;
    if (room > 0 && names == 0) return ENOMEM;
    const total = room > 0 ? View.putChildren(names, room) : 0;
    const at = Call.open(XENSTORE_PAYLOAD_MAX);
    if (at != 0) Nodes.putPart(at, names, total, Call.number(1));
    if (names != 0) Heap.free(names);
    return REPLIED;
  }

  private static putPart(at: usize, names: usize, total: u32, offset: i64): void {
    let len = Bytes.putDecimal(at, View.generation());
    store<u8>(at + len++, 0);
    let from = offset < 0 || offset > <i64>total ? total : <u32>offset;
    while (from < total) {
      const size = Bytes.findNul(names + from, total - from) + 1;
      if (len + size + 1 > XENSTORE_PAYLOAD_MAX) break;
      memory.copy(at + len, names + from, size);
      len += size;
      from += size;
    }
    if (from >= total) store<u8>(at + len++, 0);
    Call.close(len);
  }

  static write(): Errno {
    const nul = Bytes.findNul(Call.body, Call.len);
    if (nul == Call.len) return EINVAL;
    let errno = Call.path(nul, false);
    if (errno != OK) return errno;
    const value = Call.body + nul + 1;
    const len = Call.len - nul - 1;
    errno = View.access(PERM_WRITE);
    if (errno == ENOENT) return Nodes.make(value, len);
    if (errno != OK) return errno;
    errno = View.write(value, len);
    if (errno == OK && View.tx === null) Nodes.changed(<Node>View.node, null);
    return errno;
  }

  static mkdir(): Errno {
    const errno = Nodes.reach(false, PERM_WRITE);
    return errno == ENOENT ? Nodes.make(0, 0) : errno;
  }

  static rm(): Errno {
    const errno = Nodes.reach(false, PERM_WRITE);
    if (errno == ENOENT) return View.parentExists() ? OK : ENOENT;
    if (errno != OK) return errno;
    if (Path.depth == 0) return EINVAL;
    if (View.tx !== null) return Removal.run();
    Nodes.remove(<Node>View.node);
    return OK;
  }

  /** Removes a node that is at `Path` and all below it, with events: children first. */
  static remove(top: Node): void {
    Undo.remove(top, Path.ptr, Path.len);
    Journal.remove(Path.ptr, Path.len);
    let n = Tree.deepest(top);
    while (n !== top) {
      const next = Tree.afterInWalk(n);
      Publish.went(n);
      Credit.changed(n.hash);
      Tree.remove(n);
      n = next;
    }
    const parent = <Node>top.parent;
    Publish.changed(top.perms, null, parent.perms);
    Credit.changed(top.hash);
    Credit.changed(parent.hash);
    Tree.remove(top);
  }

  /** A change in a transaction that can only end in EAGAIN: well formed, and without effect. */
  static pretend(): Errno {
    const nul = Bytes.findNul(Call.body, Call.len);
    return nul == Call.len ? EINVAL : Call.path(nul, true);
  }

  static getPerms(): Errno {
    const errno = Nodes.reach(true, PERM_READ);
    if (errno != OK) return errno;
    View.sawPerms();
    const perms = <PermList>View.perms;
    // A letter, at most 11 characters of number, a NUL.
    const room = perms.count * 13;
    const at = Call.open(room);
    if (at == 0) return REPLIED;
    let len: u32 = 0;
    for (let i: u32 = 0; i < perms.count; i++) {
      store<u8>(at + len++, Perms.letterOf(perms.bits(i)));
      len += Bytes.putSigned(at + len, perms.domid(i));
      store<u8>(at + len++, 0);
    }
    return len > XENSTORE_PAYLOAD_MAX ? E2BIG : Call.close(len);
  }

  /** The payload is one string, a path; the caller has the rights on it. */
  static reach(allowSpecial: bool, need: u32): Errno {
    if (!Call.isOne()) return EINVAL;
    return Nodes.at(allowSpecial, need);
  }

  /** The first string is a path; the caller has the rights on it. */
  static at(allowSpecial: bool, need: u32): Errno {
    const errno = Call.path(Bytes.findNul(Call.body, Call.len), allowSpecial);
    return errno != OK ? errno : View.access(need);
  }

  /** `Path` changed, outside any transaction. */
  static changed(node: Node, before: PermList | null): void {
    Credit.changed(node.hash);
    const parent = node.parent;
    Publish.changed(node.perms, before, parent !== null ? parent.perms : null);
  }

  private static make(value: usize, len: u32): Errno {
    const errno = View.create(value, len);
    if (errno != OK || View.tx !== null) return errno;
    const node = <Node>View.node;
    Credit.changed((<Node>node.parent).hash);
    Nodes.changed(node, null);
    return OK;
  }
}
