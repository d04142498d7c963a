// Records: each record of a stream finds who takes it in, and what holds for the whole store is
// taken in here.
// Holds   what later records refer to: the stream's connections, the values of quotas.
// Never   believes an inner length: everything is compared with the record's own.
// Source  the XenStore protocol, migration stream; the layouts stand at state/stream.ts.

import { BOOT_SIZE, HANDLE_EVENTS, HANDLE_SOCKET, LOAD_SALVAGE, LOAD_UPDATE } from "../abi";
import { Bytes } from "../base/bytes";
import { Heap } from "../base/heap";
import { Requests } from "../connection/pending";
import { Trace } from "../connection/trace";
import { Domain, Domains } from "../store/domain";
import { DOMAIN_SIZE, takeDomain } from "../store/journal";
import { COUNTED, QUOTA_COUNT, Quota } from "../store/quota";
import { Transactions } from "../store/transaction";
import { Tree } from "../store/tree";
import { Versions } from "../store/version";
import { Watches } from "../store/watch";
import { Handles } from "./dump_domains";
import { Frames } from "./frames";
import { LoadConnections } from "./load_connections";
import { LoadNodes } from "./load_nodes";
import { LoadTransactions } from "./load_transactions";
import {
  DATABASE_VERSION,
  DOMAIN_MORE,
  RECORD_HEAD,
  S_CHECK,
  S_CONNECTION,
  S_CONNECTION_MORE,
  S_DOMAIN,
  S_DOMAIN_MORE,
  S_GENERATIONS,
  S_GHOST,
  S_GLOBAL,
  S_GLOBAL_QUOTA,
  S_MADE,
  S_NODE,
  S_OLDER,
  S_PENDING,
  S_PERMS_MORE,
  S_STORE,
  S_TOUCHED,
  S_TRANSACTION,
  S_TRANSACTION_MORE,
  S_WATCH,
  S_WATCH_DEPTH,
  S_WATCH_ORDER,
  STORE_SIZE,
} from "./stream";

/** Linear memory that one record may need, beyond twice its own length. */
const RESERVE: u32 = 1048576;
/** A record that says it is longer than this is none. */
const RECORD_MAX: u32 = 0x4000_0000;
/** Values of quotas, until it is known which of them count. */
const quotas: usize = memory.data(40);
/** What holds for the whole store, as the stream says. */
const storeCopy: usize = memory.data(128, 8);

export class Records {
  static what: u32 = 0;
  static version: u32 = 0;
  static number: u32 = 0;
  static sameBoot: bool = false;
  static newer: bool = false;
  static nodes: u32 = 0;
  /** Nodes and blocks that could not be used. */
  static lost: u32 = 0;
  /** The stream is our own: it says more than the format has room for. */
  static ours: bool = false;
  private static quotasGiven: u32 = 0;

  static begin(what: u32): void {
    Records.what = what;
    Records.number = 0;
    Records.sameBoot = what == LOAD_SALVAGE;
    Records.newer = false;
    Records.nodes = 0;
    Records.lost = 0;
    Records.ours = false;
    Records.quotasGiven = 0;
    LoadConnections.begin();
    LoadNodes.begin();
    LoadTransactions.begin();
  }

  /** Everything is there: what only makes sense as a whole is put in order. */
  static end(): bool {
    let count: u32 = 0;
    let d: Domain | null = Domains.first;
    while (d !== null) {
      if (d.introduced) count++;
      d = d.nextKnown;
    }
    Domains.introducedCount = count;
    const sorted = Watches.sort() && Versions.sort();
    LoadTransactions.end();
    LoadConnections.end();
    // Whole requests that came in before are served as soon as the host asks what is wanted.
    Requests.settled = true;
    if (Records.ours) {
      // What was made on the way has counted, too.
      Tree.seq = load<u64>(storeCopy, 24);
      Watches.ids = load<u64>(storeCopy, 40);
      if (Records.what == LOAD_UPDATE) Records.putUse();
    }
    return sorted;
  }

  /**
   * Bytes of the record at `at` with its head and filling; C writes one type shorter than it says.
   * @returns 0 when it is none
   */
  static sizeOf(at: usize, have: u32): u32 {
    const len = load<u32>(at, 4);
    if (len > RECORD_MAX) return 0;
    const size = RECORD_HEAD + ((len + 7) & ~7);
    if (load<u32>(at) != S_WATCH_DEPTH || have < size) return size;
    const real = LoadConnections.watchSize(at + RECORD_HEAD, size - RECORD_HEAD);
    return real == 0 ? 0 : RECORD_HEAD + real;
  }

  /** Takes in one record. @returns false when it makes no sense, or there is no memory */
  static use(type: u32, body: usize, size: u32): bool {
    if (!Heap.reserve(RESERVE + (size << 1))) return false;
    // Records of our own make sense in a stream of our own alone; others may use their numbers.
    if (type >= S_CHECK && type != S_STORE && !Records.ours) return true;
    switch (type) {
      case S_NODE:
        return size >= 20 && LoadNodes.node(body, size);
      case S_GENERATIONS:
        return size >= 8 && LoadNodes.generations(body, size);
      case S_PERMS_MORE:
        return size >= 8 && LoadNodes.permsMore(body, size);
      case S_GHOST:
        return size >= 16 && LoadNodes.ghost(body, size);
      case S_OLDER:
        return size >= 32 && LoadNodes.older(body, size);
      case S_CONNECTION:
        return size >= 24 && LoadConnections.connection(body, size);
      case S_CONNECTION_MORE:
        return size >= 32 && LoadConnections.more(body, size);
      case S_WATCH:
        return size >= 8 && LoadConnections.watch(body, size, false);
      case S_WATCH_DEPTH:
        return size >= 8 && LoadConnections.watch(body, size, true);
      case S_WATCH_ORDER:
        return size >= 8 && LoadConnections.order(body, size);
      case S_PENDING:
        return size >= 8 && LoadConnections.pending(body, size);
      case S_TRANSACTION:
        return size >= 8 && LoadTransactions.transaction(body);
      case S_TRANSACTION_MORE:
        return size >= 40 && LoadTransactions.more(body);
      case S_TOUCHED:
        return size >= 56 && LoadTransactions.touched(body, size);
      case S_MADE:
        return size >= 16 && LoadTransactions.made(body, size);
      default:
        return Records.whole(type, body, size);
    }
  }

