// Tree state: where in the tree one is, and what of it is asked for.
// Holds   the filter, the rows that are drawn, the row that is selected, what is being edited.
// Never   draws anything.
// Source  our own.

import { batch, effect, signal } from "@preact/signals";
import type { TreeRow } from "../model/protocol.ts";
import { act, call, lens, link, past, seen, selected, tell } from "./state.ts";
import {
  Drawn,
  movedBy,
  parentOf,
  ROW,
  type Shown,
  type ShownRow,
  windowFor,
} from "./tree_window.ts";

/** Text in path or value that rows must have; "": all rows. */
export const filter = signal("");
/** What is drawn. */
export const shown = signal<Shown | null>(null);

/** What is edited in place in the tree, with what was typed so far. */
export interface Editing {
  readonly kind: "value" | "perms" | "create";
  readonly path: string;
  readonly index: number;
  /** As it was when editing began. */
  readonly before: string;
  /** What was typed and could not be saved, and why. */
  readonly refused?: { readonly text: string; readonly why: string };
}
export const editing = signal<Editing | null>(null);
/** A node with children that is to be removed once that is confirmed. */
export const removing = signal<{ readonly path: string; readonly children: number } | null>(null);
export const helpOpen = signal(false);

const FLASH_MS = 1100;
const QUIET_MS = 400;

const drawn = new Drawn();
let scroller: HTMLElement | null = null;
/** Where the tree was left, for when it is drawn again. */
let top = 0;
let wanted = { from: -1, count: 0, filter: "", lens: null as number | null };
/** Row of the selected node, as far as it is known. */
let index = 0;
/** A row to select as soon as it is there. */
let pending: number | null = null;
/** The path that was selected here; another one was selected elsewhere. */
let own = "/";
let quietUntil = 0;
let sweep = 0;

/** Begins to look at the tree in this element; returns what ends it. */
export function mountTree(element: HTMLElement): () => void {
  scroller = element;
  element.scrollTop = top;
  const resized = new ResizeObserver(() => look());
  resized.observe(element);
  const stops = [
    effect(() => {
      void [filter.value, lens.value];
      look();
    }),
    effect(() => take()),
    effect(() => {
      follow(selected.value);
    }),
  ];
  return () => {
    for (const stop of stops) stop();
    resized.disconnect();
    scroller = null;
    wanted = { ...wanted, from: -1 };
    link.look({ tree: undefined });
  };
}

/** Asks for what is in view, where that is not what was asked for last. */
export function look(): void {
  if (!scroller) return;
  top = scroller.scrollTop;
  const next = { ...windowFor(top, scroller.clientHeight), filter: filter.value, lens: lens.value };
  const same = next.from === wanted.from && next.count === wanted.count;
  if (same && next.filter === wanted.filter && next.lens === wanted.lens) return;
  if (next.filter !== wanted.filter) quiet();
  wanted = next;
  link.look({ tree: next });
}

let sessionId = "";

/** What has come is drawn. */
function take(): void {
  const news = seen.tree.value;
  if (!news) return;
  const id = seen.session.peek()?.id ?? "";
  if (id !== sessionId) drawn.forget();
  const before = id === sessionId ? shown.peek() : null;
  sessionId = id;
  const now = performance.now();
  const still = before && now >= quietUntil ? before : null;
  const next = drawn.next(before, news, wanted.filter, now < quietUntil, now + FLASH_MS);
  batch(() => {
    shown.value = next;
    if (pending !== null) settle(next);
    else index = indexIn(next, selected.peek()) ?? index;
  });
  if (still) stay(still, next);
  if (drawn.flashing && sweep === 0) sweep = window.setTimeout(endFlashes, FLASH_MS);
}

/** Rows that others add or remove further up don't move what is in view. */
function stay(before: Shown, next: Shown): void {
  if (!scroller || top === 0) return;
  const moved = movedBy(before, next, Math.ceil(top / ROW));
  if (moved === 0) return;
  scroller.scrollTop += moved * ROW;
  look();
}

function endFlashes(): void {
  sweep = 0;
  if (shown.value) shown.value = drawn.ended(shown.value, performance.now());
  if (drawn.flashing) sweep = window.setTimeout(endFlashes, FLASH_MS / 4);
}

function settle(next: Shown): void {
  if (pending === null) return;
  const last = Math.max(0, next.total - 1);
  const one = next.rows[Math.min(pending, last) - next.from];
  if (one) choose(one.row.path, Math.min(pending, last));
}

/** Rows that come into view by what we did are no changes: they don't flash. */
function quiet(): void {
  quietUntil = performance.now() + QUIET_MS;
}

function indexIn(window: Shown | null, path: string): number | null {
  const at = window?.rows.findIndex(({ row }) => row.path === path) ?? -1;
  return window && at >= 0 ? window.from + at : null;
}

