// Ring queue: one of the two queues of a ring: its bytes, its fill, its messages.
// Holds   the byte that is pointed at, by pointer or keys.
// Never   changes a ring.
// Source  our own; the ARIA Authoring Practices, Slider.

import type { ComponentChildren } from "preact";
import { useId, useRef, useState } from "preact/hooks";
import {
  byteAt,
  byteWords,
  distance,
  openEnd,
  QUEUE_SIZE,
  type Queue,
  typeName,
} from "../model/ring_bytes.ts";
import { Fill } from "./ring_fill.tsx";
import { ByteGrid } from "./ring_grid.tsx";
import { FieldLegend, Messages } from "./ring_message.tsx";
import { useNarrow } from "./ring_narrow.ts";

interface QueueProps {
  readonly which: "requests" | "replies";
  readonly queue: Queue;
  readonly writer: string;
  readonly reader: string;
  readonly colour: string;
  readonly children: ComponentChildren;
}

export function QueueView({ which, queue, writer, reader, colour, children }: QueueProps) {
  const title = useId();
  const frame = useRef<HTMLDivElement>(null);
  const columns = useNarrow(frame, 560) ? 32 : 64;
  const [index, setIndex] = useState<number | null>(null);
  const side = which === "requests" ? "store" : "guest";
  const at = index === null ? null : byteAt(queue, index);
  const words = at ? byteWords(at, side) : "";
  const keyed = index ?? queue.cons % QUEUE_SIZE;
  return (
    <section class="ring-queue" aria-labelledby={title} data-testid={`ring-${which}`}>
      <div class="ring-queue-head">
        <Fill queue={queue} />
        <div class="grow">
          <h2 id={title}>{which === "requests" ? "Requests" : "Replies"}</h2>
          <p>
            <span class={which === "requests" ? colour : ""}>{writer}</span> writes,{" "}
            <span class={which === "replies" ? colour : ""}>{reader}</span> reads.{" "}
            <strong data-testid={`ring-${which}-fill`}>{fillText(queue)}</strong>
          </p>
        </div>
        <FieldLegend />
      </div>
      <div
        ref={frame}
        class="ring-bytes"
        role="slider"
        tabIndex={0}
        aria-label={`Byte of the queue of ${which}`}
        aria-valuemin={0}
        aria-valuemax={QUEUE_SIZE - 1}
        aria-valuenow={keyed}
        aria-valuetext={byteWords(byteAt(queue, keyed), side)}
        onFocus={() => setIndex(keyed)}
        onKeyDown={(event) => {
          const next = moved(queue, keyed, event.key, columns);
          if (next === null || event.ctrlKey || event.metaKey || event.altKey) return;
          event.preventDefault();
          setIndex(next);
        }}
      >
        <ByteGrid queue={queue} columns={columns} at={at} onPoint={setIndex} />
      </div>
      <p class={`ring-readout${at ? "" : " dim"}`} aria-hidden="true">
        {words || "Point at a byte, or go there with the arrow keys, to read what it is."}
      </p>
      <Messages
        pieces={queue.messages}
        cons={queue.cons}
        label={`Messages in the queue of ${which}`}
        empty={emptyText(queue, reader)}
        onPoint={(piece) => setIndex(piece ? piece.start % QUEUE_SIZE : null)}
      />
      {children}
    </section>
  );
}

/** What is said in the place of messages that wait. */
function emptyText(queue: Queue, reader: string): string {
  if (queue.broken) return "The indexes make no sense: nothing can be read.";
  if (queue.fill > 0) {
    return "What waits does not begin with a header: where its messages begin can't be told.";
  }
  const begun = openEnd(queue);
  if (!begun) return "No message waits.";
  const { header, have, total } = begun;
  const who = reader.charAt(0).toUpperCase() + reader.slice(1);
  if (!header)
    return `${who} has read ${have} of the 16 bytes of a header, and waits for the rest.`;
  return `${who} has read ${have} of ${total} bytes of a ${typeName(header)}, and waits for the rest.`;
}

function fillText({ fill, broken, wraps, cons, prod }: Queue): string {
  if (broken) return `The indexes say ${fill} bytes, more than the 1024 there are.`;
  const text = `${fill} of ${QUEUE_SIZE} bytes wait`;
  if (fill === 0) return `${text}.`;
  const from = cons % QUEUE_SIZE;
  const last = distance(prod, 1) % QUEUE_SIZE;
  if (!wraps) return `${text}: ${from} to ${last}.`;
  return `${text}: ${from} to ${QUEUE_SIZE - 1}, then on from 0 to ${last}.`;
}

/** Where a key goes: Page Up and Down from message to message, Home to cons, End to prod. */
function moved(queue: Queue, index: number, key: string, columns: number): number | null {
  const by = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns }[key];
  if (by !== undefined) return (index + by + QUEUE_SIZE) % QUEUE_SIZE;
  if (key === "Home") return queue.cons % QUEUE_SIZE;
  if (key === "End") return distance(queue.prod, 1) % QUEUE_SIZE;
  if (key !== "PageUp" && key !== "PageDown") return null;
  const starts = queue.messages.map(({ start }) => start % QUEUE_SIZE);
  if (starts.length === 0) return index;
  const { message } = byteAt(queue, index);
  const now = message ? starts.indexOf(message.start % QUEUE_SIZE) : -1;
  const next = key === "PageDown" ? now + 1 : now - 1;
  return starts[(next + starts.length) % starts.length];
}
