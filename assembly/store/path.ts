// Path: the path of the request being served, checked, made absolute and hashed level by level.
// Holds   one path at a time, the hash of each of its prefixes and where each ends.
// Never   looks at the tree, never recurses.
// Source  the XenStore protocol, paths.
//
//   level   0 1     2       3        ordinary: level 0 is the root, name i is
//           / local / domain / 3               ends[i-1] + 1 .. ends[i]
//   level   1              2         special: level 0 is still the root,
//           @releaseDomain / 5                 name 1 begins at the `@`

import { Bytes } from "../base/bytes";
import { EINVAL, Errno, OK } from "../base/errno";
import { Hash } from "../base/hash";
import { DEPTH_MAX } from "../limits";
import { XENSTORE_ABS_PATH_MAX, XENSTORE_PAYLOAD_MAX } from "../xs_wire";

const SLASH: u8 = 0x2f;
const AT: u8 = 0x40;
const HOME_PREFIX = "/local/domain/";
const HOME_PREFIX_LEN: u32 = 14;
/** A relative path stands here behind its home; room for what is refused later, too. */
const composed: usize = memory.data(4224);
const ends: usize = memory.data(4 * 1544);
const hashes: usize = memory.data(4 * 1544);
/** 1 for each byte that may stand in a name. */
const legal: usize = memory.data(256);

function markLegal(from: u32, to: u32): void {
  for (let c = from; c <= to; c++) store<u8>(legal + c, 1);
}
markLegal(0x61, 0x7a);
markLegal(0x41, 0x5a);
markLegal(0x30, 0x39);
markLegal(0x2d, 0x2d);
markLegal(0x5f, 0x5f);
markLegal(0x40, 0x40);

export class Path {
  static ptr: usize = 0;
  static len: u32 = 0;
  /** Number of names; 0 for the root. */
  static depth: u32 = 0;
  /** Begins with `@`: outside the tree. */
  static special: bool = false;
  /** Given without a leading slash: the bytes of home and slash that were put in front. */
  static homeLen: u32 = 0;

  /**
   * Takes the text of a path as a client wrote it.
   * @param domid         whose home a relative path begins at
   * @param allowSpecial  may it begin with `@`?
   * @param limit         most bytes below a home, or 0 for no such limit
   * @returns EINVAL when it is no legal path
   */
  static parse(text: usize, len: u32, domid: u32, allowSpecial: bool, limit: u32): Errno {
    if (len > XENSTORE_PAYLOAD_MAX) return EINVAL;
    Path.homeLen = 0;
    const first: u8 = len > 0 ? load<u8>(text) : 0;
    if (first != SLASH && first != AT) {
      const home = Path.putHome(domid);
      memory.copy(composed + home, text, len);
      Path.homeLen = home;
      text = composed;
      len += home;
    } else if (first == AT && !allowSpecial) return EINVAL;
    if (len > XENSTORE_ABS_PATH_MAX) return EINVAL;
    if (!Path.scan(text, len)) return EINVAL;
    if (limit != 0 && Path.lenBelowHome() > limit) return EINVAL;
    return OK;
  }

  /** Takes an absolute path out of a file. @returns false when it is none */
  static take(text: usize, len: u32): bool {
    return len > 0 && Path.parse(text, len, 0, true, 0) == OK && Path.homeLen == 0;
  }

  /** Takes an absolute path that was checked before. */
  static reparse(text: usize, len: u32): void {
    Path.homeLen = 0;
    assert(Path.scan(text, len), "a stored path is legal");
  }

  /** Takes ASCII text of the core's own. */
  static set(text: string): void {
    const len = Bytes.putText(composed, text, XENSTORE_ABS_PATH_MAX);
    Path.reparse(composed, len);
  }

  /** Takes ASCII text with a decimal number behind it. */
  static setNumbered(text: string, number: u32): void {
    let len = Bytes.putText(composed, text, XENSTORE_ABS_PATH_MAX);
    len += Bytes.putDecimal(composed + len, number);
    Path.reparse(composed, len);
  }

  /** Hash of the first `level` names. */
  @inline
  static hashAt(level: u32): u32 {
    return load<u32>(hashes + (level << 2));
  }

  /** Bytes of the path up to and with name `level`; 1 for the root. */
  @inline
  static prefixLen(level: u32): u32 {
    return level == 0 ? 1 : load<u32>(ends + (level << 2));
  }

  @inline
  static namePtr(level: u32): usize {
    return Path.ptr + Path.nameStart(level);
  }

  @inline
  static nameLen(level: u32): u32 {
    return load<u32>(ends + (level << 2)) - Path.nameStart(level);
  }

  @inline
  private static nameStart(level: u32): u32 {
    return Path.special && level == 1 ? 0 : load<u32>(ends + ((level - 1) << 2)) + 1;
  }

  private static putHome(domid: u32): u32 {
    let len = Bytes.putText(composed, HOME_PREFIX, HOME_PREFIX_LEN);
    len += Bytes.putDecimal(composed + len, domid);
    store<u8>(composed + len, SLASH);
    return len + 1;
  }

  /** One pass: characters, slashes, and the hash of every prefix. */
  private static scan(text: usize, len: u32): bool {
    Path.ptr = text;
    Path.len = len;
    Path.special = load<u8>(text) == AT;
    store<u32>(ends, 0);
    store<u32>(hashes, Hash.root);
    Path.depth = 0;
    if (len == 1 && !Path.special) return load<u8>(text) == SLASH;
    let hash = Path.special ? Hash.special : Hash.root;
    let depth: u32 = 0;
    let start: u32 = Path.special ? 0 : 1;
    let at: u32 = start;
    for (; at <= len; at++) {
      if (at < len) {
        const c = load<u8>(text + at);
        if (load<u8>(legal + c)) continue;
        if (c != SLASH) return false;
      }
      if (at == start) return false;
      depth++;
      if (depth > DEPTH_MAX) return false;
      hash = Hash.extend(hash, text + start, at - start);
      store<u32>(ends + (depth << 2), at);
      store<u32>(hashes + (depth << 2), hash);
      start = at + 1;
    }
    Path.depth = depth;
    return true;
  }

  /** Length without a leading `/local/domain/<1 to 5 digits>/`. */
  private static lenBelowHome(): u32 {
    if (Path.len <= HOME_PREFIX_LEN) return Path.len;
    for (let i: u32 = 0; i < HOME_PREFIX_LEN; i++) {
      if (<u32>load<u8>(Path.ptr + i) != <u32>HOME_PREFIX.charCodeAt(<i32>i)) return Path.len;
    }
    let at = HOME_PREFIX_LEN;
    while (at < Path.len && <u32>load<u8>(Path.ptr + at) - 0x30 <= 9) at++;
    const digits = at - HOME_PREFIX_LEN;
    if (digits < 1 || digits > 5 || at >= Path.len) return Path.len;
    if (load<u8>(Path.ptr + at) != SLASH) return Path.len;
    return Path.len - at - 1;
  }
}
