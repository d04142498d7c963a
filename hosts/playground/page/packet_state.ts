// Packet state: which messages are in view, and which one is selected.
// Holds   the filter, the window that is asked for, the search for a message by its number.
// Never   draws anything.
// Source  our own.

import { batch, computed, effect, signal } from "@preact/signals";
import type { PacketFilter, PacketRow, PacketWindow } from "../model/protocol.ts";
import { paced } from "./packet_pace.ts";
import { link, onSession, packet, seen } from "./state.ts";

export const KINDS = ["request", "reply", "event", "note"] as const;
export const ALL: PacketFilter = { text: "", conn: "", type: "", kinds: KINDS };

export const filter = signal<PacketFilter>(ALL);
/** The newest are in view. */
export const follow = signal(true);
/** First row in view, while `follow` is off, and how many there are room for. */
export const first = signal(0);
export const room = signal(20);
/** Place of the selected row in the list; -1: none, or it is not in it. */
export const active = signal(-1);
/** Whether the filter keeps anything out. */
export const narrowed = computed(() => {
  const { text, conn, type, kinds } = filter.value;
  return text !== "" || conn !== "" || type !== "" || kinds.length < KINDS.length;
});
/** The selected message is not in the list. */
export const hidden = signal(false);
/** Whether times are counted from the session's start or from the row before. */
export const since = signal<"start" | "previous">("start");

/** From one picture to the next while the newest are followed. */
const PACE_MS = 80;
/** What the list shows. */
export const listed = paced(seen.packets, () => (follow.value ? PACE_MS : 0));

/** What the list is to scroll to; another object each time. */
export const jump = signal<{ readonly to: number } | null>(null);

/** Rows above and below those in view, so that scrolling has something to show at once. */
const BEYOND = 16;
/** Windows of a search after which it is given up. */
const TRIES = 80;

/** The number of the message that is selected here. */
let mine = 0;
/** The row at `active` is to be selected when it has come. */
let pending = false;
let partly = false;
/** Windows that may still be of another filter: what is selected is looked for in each. */
let doubtful = 0;
/** `place`: it is to stand where the list was, nothing is selected by that. */
let search: { n: number; low: number; high: number; tries: number; place: boolean } | null = null;
/** How many rows there were last, and the number of the first one in view. */
let length = 0;
let anchor = 0;

/** Begins to look at messages; returns what ends it. */
export function mountPackets(): () => void {
  const stops = [
    effect(() => {
      const from = follow.value ? 0 : Math.max(0, first.value - BEYOND);
      const count = room.value + (follow.value ? 2 : 2 * BEYOND);
      link.look({ packets: { from, count, filter: filter.value, follow: follow.value } });
    }),
    effect(() => {
      if (listed.value) arrived(listed.value);
    }),
    effect(() => elsewhere(packet.value)),
  ];
  return () => {
    for (const stop of stops) stop();
    search = null;
    pending = false;
    link.look({ packets: undefined });
    seen.packets.value = undefined;
  };
}

onSession(() => {
  filter.value = ALL;
  follow.value = true;
  first.value = 0;
  active.value = -1;
  hidden.value = false;
  search = null;
  pending = false;
  mine = 0;
});

/** The row at this place of the list, where it is at hand. */
export function rowAt(index: number): PacketRow | undefined {
  const window = listed.peek();
  return window?.rows[index - window.from];
}

export function setFilter(part: Partial<PacketFilter>): void {
  batch(() => {
    filter.value = { ...filter.peek(), ...part };
    active.value = -1;
    hidden.value = false;
    first.value = 0;
    jump.value = { to: 0 };
  });
  search = null;
  doubtful = 2;
}

/** Stops following where the list is; `from`: the first row in view. */
export function pause(from: number): void {
  if (!follow.peek()) return;
  batch(() => {
    first.value = Math.max(0, from);
    follow.value = false;
  });
}

export function resume(): void {
  search = null;
  pending = false;
  batch(() => {
    follow.value = true;
    select(0);
  });
}

/** Selects the row at this place, as soon as it is there, and brings it into view. */
export function choose(index: number, last: number): void {
  const to = Math.min(Math.max(0, index), last);
  if (last < 0) return;
  search = null;
  batch(() => {
    if (follow.peek()) pause(last + 1 - room.peek());
    active.value = to;
    hidden.value = false;
    intoView(to);
    const row = rowAt(to);
    pending = row === undefined;
    if (row) select(row.n, to);
  });
}

