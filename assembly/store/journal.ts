// Journal: what was changed since the host last stored something, put down as records.
// Holds   the records of the frame that is open, in one growing run of bytes.
// Never   decides what is stored (whoever makes a change says so), never reads a record.
// Source  our own; the layout of each record stands in state/replay.ts.
//
//   | room for the frame's head | record | record | ...
//   record: u32 type, u32 length, body

import { Errno, OK } from "../base/errno";
import { Heap } from "../base/heap";
import { Domain } from "./domain";
import { PermList } from "./perms";
import { QUOTA_COUNT, Quota } from "./quota";

// Types of records. The bodies:
/** It turned out to say nothing; never stored. */
const J_NOTHING: u32 = 0;
/** u16 path length, u16 entries, u32 value length, entries, path, value; missing parents, too. */
export const J_CREATE: u32 = 1;
/** u16 path length, path, value */
export const J_VALUE: u32 = 2;
/** u16 path length, u16 entries, entries, path */
export const J_PERMS: u32 = 3;
/** path */
export const J_REMOVE: u32 = 4;
/** What is known of a domain; see `putDomain`. */
export const J_DOMAIN: u32 = 5;
/** u32 domid, u32 its nodes go to the control domain */
export const J_END: u32 = 6;
/** u32 bits of the values that requests have set, u32 for each quota */
export const J_QUOTA: u32 = 7;
/** u32 domid, u32 depth, u16 path length, u16 token length, path as it was given, token */
export const J_WATCH: u32 = 8;
/** u32 domid, 0, u16 path length, u16 token length, path as it was given, token */
export const J_UNWATCH: u32 = 9;
/** u32 domid: its watches and transactions are gone */
export const J_RESET: u32 = 10;
/** u32 domid, u32 transaction */
export const J_OPEN: u32 = 11;
export const J_CLOSE: u32 = 12;
/** What a domain has sent and not been answered; see connection/kept.ts. */
export const J_RING: u32 = 13;
/** u32 domid that is taken out of all lists */
export const J_FORGET: u32 = 14;

/** Of a type: the record could not be stored at first; what it says may have come true meanwhile. */
export const J_AGAIN: u32 = 0x8000_0000;

/** u16 path length, path, path of the sibling that follows it: only to undo a removal */
export const J_BEFORE: u32 = 15;

/** Bytes left free for the frame's head. */
export const FRAME_HEAD: u32 = 32;
const RECORD_HEAD: u32 = 8;
const FIRST_SIZE: u32 = 65536;
/** A buffer that a large transaction has made is given back. */
const KEEP_SIZE: u32 = 1048576;
/** Bytes of a domain's record. */
export const DOMAIN_SIZE: u32 = 48 + QUOTA_COUNT * 4;

export class Journal {
  /** Changes are put down. */
  static on: bool = false;
  static ptr: usize = 0;
  /** Bytes of the records in the frame that is open. */
  static len: u32 = 0;
  static cap: u32 = 0;
  /** Bytes of records in front that could not be stored and hold all the same: they try again. */
  static deferred: u32 = 0;
  /** Of these, bytes in front that had been deferred before the last frame failed. */
  static known: u32 = 0;
  /** Bytes in front whose changes can't be taken back any more. */
  static barred: u32 = 0;
  /** Records so far that a client was told of: it must learn when they can't be stored. */
  static told: u32 = 0;
  /** Something must be stored although no record says so yet: the state of a ring. */
  static urgent: bool = false;
  /** The last frame could not be stored: nothing that may be lost tries again by itself. */
  static failed: bool = false;
  /** What a request that has to be stored is refused with, or OK. */
  static refusal: Errno = OK;
  /** Above zero while what changes follows from a record that stands already. */
  static quiet: u32 = 0;

  /** Is there anything to be stored before output may leave? */
  @inline
  static get waits(): bool {
    return Journal.len > Journal.deferred || Journal.urgent;
  }

  /** Makes room for `bytes` more, so that putting them down can't fail. @returns false: no memory */
  static ensure(bytes: u32): bool {
    if (!Journal.on) return true;
    const need = FRAME_HEAD + Journal.len + bytes;
    if (need <= Journal.cap) return true;
    const cap = max<u32>(FIRST_SIZE, need + (need >> 1));
    const ptr = Heap.alloc(cap);
    if (ptr == 0) return false;
    if (Journal.cap != 0) {
      memory.copy(ptr + FRAME_HEAD, Journal.ptr + FRAME_HEAD, Journal.len);
      Heap.free(Journal.ptr);
    }
    Journal.ptr = ptr;
    Journal.cap = cap;
    return true;
  }

