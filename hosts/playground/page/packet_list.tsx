// Packet list: all messages as a long table of which only the rows in view exist.
// Holds   the rows, scrolling, the keyboard.
// Never   has more than some sixty rows in the document.
// Source  our own; the ARIA Authoring Practices, Grid.

import { Component } from "preact";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import type { PacketRow } from "../model/protocol.ts";
import { Bytes, Conn, KIND_WORDS, number, time, useSize } from "./packet_parts.tsx";
import {
  active,
  choose,
  first,
  follow,
  intoView,
  jump,
  listed,
  pause,
  resume,
  room,
  scrolled,
  select,
  since,
} from "./packet_state.ts";
import { packet } from "./state.ts";

/** Heights in pixels, as in the style sheet: of a row, of one with two lines, of the head. */
const ROW = 24;
const TALL = 46;
const HEAD = 28;
/** Below this width a row takes two lines. */
const NARROW = 640;

const COLUMNS = ["No.", "Time, ms", "Connection", "Kind", "Type", "Req", "Tx", "Payload"];

export function PacketList() {
  const grid = useRef<HTMLDivElement>(null);
  const size = useSize(grid);
  const { width, height } = size.value;
  const tall = width > 0 && width < NARROW;
  const row = tall ? TALL : ROW;
  const head = tall ? 0 : HEAD;
  const fit = Math.max(1, Math.floor((height - head) / row));
  const window = listed.value;
  const total = window?.total ?? 0;
  const places = usePlaces(follow.value, total, window?.rows.length ?? 0);
  useEffect(() => {
    room.value = fit;
    if (active.peek() >= 0 && !follow.peek()) intoView(active.peek());
  }, [fit, row]);
  const stop = useScroll(grid, { total, places, row, height });
  const pressed = useRef<Pressed | null>(null);
  return (
    // biome-ignore lint/a11y/useSemanticElements: most rows of a table are not there
    <div
      ref={grid}
      class={`packets-grid${tall ? " packets-tall" : ""}`}
      role="grid"
      tabIndex={0}
      aria-label="Messages"
      aria-rowcount={total + 1}
      aria-activedescendant={shownAt(active.value) ? `packet-${active.value}` : undefined}
      data-testid="packets"
      onScroll={({ currentTarget }) => scrolled(currentTarget.scrollTop / row)}
      onWheel={({ deltaY }) => {
        if (deltaY < 0) stop();
      }}
      onPointerDown={(event) => {
        pressed.current = event.button === 0 ? rowUnder(event) : null;
        stop();
      }}
      onPointerUp={(event) => {
        const down = pressed.current;
        const moved = down && Math.hypot(event.clientX - down.x, event.clientY - down.y) > SLACK;
        if (down && !moved) select(down.n, down.index);
        pressed.current = null;
      }}
      onClick={(event) => {
        // Without a pointer, such as by a screen reader.
        const row = event.detail === 0 ? rowUnder(event) : null;
        if (row) select(row.n, row.index);
      }}
      onTouchMove={stop}
      onKeyDown={(event) => key(event, total, fit)}
    >
      {/* biome-ignore lint/a11y/useSemanticElements: see above */}
      <div class="packets-inner" role="rowgroup" style={{ height: `${head + places * row}px` }}>
        <Head />
        <Rows row={row} head={head} end={follow.value ? places : null} />
      </div>
    </div>
  );
}

interface Scroll {
  readonly total: number;
  readonly places: number;
  readonly row: number;
  readonly height: number;
}

/** Keeps the list where it belongs. Returns what stops it where it is. */
function useScroll(grid: { readonly current: HTMLElement | null }, size: Scroll): () => void {
  const { total, places, row, height } = size;
  const follows = follow.value;
  // At the end while it is followed.
  useLayoutEffect(() => {
    if (grid.current && follows) grid.current.scrollTop = places * row;
  }, [follows, places, height, row]);
  /** Where the list is to stand when it stops. */
  const still = useRef<number | null>(null);
  useLayoutEffect(() => {
    if (grid.current && !follows) grid.current.scrollTop = still.current ?? first.peek() * row;
    still.current = null;
  }, [follows, row]);
  const jumped = jump.value;
  useLayoutEffect(() => {
    if (jumped && grid.current && !follow.peek()) grid.current.scrollTop = jumped.to * row;
  }, [jumped]);
  return () => {
    if (!follow.peek() || !grid.current) return;
    still.current = Math.max(0, grid.current.scrollTop + (total - places) * row);
    pause(Math.floor(still.current / row));
  };
}

/**
 * Rows that the list has room for. While it is followed it grows now and then only: what does not
 * move need not be laid out anew with each frame.
 */
function usePlaces(follows: boolean, total: number, rows: number): number {
  const kept = useRef(0);
  if (!follows) return total;
  if (total < kept.current || total > kept.current * 1.05) kept.current = total;
  return Math.max(kept.current, rows);
}

/** A row that the pointer went down on: while the list stops, its elements may be others. */
interface Pressed {
  readonly n: number;
  readonly index: number;
  readonly x: number;
  readonly y: number;
}

