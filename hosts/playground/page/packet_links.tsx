// Packet links: from a message to those that belong to it.
// Holds   request, reply, the events it caused, its cause, the moment.
// Never   guesses: what belongs together is what the engine says is one operation.
// Source  our own.

import { useSignal } from "@preact/signals";
import type { Operation, PacketRow } from "../model/protocol.ts";
import { Conn, count, moment, number } from "./packet_parts.tsx";
import { goTo } from "./packet_state.ts";
import { act, tell, view } from "./state.ts";

/** Events that are listed at once. */
const SHOWN = 8;

export function PacketLinks({ row, operation }: { row: PacketRow; operation: Operation | null }) {
  if (row.operation === 0) {
    return <p class="dim packets-links">It belongs to no operation that is known.</p>;
  }
  if (operation === null) return <p class="dim packets-links">Operation {number(row.operation)}</p>;
  const at = moment.value;
  return (
    <div class="packets-links">
      <Ends row={row} operation={operation} />
      <button
        type="button"
        disabled={at === operation.n}
        title="The tree as it was right after this operation"
        onClick={() => act("history.go", { at: operation.n })}
      >
        {at === operation.n ? "This moment is shown" : "Show this moment"}
      </button>
      <button
        type="button"
        onClick={() => {
          view.value = "timeline";
        }}
      >
        In the timeline
      </button>
      <Events operation={operation} row={row} />
    </div>
  );
}

/** Its request and reply, other than itself. */
function Ends({ row, operation }: { row: PacketRow; operation: Operation }) {
  const { request, reply, type, error } = operation;
  const cause = row.kind === "event";
  return (
    <>
      {request !== 0 && request !== row.n && (
        <button type="button" onClick={() => goTo(request)}>
          {cause ? "Its cause" : "Its request"}: #{number(request)} {type}{" "}
          {cause && <Conn conn={operation.conn} domid={operation.domid} />}
        </button>
      )}
      {reply !== 0 && reply !== row.n && !cause && (
        <button type="button" onClick={() => goTo(reply)}>
          Its reply: #{number(reply)} {error === "" ? "" : error}
        </button>
      )}
      {reply === 0 && row.kind === "request" && (
        <span class="dim">{error === "no reply" ? "It got no reply." : "No reply yet."}</span>
      )}
    </>
  );
}

/** Behind how many events there are: what they have to do with the message. */
const WHOSE = {
  request: "it caused",
  reply: "of its request",
  event: "of the same cause",
  note: "",
};

function Events({ operation, row }: { operation: Operation; row: PacketRow }) {
  const all = useSignal(false);
  const { events, heard } = operation;
  if (events === 0) return <span class="dim">No events.</span>;
  const shown = all.value ? heard : heard.slice(0, SHOWN);
  return (
    <details class="packets-events" open={events <= 3}>
      <summary>
        {count(events, "event")} {WHOSE[row.kind]}
      </summary>
      <ul>
        {shown.map(({ conn, path, record }) => (
          <li key={record}>
            <button type="button" class="plain" onClick={() => goToEvent(record, row.n)}>
              <Conn conn={conn} /> <bdi class="mono">{path}</bdi>
            </button>
          </li>
        ))}
        {heard.length > shown.length && (
          <li>
            <button
              type="button"
              onClick={() => {
                all.value = true;
              }}
            >
              Show {number(heard.length - shown.length)} more
            </button>
          </li>
        )}
        {all.value && events > heard.length && (
          <li class="dim">and {number(events - heard.length)} more</li>
        )}
      </ul>
    </details>
  );
}

/** Selects the message of an event. */
function goToEvent(record: number, self: number): void {
  if (record === self) tell("info", "This is the message that is selected.");
  goTo(record);
}
