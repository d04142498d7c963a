// Transactions: their own cost, and what an open one costs everybody else.
// Holds   the workload transactions.
// Never   lets two transactions meet: how conflicts are decided is not a question of speed.
// Source  the XenStore protocol, Transactions.

import {
  XS_READ,
  XS_TRANSACTION_END,
  XS_TRANSACTION_START,
  XS_WRITE,
} from "../../../assembly/xs_wire.ts";
import { type Connection, type Request, request } from "../connection.ts";
import { drive, type Script } from "../drive.ts";
import type { Session } from "../session.ts";
import type { Workload } from "../workload.ts";
import { readsAndWrites, statePath, VALUE16 } from "./pingpong.ts";

const START = request(XS_TRANSACTION_START, [""]);
const COMMIT = request(XS_TRANSACTION_END, ["T"]);
const ABORT = request(XS_TRANSACTION_END, ["F"]);
const node = (index: number) => `/bench/transactions/node${index}`;

export const transactions: Workload = {
  name: "transactions",
  about: "empty ones, ones of 10 READ and 5 WRITE, others' WRITE beside an open one",
  open(session) {
    const owner = session.connect();
    for (let i = 0; i < 10; i++) owner.call(request(XS_WRITE, [node(i)], VALUE16));
    const writer = session.connect();
    writer.call(request(XS_WRITE, [statePath(0)], VALUE16));
    const reads = Array.from({ length: 10 }, (_, i) => request(XS_READ, [node(i)]));
    const writes = Array.from({ length: 5 }, (_, i) => request(XS_WRITE, [node(i)], VALUE16));
    const script = readsAndWrites(statePath(0), 100, 0);
    return {
      round() {
        measure(session, "empty", owner, steps([]));
        measure(session, "10 READ and 5 WRITE", owner, steps([...reads, ...writes]));
        measure(session, "others' WRITE, none open", writer, script);
        owner.call(START);
        const txId = Number(owner.text());
        for (const message of [...reads, ...writes]) owner.call(message, txId);
        measure(session, "others' WRITE, one open", writer, script);
        owner.call(ABORT, txId);
      },
    };
  },
};

function measure(session: Session, name: string, connection: Connection, script: Script) {
  const clients = [{ connection, depth: 1, script }];
  const reading = drive(session.system, clients, session.meter(), session.effort.span);
  // A round may end inside a transaction.
  if (script.txId?.()) connection.call(ABORT, script.txId());
  session.rate(name, reading, { connections: [connection] });
}

/** Transactions one after the other, each with these requests; an operation is a commit. */
function steps(inside: Request[]): Script {
  let step = 0;
  let txId = 0;
  let startMs = 0;
  return {
    next() {
      if (step === 0) {
        startMs = performance.now();
        return START;
      }
      return step <= inside.length ? inside[step - 1] : COMMIT;
    },
    txId: () => txId,
    began: () => startMs,
    check(connection) {
      if (step === 0) txId = Number(connection.text());
      step++;
      if (step < inside.length + 2) return false;
      step = 0;
      txId = 0;
      return true;
    },
  };
}
