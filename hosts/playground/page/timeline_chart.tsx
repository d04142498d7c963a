// Timeline chart: operations from left to right, one lane for each connection.
// Holds   the lanes, marks, and arrows from what was done to those who heard of it.
// Never   draws more than fits: its elements are as many however much happens.
// Source  our own.

import { useEffect, useRef } from "preact/hooks";
import type { Operation, TimelineWindow } from "../model/protocol.ts";
import { moment, number, useSize } from "./packet_parts.tsx";
import { domClass, domLabel, view } from "./state.ts";
import { arrowsOf, backOf, headOf, LANE, markOf, STEP, TOP } from "./timeline_shapes.ts";
import {
  canMove,
  choose,
  chosen,
  drawn,
  endAt,
  fit,
  known,
  moveBy,
  pointed,
  step,
  unchoose,
} from "./timeline_state.ts";
import { failure, hearers, lineOf, sortOf } from "./timeline_words.ts";

/** Lanes that are drawn at most, and operations. */
const LANES_MAX = 24;
const FIT_MAX = 120;
/** Pixels that stay free on the right. */
const EDGE = 8;

export function TimelineChart() {
  const box = useRef<HTMLDivElement>(null);
  const size = useSize(box);
  const room = Math.floor((size.value.width - EDGE) / STEP);
  useEffect(() => {
    fit.value = Math.min(FIT_MAX, Math.max(4, room));
  }, [room]);
  const window = drawn.value;
  const lanes = lanesOf(window);
  const height = TOP + Math.max(1, lanes.length) * LANE;
  return (
    <div class="timeline-chart" data-testid="timeline">
      <div class="timeline-lanes" style={{ paddingTop: `${TOP}px` }} aria-hidden="true">
        {lanes.map(({ conn, domid, label }) => (
          <div key={conn} class="timeline-lane" style={{ height: `${LANE}px` }}>
            <b class={domClass(domid)}>{conn}</b>{" "}
            <span class="dim">{label || domLabel(domid)}</span>
          </div>
        ))}
      </div>
      <div ref={box} class="timeline-box" style={{ height: `${height}px` }}>
        {window && window.operations.length > 0 && size.value.width > 0 && (
          <Chart window={window} lanes={lanes} width={size.value.width} height={height} />
        )}
      </div>
    </div>
  );
}

type Lane = TimelineWindow["lanes"][number];

/** Lanes of those who did something come before those who only heard, where not all fit. */
function lanesOf(window: TimelineWindow | undefined): readonly Lane[] {
  if (!window || window.lanes.length <= LANES_MAX) return window?.lanes ?? [];
  const busy = new Set(window.operations.map(({ conn }) => conn));
  const kept = new Set(
    [...window.lanes]
      .sort((a, b) => Number(busy.has(b.conn)) - Number(busy.has(a.conn)))
      .slice(0, LANES_MAX),
  );
  return window.lanes.filter((lane) => kept.has(lane));
}

interface ChartProps {
  readonly window: TimelineWindow;
  readonly lanes: readonly Lane[];
  readonly width: number;
  readonly height: number;
}

function Chart({ window, lanes, width, height }: ChartProps) {
  const all = window.operations;
  const operations = all.slice(Math.max(0, all.length - fit.value));
  const left = Math.max(0, width - EDGE - operations.length * STEP);
  const rows = new Map(lanes.map(({ conn }, at) => [conn, TOP + at * LANE + LANE / 2]));
  const under = (event: MouseEvent): Operation | undefined => {
    const x = event.clientX - (event.currentTarget as Element).getBoundingClientRect().left;
    return operations[Math.floor((x - left) / STEP)];
  };
  const at = moment.value;
  const active = operations.findIndex(({ n }) => n === chosen.value);
  return (
    // biome-ignore lint/a11y/useAriaActivedescendantWithTabindex: SVG wants it in small letters
    <svg
      width={width}
      height={height}
      // biome-ignore lint/a11y/noNoninteractiveElementToInteractiveRole: its marks are selected
      role="listbox"
      tabindex={0}
      aria-label="Operations in the order of time"
      aria-activedescendant={active >= 0 ? `operation-${active}` : undefined}
      onPointerMove={(event) => {
        pointed.value = under(event) ?? null;
      }}
      onPointerLeave={() => {
        pointed.value = null;
      }}
      onClick={(event) => {
        const operation = under(event);
        if (operation) choose(operation);
      }}
      onKeyDown={keys}
      onWheel={wheel}
    >
      {lanes.map(({ conn }) => (
        <line
          key={conn}
          class="timeline-line"
          x1={0}
          x2={width}
          y1={rows.get(conn)}
          y2={rows.get(conn)}
        />
      ))}
      <Marks operations={operations} left={left} rows={rows} height={height} />
      <Moment at={at} operations={operations} left={left} height={height} />
    </svg>
  );
}

interface MarksProps {
  readonly operations: readonly Operation[];
  readonly left: number;
  readonly rows: ReadonlyMap<string, number>;
  readonly height: number;
}

