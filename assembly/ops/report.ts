// CONTROL memreport: where the memory is.
// Holds   nothing.
// Never   opens a file: the host does.
// Source  our own.

import { LOG_REPORT } from "../abi";
import { EINVAL, Errno, OK } from "../base/errno";
import { Heap } from "../base/heap";
import { Log } from "../base/log";
import { Connections } from "../connection/connection";
import { Events } from "../connection/pending";
import { Trace } from "../connection/trace";
import { Domain, Domains } from "../store/domain";
import { Perms } from "../store/perms";
import { QUOTA_MEMORY, QUOTA_NODES, QUOTA_WATCHES, Quota } from "../store/quota";
import { Transactions } from "../store/transaction";
import { Tree } from "../store/tree";
import { Versions } from "../store/version";
import { Watches } from "../store/watch";
import { Call } from "./call";

export function memReport(strings: u32): Errno {
  if (strings > 2) return EINVAL;
  if (strings == 1 && !Trace.on) return EINVAL;
  Log.begin(LOG_REPORT);
  if (strings == 2) {
    const name = Call.string(1);
    Log.raw(name, Call.stringLen(name));
  }
  Log.byte(0);
  line("linear memory", (<u64>Heap.pageCount) << 16);
  line("free pages", (<u64>Heap.freePages) << 16);
  line("in use", Heap.used);
  line("older versions", Versions.bytes);
  line("nodes", Tree.nodeCount);
  line("permission lists", Perms.table.count);
  line("watches", Watches.count);
  line("watched paths", Watches.groups.count);
  line("transactions", Transactions.count);
  line("touched nodes", Transactions.nodes.count);
  line("connections", Connections.count);
  line("waiting events", Events.table.count);
  let d: Domain | null = Domains.first;
  while (d !== null) {
    Log.text("domain ");
    Log.number(d.domid);
    count(QUOTA_NODES, d.shown(QUOTA_NODES));
    count(QUOTA_WATCHES, d.shown(QUOTA_WATCHES));
    count(QUOTA_MEMORY, d.shown(QUOTA_MEMORY));
    Log.text("\n");
    d = d.nextKnown;
  }
  Log.end();
  return OK;
}

function line(what: string, value: u64): void {
  Log.text(what);
  Log.text(": ");
  Log.number(<i64>value);
  Log.text("\n");
}

function count(which: u32, value: u64): void {
  Log.text(" ");
  Log.text(Quota.name(which));
  Log.text(" ");
  Log.number(<i64>value);
}
