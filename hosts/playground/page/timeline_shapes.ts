// Timeline shapes: the outlines of marks and arrows.
// Holds   sizes, and paths as SVG takes them.
// Never   knows an operation.
// Source  our own; SVG, Paths.

import type { Sort } from "./timeline_words.ts";

/** Pixels from one operation to the next, from one lane to the next, and above the first. */
export const STEP = 26;
export const LANE = 40;
export const TOP = 18;

/** Half the size of a mark. */
const R = 6;

/** A mark's outline around a point. */
export function markOf(sort: Sort | "failed", x: number, y: number): string {
  switch (sort) {
    case "read":
      return `M${x - R},${y}a${R},${R} 0 1 0 ${2 * R},0a${R},${R} 0 1 0 ${-2 * R},0z`;
    case "change":
      return `M${x - R},${y - R}h${2 * R}v${2 * R}h${-2 * R}z`;
    case "watch":
      return `M${x},${y - R - 1}l${R + 1},${R + 1}l${-R - 1},${R + 1}l${-R - 1},${-R - 1}z`;
    case "transaction":
      return `M${x - R - 1},${y}l4,${-R}h6l4,${R}l-4,${R}h-6z`;
    case "other":
      return `M${x},${y - R - 1}l${R + 1},${2 * R}h${-2 * R - 2}z`;
    case "failed":
      return `M${x - 5},${y - 5}l10,10M${x + 5},${y - 5}l-10,10`;
  }
}

/** Straight lines from a mark to lanes above and below it. */
export function arrowsOf(x: number, y: number, to: readonly number[]): string {
  const highest = Math.min(y, ...to);
  const lowest = Math.max(y, ...to);
  const up = highest < y ? `M${x},${y - R}V${highest}` : "";
  return up + (lowest > y ? `M${x},${y + R}V${lowest}` : "");
}

/** The head of an arrow that comes from `y` and ends on the lane at `to`. */
export function headOf(x: number, y: number, to: number): string {
  const back = to > y ? -7 : 7;
  return `M${x},${to}l-4,${back}h8z`;
}

/** An event that the one who did it hears himself: a head that points back to the mark. */
export function backOf(x: number, y: number): string {
  return `M${x},${y + R + 1}l-4,7h8z`;
}
