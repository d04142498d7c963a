// Timeline table: the same operations in words.
// Holds   a line for each operation in view, newest first, and what they came to together.
// Never   changes at every frame while much happens: it is to be read.
// Source  our own.

import type { Operation } from "../model/protocol.ts";
import { absoluteOf } from "../model/words.ts";
import { Conn, count, number, showNode } from "./packet_parts.tsx";
import { calm, choose, chosen } from "./timeline_state.ts";
import { amplification, hearers, summary } from "./timeline_words.ts";

/** Lines at most. */
const LINES_MAX = 60;
/** Hearers that are named in a line. */
const NAMED = 4;

export function TimelineTable() {
  const operations = calm.value?.operations ?? [];
  const lines = operations.slice(-LINES_MAX).reverse();
  return (
    <div class="timeline-words">
      <p class="timeline-summary">{summary(operations)}</p>
      {lines.length > 0 && (
        <table class="data" data-testid="timeline-table">
          <caption class="said">Operations in view, the newest first</caption>
          <thead>
            <tr>
              <th scope="col">No.</th>
              <th scope="col">Who</th>
              <th scope="col">What</th>
              <th scope="col">Changes</th>
              <th scope="col">Events, and who heard</th>
            </tr>
          </thead>
          <tbody>
            {lines.map((operation, at) => (
              <Line key={at} operation={operation} on={operation.n === chosen.value} />
            ))}
          </tbody>
        </table>
      )}
    </div>
  );
}

function Line({ operation, on }: { operation: Operation; on: boolean }) {
  const { n, conn, domid, changes } = operation;
  return (
    <tr class={on ? "timeline-on" : ""}>
      <td>
        <button
          type="button"
          class="plain timeline-n"
          aria-pressed={on}
          aria-label={`Operation ${n}`}
          onClick={() => choose(operation)}
        >
          {number(n)}
        </button>
      </td>
      <td>
        <Conn conn={conn} domid={domid} long />
      </td>
      <td>
        <What operation={operation} />
      </td>
      <td class={changes === 0 ? "timeline-none" : ""}>
        {changes === 0 ? <span class="dim">none</span> : count(changes, "node")}
      </td>
      <td class={operation.events === 0 ? "timeline-none" : ""}>
        <Heard operation={operation} />
      </td>
    </tr>
  );
}

/** Type, path, and the rest of the request. */
export function What({ operation }: { operation: Operation }) {
  const { type, path, detail, txId, error } = operation;
  return (
    <>
      <span class="mono">{type}</span> {path !== "" && <Path path={path} domid={operation.domid} />}{" "}
      {detail !== "" && <bdi class="dim timeline-rest">{detail}</bdi>}{" "}
      {txId !== 0 && <span class="tag dim">transaction {txId}</span>}{" "}
      {error === null && <span class="dim">no reply yet</span>}
      {error !== null && error !== "" && <b class="bad">{error}</b>}
    </>
  );
}

function Path({ path, domid }: { path: string; domid: number }) {
  if (path.startsWith("@")) return <bdi class="mono">{path}</bdi>;
  const node = absoluteOf(path, domid);
  return (
    <button
      type="button"
      class="plain mono timeline-path"
      title="Show it in the tree"
      onClick={() => showNode(node)}
    >
      <bdi>{path}</bdi>
    </button>
  );
}

export function Heard({ operation }: { operation: Operation }) {
  const { events, heard } = operation;
  if (events === 0) return <span class="dim">none</span>;
  const who = hearers(operation);
  const more = who.length - NAMED;
  const many = amplification(operation);
  return (
    <>
      {count(events, "event")}:{" "}
      {who.slice(0, NAMED).map((one, at) => (
        <span key={one.conn}>
          {at > 0 && ", "}
          <Conn conn={one.conn} />
          {one.events > 1 && ` \u00d7${number(one.events)}`}
        </span>
      ))}
      {more > 0 && ` and ${count(more, "more connection")}`}
      {more <= 0 && heard.length < events && " and others"}
      {many !== "" && <b class="timeline-many"> {many}</b>}
    </>
  );
}
