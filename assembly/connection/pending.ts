// Pending: a message that waits in a connection's output.
// Holds   events of everybody (to merge equal ones), and replies of unprivileged connections.
// Never   holds the bytes: those stand in the connection's output.
// Source  the XenStore protocol, watches (duplicates) and quotas (outstanding requests).

import { Heap } from "../base/heap";
import { Entry, Table } from "../base/table";
import { QUOTA_OUTSTANDING } from "../store/quota";
import { Connection, Connections } from "./connection";

/** A request of an unprivileged domain that is not settled: its reply or an event waits. */
@unmanaged
export class Request {
  /** The connection it came from, by number and serial, in case that ends first. */
  conn: u32;
  serial: u32;
  /** Reply and events that wait, and one while it is served. */
  refs: u32;
  /** In a stream for a successor. */
  number: u32;
}

@unmanaged
export class Pending extends Entry {
  next: Pending | null;
  conn: Connection;
  event: bool;
  /** In the table of events, where an equal one is looked for. */
  listed: bool;
  start: u64;
  end: u64;
  sinceMs: u64;
  request: Request | null;
}

export class Requests {
  /** The unprivileged request being served, or null. */
  static current: Request | null = null;
  /** Some domain has fewer outstanding requests than before: blocked ones may go on. */
  static settled: bool = false;

  /** Begins to count a request of an unprivileged connection. */
  static begin(c: Connection): void {
    const ptr = Heap.alloc(offsetof<Request>());
    if (ptr == 0) return;
    const r = changetype<Request>(ptr);
    r.conn = c.id;
    r.serial = c.serial;
    r.refs = 1;
    r.number = 0;
    c.outstanding++;
    c.domain.add(QUOTA_OUTSTANDING, 1);
    Requests.current = r;
  }

  static end(): void {
    const r = Requests.current;
    Requests.current = null;
    if (r !== null) Requests.drop(r);
  }

  /** The request is put back: it counts again when it is served again. */
  static cancel(): void {
    // Nobody may go on because of it: looking again would put it back again, for ever.
    const settled = Requests.settled;
    Requests.end();
    Requests.settled = settled;
  }

  static drop(r: Request): void {
    if (--r.refs > 0) return;
    const c = Connections.find(r.conn);
    if (c !== null && c.serial == r.serial) {
      c.outstanding--;
      c.domain.add(QUOTA_OUTSTANDING, -1);
      Requests.settled = true;
    }
    Heap.free(changetype<usize>(r));
  }
}

/** What a connection has not settled is nobody's any more: it ends, or its domain does. */
export function forgetRequests(c: Connection): void {
  c.domain.add(QUOTA_OUTSTANDING, -(<i32>c.outstanding));
  c.outstanding = 0;
  c.serial = Connections.newSerial();
}

/** All events that wait anywhere, by connection, path and token. */
export class Events {
  static table: Table = changetype<Table>(0);
  /** Events that wait for unprivileged connections. */
  static toGuests: u32 = 0;

  static init(): void {
    Events.table = Table.make();
  }
}