  /** The frame is stored, or of no use: the next one begins. */
  static clear(): void {
    Journal.len = 0;
    Journal.deferred = 0;
    Journal.known = 0;
    Journal.barred = 0;
    Journal.urgent = false;
    Journal.failed = false;
    if (Journal.cap <= KEEP_SIZE) return;
    Heap.free(Journal.ptr);
    Journal.ptr = 0;
    Journal.cap = 0;
  }

  /**
   * The frame could not be stored: of its records those stay, for the next frame, that were not
   * taken back and mean something still. What a ring waits for is put down anew.
   * @param all  nothing was taken back
   */
  static retain(all: bool): void {
    const base = Journal.ptr + FRAME_HEAD;
    let to: u32 = 0;
    Journal.known = 0;
    for (let at: u32 = 0; at < Journal.len; ) {
      const type = load<u32>(base + at) & ~J_AGAIN;
      const size = RECORD_HEAD + load<u32>(base + at, 4);
      const whole = all || at < Journal.barred;
      const stays = type != J_RING && type != J_WATCH && (whole || !isTakenBack(type));
      if (stays && !isVoid(base + at, base + Journal.len)) {
        memory.copy(base + to, base + at, size);
        store<u32>(base + to, type | J_AGAIN);
        to += size;
        if (at < Journal.deferred) Journal.known = to;
      }
      at += size;
    }
    Journal.len = to;
    Journal.deferred = to;
    Journal.barred = to;
    Journal.urgent = false;
    Journal.failed = true;
  }

  static get recording(): bool {
    return Journal.on && Journal.quiet == 0;
  }

  /** A record with a body of `size` bytes, to be filled by the caller. */
  static place(type: u32, size: u32): usize {
    assert(Journal.ensure(RECORD_HEAD + size), "room for a record was asked for");
    const at = Journal.ptr + FRAME_HEAD + Journal.len;
    store<u32>(at, type);
    store<u32>(at, size, 4);
    Journal.len += RECORD_HEAD + size;
    if (type <= J_WATCH && type != J_END) Journal.told++;
    return at + RECORD_HEAD;
  }

  static create(path: usize, pathLen: u32, value: usize, len: u32, perms: PermList): void {
    if (!Journal.recording) return;
    const entries = perms.count << 3;
    const at = Journal.place(J_CREATE, 8 + entries + pathLen + len);
    store<u16>(at, <u16>pathLen);
    store<u16>(at, <u16>perms.count, 2);
    store<u32>(at, len, 4);
    memory.copy(at + 8, perms.entry(0), entries);
    memory.copy(at + 8 + entries, path, pathLen);
    memory.copy(at + 8 + entries + pathLen, value, len);
  }

  static value(path: usize, pathLen: u32, value: usize, len: u32): void {
    if (!Journal.recording) return;
    const at = Journal.place(J_VALUE, 2 + pathLen + len);
    store<u16>(at, <u16>pathLen);
    memory.copy(at + 2, path, pathLen);
    memory.copy(at + 2 + pathLen, value, len);
  }

  static perms(path: usize, pathLen: u32, perms: PermList): void {
    if (!Journal.recording) return;
    const entries = perms.count << 3;
    const at = Journal.place(J_PERMS, 4 + entries + pathLen);
    store<u16>(at, <u16>pathLen);
    store<u16>(at, <u16>perms.count, 2);
    memory.copy(at + 4, perms.entry(0), entries);
    memory.copy(at + 4 + entries, path, pathLen);
  }

  static remove(path: usize, pathLen: u32): void {
    if (!Journal.recording) return;
    memory.copy(Journal.place(J_REMOVE, pathLen), path, pathLen);
  }

  static domain(d: Domain): void {
    if (Journal.recording) putDomain(Journal.place(J_DOMAIN, DOMAIN_SIZE), d);
  }

