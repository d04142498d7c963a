// Requests about transactions: TRANSACTION_START TRANSACTION_END.
// Holds   nothing.
// Never   applies a part of a transaction (store/commit.ts).
// Source  the XenStore protocol, transactions.

import { EBUSY, EINVAL, ENOENT, ENOMEM, ENOSPC, Errno, OK } from "../base/errno";
import { Outbox } from "../connection/outbox";
import { Publish } from "../connection/publish";
import { Trace } from "../connection/trace";
import { Commit } from "../store/commit";
import { J_CLOSE, J_OPEN, Journal } from "../store/journal";
import { QUOTA_TRANSACTIONS } from "../store/quota";
import { Transactions } from "../store/transaction";
import { View } from "../store/view";
import { Call } from "./call";
import { Credit } from "./credit";
import { dropTransaction } from "./watches";

const T: u8 = 0x54;
const F: u8 = 0x46;

export function transactionStart(): Errno {
  if (View.tx !== null) return EBUSY;
  const c = Call.conn;
  const d = c.domain;
  if (d.exceeds(QUOTA_TRANSACTIONS, d.count(QUOTA_TRANSACTIONS) + 1)) return ENOSPC;
  while (c.nextTxId == 0 || Transactions.find(c.id, c.nextTxId) !== null) c.nextTxId++;
  const tx = Transactions.start(c.id, c.nextTxId, d, Outbox.nowMs);
  if (tx === null) return ENOMEM;
  const first = c.txFirst;
  tx.connNext = first;
  if (first !== null) first.connPrev = tx;
  c.txFirst = tx;
  c.nextTxId++;
  if (c.ring != 0) Journal.numbers(J_OPEN, d.domid, tx.id);
  if (Trace.on) Trace.object("CREATE", "transaction", tx.salt);
  return Call.replyNumber(tx.id);
}

export function transactionEnd(): Errno {
  if (!Call.isOne() || Call.len != 2) return EINVAL;
  const verdict = load<u8>(Call.body);
  if (verdict != T && verdict != F) return EINVAL;
  const tx = View.tx;
  if (tx === null) return ENOENT;
  let errno = OK;
  if (verdict == T) {
    errno = Commit.check(tx);
    if (errno == OK) {
      Transactions.retire(tx);
      Commit.apply(tx);
      Publish.committed(tx);
      Credit.committed();
    }
  }
  View.tx = null;
  const c = Call.conn;
  if (c.ring != 0) Journal.numbers(J_CLOSE, c.domain.domid, tx.id);
  dropTransaction(Call.conn, tx);
  return errno;
}
