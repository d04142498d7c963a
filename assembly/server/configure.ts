// Configure: the host's options.
// Holds   nothing: each option stands where it is used.
// Never   fails: an unknown key is no option of this core.
// Source  quotas and the daemons' command line.

import {
  OPT_FEATURES,
  OPT_JOURNAL,
  OPT_KEEP_ORPHANS,
  OPT_MACHINE,
  OPT_MEMORY_PAGES,
  OPT_PRIV_DOMID,
  OPT_STORAGE,
  OPT_STORE_DOMID,
  OPT_STRICT_CONFLICTS,
  OPT_TIMEOUT_WATCH_EVENT,
  OPT_TRACE,
  OPT_TRACE_SWITCHES,
  OPT_UNDO_MAX,
} from "../abi";
import { Heap } from "../base/heap";
import { Outbox } from "../connection/outbox";
import { Trace } from "../connection/trace";
import { storageErrno } from "../connection/unstored";
import { Lifecycle } from "../ops/lifecycle";
import { Domains } from "../store/domain";
import { Journal } from "../store/journal";
import { Machine } from "../store/machine";
import { QUOTA_COUNT, Quota } from "../store/quota";
import { Transactions } from "../store/transaction";
import { Versions } from "../store/version";

export function configure(key: u32, value: u32): void {
  if (key < QUOTA_COUNT) {
    const before = Quota.changed;
    Quota.give(key, value);
    if (Quota.changed != before) Journal.quota();
    return;
  }
  switch (key) {
    case OPT_TIMEOUT_WATCH_EVENT:
      Outbox.timeoutMs = value;
      break;
    case OPT_KEEP_ORPHANS:
      Lifecycle.keepOrphans = value != 0;
      break;
    case OPT_STORE_DOMID:
      Domains.store = value;
      break;
    case OPT_PRIV_DOMID:
      Domains.priv = value;
      break;
    case OPT_STRICT_CONFLICTS:
      Transactions.strict = value != 0;
      break;
    case OPT_TRACE:
      Trace.on = value != 0;
      break;
    case OPT_TRACE_SWITCHES:
      Trace.switches = value;
      break;
    case OPT_MACHINE:
      Machine.present = value != 0;
      break;
    case OPT_FEATURES:
      Domains.offer(value);
      break;
    case OPT_MEMORY_PAGES:
      Heap.pagesMax = min<u32>(value, 65535);
      break;
    case OPT_UNDO_MAX:
      Versions.bytesMax = value;
      break;
    case OPT_JOURNAL:
      Journal.on = value != 0;
      break;
    case OPT_STORAGE:
      Journal.refusal = storageErrno(value);
      break;
    default:
      break;
  }
}
