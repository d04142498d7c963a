// Domain: what the store knows of a domain: its identity, limits, counts and nodes.
// Holds   a record for each domain that was introduced, owns something or has limits of its own.
// Never   sends anything; the connection is a number here.
// Source  the XenStore protocol, domains and quotas.

import { LOG_NOTICE } from "../abi";
import { Heap } from "../base/heap";
import { Log } from "../base/log";
import {
  CREDIT_CAP,
  CREDIT_REFILL_PER_S,
  CREDIT_RESERVE_CAP,
  CREDIT_RESERVE_FLOOR,
} from "../limits";
import { DOMID_FIRST_RESERVED, DOMID_INVALID, XENSTORE_SERVER_FEATURES } from "../xs_wire";
import { Machine } from "./machine";
import { NodeSet } from "./nodeset";
import { COUNTED, QUOTA_COUNT, Quota } from "./quota";

@unmanaged
export class Domain {
  domid: u32;
  /** Its ring is served: it has, or may have, a connection. */
  introduced: bool;
  /** Seen as shut down; cleared by RESUME. */
  shutdown: bool;
  /** Was last named in the log as above the soft memory limit; and when it was named. */
  softWarned: bool;
  privileged: bool;
  softWarnedMs: u64;
  /** Number of its connection, 0 for none. */
  conn: u32;
  /** Domid it may also act for, or DOMID_INVALID. */
  target: u32;
  features: u32;
  /** Its port and the frame of its page, as INTRODUCE named them. */
  port: u32;
  frame: u64;
  /** Tells successive holders of the domid apart; 0 for unknown. */
  identity: u64;
  /** Which quotas have a value of their own: bit `which`. */
  ownQuota: u32;
  /** Which quotas it was named for in the log. */
  namedQuota: u32;
  /** Write credit, in 1/1000 of a write. */
  credit: i32;
  /** Nodes it would own more or less after the commit that is being checked. */
  pendingNodes: i32;
  nextKnown: Domain | null;
  prevKnown: Domain | null;
  nodeSet: NodeSet;

  @inline
  private word(base: u32, which: u32): usize {
    return changetype<usize>(this) + offsetof<Domain>() + base + (which << 2);
  }

  /** Now in use of a counted quota. */
  @inline
  count(which: u32): i32 {
    return load<i32>(this.word(0, which));
  }

  /** The same to be shown: what a privileged domain has may be more than 2 GiB. */
  shown(which: u32): u64 {
    return load<u32>(this.word(0, which));
  }

  /** Highest use of a counted quota. */
  highest(which: u32): u32 {
    return load<u32>(this.word(24, which));
  }

  add(which: u32, delta: i32): void {
    const at = this.word(0, which);
    const now = load<i32>(at) + delta;
    // What privileged domains have is not bounded: beyond 2 GiB this is a u32 all the same.
    assert(now >= 0 || this.privileged, "a domain's count fell below zero");
    store<i32>(at, now);
    if (delta <= 0 || this.privileged) return;
    if (<u32>now > load<u32>(this.word(24, which))) {
      store<u32>(this.word(24, which), <u32>now);
      Quota.seen(which, <u32>now);
    }
  }

  setHighest(which: u32, value: u32): void {
    store<u32>(this.word(24, which), value);
  }

  resetHighest(): void {
    for (let i: u32 = 0; i < COUNTED; i++) store<u32>(this.word(24, i), <u32>this.count(i));
  }

  /** The limit in force; 0 means none. */
  limit(which: u32): u32 {
    return (this.ownQuota >> which) & 1 ? load<u32>(this.word(48, which)) : Quota.value(which);
  }

  setLimit(which: u32, value: u32): void {
    this.ownQuota |= 1 << which;
    this.namedQuota &= ~(1 << which);
    store<u32>(this.word(48, which), value);
  }

  /** Would `count` be more than this domain may have? Privileged domains may have anything. */
  exceeds(which: u32, count: u32): bool {
    if (this.privileged) return false;
    const limit = this.limit(which);
    if (limit == 0 || count <= limit) return false;
    this.nameQuota(which, count, limit);
    return true;
  }

  /** Says once in the log which quota a domain ran into: the client only learns ENOSPC. */
  private nameQuota(which: u32, count: u32, limit: u32): void {
    if ((this.namedQuota >> which) & 1) return;
    this.namedQuota |= 1 << which;
    Log.begin(LOG_NOTICE);
    Log.text("domain ");
    Log.number(this.domid);
    Log.text(" is refused something: ");
    Log.text(Quota.name(which));
    Log.text(" ");
    Log.number(count);
    Log.text(", its quota is ");
    Log.number(limit);
    Log.end();
  }
}

/** One pointer for each domid. */
const records: usize = memory.data(262144);
const RECORD_EXTRA: u32 = 24 + 24 + 40;
const REFILL_MAX_MS: u32 = 60000;
/** Units of credit below which a share is not worth rounding. */
const SHARE_MIN: i32 = 20;

export class Domains {
  static priv: u32 = 0;
  static store: u32 = 0;
  static features: u32 = XENSTORE_SERVER_FEATURES;
  static first: Domain | null = null;
  static last: Domain | null = null;
  static introducedCount: u32 = 0;
  /** Who a connection is whose domain has ended: somebody without rights, and without a record. */
  static nobody: Domain = changetype<Domain>(0);
  /** Unused write credit of all, handed to those that run dry. */
  static reserve: i32 = CREDIT_RESERVE_CAP;
  /** Milliseconds for which no credit has been given out yet. */
  static owedMs: u32 = 0;

