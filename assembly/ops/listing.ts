// CONTROL watches, domains and transactions: what is registered, connected and open.
// Holds   nothing.
// Never   shows more than one reply takes; the last line says when something is missing.
// Source  our own, for the people who run a host.

import { EINVAL, ENOENT, Errno } from "../base/errno";
import { Connection, Connections } from "../connection/connection";
import { Outbox } from "../connection/outbox";
import { Domain, Domains } from "../store/domain";
import { QUOTA_MEMORY, QUOTA_NODES, QUOTA_OUTSTANDING } from "../store/quota";
import { Transaction, Transactions } from "../store/transaction";
import { DEPTH_UNLIMITED, Watch } from "../store/watch";
import { DOMID_INVALID } from "../xs_wire";
import { Call } from "./call";
import { Text } from "./text";

/** `d<domid> conn <number> <path> <token> [depth <n>]`, oldest connection number first. */
export function listWatches(strings: u32): Errno {
  if (strings > 2) return EINVAL;
  const only = strings == 2 ? Call.domid(1) : -1;
  if (strings == 2 && (only < 0 || Domains.find(<u32>only) === null)) return ENOENT;
  Text.begin();
  for (let id: u32 = 1; id <= Connections.used && !Text.full; id++) {
    const c = Connections.find(id);
    if (c === null || (only >= 0 && c.domain.domid != <u32>only)) continue;
    listWatchesOf(c);
  }
  return Text.reply();
}

function listWatchesOf(c: Connection): void {
  let w: Watch | null = c.watches.first;
  while (w !== null && !Text.full) {
    Text.add("d");
    Text.number(c.domain.domid);
    Text.add(" conn ");
    Text.number(c.id);
    Text.add(" ");
    Text.raw(w.group.pathPtr, w.group.pathLen);
    Text.add(" ");
    Text.escaped(w.tokenPtr, w.tokenLen);
    if (w.depth != DEPTH_UNLIMITED) {
      Text.add(" depth ");
      Text.number(w.depth);
    }
    Text.add("\n");
    w = w.connNext;
  }
}

/** `<domid> <connected|unconnected> nodes <n> memory <n> outstanding <n> [target <n>] [shutdown]` */
export function listDomains(): Errno {
  Text.begin();
  let d: Domain | null = Domains.first;
  while (d !== null) {
    if (d.introduced) listDomain(d);
    d = d.nextKnown;
  }
  return Text.reply();
}

function listDomain(d: Domain): void {
  Text.number(d.domid);
  Text.add(d.conn != 0 ? " connected" : " unconnected");
  Text.add(" nodes ");
  Text.number(d.shown(QUOTA_NODES));
  Text.add(" memory ");
  Text.number(d.shown(QUOTA_MEMORY));
  Text.add(" outstanding ");
  Text.number(d.shown(QUOTA_OUTSTANDING));
  if (d.target != DOMID_INVALID) {
    Text.add(" target ");
    Text.number(d.target);
  }
  if (d.shutdown) Text.add(" shutdown");
  Text.add("\n");
}

/** `d<domid> conn <number> tx <id> <seconds> s <nodes touched> nodes`, oldest first. */
export function listTransactions(): Errno {
  Text.begin();
  let tx: Transaction | null = Transactions.oldest;
  while (tx !== null) {
    Text.add("d");
    Text.number(tx.domain.domid);
    Text.add(" conn ");
    Text.number(tx.conn);
    Text.add(" tx ");
    Text.number(tx.id);
    Text.add(" ");
    Text.number((Outbox.nowMs - tx.startedMs) / 1000);
    Text.add(" s ");
    Text.number(tx.nodeCount);
    Text.add(" nodes\n");
    tx = tx.younger;
  }
  return Text.reply();
}