  private static whole(type: u32, body: usize, size: u32): bool {
    switch (type) {
      case S_GLOBAL:
        if (size >= 8 && Records.what == LOAD_UPDATE) {
          Handles.set(HANDLE_SOCKET, load<i32>(body));
          Handles.set(HANDLE_EVENTS, load<i32>(body, 4));
        }
        return size >= 8;
      case S_GLOBAL_QUOTA:
        return size >= 4 && globalQuotas(body, size);
      case S_STORE:
        return size >= STORE_SIZE && theStore(body);
      case S_DOMAIN:
        return size >= 8 && domain(body, size);
      case S_DOMAIN_MORE:
        return size >= DOMAIN_SIZE + DOMAIN_MORE && domainMore(body);
      case S_CHECK:
        return true;
      default:
        // Of a later version, or somebody else's.
        return true;
    }
  }

  /** Runtime values of quotas: all of a running daemon's, else only what requests have set. */
  static putQuotas(mask: u32): void {
    for (let i: u32 = 0; i < QUOTA_COUNT; i++) {
      if ((mask >> i) & 1 && (Records.quotasGiven >> i) & 1)
        Quota.set(i, load<u32>(quotas + (i << 2)));
    }
  }

  /** What is only counted while the store runs. */
  private static putUse(): void {
    Domains.reserve = load<i32>(storeCopy, 72);
    Quota.resetHighest();
    for (let i: u32 = 0; i < QUOTA_COUNT; i++) Quota.seen(i, load<u32>(storeCopy + 88 + (i << 2)));
  }

  static giveQuota(which: u32, value: u32): void {
    store<u32>(quotas + (which << 2), value);
    Records.quotasGiven |= 1 << which;
  }
}

function globalQuotas(body: usize, size: u32): bool {
  const count = <u32>load<u16>(body) + <u32>load<u16>(body, 2);
  let at: u32 = 4 + (count << 2);
  if (at > size) return false;
  for (let i: u32 = 0; i < count; i++) {
    const len = Bytes.findNul(body + at, size - at);
    if (at + len >= size) return false;
    const which = Quota.find(body + at, len);
    if (which < QUOTA_COUNT) Records.giveQuota(which, load<u32>(body + 4 + (i << 2)));
    at += len + 1;
  }
  if (Records.what == LOAD_UPDATE) Records.putQuotas(0xffff_ffff);
  return true;
}

function theStore(body: usize): bool {
  Records.newer = load<u32>(body) > DATABASE_VERSION;
  if (Records.newer) return false;
  Records.ours = true;
  memory.copy(storeCopy, body, STORE_SIZE);
  Records.number = load<u32>(body, 4);
  Records.sameBoot = Bytes.equal(body + 8, Frames.boot, BOOT_SIZE);
  Tree.seq = load<u64>(body, 24);
  Frames.number = load<u64>(body, 32);
  LoadTransactions.newest = load<u64>(body, 48);
  Versions.lostBefore = load<u64>(body, 56);
  Quota.changed = load<u32>(body, 64);
  Records.putQuotas(Quota.changed);
  Transactions.salts = load<u32>(body, 68);
  if (Records.what != LOAD_UPDATE) return true;
  Domains.owedMs = load<u32>(body, 76);
  Trace.switches = load<u32>(body, 80);
  return true;
}

/** What the format says of a domain; the values of its quotas count where they differ. */
function domain(body: usize, size: u32): bool {
  const d = Domains.of(load<u16>(body));
  const count = <u32>load<u16>(body, 2);
  let at: u32 = 8 + (count << 2);
  if (d === null || at > size) return false;
  Domains.toEnd(d);
  if (Records.version > 1) d.features = load<u32>(body, 4);
  for (let i: u32 = 0; i < count; i++) {
    const len = Bytes.findNul(body + at, size - at);
    if (at + len >= size) return false;
    const which = Quota.find(body + at, len);
    const value = load<u32>(body + 8 + (i << 2));
    if (which < QUOTA_COUNT && !Records.ours && value != Quota.value(which))
      d.setLimit(which, value);
    at += len + 1;
  }
  return true;
}

function domainMore(body: usize): bool {
  const domid = load<u32>(body);
  const d = domid <= 0xffff ? Domains.of(domid) : null;
  if (d === null) return false;
  takeDomain(body, d);
  const more = body + DOMAIN_SIZE;
  if (Records.what != LOAD_UPDATE) return true;
  d.credit = load<i32>(more);
  d.namedQuota = load<u32>(more, 4);
  d.softWarned = load<u32>(more, 8) != 0;
  for (let i: u32 = 0; i < COUNTED; i++) d.setHighest(i, load<u32>(more + 16 + (i << 2)));
  return true;
}
