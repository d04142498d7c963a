// Requests about what is offered and allowed: GET_FEATURE SET_FEATURE GET_QUOTA SET_QUOTA.
// Holds   nothing.
// Never   counts anything (store/domain.ts does).
// Source  the XenStore protocol, operations and quotas.

import { Bytes } from "../base/bytes";
import { EACCES, EBUSY, EINVAL, ENOENT, ENOMEM, Errno, OK, REPLIED } from "../base/errno";
import { Domains } from "../store/domain";
import { Journal } from "../store/journal";
import { Caller } from "../store/perms";
import { QUOTA_COUNT, Quota } from "../store/quota";
import { XENSTORE_SERVER_FEATURES } from "../xs_wire";
import { Call } from "./call";

/** Reserved on the wire: this quota has no soft value. */
const NO_VALUE: i64 = 0xffff_ffff;

export function getFeature(): Errno {
  const strings = Call.strings();
  if (strings > 1) return EINVAL;
  if (strings == 0) return Call.replyNumber(Call.domain.features);
  if (!Caller.privileged) return EACCES;
  const domid = Call.domid(0);
  if (domid < 0) return EINVAL;
  if (!isThere(<u32>domid)) return ENOENT;
  const d = Domains.find(<u32>domid);
  return Call.replyNumber(d !== null ? d.features : Domains.features);
}

export function setFeature(): Errno {
  if (Call.strings() != 2) return EINVAL;
  const domid = Call.domid(0);
  if (domid < 0) return EINVAL;
  if (!isThere(<u32>domid)) return ENOENT;
  const known = Domains.find(<u32>domid);
  if (known !== null && known.introduced) return EBUSY;
  const bitmap = Call.number(1);
  if (bitmap < 0 || bitmap & ~(<i64>XENSTORE_SERVER_FEATURES)) return EINVAL;
  const d = Domains.of(<u32>domid);
  if (d === null) return ENOMEM;
  d.features = <u32>bitmap;
  Journal.domain(d);
  return OK;
}

export function getQuota(): Errno {
  const strings = Call.strings();
  if (strings > 2) return EINVAL;
  if (strings == 0) return replyNames();
  const which = quotaAt(strings - 1);
  if (strings == 1) return which < QUOTA_COUNT ? Call.replyNumber(Quota.value(which)) : EINVAL;
  const domid = Call.domid(0);
  if (domid < 0 || which == QUOTA_COUNT) return EINVAL;
  if (!isThere(<u32>domid)) return ENOENT;
  const d = Domains.find(<u32>domid);
  return Call.replyNumber(d !== null ? d.limit(which) : Quota.value(which));
}

export function setQuota(): Errno {
  const strings = Call.strings();
  if (strings != 2 && strings != 3) return EINVAL;
  const domid = strings == 3 ? Call.domid(0) : 0;
  if (domid < 0) return EINVAL;
  const which = quotaAt(strings - 2);
  const value = Call.number(strings - 1);
  if (which == QUOTA_COUNT || value < 0 || value >= NO_VALUE) return EINVAL;
  if (strings == 2) {
    Quota.set(which, <u32>value);
    Quota.changed |= 1 << which;
    Journal.quota();
    return OK;
  }
  if (!isThere(<u32>domid)) return ENOENT;
  const d = Domains.of(<u32>domid);
  if (d === null) return ENOMEM;
  d.setLimit(which, <u32>value);
  Journal.domain(d);
  return OK;
}

function quotaAt(index: u32): u32 {
  const name = Call.string(index);
  return Quota.find(name, Call.stringLen(name));
}

function isThere(domid: u32): bool {
  return Domains.find(domid) !== null || Domains.exists(domid);
}

function replyNames(): Errno {
  const at = Call.open(256);
  if (at == 0) return REPLIED;
  let len: u32 = 0;
  for (let i: u32 = 0; i < QUOTA_COUNT; i++) {
    if (i > 0) store<u8>(at + len++, 0x20);
    len += Bytes.putText(at + len, Quota.name(i), 64);
  }
  store<u8>(at + len++, 0);
  return Call.close(len);
}
