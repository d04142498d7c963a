// Console edit: the history of a console's lines, and what Tab makes of one.
// Holds   moves through the history, prefixes, sole options.
// Never   needs a page.
// Source  our own; readline.

import { describe, expect, test } from "vitest";
import { commonPrefix, completed, LineHistory } from "../../hosts/playground/model/console_edit.ts";

describe("history", () => {
  test("up and down, and back to what was being typed", () => {
    const history = new LineHistory();
    for (const line of ["a", "b", "b", "  "]) history.add(line);
    expect(history.move(-1, "draft")).toBe("b");
    expect(history.move(-1, "b")).toBe("a");
    expect(history.move(-1, "a")).toBeNull();
    expect(history.move(1, "a")).toBe("b");
    expect(history.move(1, "b")).toBe("draft");
    expect(history.move(1, "draft")).toBeNull();
  });

  test("a line that is run ends the walk", () => {
    const history = new LineHistory();
    history.add("a");
    history.add("b");
    history.move(-1, "");
    history.move(-1, "");
    history.add("a");
    expect(history.move(-1, "")).toBe("a");
    expect(history.move(-1, "")).toBe("b");
  });

  test("it does not grow without end", () => {
    const history = new LineHistory();
    for (let at = 0; at < 1000; at++) history.add(`${at}`);
    let steps = 0;
    while (history.move(-1, "") !== null) steps++;
    expect(steps).toBe(200);
  });
});

describe("completion", () => {
  test("the common prefix", () => {
    expect(commonPrefix([])).toBe("");
    expect(commonPrefix(["read", "restore"])).toBe("re");
    expect(commonPrefix(["read", "write"])).toBe("");
  });

  test("several: their prefix, and a list", () => {
    expect(completed("r", 1, { from: 0, options: ["read", "restore"] })).toEqual({
      line: "re",
      cursor: 2,
      open: true,
    });
    const none = completed("read d", 6, { from: 5, options: ["data", "device"] });
    expect(none).toEqual({ line: "read d", cursor: 6, open: true });
  });

  test("a sole command gets a blank, a sole path goes on", () => {
    expect(completed("rea", 3, { from: 0, options: ["read"] })?.line).toBe("read ");
    expect(completed("xenstore re", 11, { from: 9, options: ["read"] })?.line).toBe(
      "xenstore read ",
    );
    expect(completed("read da", 7, { from: 5, options: ["data"] })).toEqual({
      line: "read data",
      cursor: 9,
      open: false,
    });
  });

  test("in the middle of a line", () => {
    expect(completed("rea /tool", 3, { from: 0, options: ["read"] })).toEqual({
      line: "read /tool",
      cursor: 4,
      open: false,
    });
  });

  test("nothing to do: Tab goes on to the next control", () => {
    expect(completed("read x", 6, { from: 5, options: [] })).toBeNull();
    expect(completed("read data", 9, { from: 5, options: ["data"] })).toBeNull();
  });
});
