// Live update: how long clients wait while the daemon is replaced by another one.
// Holds   the workload live-update.
// Never   counts a time in which no update came about.
// Source  the XenStore protocol, CONTROL live-update.

import { XS_CONTROL, XS_WATCH, XS_WRITE } from "../../../assembly/xs_wire.ts";
import { type Connection, request } from "../connection.ts";
import { type Client, drive } from "../drive.ts";
import { MSG_DONTWAIT } from "../system.ts";
import type { Workload } from "../workload.ts";
import { counted, fill, numbered } from "./nodes.ts";
import { readsAndWrites, statePath, VALUE16 } from "./pingpong.ts";

/** One look whether the update is over, and operations until then in a smoke run. */
const SPAN = { warmupMs: 0, measureMs: 300 };

export const liveUpdate: Workload = {
  name: "live-update",
  about: "100,000 nodes, 200 clients at work: the longest wait of any while all is handed over",
  needs: "update",
  async open(session) {
    const wanted = session.size(100_000, 500);
    const made = await fill(session, 0, wanted, numbered(XS_WRITE, VALUE16));
    const asker = session.connect();
    const clients = Array.from({ length: session.size(200, 5) }, (_, index): Client => {
      const connection = session.connect();
      connection.call(request(XS_WRITE, [statePath(index)], VALUE16));
      connection.call(request(XS_WATCH, [`/bench/watched/${index}`, "token"]));
      return { connection, depth: 1, script: readsAndWrites(statePath(index), 20, index) };
    });
    const note = `${counted(made, wanted).note} nodes, ${clients.length} clients`;
    return {
      round() {
        const longest = () => {
          const meter = session.meter();
          return drive(session.system, clients, meter, SPAN).latency.maxNs / 1e6;
        };
        session.value("longest wait otherwise", "ms", longest(), { note });
        const { program } = session.own();
        asker.call(request(XS_CONTROL, ["live-update", "-f", program]));
        if (asker.text() !== "OK") throw new Error(`${program}: ${asker.text()}`);
        asker.queue(request(XS_CONTROL, ["live-update", "-s"]));
        asker.flush();
        let worst = 0;
        do worst = Math.max(worst, longest());
        while (!answered(asker));
        const answer = asker.text();
        if (answer !== "OK") throw new Error(`the update came to nothing: ${answer}`);
        session.value("longest wait", "ms", worst, { note });
      },
    };
  },
};

/** Is the reply there? */
function answered(connection: Connection): boolean {
  return connection.take() || (connection.fill(MSG_DONTWAIT) && connection.take());
}
