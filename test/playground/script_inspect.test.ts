// Script inspect: values as a script's console shows them, as Node does where that is short.
// Holds   values of all kinds, with those that would throw or never end.
// Never   needs a worker.
// Source  our own; util.inspect of Node.

import { inspect as nodes } from "node:util";
import { expect, test } from "vitest";
import type { FromScript } from "../../hosts/playground/model/script.ts";
import { consoleOn, Output } from "../../hosts/playground/script/console.ts";
import { formatLine, framesOf, inspect, placesOf } from "../../hosts/playground/script/inspect.ts";

class Thing {
  a = 1;
}

test("as Node shows them", () => {
  const values: unknown[] = [
    ...["text", "it's", "line\nbreak", 1, -0, 10n, true, null, undefined, Symbol("s")],
    ...[[], {}, [1, "two", null], { a: 1, "b-c": "x" }, [[1], { a: [] }]],
    ...[Uint8Array.of(0, 255), new Uint8Array(0), new Thing(), Object.create(null)],
    ...[new Map<unknown, unknown>([["a", { b: 1 }]]), new Set([1, "x"]), new Map()],
    ...[/x/g, new Date(0), () => 1, class Named {}, function named() {}],
    { path: "/local/domain/3", token: "1", initial: true, replayed: false },
    { a: "x".repeat(40), b: "y".repeat(40) },
  ];
  for (const value of values) {
    expect(inspect(value)).toBe(nodes(value));
  }
});

test("without end, without fail", () => {
  const circle: Record<string, unknown> = { name: "c" };
  circle.self = circle;
  expect(inspect(circle)).toBe("{ name: 'c', self: [Circular] }");
  const getter = {
    get a(): number {
      throw new Error("no");
    },
  };
  expect(inspect(getter)).toBe("{ a: [Getter] }");
  const traps = {
    ownKeys: () => {
      throw new Error("trap");
    },
  };
  expect(inspect(new Proxy({}, traps))).toBe("[can't be shown: trap]");
  let deep: unknown = 1;
  for (let at = 0; at < 10; at++) deep = { deep };
  expect(inspect(deep)).toContain("[Object]");
  expect(inspect(new Array(1000).fill(1))).toContain("... 900 more items");
  expect(inspect("x".repeat(100_000)).length).toBeLessThan(11_000);
});

test("a line: text as it is, and filled in", () => {
  expect(formatLine(["a", 1, ["b"]])).toBe("a 1 [ 'b' ]");
  expect(formatLine(["%s is %d of %o %%", "x", "4", { a: 1 }, "more"])).toBe(
    "x is 4 of { a: 1 } % more",
  );
  expect(formatLine(["100%s"])).toBe("100%s");
  expect(formatLine(["50% of it", 1])).toBe("50% of it 1");
});

test("errors have their message, their codes and places of the script only", () => {
  placesOf("blob:http://localhost/1-2");
  const error = Object.assign(new Error("no such node"), { code: "ENOENT" });
  error.name = "XenstoreError";
  error.stack = [
    "XenstoreError: no such node",
    "    at Client.read (http://localhost/script.js:1:2)",
    "    at async addTen (blob:http://localhost/1-2:12:5)",
    "    at blob:http://localhost/1-2:20:1",
  ].join("\n");
  expect(inspect(error)).toBe(
    "XenstoreError: no such node\n    at addTen (script:12:5)\n    at script:20:1 { code: 'ENOENT' }",
  );
  error.stack = "read@http://localhost/script.js:1:2\naddTen@blob:http://localhost/1-2:12:5\n";
  expect(framesOf(error)).toEqual(["    at addTen (script:12:5)"]);
  const cause = new Error("outer", { cause: new TypeError("inner") });
  expect(inspect(cause)).toBe("Error: outer { [cause]: TypeError: inner }");
});

test("a console posts no more than a page can show", () => {
  const posted: FromScript[] = [];
  const output = new Output((message) => posted.push(message));
  const { log, group, groupEnd, count, assert, clear } = consoleOn(output);
  for (let at = 0; at < 20_000; at++) log(`line ${at}`);
  output.flush();
  const lines = posted.flatMap((message) => ("lines" in message ? message.lines : []));
  const dropped = posted.reduce((sum, one) => sum + ("lines" in one ? one.dropped : 0), 0);
  expect(lines.length + dropped).toBe(20_000);
  expect(lines.at(-1)?.text).toBe("line 19999");
  for (const one of posted) expect("lines" in one && one.lines.length).toBeLessThanOrEqual(500);
  posted.length = 0;
  group("outer");
  log("a\nb");
  groupEnd();
  count();
  assert(true, "fine");
  assert(false, "why");
  output.flush();
  const texts = posted.flatMap((message) => {
    return "lines" in message ? message.lines.map(({ text }) => text) : [];
  });
  expect(texts).toEqual(["outer", "  a\n  b", "default: 1", "Assertion failed: why"]);
  clear();
  expect(posted.at(-1)).toEqual({ clear: true });
});