/** Pixels that a pointer may move between down and up. */
const SLACK = 6;

function rowUnder({ target, clientX: x, clientY: y }: MouseEvent): Pressed | null {
  const row = (target as Element).closest<HTMLElement>("[data-n]");
  if (!row) return null;
  const index = Number(row.getAttribute("aria-rowindex")) - 2;
  return { n: Number(row.dataset.n), index, x, y };
}

/** Whether the selected row is in the document. */
function shownAt(index: number): boolean {
  const window = listed.value;
  return window?.rows[index - window.from]?.n === packet.value;
}

function key(event: KeyboardEvent, total: number, fit: number): void {
  if (event.altKey || event.ctrlKey || event.metaKey) return;
  if (event.key === "Escape" && packet.value !== 0) select(0);
  else if (event.key === "End" && event.shiftKey) resume();
  else {
    const last = total - 1;
    const at = active.peek() >= 0 ? active.peek() : follow.peek() ? total : first.peek() - 1;
    const steps: Readonly<Record<string, number>> = {
      ArrowDown: at + 1,
      ArrowUp: at - 1,
      PageDown: at + Math.max(1, fit - 1),
      PageUp: at - Math.max(1, fit - 1),
      Home: 0,
      End: last,
    };
    const to = steps[event.key];
    if (to === undefined) return;
    choose(to, last);
  }
  event.preventDefault();
}

function Head() {
  return (
    // biome-ignore lint/a11y/useFocusableInteractive: the grid has the focus for its rows
    // biome-ignore lint/a11y/useSemanticElements: see the grid
    <div class="packets-row packets-head" role="row" aria-rowindex={1}>
      {COLUMNS.map((name) => (
        // biome-ignore lint/a11y/useFocusableInteractive: see above
        // biome-ignore lint/a11y/useSemanticElements: see the grid
        <span key={name} role="columnheader">
          {name === "Time, ms" && since.value === "previous" ? "+ ms" : name}
        </span>
      ))}
    </div>
  );
}

/** @param end  the last row ends there, whatever its number; null: each stands at its own place */
function Rows({ row, head, end }: { row: number; head: number; end: number | null }) {
  const window = listed.value;
  if (!window) return null;
  const { from, rows } = window;
  const previous = since.value === "previous";
  const start = end === null ? from : end - rows.length;
  return (
    <>
      {rows.map((one, at) => (
        // Elements are used again for other rows: few are made while the list runs.
        <Row
          key={end === null ? (from + at) % rows.length : at}
          row={one}
          index={from + at}
          top={head + (start + at) * row}
          ms={previous ? one.ms - (rows[at - 1]?.ms ?? one.ms) : one.ms}
          chosen={one.n === packet.value}
        />
      ))}
    </>
  );
}

interface RowProps {
  readonly row: PacketRow;
  readonly index: number;
  readonly top: number;
  readonly ms: number;
  readonly chosen: boolean;
}

/** A record never changes: its row is drawn anew only for another one, or when it is selected. */
class Row extends Component<RowProps> {
  override shouldComponentUpdate(next: RowProps): boolean {
    const now = this.props;
    return (
      now.row.n !== next.row.n ||
      now.index !== next.index ||
      now.top !== next.top ||
      now.ms !== next.ms ||
      now.chosen !== next.chosen
    );
  }

  override render({ row, index, top, ms, chosen }: RowProps) {
    const { mark, word } = KIND_WORDS[row.kind];
    const error = row.type === "ERROR" ? " packets-error" : "";
    return (
      // biome-ignore lint/a11y/useFocusableInteractive: the grid has the focus for its rows
      // biome-ignore lint/a11y/useSemanticElements: see the grid
      <div
        id={chosen ? `packet-${index}` : undefined}
        class={`packets-row packets-${row.kind}${error}`}
        role="row"
        aria-rowindex={index + 2}
        aria-selected={chosen}
        data-testid="packet"
        data-n={row.n}
        style={{ top: `${top}px` }}
      >
        <Cell name="n">{number(row.n)}</Cell>
        <Cell name="ms">{time(ms)}</Cell>
        <Cell name="conn">
          <Conn conn={row.conn} domid={row.domid} long />
        </Cell>
        <Cell name="kind">
          <span aria-hidden="true">{mark}</span> {word}
        </Cell>
        <Cell name="type">{row.type}</Cell>
        <Cell name="req">{row.kind === "note" ? "" : row.reqId}</Cell>
        <Cell name="tx">{row.txId === 0 ? "" : row.txId}</Cell>
        <Cell name="payload">
          {row.kind === "note" ? row.text : <Bytes bytes={row.payload} max={160} />}
        </Cell>
      </div>
    );
  }
}

type Child = preact.ComponentChildren;

function Cell({ name, children }: { name: string; children: Child }) {
  return (
    // biome-ignore lint/a11y/useFocusableInteractive: the grid has the focus for its rows
    // biome-ignore lint/a11y/useSemanticElements: see the grid
    <span role="gridcell" class={`packets-${name}`}>
      {children}
    </span>
  );
}
