// Connection: one client: a socket, or the stream of a domain.
// Holds   a record for each client, found by its number; numbers are used again.
// Never   serves requests, never looks into messages.
// Source  our own.

import { NO_HANDLE } from "../abi";
import { Heap } from "../base/heap";
import { Domain } from "../store/domain";
import { Transaction } from "../store/transaction";
import { WatchList } from "../store/watch";
import { Pending } from "./pending";

/** The record is in use. */
export const CONN_OPEN: u32 = 1;
/** To be closed when its output is out. */
export const CONN_CLOSING: u32 = 2;
/** The peer sends no more. */
export const CONN_ENDED: u32 = 4;
/** Has requests that may not be served yet. */
export const CONN_BLOCKED: u32 = 8;
/** In the list of connections that want something from the host. */
export const CONN_DIRTY: u32 = 16;
/** May not change the store. */
export const CONN_READ_ONLY: u32 = 32;
/** Its ring was broken by the guest: it is not served until it is reset. */
export const CONN_IGNORED: u32 = 64;
/** Its ring page changed since the host last heard. */
export const CONN_NOTIFY: u32 = 128;
/** Its ring was reset since the host last heard. */
export const CONN_RESET: u32 = 256;
/** Its state goes into the next frame of the journal. */
export const CONN_TOUCHED: u32 = 1024;
/** The journal has something of it that waits. */
export const CONN_KEPT: u32 = 2048;
/** Its output and the indexes of its ring were loaded, and wait for its page. */
export const CONN_LOADED: u32 = 8192;
/** Output has gone into its page that may not be shown before the open frame is stored. */
export const CONN_HELD: u32 = 16384;
/** A stream that speaks as one domain. */
export const CONN_ONE_DOMAIN: u32 = 4096;
/** The log has said that its ring was broken: a guest could break it again and again. */
export const CONN_NAMED: u32 = 512;
/** A stream beside the connection of its domain. */
export const CONN_EXTRA: u32 = 32768;

@unmanaged
export class Connection {
  id: u32;
  /** Tells the successive users of a number apart. */
  serial: u32;
  domain: Domain;
  flags: u32;
  watchFirst: usize;
  watchLast: usize;
  txFirst: Transaction | null;
  nextTxId: u32;
  /** The host's descriptor of it, or its port: for a successor. */
  handle: i32;
  /** Index of the reply queue up to which the domain has been shown the ring. */
  shown: u32;
  /** After a new start: index of the requests that are done. */
  done: u32;
  /** Bytes of its output that were loaded: events may stand behind them before it goes on. */
  loaded: u32;
  /** Bytes at that index that finish a message. */
  shownCut: u32;
  keptNext: Connection | null;
  /** While it is held: the index and the cut up to which the page may be shown. */
  heldNext: Connection | null;
  allowed: u32;
  allowedCut: u32;
  /** The copy of the ring page, or 0 for a stream. */
  ring: usize;
  /** Input that is not served yet: `inLen` bytes of it, in a place of `inCap`. */
  inPtr: usize;
  inLen: u32;
  inCap: u32;
  /** Output: the bytes from outStart to outEnd have not been sent. */
  outPtr: usize;
  outCap: u32;
  outStart: u32;
  outEnd: u32;
  /** Bytes at outStart that finish a message of which the beginning has left. */
  cut: u32;
  /** Position of outStart in the stream of all output. */
  outPos: u64;
  pendingFirst: Pending | null;
  pendingLast: Pending | null;
  eventCount: u32;
  /** Requests of an unprivileged domain that are not settled. */
  outstanding: u32;
  dirtyNext: Connection | null;
  blockedNext: Connection | null;
  blockedPrev: Connection | null;

  @inline
  get watches(): WatchList {
    return changetype<WatchList>(changetype<usize>(this) + offsetof<Connection>("watchFirst"));
  }

  @inline
  get privileged(): bool {
    return this.domain.privileged;
  }

  @inline
  has(flag: u32): bool {
    return (this.flags & flag) != 0;
  }

  @inline
  get unsent(): u32 {
    return this.outEnd - this.outStart;
  }
}

export class Connections {
  private static slots: usize = 0;
  private static cap: u32 = 0;
  /** Numbers given out so far; the free ones among them hang on a list. */
  static used: u32 = 0;
  private static free: u32 = 0;
  private static serials: u32 = 0;
  static count: u32 = 0;
  /** Those that stand beside the connection of their domain. */
  static extra: u32 = 0;
  /** The first of those that want something from the host. */
  static dirtyFirst: Connection | null = null;
  static dirtyLast: Connection | null = null;
  static blocked: Connection | null = null;

