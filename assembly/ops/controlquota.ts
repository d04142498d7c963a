// CONTROL quota and quota-soft: limits and counts, shown and set.
// Holds   nothing.
// Never   limits privileged domains.
// Source  the XenStore protocol, CONTROL (formats).

import { Bytes } from "../base/bytes";
import { EINVAL, ENOENT, Errno, OK } from "../base/errno";
import { Domain, Domains } from "../store/domain";
import { Journal } from "../store/journal";
import {
  COUNTED,
  QUOTA_COUNT,
  QUOTA_MEMORY,
  QUOTA_NODE_PERMISSIONS,
  QUOTA_NODE_SIZE,
  QUOTA_NODES,
  QUOTA_OUTSTANDING,
  QUOTA_PATH_MAX,
  QUOTA_SOFT_MEMORY,
  QUOTA_TRANSACTION_NODES,
  QUOTA_TRANSACTIONS,
  QUOTA_WATCHES,
  Quota,
} from "../store/quota";
import { Call } from "./call";
import { Text } from "./text";

export function controlQuota(strings: u32): Errno {
  if (strings == 1) return showLimits();
  const word = Call.string(1);
  const len = Call.stringLen(word);
  if (Bytes.is(word, len, "set")) return strings == 4 ? set(false) : EINVAL;
  if (Bytes.is(word, len, "max")) return strings <= 3 ? showHighest(strings) : EINVAL;
  return strings == 2 ? showDomain() : EINVAL;
}

export function controlQuotaSoft(strings: u32): Errno {
  if (strings == 1) {
    Text.begin();
    Text.add("Quota settings:\n");
    showLimit(QUOTA_SOFT_MEMORY, "memory");
    return Text.reply();
  }
  const word = Call.string(1);
  if (strings != 4 || !Bytes.is(word, Call.stringLen(word), "set")) return EINVAL;
  return set(true);
}

function set(soft: bool): Errno {
  const name = Call.string(2);
  const len = Call.stringLen(name);
  let which = Quota.find(name, len);
  if (soft) which = which == QUOTA_MEMORY ? QUOTA_SOFT_MEMORY : QUOTA_COUNT;
  const value = Call.number(3);
  if (which == QUOTA_COUNT || (!soft && which == QUOTA_SOFT_MEMORY)) return EINVAL;
  if (value < 1 || value > 0x7fff_ffff) return EINVAL;
  Quota.set(which, <u32>value);
  Quota.changed |= 1 << which;
  Journal.quota();
  return OK;
}

function showLimits(): Errno {
  Text.begin();
  Text.add("Quota settings:\n");
  for (let i: u32 = 0; i < QUOTA_COUNT; i++) {
    if (i != QUOTA_SOFT_MEMORY) showLimit(i, Quota.name(i));
  }
  return Text.reply();
}

function showLimit(which: u32, name: string): void {
  Text.left(name, 17);
  Text.add(": ");
  Text.right(Quota.value(which), 8);
  Text.add(" ");
  Text.add(describe(which));
  Text.add("\n");
}

function showDomain(): Errno {
  const domid = Call.number(1);
  if (domid < 0 || domid > 0xffff) return ENOENT;
  const d = Domains.find(<u32>domid);
  if (d === null) return ENOENT;
  Text.begin();
  Text.add("Domain ");
  Text.number(<u64>domid);
  Text.add(":\n");
  for (let i: u32 = 0; i < COUNTED; i++) {
    if (i != QUOTA_SOFT_MEMORY) showCount(d, i);
  }
  return Text.reply();
}

function showCount(d: Domain, which: u32): void {
  Text.left(Quota.name(which), 17);
  Text.add(": ");
  Text.right(d.shown(which), 8);
  Text.add(" (max ");
  Text.right(max<u64>(d.highest(which), d.shown(which)), 8);
  Text.add(")\n");
}

function showHighest(strings: u32): Errno {
  if (strings == 3) {
    const word = Call.string(2);
    if (!Bytes.is(word, Call.stringLen(word), "-r")) return EINVAL;
    Quota.resetHighest();
    let d: Domain | null = Domains.first;
    while (d !== null) {
      d.resetHighest();
      d = d.nextKnown;
    }
  }
  Text.begin();
  Text.add("Max. seen accounting values:\n");
  for (let i: u32 = 0; i < COUNTED; i++) {
    if (i == QUOTA_SOFT_MEMORY) continue;
    Text.left(Quota.name(i), 17);
    Text.add(": ");
    Text.right(Quota.highest(i), 8);
    Text.add("\n");
  }
  return Text.reply();
}

function describe(which: u32): string {
  switch (which) {
    case QUOTA_NODES:
      return "nodes that a domain may own";
    case QUOTA_WATCHES:
      return "watches of a domain";
    case QUOTA_OUTSTANDING:
      return "requests of a domain that are not settled";
    case QUOTA_MEMORY:
      return "bytes a domain may make the store hold";
    case QUOTA_SOFT_MEMORY:
      return "bytes above which a domain is named in the log";
    case QUOTA_TRANSACTIONS:
      return "open transactions of a domain";
    case QUOTA_TRANSACTION_NODES:
      return "nodes touched in one transaction";
    case QUOTA_NODE_PERMISSIONS:
      return "entries in one list of permissions";
    case QUOTA_PATH_MAX:
      return "bytes of a path below a home";
    case QUOTA_NODE_SIZE:
      return "bytes of one node";
    default:
      return "";
  }
}
