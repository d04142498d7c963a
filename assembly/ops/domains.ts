// Requests about domains: INTRODUCE RELEASE RESUME SET_TARGET IS_DOMAIN_INTRODUCED GET_DOMAIN_PATH.
// Holds   nothing.
// Never   maps pages: whether a domain exists is the host's word.
// Source  the XenStore protocol, domains.

import { Bytes } from "../base/bytes";
import { EINVAL, ENOENT, ENOMEM, Errno, OK, REPLIED } from "../base/errno";
import { Connections } from "../connection/connection";
import { Publish } from "../connection/publish";
import { Domain, Domains } from "../store/domain";
import { Journal } from "../store/journal";
import { Machine } from "../store/machine";
import { DOMID_FIRST_RESERVED, DOMID_SELF } from "../xs_wire";
import { Call } from "./call";
import { endDomain } from "./lifecycle";
import { Rings } from "./rings";

export function introduce(): Errno {
  if (Call.strings() < 3) return EINVAL;
  const id = Call.domid(0);
  if (id < 0 || Call.number(2) <= 0) return EINVAL;
  const domid = <u32>id;
  if (domid >= DOMID_FIRST_RESERVED) return EINVAL;
  const known = Domains.find(domid);
  if (Machine.present && !Machine.map(domid, <u32>Call.number(2), frame())) {
    // A ring that is mapped already stays, even if its port can't be bound anew.
    if (Machine.wanted || known === null || !known.introduced) return EINVAL;
  }
  const d = Domains.of(domid);
  if (d === null) return ENOMEM;
  d.port = <u32>Call.number(2);
  d.frame = frame();
  if (!d.introduced) {
    d.introduced = true;
    Domains.introducedCount++;
    if (domid != Domains.priv) {
      Publish.special("@introduceDomain");
      Publish.specialDomain("@introduceDomain/", domid);
    }
  }
  Journal.domain(d);
  const c = Connections.find(d.conn);
  if (c !== null) Rings.reset(c);
  return OK;
}

export function release(): Errno {
  const d = introduced();
  if (d === null) return refusal();
  endDomain(d);
  return OK;
}

export function resume(): Errno {
  const d = introduced();
  if (d === null) return refusal();
  d.shutdown = false;
  Journal.domain(d);
  return OK;
}

export function isDomainIntroduced(): Errno {
  if (!Call.isOne()) return EINVAL;
  const domid = Call.domid(0);
  if (domid < 0) return EINVAL;
  const d = Domains.find(<u32>domid);
  const yes = <u32>domid == DOMID_SELF || (d !== null && d.introduced);
  return Call.replyText(yes ? "T" : "F");
}

export function setTarget(): Errno {
  if (Call.strings() < 2) return EINVAL;
  const domid = Call.domid(0);
  const target = Call.domid(1);
  if (domid < 0 || target < 0) return EINVAL;
  const d = Domains.find(<u32>domid);
  const t = Domains.find(<u32>target);
  if (d === null || !d.introduced || t === null || !t.introduced) return ENOENT;
  d.target = t.domid;
  Journal.domain(d);
  return OK;
}

export function getDomainPath(): Errno {
  if (!Call.isOne()) return EINVAL;
  const domid = Call.domid(0);
  if (domid < 0) return EINVAL;
  const at = Call.open(32);
  if (at == 0) return REPLIED;
  let len = Bytes.putText(at, "/local/domain/", 14);
  len += Bytes.putDecimal(at + len, <u64>domid);
  store<u8>(at + len, 0);
  return Call.close(len + 1);
}

/** The frame that INTRODUCE names; what is no number is none. */
function frame(): u64 {
  return <u64>max<i64>(Call.number(1), 0);
}

/** The introduced domain that RELEASE and RESUME name, or null. */
function introduced(): Domain | null {
  if (refusal() != ENOENT) return null;
  const d = Domains.find(<u32>Call.domid(0));
  return d !== null && d.introduced ? d : null;
}

/** Why RELEASE and RESUME can't have what they name; ENOENT if only for want of a domain. */
function refusal(): Errno {
  if (!Call.isOne()) return EINVAL;
  const domid = Call.domid(0);
  if (domid < 0) return EINVAL;
  return <u32>domid == Domains.priv || <u32>domid == Domains.store ? EINVAL : ENOENT;
}
