// Credit: what a guest pays for changes that can make other people's transactions fail.
// Holds   nothing: the credit stands in each domain's record.
// Never   charges for changes that no open transaction has touched.
// Source  the XenStore protocol, starvation and rate limiting.

import { Domain } from "../store/domain";
import { Transactions } from "../store/transaction";
import { View } from "../store/view";

/** One write, in the unit of `Domain.credit`. */
const WRITE: i32 = 1000;
/** One RM may remove millions of nodes: debt ends here, long before it could wrap round. */
const DEBT_MAX: i32 = -1000000000;

export class Credit {
  /** The caller has changed the node whose path has this hash. */
  static changed(hash: u32): void {
    if (Transactions.count == 0) return;
    const d: Domain = View.domain;
    if (d.privileged || !Transactions.touches(hash)) return;
    d.credit = max<i32>(d.credit - WRITE, DEBT_MAX);
  }

  /** The caller has committed a transaction while others are open. */
  static committed(): void {
    const d: Domain = View.domain;
    if (!d.privileged && Transactions.count > 1) d.credit -= WRITE;
  }
}
