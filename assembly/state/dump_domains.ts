// Dump of what holds for the store as a whole, and of what is known of each domain.
// Holds   the descriptors that are handed over.
// Never   writes nodes or connections.
// Source  the XenStore protocol, migration stream; the layouts stand at state/stream.ts.

import {
  BOOT_SIZE,
  DUMP_FOREIGN,
  DUMP_SNAPSHOT,
  HANDLE_EVENTS,
  HANDLE_SOCKET,
  NO_HANDLE,
} from "../abi";
import { Bytes } from "../base/bytes";
import { Trace } from "../connection/trace";
import { Domain, Domains } from "../store/domain";
import { DOMAIN_SIZE, putDomain } from "../store/journal";
import { PermList, Perms } from "../store/perms";
import { COUNTED, QUOTA_COUNT, Quota } from "../store/quota";
import { Transactions } from "../store/transaction";
import { Tree } from "../store/tree";
import { Versions } from "../store/version";
import { Watches } from "../store/watch";
import { Frames } from "./frames";
import { Sheet } from "./sheet";
import {
  DATABASE_VERSION,
  DOMAIN_MORE,
  S_DOMAIN,
  S_DOMAIN_MORE,
  S_GLOBAL,
  S_GLOBAL_QUOTA,
  S_STORE,
  STORE_SIZE,
} from "./stream";

const NAMES_MAX: u32 = 512;
const HANDLES: u32 = 4;
const handles: usize = memory.data(16);
memory.fill(handles, 0xff, 16);

export class Handles {
  static get(which: u32): i32 {
    return which < HANDLES ? load<i32>(handles + (which << 2)) : NO_HANDLE;
  }

  static set(which: u32, value: i32): void {
    if (which < HANDLES) store<i32>(handles + (which << 2), value);
  }
}

export function dumpGlobals(what: u32, number: u32): void {
  const at = Sheet.place(S_GLOBAL, 8);
  const given = what != DUMP_SNAPSHOT;
  store<i32>(at, given ? Handles.get(HANDLE_SOCKET) : NO_HANDLE);
  store<i32>(at, given ? Handles.get(HANDLE_EVENTS) : NO_HANDLE, 4);
  putQuotas();
  if (what != DUMP_FOREIGN) putStore(what, number);
}

function putQuotas(): void {
  const size = 4 + (QUOTA_COUNT << 2) + namesLen();
  const at = Sheet.place(S_GLOBAL_QUOTA, size);
  store<u16>(at, <u16>QUOTA_COUNT);
  store<u16>(at, 0, 2);
  for (let i: u32 = 0; i < QUOTA_COUNT; i++) store<u32>(at + 4 + (i << 2), Quota.value(i));
  putNames(at + 4 + (QUOTA_COUNT << 2));
}

function namesLen(): u32 {
  let len: u32 = 0;
  for (let i: u32 = 0; i < QUOTA_COUNT; i++) len += <u32>Quota.name(i).length + 1;
  assert(len <= NAMES_MAX, "names of quotas are short");
  return len;
}

function putNames(to: usize): void {
  let at = to;
  for (let i: u32 = 0; i < QUOTA_COUNT; i++) {
    at += Bytes.putText(at, Quota.name(i), 64);
    store<u8>(at++, 0);
  }
}

function putStore(what: u32, number: u32): void {
  const at = Sheet.place(S_STORE, STORE_SIZE);
  store<u32>(at, DATABASE_VERSION);
  store<u32>(at, number, 4);
  memory.copy(at + 8, Frames.boot, BOOT_SIZE);
  store<u64>(at, Tree.seq, 24);
  store<u64>(at, Frames.number, 32);
  store<u64>(at, Watches.ids, 40);
  store<u64>(at, Versions.newest, 48);
  store<u64>(at, Versions.lostBefore, 56);
  store<u32>(at, Quota.changed, 64);
  store<u32>(at, Transactions.salts, 68);
  store<i32>(at, Domains.reserve, 72);
  store<u32>(at, Domains.owedMs, 76);
  store<u32>(at, Trace.switches, 80);
  store<u32>(at, what, 84);
  for (let i: u32 = 0; i < QUOTA_COUNT; i++) store<u32>(at + 88 + (i << 2), Quota.highest(i));
}

/** All domains, in the order in which they became known. */
export function dumpDomains(what: u32): void {
  let d: Domain | null = Domains.first;
  while (d !== null) {
    putPublic(d, what == DUMP_FOREIGN);
    if (what != DUMP_FOREIGN) putMore(d);
    d = d.nextKnown;
  }
}

function putPublic(d: Domain, old: bool): void {
  const at = Sheet.place(S_DOMAIN, 8 + (QUOTA_COUNT << 2) + namesLen());
  store<u16>(at, <u16>d.domid);
  store<u16>(at, <u16>QUOTA_COUNT, 2);
  store<u32>(at, old ? 0 : d.features, 4);
  for (let i: u32 = 0; i < QUOTA_COUNT; i++) store<u32>(at + 8 + (i << 2), d.limit(i));
  putNames(at + 8 + (QUOTA_COUNT << 2));
}

function putMore(d: Domain): void {
  const at = Sheet.place(S_DOMAIN_MORE, DOMAIN_SIZE + DOMAIN_MORE);
  putDomain(at, d);
  const more = at + DOMAIN_SIZE;
  store<i32>(more, d.credit);
  store<u32>(more, d.namedQuota, 4);
  store<u32>(more, d.softWarned ? 1 : 0, 8);
  store<u32>(more, 0, 12);
  for (let i: u32 = 0; i < COUNTED; i++) store<u32>(more + 16 + (i << 2), d.highest(i));
}

/**
 * Writes 4 bytes for each entry: letter, bit 0 for inert, u16 domid.
 * @returns false when a domid has no room in that
 */
export function putPublicPerms(to: usize, perms: PermList): bool {
  let exact = true;
  for (let i: u32 = 0; i < perms.count; i++) {
    const at = to + (i << 2);
    const domid = perms.domid(i);
    const fits = domid >= 0 && domid <= 0xffff;
    store<u8>(at, Perms.letterOf(perms.bits(i)));
    store<u8>(at, perms.inert(i) || !fits ? 1 : 0, 1);
    store<u16>(at, <u16>domid, 2);
    if (!fits) exact = false;
  }
  return exact;
}
