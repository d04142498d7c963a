// Guide and share: steps and links in words.
// Holds   what buttons say, and from which length on a link is trouble.
// Never   needs a page.
// Source  our own.

import { expect, test } from "vitest";
import {
  actionLine,
  expectation,
  grouped,
  nextStep,
  runWords,
} from "../../hosts/playground/page/guide_words.ts";
import {
  agoWords,
  fileName,
  LINK_LONG,
  LINK_MAX,
  linkWarning,
  sizeWords,
} from "../../hosts/playground/page/share_words.ts";
import { SCENARIOS } from "../../hosts/playground/scenarios/index.ts";

test("every action and expectation of every scenario has words", () => {
  for (const { steps } of SCENARIOS) {
    for (const step of steps) {
      for (const action of step.do) {
        expect(actionLine(action).text).not.toMatch(/undefined|^(begin|put|load|lens)$/);
      }
      for (const expect_ of step.expect) {
        const text = expectation(expect_);
        expect(text).not.toContain("undefined");
        expect(text.split("`").length % 2).toBe(1);
      }
    }
  }
});

test("expectations", () => {
  expect(expectation({ kind: "value", path: "/a", value: "x`y" })).toBe("`/a` has the value `x'y`");
  expect(expectation({ kind: "commit", result: "EAGAIN" })).toBe("the commit fails with `EAGAIN`");
  const long = expectation({ kind: "out", domid: 3, text: "x".repeat(1000) });
  expect(long.length).toBeLessThan(200);
});

test("the button that runs a step", () => {
  expect(runWords(0, 0)).toBe("Run this step");
  expect(runWords(0, 3)).toBe("Run it again");
  expect(runWords(4, 1)).toBe("Run steps 2 to 5");
  const [{ steps }] = SCENARIOS;
  expect(nextStep(steps, 0)).toBe(0);
  expect(nextStep(steps, 99)).toBe(steps.length - 1);
  expect(nextStep([], 0)).toBe(0);
});

test("groups keep the order of the scenarios", () => {
  const groups = grouped(SCENARIOS);
  expect(groups[0]?.[0]).toBe("First steps");
  expect(groups.flatMap(([, scenarios]) => scenarios)).toHaveLength(SCENARIOS.length);
  expect(new Set(groups.map(([group]) => group)).size).toBe(groups.length);
});

test("links, sizes, times and names", () => {
  expect(linkWarning(LINK_LONG)).toBe(null);
  expect(linkWarning(LINK_LONG + 1)).toContain("8,001 characters");
  expect(linkWarning(LINK_MAX + 1)).toContain("Save the session to a file");
  expect([0, 999, 1000, 999_499, 999_500, 5_100_000].map(sizeWords)).toEqual([
    ...["0 B", "999 B", "1 KB", "999 KB", "1.0 MB", "5.1 MB"],
  ]);
  const ago = (ms: number) => agoWords(1_000_000_000_000 - ms, 1_000_000_000_000);
  expect(ago(0)).toBe("just now");
  expect(ago(-5000)).toBe("just now");
  expect(ago(60_000)).toBe("1 minute ago");
  expect(ago(3 * 3_600_000)).toBe("3 hours ago");
  expect(ago(50 * 3_600_000)).toBe("2 days ago");
  const day = new Date(Date.UTC(2026, 10, 28));
  expect(fileName("Who may do what?", day, "trace.txt")).toBe(
    "xenstore-who-may-do-what-2026-11-28.trace.txt",
  );
  expect(fileName("../..//ö", day, "x")).toBe("xenstore-o-2026-11-28.x");
  expect(fileName("", day, "x")).toBe("xenstore-2026-11-28.x");
});
