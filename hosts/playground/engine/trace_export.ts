// Trace export: the history as a trace that xenstore replay plays again.
// Holds   nothing.
// Never   leaves out what the store held before: the host puts it in first, as S0.
// Source  our own; hosts/testing/trace_text.ts has the format.

import { formatTrace, type TraceRecord } from "../../entry/testing.ts";
import { strings, XS_INTRODUCE } from "../../entry/wire.ts";
import type { Mirror } from "./mirror.ts";
import { plantRequests } from "./plant_requests.ts";
import type { Session } from "./session.ts";
import { domainsAt, mirrorAt } from "./session_write.ts";

const OK = strings("OK");

/** All that is known, as text. */
export function traceText(session: Session): string {
  const { history } = session;
  const records = [...before(session, mirrorAt(session, history.first))];
  for (const { record, operation } of history.records.from(1)) {
    if (operation === 0 || operation > history.first) records.push(record);
  }
  const lines = [
    `# ${session.name}, exported by the XenStore playground`,
    "# xenstore replay FILE plays it again and says what is answered differently",
  ];
  return `${lines.join("\n")}\n${formatTrace(records)}`;
}

/** What the store held at the beginning, as the host's own requests. */
function* before(session: Session, mirror: Mirror): Generator<TraceRecord> {
  let reqId = 0;
  const asked = function* (type: number, payload: Uint8Array): Generator<TraceRecord> {
    const both = { ms: 0, conn: "S0", type, reqId: ++reqId, txId: 0 };
    yield { ...both, kind: "request", payload };
    yield { ...both, kind: "reply", payload: OK };
  };
  for (const { type, payload } of plantRequests(mirror)) yield* asked(type, payload);
  for (const { domid, introduced } of domainsAt(session, session.history.first)) {
    if (introduced === false) continue;
    yield* asked(XS_INTRODUCE, strings(`${domid}`, "1", "1"));
  }
}