  static quota(): void {
    if (!Journal.recording) return;
    const at = Journal.place(J_QUOTA, 4 + QUOTA_COUNT * 4);
    store<u32>(at, Quota.changed);
    for (let i: u32 = 0; i < QUOTA_COUNT; i++) store<u32>(at + 4 + (i << 2), Quota.value(i));
  }

  /** A record of one or two numbers. */
  static numbers(type: u32, a: u32, b: u32): void {
    if (!Journal.recording) return;
    const at = Journal.place(type, 8);
    store<u32>(at, a);
    store<u32>(at, b, 4);
  }

  static watch(
    type: u32,
    domid: u32,
    depth: u32,
    path: usize,
    pathLen: u32,
    token: usize,
    tokenLen: u32,
  ): void {
    if (!Journal.recording) return;
    const at = Journal.place(type, 12 + pathLen + tokenLen);
    store<u32>(at, domid);
    store<u32>(at, depth, 4);
    store<u16>(at, <u16>pathLen, 8);
    store<u16>(at, <u16>tokenLen, 10);
    memory.copy(at + 12, path, pathLen);
    memory.copy(at + 12 + pathLen, token, tokenLen);
  }
}

function isTakenBack(type: u32): bool {
  return type == J_CREATE || type == J_VALUE || type == J_PERMS || type == J_REMOVE;
}

/**
 * Does a later record say all that this one does? A medium may be full for long, while domains open
 * and close transactions: what is kept for later must not grow with that.
 */
function isVoid(record: usize, end: usize): bool {
  const type = load<u32>(record) & ~J_AGAIN;
  if (type == J_NOTHING) return true;
  if (type != J_QUOTA && type != J_DOMAIN && !isReset(type)) return false;
  const domid = load<u32>(record + RECORD_HEAD);
  for (let at = record; ; ) {
    at += RECORD_HEAD + load<u32>(at, 4);
    if (at >= end) return false;
    const later = load<u32>(at) & ~J_AGAIN;
    if (type == J_QUOTA && later == J_QUOTA) return true;
    if (type == J_QUOTA || load<u32>(at + RECORD_HEAD) != domid) continue;
    if (later == J_END) return false;
    if (type == J_DOMAIN && later == J_DOMAIN) return true;
    if (isReset(type) && later == J_RESET) return true;
    const same = load<u32>(record, RECORD_HEAD + 4) == load<u32>(at, RECORD_HEAD + 4);
    if (type == J_OPEN && later == J_CLOSE && same) {
      store<u32>(at, J_NOTHING);
      return true;
    }
  }
  return false;
}

/** Is what the record says of a domain void when that is reset? */
function isReset(type: u32): bool {
  return type == J_OPEN || type == J_CLOSE || type == J_UNWATCH || type == J_RESET;
}

/**
 * Writes DOMAIN_SIZE bytes: u32 domid, u32 bits (1 introduced, 2 shut down), u32 target,
 * u32 features, u32 port, u32 own quotas, u64 frame, u64 identity, u64 0, u32 for each quota.
 */
export function putDomain(at: usize, d: Domain): void {
  store<u32>(at, d.domid);
  store<u32>(at, (d.introduced ? 1 : 0) | (d.shutdown ? 2 : 0), 4);
  store<u32>(at, d.target, 8);
  store<u32>(at, d.features, 12);
  store<u32>(at, d.port, 16);
  store<u32>(at, d.ownQuota, 20);
  store<u64>(at, d.frame, 24);
  store<u64>(at, d.identity, 32);
  store<u64>(at, 0, 40);
  for (let i: u32 = 0; i < QUOTA_COUNT; i++) store<u32>(at + 48 + (i << 2), d.limit(i));
}

/** Takes over what `putDomain` wrote of this domain. */
export function takeDomain(at: usize, d: Domain): void {
  d.introduced = (load<u32>(at, 4) & 1) != 0;
  d.shutdown = (load<u32>(at, 4) & 2) != 0;
  d.target = load<u32>(at, 8);
  d.features = load<u32>(at, 12);
  d.port = load<u32>(at, 16);
  const own = load<u32>(at, 20);
  d.frame = load<u64>(at, 24);
  d.identity = load<u64>(at, 32);
  for (let i: u32 = 0; i < QUOTA_COUNT; i++) {
    if ((own >> i) & 1) d.setLimit(i, load<u32>(at + 48 + (i << 2)));
  }
}
