// Ring grid: the 1024 bytes of a queue in rows, with fields, positions and what waits.
// Holds   few shapes: one for each run of bytes that are alike, one text for each row.
// Never   has an element for each byte.
// Source  our own; SVG.

import { useMemo } from "preact/hooks";
import {
  type ByteAt,
  byteChar,
  distance,
  fieldAt,
  QUEUE_SIZE,
  type Queue,
} from "../model/ring_bytes.ts";

/** Of a cell, in the drawing's units. */
const WIDTH = 10;
const HEIGHT = 15;
/** Blanks that are next to each other count, each in its place. */
const BLANK = "\u00a0";

interface GridProps {
  readonly queue: Queue;
  readonly columns: number;
  readonly at: ByteAt | null;
  readonly onPoint: (index: number | null) => void;
}

export function ByteGrid({ queue, columns, at, onPoint }: GridProps) {
  const rows = QUEUE_SIZE / columns;
  const point = (event: PointerEvent) => {
    const box = (event.currentTarget as Element).getBoundingClientRect();
    const column = Math.floor(((event.clientX - box.left) / box.width) * columns);
    const row = Math.floor(((event.clientY - box.top) / box.height) * rows);
    if (column < 0 || row < 0 || column >= columns || row >= rows) return;
    onPoint(row * columns + column);
  };
  const runs = useMemo(() => runsOf(queue, columns), [queue, columns]);
  const texts = useMemo(() => rowTexts(queue, columns), [queue, columns]);
  return (
    <svg
      class="ring-grid"
      viewBox={`0 0 ${columns * WIDTH} ${rows * HEIGHT}`}
      aria-hidden="true"
      onPointerMove={point}
      onPointerDown={point}
      onPointerLeave={() => onPoint(null)}
    >
      {runs.map((run) => (
        <rect
          key={run.index}
          class={`ring-cell ring-${run.kind}${run.waits ? "" : " ring-read"}`}
          {...placeOf(run.index, columns)}
          width={run.length * WIDTH}
          height={HEIGHT}
        />
      ))}
      <Glyphs texts={texts.others} columns={columns} kind="others" />
      <Glyphs texts={texts.waiting} columns={columns} kind="waiting" />
      <Starts queue={queue} columns={columns} />
      {at && <Marked queue={queue} at={at} columns={columns} />}
      <Position kind="cons" index={queue.cons % QUEUE_SIZE} columns={columns} />
      <Position kind="prod" index={queue.prod % QUEUE_SIZE} columns={columns} />
    </svg>
  );
}

function placeOf(index: number, columns: number): { x: number; y: number } {
  return { x: (index % columns) * WIDTH, y: Math.floor(index / columns) * HEIGHT };
}

interface Run {
  readonly index: number;
  readonly length: number;
  readonly kind: string;
  readonly waits: boolean;
}

/** Bytes that are alike, side by side in a row. */
function runsOf(queue: Queue, columns: number): Run[] {
  const kinds = new Array<string>(QUEUE_SIZE).fill("");
  if (!queue.broken) {
    for (let i = 0; i < queue.fill; i++) kinds[(queue.cons + i) % QUEUE_SIZE] = "+raw";
  }
  for (const { start, have } of [...queue.read, ...queue.messages]) {
    for (let i = Math.max(0, distance(queue.prod, start) - QUEUE_SIZE); i < have; i++) {
      const position = (start + i) >>> 0;
      const waits = distance(position, queue.cons) < queue.fill;
      kinds[position % QUEUE_SIZE] = (waits ? "+" : "-") + fieldAt(i);
    }
  }
  const runs: Run[] = [];
  for (let index = 0; index < QUEUE_SIZE; ) {
    const kind = kinds[index];
    let end = index + 1;
    while (end < QUEUE_SIZE && end % columns !== 0 && kinds[end] === kind) end++;
    if (kind !== "") {
      runs.push({ index, length: end - index, kind: kind.slice(1), waits: kind[0] === "+" });
    }
    index = end;
  }
  return runs;
}

