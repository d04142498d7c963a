// Connections: short ones, and very many that say nothing.
// Holds   the workloads churn and idle-connections.
// Never   leaves a connection open behind itself.
// Source  our own; a command line tool is a connection of its own.

import { XS_READ, XS_WRITE } from "../../../assembly/xs_wire.ts";
import { request } from "../connection.ts";
import { drive } from "../drive.ts";
import type { Workload } from "../workload.ts";
import { readsAndWrites, statePath, VALUE16 } from "./pingpong.ts";

export const churn: Workload = {
  name: "churn",
  about: "connect, one READ, close",
  fixedAnswers: true,
  open(session) {
    const first = session.connect();
    first.call(request(XS_WRITE, [statePath(0)], VALUE16));
    const read = request(XS_READ, [statePath(0)]);
    const meter = session.meter();
    const { span } = session.effort;
    return {
      round() {
        const end = performance.now() + span.measureMs;
        meter.start();
        for (let start = performance.now(); span.ops ? meter.ops < span.ops : start < end; ) {
          const connection = session.connect();
          connection.call(read);
          session.disconnect(connection);
          const now = performance.now();
          meter.add(now - start);
          start = now;
        }
        session.rate("connections", meter.stop(), { connections: [first] });
      },
    };
  },
};

export const idle: Workload = {
  name: "idle-connections",
  about: "one client's READ beside 500 connections that say nothing",
  fixedAnswers: true,
  open(session) {
    const connection = session.connect();
    connection.call(request(XS_WRITE, [statePath(0)], VALUE16));
    const before = session.resident();
    const count = session.size(500, 5);
    const read = request(XS_READ, [statePath(0)]);
    let last = connection;
    for (let i = 0; i < count; i++) last = session.connect();
    // They are taken in one after the other: an answer to the last one means all.
    last.call(read);
    const grown = Math.max(0, session.resident() - before);
    session.value("memory for each connection", "bytes", grown / count);
    const clients = [{ connection, depth: 1, script: readsAndWrites(statePath(0), 0, 0) }];
    const meter = session.meter();
    return {
      round() {
        const reading = drive(session.system, clients, meter, session.effort.span);
        session.rate("requests", reading, { connections: [connection] });
      },
    };
  },
};