  /** The record of a domain, or null. */
  @inline
  static find(domid: u32): Domain | null {
    return domid <= 0xffff ? load<Domain | null>(records + (domid << 2)) : null;
  }

  /** The record of a domain, made if need be; null without memory. */
  static of(domid: u32): Domain | null {
    const known = Domains.find(domid);
    if (known !== null) return known;
    const d = Domains.make(domid);
    if (d === null) return null;
    d.privileged = domid == Domains.priv;
    d.features = Domains.features;
    d.credit = min<i32>(CREDIT_CAP, max<i32>(0, Domains.reserve));
    Domains.reserve -= d.credit;
    d.prevKnown = Domains.last;
    const last = Domains.last;
    if (last !== null) last.nextKnown = d;
    else Domains.first = d;
    Domains.last = d;
    store<usize>(records + (domid << 2), changetype<usize>(d));
    return d;
  }

  /** Makes it the last of the known ones. */
  static toEnd(d: Domain): void {
    const next = d.nextKnown;
    const last = Domains.last;
    if (next === null || last === null) return;
    const prev = d.prevKnown;
    next.prevKnown = prev;
    if (prev !== null) prev.nextKnown = next;
    else Domains.first = next;
    d.prevKnown = last;
    d.nextKnown = null;
    last.nextKnown = d;
    Domains.last = d;
  }

  /** Called once, while there is memory. */
  static init(): void {
    Domains.nobody = <Domain>Domains.make(DOMID_INVALID);
  }

  /** A record that nothing leads to; null without memory. */
  private static make(domid: u32): Domain | null {
    const ptr = Heap.alloc(offsetof<Domain>() + RECORD_EXTRA);
    if (ptr == 0) return null;
    memory.fill(ptr, 0, offsetof<Domain>() + RECORD_EXTRA);
    const d = changetype<Domain>(ptr);
    d.domid = domid;
    d.target = DOMID_INVALID;
    return d;
  }

  /** Sets the features that are offered from now on, also to the control domain. */
  static offer(features: u32): void {
    Domains.features = features;
    const control = Domains.find(Domains.priv);
    if (control !== null) control.features = features;
  }

  /** Forgets a domain that has nothing any more. */
  static drop(d: Domain): void {
    const next = d.nextKnown;
    const prev = d.prevKnown;
    if (next !== null) next.prevKnown = prev;
    else Domains.last = prev;
    if (prev !== null) prev.nextKnown = next;
    else Domains.first = next;
    Domains.reserve = min<i32>(CREDIT_RESERVE_CAP, Domains.reserve + max<i32>(0, d.credit));
    if (changetype<usize>(d.nodeSet) != 0) d.nodeSet.free();
    store<usize>(records + (d.domid << 2), 0);
    Heap.free(changetype<usize>(d));
  }

  /** Is there such a domain now? May leave a question for the host: see Machine.wanted. */
  static exists(domid: u32): bool {
    if (domid >= DOMID_FIRST_RESERVED) return false;
    if (domid == Domains.priv || domid == Domains.store) return true;
    if (!Machine.present || known(domid)) return true;
    const d = Domains.find(domid);
    if (d !== null && d.introduced) return true;
    return !Machine.isMissing(domid) && !Machine.wanted;
  }

  /** The host's word: the domain exists, or does no more. */
  static setExisting(domid: u32, exists: bool): void {
    if (domid > 0xffff) return;
    const at = existing + (domid >> 3);
    const bit: u8 = 1 << (<u8>domid & 7);
    store<u8>(at, exists ? load<u8>(at) | bit : load<u8>(at) & ~bit);
  }

  /** May the domain's requests be read, as far as its write credit goes? */
  static hasCredit(d: Domain): bool {
    if (d.privileged || d.credit >= 0) return true;
    const take = min<i32>(-d.credit, Domains.reserve - CREDIT_RESERVE_FLOOR);
    if (take > 0) {
      Domains.reserve -= take;
      d.credit += take;
    }
    return d.credit >= 0;
  }

  /** Gives everybody its share for the time that has passed. */
  static refill(elapsedMs: u32): void {
    Domains.owedMs = min<u32>(Domains.owedMs + elapsedMs, REFILL_MAX_MS);
    let sharers: i32 = 0;
    let d: Domain | null = Domains.first;
    while (d !== null) {
      if (!d.privileged) sharers++;
      d = d.nextKnown;
    }
    if (sharers == 0) return;
    const share = <i32>((<i64>CREDIT_REFILL_PER_S * Domains.owedMs) / 1000 / sharers);
    // Among many, the share of a short time is less than one unit each: it is given out later.
    if (share < SHARE_MIN) return;
    Domains.owedMs = 0;
    d = Domains.first;
    while (d !== null) {
      const full = d.credit + (d.privileged ? 0 : share);
      d.credit = min<i32>(full, CREDIT_CAP);
      Domains.reserve = min<i32>(CREDIT_RESERVE_CAP, Domains.reserve + full - d.credit);
      d = d.nextKnown;
    }
  }
}

/** A bit for each domid that the host says exists. */
const existing: usize = memory.data(8192);

function known(domid: u32): bool {
  return ((load<u8>(existing + (domid >> 3)) >> (domid & 7)) & 1) != 0;
}

assert(QUOTA_COUNT == 10 && COUNTED == 6, "the words behind a domain's record");
