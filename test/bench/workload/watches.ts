// Watches: what many of them cost those who write elsewhere, and how soon an event arrives.
// Holds   the workloads watch-scale and watch-delivery.
// Never   has a watch match what the measured client writes, except for the delivery.
// Source  the XenStore protocol, Watches.

import { XS_READ, XS_WATCH, XS_WATCH_EVENT, XS_WRITE } from "../../../assembly/xs_wire.ts";
import { type Connection, request } from "../connection.ts";
import { drive, sendAll } from "../drive.ts";
import type { Session } from "../session.ts";
import type { Workload } from "../workload.ts";
import { readsAndWrites, statePath, VALUE16 } from "./pingpong.ts";

export const watchScale: Workload = {
  name: "watch-scale",
  about: "one client's WRITE without and with 20,000 unrelated watches of 200 clients",
  open(session) {
    const connection = session.connect();
    connection.call(request(XS_WRITE, [statePath(0)], VALUE16));
    const clients = [{ connection, depth: 1, script: readsAndWrites(statePath(0), 100, 0) }];
    const meter = session.meter();
    const watchers = session.size(200, 3);
    const each = session.size(100, 4);
    const measure = (name: string, note?: string) => {
      const reading = drive(session.system, clients, meter, session.effort.span);
      session.rate(name, reading, { connections: [connection], ...(note && { note }) });
    };
    const total = (watchers * each).toLocaleString("en-US");
    let fresh = true;
    return {
      round() {
        measure("WRITE, no watches");
        const others = watchMany(session, watchers, each, fresh);
        fresh = false;
        measure("WRITE, many watches", `${total} watches of ${watchers} clients`);
        for (const other of others) session.disconnect(other);
        session.value("hold-up when all leave", "ms", worstRead(session, connection));
      },
    };
  },
};

/**
 * Opens `watchers` connections with `each` watches and records how fast that went.
 * @param fresh  whether the daemon never had them before, so that its memory tells their size
 */
function watchMany(session: Session, watchers: number, each: number, fresh: boolean): Connection[] {
  const meter = session.meter();
  const residentBefore = session.resident();
  const others: Connection[] = [];
  meter.start();
  for (let client = 0; client < watchers; client++) {
    const other = session.connect();
    others.push(other);
    sendAll(other, each, (i) => {
      const path = `/bench/watches/${client}/device/vif/${i}/state`;
      return request(XS_WATCH, [path, `token-${client}-${i}`]);
    });
    // Every new watch fires once.
    while (other.events < each) other.message();
    meter.ops += each;
  }
  session.rate("WATCH requests", meter.stop());
  const grown = session.resident() - residentBefore;
  // Later rounds find memory that the first one has left.
  if (fresh) session.value("memory for each watch", "bytes", grown / (watchers * each));
  return others;
}

/** The longest of the READs that are sent while the daemon clears up, in milliseconds. */
function worstRead(session: Session, connection: Connection): number {
  const read = request(XS_READ, [statePath(0)]);
  let worst = 0;
  for (let i = 0; i < session.size(1000, 5); i++) {
    const start = performance.now();
    connection.call(read);
    worst = Math.max(worst, performance.now() - start);
  }
  return worst;
}

export const delivery: Workload = {
  name: "watch-delivery",
  about: "from a WRITE to the event at another client's watch",
  open(session) {
    const writer = session.connect();
    const watcher = session.connect();
    const write = request(XS_WRITE, [statePath(0)], VALUE16);
    writer.call(write);
    watcher.call(request(XS_WATCH, [statePath(0), "token"]));
    while (watcher.events < 1) watcher.message();
    const meter = session.meter();
    const { span } = session.effort;
    return {
      round() {
        const end = performance.now() + span.measureMs;
        meter.start();
        for (let start = performance.now(); span.ops ? meter.ops < span.ops : start < end; ) {
          writer.queue(write);
          writer.flush();
          watcher.message();
          const now = performance.now();
          if (watcher.type !== XS_WATCH_EVENT) throw new Error("a reply without a request");
          meter.add(now - start);
          writer.reply();
          start = performance.now();
        }
        session.rate("events", meter.stop(), { connections: [writer] });
      },
    };
  },
};