  /** A new connection that speaks as `domain`; null without memory. */
  static open(domain: Domain): Connection | null {
    const id = Connections.takeId();
    const ptr = id != 0 ? Heap.alloc(offsetof<Connection>()) : 0;
    if (ptr == 0) {
      if (id != 0) Connections.giveId(id);
      return null;
    }
    memory.fill(ptr, 0, offsetof<Connection>());
    const c = changetype<Connection>(ptr);
    c.id = id;
    c.serial = Connections.newSerial();
    c.domain = domain;
    c.flags = CONN_OPEN;
    c.nextTxId = 1;
    c.handle = NO_HANDLE;
    store<usize>(Connections.slots + (id << 2), ptr);
    Connections.count++;
    return c;
  }

  static newSerial(): u32 {
    return ++Connections.serials;
  }

  /** Forgets a connection whose watches, transactions and buffers are gone already. */
  static close(c: Connection): void {
    Connections.unblock(c);
    if (c.has(CONN_DIRTY)) Connections.undirty(c);
    Connections.giveId(c.id);
    Connections.count--;
    if (c.ring != 0) Heap.free(c.ring);
    Heap.free(changetype<usize>(c));
  }

  /** The connection with this number, or null. */
  static find(id: u32): Connection | null {
    if (id == 0 || id > Connections.used) return null;
    const ptr = load<usize>(Connections.slots + (id << 2));
    return ptr & 1 ? null : changetype<Connection | null>(ptr);
  }

  /** Puts it on the list of those that want something from the host. */
  static dirty(c: Connection): void {
    if (c.has(CONN_DIRTY)) return;
    c.flags |= CONN_DIRTY;
    c.dirtyNext = null;
    const last = Connections.dirtyLast;
    if (last !== null) last.dirtyNext = c;
    else Connections.dirtyFirst = c;
    Connections.dirtyLast = c;
  }

  static takeDirty(): Connection | null {
    const c = Connections.dirtyFirst;
    if (c === null) return null;
    Connections.dirtyFirst = c.dirtyNext;
    if (c.dirtyNext === null) Connections.dirtyLast = null;
    c.flags &= ~CONN_DIRTY;
    return c;
  }

  static undirty(c: Connection): void {
    if (!c.has(CONN_DIRTY)) return;
    let before: Connection | null = null;
    let at: Connection | null = Connections.dirtyFirst;
    while (at !== null && at !== c) {
      before = at;
      at = at.dirtyNext;
    }
    if (before === null) Connections.dirtyFirst = c.dirtyNext;
    else before.dirtyNext = c.dirtyNext;
    if (Connections.dirtyLast === c) Connections.dirtyLast = before;
    c.flags &= ~CONN_DIRTY;
  }

  static block(c: Connection): void {
    if (c.has(CONN_BLOCKED)) return;
    c.flags |= CONN_BLOCKED;
    const first = Connections.blocked;
    c.blockedPrev = null;
    c.blockedNext = first;
    if (first !== null) first.blockedPrev = c;
    Connections.blocked = c;
  }

  static unblock(c: Connection): void {
    if (!c.has(CONN_BLOCKED)) return;
    c.flags &= ~CONN_BLOCKED;
    const next = c.blockedNext;
    const prev = c.blockedPrev;
    if (next !== null) next.blockedPrev = prev;
    if (prev !== null) prev.blockedNext = next;
    else Connections.blocked = next;
  }

  /** A free slot holds the next free number, marked by its lowest bit. */
  private static takeId(): u32 {
    const id = Connections.free;
    if (id != 0) {
      Connections.free = <u32>load<usize>(Connections.slots + (id << 2)) >> 1;
      return id;
    }
    if (Connections.used + 1 >= Connections.cap && !Connections.widen()) return 0;
    return ++Connections.used;
  }

  private static giveId(id: u32): void {
    store<usize>(Connections.slots + (id << 2), (Connections.free << 1) | 1);
    Connections.free = id;
  }

  private static widen(): bool {
    const cap = max<u32>(64, Connections.cap << 1);
    const slots = Heap.alloc(cap << 2);
    if (slots == 0) return false;
    memory.fill(slots, 0, cap << 2);
    if (Connections.cap != 0) {
      memory.copy(slots, Connections.slots, Connections.cap << 2);
      Heap.free(Connections.slots);
    }
    Connections.slots = slots;
    Connections.cap = cap;
    return true;
  }
}