/** The row at a place, where it is known. */
export function rowAt(at: number): TreeRow | null {
  return at < 0 ? null : (shown.peek()?.rows[at - (shown.peek()?.from ?? 0)]?.row ?? null);
}

/** The selected row: its place and, where it is known, the row. */
export function current(): { readonly index: number; readonly row: TreeRow | null } {
  const at = indexIn(shown.peek(), selected.peek());
  return at === null ? { index, row: null } : { index: at, row: rowAt(at) };
}

/** Selects a node that is drawn at a place. */
export function choose(path: string, at: number): void {
  pending = null;
  index = at;
  own = path;
  selected.value = path;
}

/** Selects the row at a place, as soon as it is there, and brings it into view. */
export function moveTo(at: number): void {
  const total = shown.peek()?.total ?? 0;
  const to = Math.max(0, Math.min(at, total - 1));
  bring(to);
  const row = rowAt(to);
  if (row) choose(row.path, to);
  else pending = to;
}

/** Moves by rows from the selected one, or from where a move before this one leads to. */
export function moveBy(rows: number): void {
  moveTo((pending ?? current().index) + rows);
}

/** Rows that are in view. */
export function pageRows(): number {
  return Math.max(1, Math.floor((scroller?.clientHeight ?? 0) / ROW) - 1);
}

function bring(at: number, middle = false): void {
  if (!scroller) return;
  const [from, room] = [at * ROW, scroller.clientHeight];
  const { scrollTop } = scroller;
  if (from >= scrollTop && from + ROW <= scrollTop + room) return;
  const edge = from < scrollTop ? from : from + ROW - room;
  scroller.scrollTop = middle ? Math.max(0, from - room / 2) : edge;
  look();
}

/** A node was selected elsewhere: it is brought into view, and what is above it unfolded. */
async function follow(path: string): Promise<void> {
  if (path === own) return;
  own = path;
  pending = null;
  const here = indexIn(shown.peek(), path);
  if (here !== null) {
    index = here;
    bring(here, true);
    return;
  }
  // It may be among the rows that the filter leaves out.
  filter.value = "";
  quiet();
  const row = await call("tree.reveal", { path }).catch(() => -1);
  if (row < 0 || selected.peek() !== path) return;
  quiet();
  index = row;
  bring(row, true);
}

/** Selects a node wherever it is, also one that was selected already but is out of view. */
export function reveal(path: string): void {
  own = "";
  if (selected.peek() === path) follow(path);
  else selected.value = path;
}

export function fold(path: string, expanded: boolean, deep = false): void {
  quiet();
  act("tree.expand", deep ? { path, expanded, deep } : { path, expanded });
}

/** Unfolds all, or folds all up to the root's children. */
export async function foldAll(expanded: boolean): Promise<void> {
  quiet();
  await act("tree.expand", { path: "/", expanded, deep: true });
  if (!expanded) fold("/", true);
}

/** Unfolds the siblings of a node, as far as they are drawn. */
export function foldOutSiblings(path: string): void {
  const parent = parentOf(path);
  for (const { row } of shown.peek()?.rows ?? []) {
    const sibling = parentOf(row.path) === parent && (row.path !== "/" || path === "/");
    if (sibling && row.children > 0 && !row.expanded) fold(row.path, true);
  }
}

/** Says why nothing can be changed now; false: it can. */
export function refused(): boolean {
  if (!past.peek()) return false;
  tell("info", "You look at a moment that is past. Go back to now to change something.");
  return true;
}

/** Removes a node; where it has children, once that is confirmed. */
export function remove(path: string, children: number): void {
  if (refused()) return;
  if (path === "/") tell("info", "The root can't be removed. Select a node below it.");
  else if (children > 0) removing.value = { path, children };
  else removeNow(path);
}

export async function removeNow(path: string): Promise<void> {
  removing.value = null;
  const next = path === selected.peek() ? neighbour() : null;
  if (!(await act("node.remove", { path }))) return;
  if (next) choose(next.path, next.index);
  tell("info", `${path} is removed. Undo brings it back.`);
}

/** What to select when the selected row goes: the sibling below, else the row above. */
function neighbour(): { readonly path: string; readonly index: number } | null {
  const { index: at, row } = current();
  if (!row) return null;
  const rows: readonly ShownRow[] = shown.peek()?.rows ?? [];
  const from = shown.peek()?.from ?? 0;
  const below = rows.slice(at - from + 1).find((one) => one.row.depth <= row.depth);
  if (below?.row.depth === row.depth) return { path: below.row.path, index: at };
  const above = rowAt(at - 1);
  return above ? { path: above.path, index: at - 1 } : null;
}