/** Shows the particulars of a message; 0: of none. */
export function select(n: number, index = -1): void {
  mine = n;
  batch(() => {
    packet.value = n;
    active.value = index;
    if (n === 0) hidden.value = false;
  });
}

/** Selects a message by its number, wherever it is in the list. */
export function goTo(n: number): void {
  select(n);
  find(n);
}

/** The list was scrolled to so many rows; the first one may be in view only in part. */
export function scrolled(rows: number): void {
  partly = rows % 1 > 0.01;
  if (!follow.peek()) first.value = Math.floor(rows);
}

/** Scrolls by as little as brings the row into view. */
export function intoView(index: number): void {
  const from = first.peek();
  if (index < from || (partly && index === from)) scroll(index);
  else if (index >= from + room.peek()) scroll(index - room.peek() + 1);
}

function scroll(to: number): void {
  batch(() => {
    first.value = Math.max(0, to);
    jump.value = { to: Math.max(0, to) };
  });
}

function elsewhere(n: number): void {
  if (n === mine) return;
  mine = n;
  active.value = -1;
  hidden.value = false;
  if (n !== 0) find(n);
}

/** Numbers rise along the list: windows are asked for until one has the number, or its gap. */
function find(n: number, place = false): void {
  const window = listed.peek();
  search = { n, low: 0, high: Number.POSITIVE_INFINITY, tries: 0, place };
  if (follow.peek()) pause((window?.total ?? 0) - room.peek());
  if (window) seek(window);
}

function arrived(window: PacketWindow): void {
  const selected = packet.peek();
  const row = window.rows[active.peek() - window.from];
  // The filter has changed, or the oldest were dropped: it has another place now.
  const moved = row !== undefined && row.n !== selected && !pending;
  if (selected !== 0 && !follow.peek() && !search && (doubtful > 0 || moved)) find(selected);
  else if (search) seek(window);
  else if (window.total < length && !follow.peek()) dropped();
  length = window.total;
  if (!search) anchor = window.rows[first.peek() - window.from]?.n ?? anchor;
  doubtful = Math.max(0, doubtful - 1);
  if (!pending || row === undefined) return;
  pending = false;
  select(row.n, active.peek());
}

/** The oldest are gone: what was in view has another place. */
function dropped(): void {
  if (packet.peek() !== 0 && active.peek() >= 0) find(packet.peek());
  else if (anchor !== 0) find(anchor, true);
}

function seek({ from, total, rows }: PacketWindow): void {
  if (search === null) return;
  const { n } = search;
  const [one, last] = [rows[0], rows.at(-1)];
  search.tries += 1;
  if (one === undefined || last === undefined) {
    // Nothing is let through, or the window is beyond the end.
    if (total === 0 || search.tries > TRIES) notThere();
    else scroll(Math.max(0, total - room.peek()));
    return;
  }
  const at = rows.findIndex((row) => row.n >= n);
  if (rows[at]?.n === n) {
    found(from + at);
    return;
  }
  const end = from + rows.length;
  const past = at < 0;
  if (past) search.low = Math.max(search.low, end);
  else if (at === 0) search.high = Math.min(search.high, from);
  const over = past ? end >= total : at > 0 || from === 0;
  if (over || search.tries > TRIES) {
    notThere();
    scroll(Math.max(0, (past ? end : from + at) - (room.peek() >> 1)));
    return;
  }
  const density = (last.n - one.n + 1) / rows.length;
  const distance = Math.ceil(Math.abs((past ? last.n : one.n) - n) / density);
  const guess = past ? end - 1 + distance : from - distance;
  const [low, high] = [search.low, Math.min(search.high, total - 1)];
  const fits = guess >= low && guess <= high && search.tries < TRIES / 2;
  const next = fits ? guess : (low + high) >> 1;
  scroll(Math.max(0, next - (room.peek() >> 1)));
}

function found(index: number): void {
  const place = search?.place;
  search = null;
  if (place) {
    scroll(index);
    return;
  }
  batch(() => {
    active.value = index;
    hidden.value = false;
    const from = first.peek();
    const inView = index >= from && index < from + room.peek();
    if (!inView) scroll(index - (room.peek() >> 1));
    else scroll(from);
  });
}

function notThere(): void {
  const place = search?.place;
  search = null;
  if (place) return;
  active.value = -1;
  hidden.value = true;
}
