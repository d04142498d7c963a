// Named: which domains have something in the store, so that the host can say whether they live.
// Holds   a bit for each domid, made when a walk begins.
// Never   ends a domain itself.
// Source  the XenStore protocol, domains (what a dead domain leaves).

import { Domain, Domains } from "../store/domain";
import { markNamed } from "../store/perms";
import { DOMID_FIRST_RESERVED } from "../xs_wire";

const bits: usize = memory.data(8192);

/** The next one behind `after`, -1 for none; a walk begins with -1. */
export function nextNamed(after: i32): i32 {
  if (after < 0) mark();
  for (let domid = <u32>(after + 1); domid < DOMID_FIRST_RESERVED; domid++) {
    if (domid == Domains.priv || domid == Domains.store) continue;
    if ((load<u8>(bits + (domid >> 3)) >> (<u8>domid & 7)) & 1) return <i32>domid;
  }
  return -1;
}

function mark(): void {
  memory.fill(bits, 0, 8192);
  markNamed(bits);
  let d: Domain | null = Domains.first;
  while (d !== null) {
    const byte = bits + (d.domid >> 3);
    store<u8>(byte, load<u8>(byte) | (1 << (<u8>d.domid & 7)));
    d = d.nextKnown;
  }
}
