// Trace export: the history as a trace that xenstore replay plays again.
// Holds   nothing.
// Never   leaves out what the store held before: the host puts it in first, as S0.
// Source  our own; hosts/testing/trace_text.ts has the format.

import { formatTrace, type TraceRecord } from "../../entry/testing.ts";
import { strings, XS_INTRODUCE, XS_SET_PERMS, XS_WRITE } from "../../entry/wire.ts";
import type { Mirror } from "./mirror.ts";
import type { Session } from "./session.ts";
import { domainsAt, travel } from "./session_write.ts";

const OK = strings("OK");

/** All that is known, as text. */
export function traceText(session: Session): string {
  const { history } = session;
  const mirror = session.mirror.clone();
  travel(session, mirror, history.last, history.first);
  const records = [...before(session, mirror)];
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
  for (const node of mirror.walk()) {
    const path = node.path();
    const head = strings(path);
    const payload = new Uint8Array(head.length + node.value.length);
    payload.set(head);
    payload.set(node.value, head.length);
    const known = path === "/tool" || path === "/tool/xenstored" || !node.parent;
    if (!known || node.value.length > 0) yield* asked(XS_WRITE, payload);
    if (node.perms === (node.parent?.perms ?? "n0")) continue;
    yield* asked(XS_SET_PERMS, strings(path, ...node.perms.split(" ")));
  }
  for (const { domid, introduced } of domainsAt(session, session.history.first)) {
    if (introduced === false) continue;
    yield* asked(XS_INTRODUCE, strings(`${domid}`, "1", "1"));
  }
}