/** Elements are used again for other operations: keys are places. */
function Marks({ operations, left, rows, height }: MarksProps) {
  const at = moment.value;
  const xOf = (index: number) => left + index * STEP + STEP / 2;
  return (
    <>
      {operations.map((operation, index) => (
        <Mark
          key={index}
          id={`operation-${index}`}
          operation={operation}
          x={xOf(index)}
          rows={rows}
          height={height}
          selected={operation.n === chosen.value}
          later={at !== null && operation.n > at}
        />
      ))}
      {/* biome-ignore lint/a11y/noAriaHiddenOnFocusable: nothing in it can have the focus */}
      <g aria-hidden="true">
        {operations.map((operation, index) => (
          <Numbers
            key={index}
            operation={operation}
            x={xOf(index)}
            y={rows.get(operation.conn) ?? TOP + LANE / 2}
          />
        ))}
      </g>
    </>
  );
}

function keys(event: KeyboardEvent): void {
  if (event.altKey || event.ctrlKey || event.metaKey) return;
  const page = Math.max(1, fit.peek() - 2);
  const steps: Readonly<Record<string, number>> = {
    ArrowLeft: -1,
    ArrowRight: 1,
    ArrowUp: -1,
    ArrowDown: 1,
    PageUp: -page,
    PageDown: page,
    Home: Number.NEGATIVE_INFINITY,
    End: Number.POSITIVE_INFINITY,
  };
  const by = steps[event.key];
  if (by !== undefined) step(by);
  else if (event.key === "Escape" && chosen.peek() !== 0) unchoose();
  else if (event.key === "Enter" && chosen.peek() !== 0) view.value = "packets";
  else return;
  event.preventDefault();
}

/** Time goes with the wheel, until its end: then the page scrolls. */
function wheel(event: WheelEvent): void {
  const by = Math.abs(event.deltaX) > Math.abs(event.deltaY) ? event.deltaX : event.deltaY;
  if (by === 0 || event.ctrlKey || !canMove(by)) return;
  event.preventDefault();
  moveBy(Math.sign(by) * Math.max(1, Math.round(Math.abs(by) / 40)));
}

/** Numbers at a mark; its name for screen readers has them already. */
function Numbers({ operation, x, y }: { operation: Operation; x: number; y: number }) {
  const { n, changes, events } = operation;
  return (
    <>
      {n % 5 === 0 && (
        <text class="timeline-axis" x={x} y={13}>
          {number(n)}
        </text>
      )}
      {events > 1 && (
        <text class="timeline-events" x={x} y={y - 9}>
          {`\u00d7${events}`}
        </text>
      )}
      {changes > 1 && (
        <text class="timeline-changes" x={x + 9} y={y + 14}>
          {changes}
        </text>
      )}
    </>
  );
}

interface MarkProps {
  readonly id: string;
  readonly operation: Operation;
  readonly x: number;
  readonly rows: ReadonlyMap<string, number>;
  readonly height: number;
  readonly selected: boolean;
  readonly later: boolean;
}

function Mark({ id, operation, x, rows, height, selected, later }: MarkProps) {
  const { n, conn, domid, type, error, changes, events } = operation;
  const y = rows.get(conn) ?? TOP + LANE / 2;
  const failed = failure(operation) !== "";
  const sort = failed ? "failed" : sortOf(type);
  const filled = changes > 0 ? "timeline-filled" : "";
  return (
    <g
      id={id}
      role="option"
      aria-selected={selected}
      aria-label={lineOf(operation)}
      class={`timeline-operation${selected ? " timeline-selected" : ""}${later ? " timeline-later" : ""}`}
      data-testid="operation"
      data-n={n}
    >
      <rect class="timeline-band" x={x - STEP / 2} y={0} width={STEP} height={height} />
      {events > 0 && <Arrows operation={operation} x={x} y={y} rows={rows} />}
      <path
        class={`timeline-mark timeline-${sort} ${filled} ${error === null ? "timeline-open" : ""} ${domClass(domid)}`}
        d={markOf(sort, x, y)}
      />
    </g>
  );
}

function Arrows({
  operation,
  x,
  y,
  rows,
}: {
  operation: Operation;
  x: number;
  y: number;
  rows: ReadonlyMap<string, number>;
}) {
  const others: number[] = [];
  let own = false;
  for (const { conn } of hearers(operation)) {
    const to = rows.get(conn);
    if (conn === operation.conn) own = true;
    else if (to !== undefined) others.push(to);
  }
  return (
    <>
      <path class="timeline-arrow" d={arrowsOf(x, y, others)} />
      <path
        class="timeline-head"
        d={others.map((to) => headOf(x, y, to)).join("") + (own ? backOf(x, y) : "")}
      />
    </>
  );
}

/** Where the moment is that the tree shows. */
function Moment({
  at,
  operations,
  left,
  height,
}: {
  at: number | null;
  operations: readonly Operation[];
  left: number;
  height: number;
}) {
  const index = operations.findIndex(({ n }) => n === at);
  if (index < 0) return null;
  const x = left + (index + 1) * STEP;
  return <line class="timeline-moment" x1={x} x2={x} y1={0} y2={height} />;
}

/** A place in time that is dragged. */
export function TimelineSlider() {
  const window = drawn.value;
  const history = known.value;
  const newest = window?.operations.at(-1)?.n ?? 0;
  const first = (history?.first ?? 0) + 1;
  const last = history?.last ?? 0;
  const least = Math.min(last, first + fit.value - 1);
  return (
    <input
      type="range"
      class="timeline-slider"
      aria-label="The newest operation in view"
      aria-valuetext={`operation ${newest} of ${last}`}
      min={least}
      max={Math.max(least, last)}
      value={newest}
      disabled={least >= last}
      onInput={({ currentTarget }) => endAt(Number(currentTarget.value))}
    />
  );
}
