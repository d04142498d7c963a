// Dispatch: one request: its row, the caller's privilege, its transaction, its handler, its reply.
// Holds   nothing.
// Never   knows what a message means (ops/table.ts does).
// Source  the XenStore protocol, order of checks.

import { LOG_NOTICE } from "../abi";
import { EACCES, ENOENT, ENOMEM, ENOSYS, EROFS, Errno, OK, REPLIED } from "../base/errno";
import { Heap } from "../base/heap";
import { Log } from "../base/log";
import { CONN_READ_ONLY, Connection } from "../connection/connection";
import { Kept } from "../connection/kept";
import { Outbox } from "../connection/outbox";
import { Requests as Unsettled } from "../connection/pending";
import { Trace } from "../connection/trace";
import { Unstored } from "../connection/unstored";
import { Call } from "../ops/call";
import { Nodes } from "../ops/nodes";
import {
  ALLOCATES,
  CHANGES,
  ENDS,
  IN_TRANSACTION,
  PRIVILEGED,
  Requests,
  SERVED,
  STORES,
} from "../ops/table";
import { Task } from "../ops/task";
import { Domain } from "../store/domain";
import { Journal } from "../store/journal";
import { Machine } from "../store/machine";
import { Caller } from "../store/perms";
import { QUOTA_MEMORY, QUOTA_SOFT_MEMORY } from "../store/quota";
import { Transactions } from "../store/transaction";
import { View } from "../store/view";
import { Header } from "../wire/header";

/** Milliseconds between two lines about one domain's soft memory limit, at least. */
const SOFT_WARN_MS: u64 = 10000;
/** Linear memory that must be there before a request that takes some is served. */
const RESERVE: u32 = 1048576;
/** Bytes that one request may put down, but for the end of a transaction. */
const RECORD_MAX: u32 = 16384;

/**
 * Serves one whole message: exactly one reply is queued, after the events it caused.
 * @returns false when the host must answer a question first; then nothing has happened
 */
export function dispatch(c: Connection, h: Header): bool {
  Call.begin(c, h);
  Machine.serving = c.id;
  const unprivileged = !Caller.privileged;
  if (unprivileged) Unsettled.begin(c);
  // A request that was put back has been traced already.
  if (Trace.on && Machine.conn != c.id && !Task.waits(c))
    Trace.message("IN", c, changetype<usize>(h));
  const stored = Journal.len;
  const told = Journal.told;
  const errno = serve();
  if (Machine.wanted || Task.wanted) {
    Machine.wanted = false;
    Task.wanted = false;
    if (unprivileged) Unsettled.cancel();
    return false;
  }
  if (Machine.conn == c.id) {
    Machine.forget();
    Unsettled.settled = true;
  }
  if (errno == OK) Call.ok();
  else if (errno != REPLIED) Call.error(errno);
  if (Journal.told != told) Unstored.note(c);
  if (Journal.len != stored) Kept.touch(c);
  if (unprivileged) {
    Unsettled.end();
    warnOfMemory(c.domain);
  }
  return true;
}

function serve(): Errno {
  const flags = Requests.flags(Call.type);
  if ((flags & SERVED) == 0) return ENOSYS;
  if (flags & PRIVILEGED && !Caller.privileged) return EACCES;
  if (flags & CHANGES && Call.conn.has(CONN_READ_ONLY)) return EROFS;
  if (Call.txId != 0 && flags & IN_TRANSACTION) {
    const tx = Transactions.find(Call.conn.id, Call.txId);
    if (tx === null) return ENOENT;
    // Its requests go on, since few programs know EAGAIN but from the end of a transaction.
    if (tx.lost && (flags & ENDS) == 0) {
      if (flags & CHANGES && (flags & PRIVILEGED) == 0) return Nodes.pretend();
    } else View.tx = tx;
  }
  if (flags & ALLOCATES && !Heap.reserve(RESERVE)) return ENOMEM;
  if (!Journal.ensure(RECORD_MAX)) return ENOMEM;
  if (flags & STORES && View.tx === null && Journal.refusal != OK) return Journal.refusal;
  return Requests.serve(Call.type);
}

/**
 * One line when a domain passes its soft memory limit, one when it is back below; seldom, since
 * the domain decides how often it does.
 */
function warnOfMemory(d: Domain): void {
  const limit = d.limit(QUOTA_SOFT_MEMORY);
  const over = limit != 0 && <u32>d.count(QUOTA_MEMORY) > limit;
  if (over == d.softWarned) return;
  const now = Outbox.nowMs;
  if (d.softWarnedMs != 0 && now - d.softWarnedMs < SOFT_WARN_MS) return;
  d.softWarned = over;
  d.softWarnedMs = max<u64>(now, 1);
  Log.begin(LOG_NOTICE);
  Log.text("domain ");
  Log.number(d.domid);
  Log.text(over ? " is above" : " is back below");
  Log.text(" its soft limit of memory, ");
  Log.number(limit);
  Log.text(" bytes");
  Log.end();
}
