// Tree window: which rows of a long tree are asked for, and how those that come are taken over.
// Holds   arithmetic of rows, and which rows flash.
// Never   touches the document.
// Source  our own.

import type { TreeRow, TreeWindow } from "../model/protocol.ts";
import { sameBytes } from "../model/value.ts";

/** Height of a row in pixels: --row of the style sheet. */
export const ROW = 26;
/** Rows beyond the visible ones that are drawn too, so that scrolling shows no gap. */
const BEYOND = 24;
/** Windows begin at a multiple of this: not every pixel asks for another one. */
const STEP = 16;

export interface Wanted {
  readonly from: number;
  readonly count: number;
}

/** The rows to ask for where this part of the tree is in view. */
export function windowFor(top: number, height: number): Wanted {
  const first = Math.max(0, Math.floor(top / ROW));
  const visible = Math.ceil(height / ROW) + 1;
  const from = Math.max(0, Math.floor((first - BEYOND) / STEP) * STEP);
  return { from, count: Math.ceil((visible + 2 * BEYOND + STEP) / STEP) * STEP };
}

/** A row as it is drawn: how often it has flashed so far while it was drawn, 0: it does not now. */
export interface ShownRow {
  readonly row: TreeRow;
  readonly flash: number;
}

export interface Shown {
  readonly from: number;
  readonly total: number;
  /** Nodes that this filter finds. */
  readonly hits: number;
  readonly filter: string;
  readonly rows: readonly ShownRow[];
}

/** Nodes whose last change is remembered at most. */
const KNOWN_MAX = 20_000;

/** What has been drawn: it tells what is new. */
export class Drawn {
  /** The last change of each node that was drawn. */
  #known = new Map<string, number>();
  #newest = 0;
  #flashes = 0;
  #ends = new Map<string, number>();

  /**
   * The window to draw next. Rows that are as before stay the same objects.
   * @param filter what it was asked for with
   * @param quiet rows that come into view, such as after unfolding, are no change
   * @param until when flashes that begin now end
   */
  next(before: Shown | null, news: TreeWindow, filter: string, quiet: boolean, until: number) {
    const old = new Map(before?.rows.map((one) => [one.row.path, one]));
    const appears = before !== null && before.from === news.from && !quiet;
    const newest = this.#newest;
    if (this.#known.size > KNOWN_MAX) this.#known.clear();
    const rows = news.rows.map((row): ShownRow => {
      const { path, changed } = row;
      const known = this.#known.get(path) ?? (appears ? newest : changed);
      this.#known.set(path, changed);
      this.#newest = Math.max(this.#newest, changed);
      const was = old.get(path);
      if (changed > known) {
        this.#ends.set(path, until);
        return { row, flash: ++this.#flashes };
      }
      if (was && sameRow(was.row, row)) return was;
      return { row, flash: was?.flash ?? 0 };
    });
    const { from, total, hits } = news;
    return { from, total, hits, filter, rows };
  }

  /** Whether anything still flashes. */
  get flashing(): boolean {
    return this.#ends.size > 0;
  }

  /** The same without flashes that have ended. */
  ended(shown: Shown, now: number): Shown {
    for (const [path, end] of this.#ends) if (end <= now) this.#ends.delete(path);
    const rows = shown.rows.map((one) => {
      return one.flash > 0 && !this.#ends.has(one.row.path) ? { row: one.row, flash: 0 } : one;
    });
    return { ...shown, rows };
  }

  /** Another session: its numbers mean something else. */
  forget(): void {
    this.#known.clear();
    this.#ends.clear();
    this.#newest = 0;
  }
}

function sameRow(a: TreeRow, b: TreeRow): boolean {
  return (
    a.changed === b.changed &&
    a.perms === b.perms &&
    a.children === b.children &&
    a.expanded === b.expanded &&
    a.pos === b.pos &&
    a.size === b.size &&
    a.hit === b.hit &&
    a.lens?.read === b.lens?.read &&
    a.lens?.write === b.lens?.write &&
    a.valueLen === b.valueLen &&
    sameBytes(a.value, b.value)
  );
}

/** By how many rows what was at the top of the view has moved: it is to stay where it is. */
export function movedBy(before: Shown, next: Shown, first: number): number {
  if (before.filter !== next.filter) return 0;
  const path = before.rows[first - before.from]?.row.path;
  if (path === undefined || next.rows[first - next.from]?.row.path === path) return 0;
  const at = next.rows.findIndex(({ row }) => row.path === path);
  return at < 0 ? 0 : next.from + at - first;
}

/** The path above; the root's is itself. */
export function parentOf(path: string): string {
  return path.slice(0, Math.max(1, path.lastIndexOf("/")));
}

export function childOf(path: string, name: string): string {
  return path === "/" ? `/${name}` : `${path}/${name}`;
}

/** Names and paths from the root to a node, for a trail of links. */
export function trailOf(path: string): { readonly name: string; readonly path: string }[] {
  if (!path.startsWith("/")) return [{ name: path, path }];
  const names = path.split("/").filter((name) => name !== "");
  const steps = names.map((name, at) => ({ name, path: `/${names.slice(0, at + 1).join("/")}` }));
  return [{ name: "/", path: "/" }, ...steps];
}
