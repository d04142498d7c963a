// Tree window: what is asked for, which rows stay the same objects, and which of them flash.
// Holds   windows as the engine would send them.
// Never   touches a document.
// Source  our own.

import { describe, expect, it } from "vitest";
import type { TreeRow, TreeWindow } from "../../hosts/playground/model/protocol.ts";
import {
  childOf,
  Drawn,
  movedBy,
  parentOf,
  ROW,
  trailOf,
  windowFor,
} from "../../hosts/playground/page/tree_window.ts";

function row(path: string, changed: number, part: Partial<TreeRow> = {}): TreeRow {
  return {
    path,
    name: path.slice(path.lastIndexOf("/") + 1),
    depth: 1,
    children: 0,
    expanded: false,
    pos: 1,
    size: 1,
    value: new Uint8Array(),
    valueLen: 0,
    perms: "n0",
    changed,
    hit: true,
    lens: null,
    ...part,
  };
}

function window(rows: TreeRow[], from = 0): TreeWindow {
  return { from, total: 1000, hits: 1000, rows };
}

describe("the rows that are asked for", () => {
  it("cover what is in view and more on both sides", () => {
    for (let top = 0; top < 3000; top += 7) {
      const { from, count } = windowFor(top, 400);
      expect(from * ROW).toBeLessThanOrEqual(Math.max(0, top - 20 * ROW));
      expect((from + count) * ROW).toBeGreaterThanOrEqual(top + 400 + 20 * ROW);
      expect(count).toBeLessThan(120);
    }
  });

  it("stay the same for small moves", () => {
    const asked = new Set<number>();
    for (let top = 0; top < 1600 * ROW; top += 5) asked.add(windowFor(top, 400).from);
    expect(asked.size).toBeLessThanOrEqual(101);
  });
});

describe("rows that flash", () => {
  it("are those that changed since they were drawn", () => {
    const drawn = new Drawn();
    const first = drawn.next(null, window([row("/a", 1), row("/b", 2)]), "", false, 100);
    expect(first.rows.map(({ flash }) => flash)).toEqual([0, 0]);
    const second = drawn.next(first, window([row("/a", 1), row("/b", 3)]), "", false, 100);
    expect(second.rows.map(({ flash }) => flash > 0)).toEqual([false, true]);
    expect(second.rows[0]).toBe(first.rows[0]);
    expect(drawn.flashing).toBe(true);
    const third = drawn.ended(second, 100);
    expect(third.rows.map(({ flash }) => flash)).toEqual([0, 0]);
    expect(drawn.flashing).toBe(false);
  });

  it("flash anew for each change", () => {
    const drawn = new Drawn();
    let shown = drawn.next(null, window([row("/a", 1)]), "", false, 1);
    const flashes = [2, 3, 4].map((changed) => {
      shown = drawn.next(shown, window([row("/a", changed)]), "", false, changed);
      return shown.rows[0].flash;
    });
    expect(new Set(flashes).size).toBe(3);
  });

  it("are new nodes, but not those that only come into view", () => {
    const drawn = new Drawn();
    const first = drawn.next(null, window([row("/a", 5)]), "", false, 1);
    const made = drawn.next(first, window([row("/a", 5), row("/new", 6)]), "", false, 1);
    expect(made.rows[1].flash).toBeGreaterThan(0);
    const scrolled = drawn.next(made, window([row("/z", 9)], 16), "", false, 1);
    expect(scrolled.rows[0].flash).toBe(0);
    const unfolded = drawn.next(scrolled, window([row("/z", 9), row("/z/y", 10)], 16), "", true, 1);
    expect(unfolded.rows[1].flash).toBe(0);
    const old = drawn.next(unfolded, window([row("/z", 9), row("/q", 4)], 16), "", false, 1);
    expect(old.rows[1].flash).toBe(0);
  });

  it("are remembered while they are out of view", () => {
    const drawn = new Drawn();
    const first = drawn.next(null, window([row("/a", 1)]), "", false, 1);
    const away = drawn.next(first, window([row("/z", 1)], 500), "", false, 1);
    const back = drawn.next(away, window([row("/a", 7)]), "", false, 1);
    expect(back.rows[0].flash).toBeGreaterThan(0);
  });

  it("do not flash in another session", () => {
    const drawn = new Drawn();
    drawn.next(null, window([row("/a", 1)]), "", false, 1);
    drawn.forget();
    expect(drawn.next(null, window([row("/a", 9)]), "", false, 1).rows[0].flash).toBe(0);
  });

  it("are drawn anew when anything else of them changed", () => {
    const drawn = new Drawn();
    const first = drawn.next(null, window([row("/a", 1)]), "", false, 1);
    const open = drawn.next(first, window([row("/a", 1, { expanded: true })]), "", false, 1);
    expect(open.rows[0]).not.toBe(first.rows[0]);
    const lens = { read: false, write: false };
    const seen = drawn.next(open, window([row("/a", 1, { expanded: true, lens })]), "", false, 1);
    expect(seen.rows[0]).not.toBe(open.rows[0]);
    expect(seen.rows[0].flash).toBe(0);
  });
});

describe("what is in view", () => {
  const paths = (...all: string[]) => window(all.map((path) => row(path, 1)));
  const shownOf = (news: TreeWindow, filter = "") => new Drawn().next(null, news, filter, false, 1);

  it("stays where it is when rows come and go above", () => {
    const before = shownOf(paths("/a", "/b", "/c", "/d"));
    expect(movedBy(before, shownOf(paths("/a", "/a1", "/a2", "/b", "/c", "/d")), 2)).toBe(2);
    expect(movedBy(before, shownOf(paths("/b", "/c", "/d")), 2)).toBe(-1);
    expect(movedBy(before, shownOf(paths("/a", "/b", "/c", "/c1", "/d")), 2)).toBe(0);
  });

  it("moves where it is gone, out of the window, or found by another filter", () => {
    const before = shownOf(paths("/a", "/b", "/c"));
    expect(movedBy(before, shownOf(paths("/a", "/b")), 2)).toBe(0);
    expect(movedBy(before, shownOf(paths("/c")), 9)).toBe(0);
    expect(movedBy(before, shownOf(paths("/b", "/c"), "x"), 2)).toBe(0);
  });
});

describe("paths", () => {
  it("have a parent, children and a trail", () => {
    expect(["/", "/a", "/a/b"].map(parentOf)).toEqual(["/", "/", "/a"]);
    expect([childOf("/", "a"), childOf("/a", "b")]).toEqual(["/a", "/a/b"]);
    expect(trailOf("/a/b").map(({ path }) => path)).toEqual(["/", "/a", "/a/b"]);
    expect(trailOf("/")).toEqual([{ name: "/", path: "/" }]);
    expect(trailOf("@releaseDomain")).toEqual([{ name: "@releaseDomain", path: "@releaseDomain" }]);
  });
});
