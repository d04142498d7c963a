// SET_PERMS: a list of permissions read, checked and put on a node.
// Holds   nothing.
// Never   changes the node before every entry has been read.
// Source  the XenStore protocol, permissions (SET_PERMS).

import { Bytes } from "../base/bytes";
import { EINVAL, ENOENT, ENOMEM, ENOSPC, EPERM, Errno, OK } from "../base/errno";
import { Heap } from "../base/heap";
import { Domains } from "../store/domain";
import { Machine } from "../store/machine";
import { Node } from "../store/node";
import { Path } from "../store/path";
import { Caller, PERM_OWNER, PERM_WRITE, PermList, Perms } from "../store/perms";
import { QUOTA_NODE_PERMISSIONS } from "../store/quota";
import { View } from "../store/view";
import { DOMID_ANY, XENSTORE_SERVER_FEATURE_ANYDOMAIN } from "../xs_wire";
import { Call } from "./call";
import { Nodes } from "./nodes";

const DOMID_MAX: i64 = 0x7fff_ffff;

export function setPerms(): Errno {
  const strings = Call.strings();
  if (strings < 2) return EINVAL;
  const count = strings - 1;
  if (Call.domain.exceeds(QUOTA_NODE_PERMISSIONS, count)) return ENOSPC;
  const entries = Heap.alloc(count << 3);
  if (entries == 0) return ENOMEM;
  const errno = readEntries(entries, count);
  const list = errno == OK ? Perms.intern(entries, count) : null;
  Heap.free(entries);
  if (errno != OK) return errno;
  if (list === null) return ENOMEM;
  Perms.hold(list);
  const result = put(list);
  Perms.drop(list);
  return result;
}

function put(list: PermList): Errno {
  const owner = list.domid(0);
  if (owner < 0 || !Domains.exists(<u32>owner)) return ENOENT;
  // Whether an entry counts is not known yet: the request is served again.
  if (Machine.wanted) return ENOENT;
  const errno = Nodes.at(true, PERM_WRITE | PERM_OWNER);
  if (errno != OK) return errno;
  const before = <PermList>View.perms;
  if (!Caller.privileged && before.owner != list.owner) return EPERM;
  Perms.hold(before);
  const result = View.setPerms(list);
  if (result == OK && View.tx === null && !Path.special) Nodes.changed(<Node>View.node, before);
  Perms.drop(before);
  return result;
}

/** Reads the strings behind the path: a letter and a domid each. */
function readEntries(entries: usize, count: u32): Errno {
  let at = Call.string(1);
  for (let i: u32 = 0; i < count; i++) {
    const len = Call.stringLen(at);
    const bits = len > 0 ? Perms.bitsOf(load<u8>(at)) : -1;
    if (bits < 0) return EINVAL;
    if (!Integer.read(at + 1, len - 1)) return EINVAL;
    const domid = <i32>Integer.value;
    Perms.putEntry(entries, i, domid, <u32>bits, i > 0 && isInert(domid));
    at += len + 1;
  }
  return OK;
}

function isInert(domid: i32): bool {
  if (domid == <i32>DOMID_ANY) {
    return (Call.domain.features & XENSTORE_SERVER_FEATURE_ANYDOMAIN) == 0;
  }
  return domid < 0 || !Domains.exists(<u32>domid);
}

/** A C integer up to the end of its string: blanks, sign, base by prefix. */
class Integer {
  static value: i64 = 0;

  static read(ptr: usize, len: u32): bool {
    let i = Bytes.skipBlanks(ptr, len);
    let negative = false;
    if (i < len && (load<u8>(ptr + i) == 0x2d || load<u8>(ptr + i) == 0x2b)) {
      negative = load<u8>(ptr + i) == 0x2d;
      i++;
    }
    let base: i64 = 10;
    if (i + 1 < len && load<u8>(ptr + i) == 0x30) {
      const next = load<u8>(ptr + i + 1) | 0x20;
      base = next == 0x78 ? 16 : 8;
      i += base == 16 ? 2 : 1;
    }
    if (i >= len) return false;
    let value: i64 = 0;
    for (; i < len; i++) {
      const digit = digitOf(load<u8>(ptr + i));
      if (digit >= base) return false;
      value = min<i64>(value * base + digit, DOMID_MAX);
    }
    Integer.value = negative ? -value : value;
    return true;
  }
}

function digitOf(c: u8): i64 {
  if (c >= 0x30 && c <= 0x39) return c - 0x30;
  const lower = c | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : 99;
}