/** The characters of each row, apart: those that wait, and the others. */
function rowTexts(queue: Queue, columns: number): { waiting: string[]; others: string[] } {
  const waiting: string[] = [];
  const others: string[] = [];
  const from = queue.cons % QUEUE_SIZE;
  const fill = queue.broken ? 0 : queue.fill;
  for (let start = 0; start < QUEUE_SIZE; start += columns) {
    const texts = ["", ""];
    for (let index = start; index < start + columns; index++) {
      const value = queue.bytes[index];
      const char = value === 0x20 ? BLANK : byteChar(value);
      const waits = (index - from + QUEUE_SIZE) % QUEUE_SIZE < fill;
      texts[0] += waits ? char : BLANK;
      texts[1] += waits ? BLANK : char;
    }
    waiting.push(texts[0]);
    others.push(texts[1]);
  }
  return { waiting, others };
}

interface GlyphsProps {
  readonly texts: string[];
  readonly columns: number;
  readonly kind: "waiting" | "others";
}

function Glyphs({ texts, columns, kind }: GlyphsProps) {
  const places = useMemo(() => {
    return Array.from({ length: columns }, (_, column) => column * WIDTH + WIDTH / 2).join(" ");
  }, [columns]);
  return (
    <g class={`ring-glyphs ring-${kind}`}>
      {texts.map(
        (text, row) =>
          text !== BLANK.repeat(columns) && (
            <text key={`${row}`} x={places} y={row * HEIGHT + 11}>
              {text}
            </text>
          ),
      )}
    </g>
  );
}

/** A thin line where a message begins. */
function Starts({ queue, columns }: { readonly queue: Queue; readonly columns: number }) {
  const kept = queue.messages.filter(({ start }) => distance(queue.prod, start) <= QUEUE_SIZE);
  return (
    <>
      {kept.map(({ start }) => {
        const { x, y } = placeOf(start % QUEUE_SIZE, columns);
        return <line key={start} class="ring-start" x1={x} x2={x} y1={y} y2={y + HEIGHT} />;
      })}
    </>
  );
}

function Marked({
  queue,
  at,
  columns,
}: {
  readonly queue: Queue;
  readonly at: ByteAt;
  readonly columns: number;
}) {
  const { message } = at;
  const bars: Run[] = [];
  const first = message ? Math.max(0, distance(queue.prod, message.start) - QUEUE_SIZE) : 0;
  for (let i = first; message && i < message.have; ) {
    const index = (message.start + i) % QUEUE_SIZE;
    const length = Math.min(message.have - i, columns - (index % columns));
    bars.push({ index, length, kind: "", waits: true });
    i += length;
  }
  return (
    <>
      {bars.map(({ index, length }) => {
        const { x, y } = placeOf(index, columns);
        return (
          <rect
            key={index}
            class="ring-marked"
            x={x}
            y={y + HEIGHT - 2}
            width={length * WIDTH}
            height={2}
          />
        );
      })}
      <rect class="ring-pointed" {...placeOf(at.index, columns)} width={WIDTH} height={HEIGHT} />
    </>
  );
}

/** Where one side goes on: cons has its flag at the top, prod at the bottom. */
function Position({
  kind,
  index,
  columns,
}: {
  readonly kind: "cons" | "prod";
  readonly index: number;
  readonly columns: number;
}) {
  const { x, y } = placeOf(index, columns);
  const flag =
    kind === "cons"
      ? `M${x} ${y}h7l-7 5z`
      : `M${x} ${y + HEIGHT}h${x === 0 ? 7 : -7}l${x === 0 ? -7 : 7} -5z`;
  return (
    <g class={`ring-position ring-${kind}`}>
      <line x1={x} x2={x} y1={y} y2={y + HEIGHT} />
      <path d={flag} />
    </g>
  );
}
