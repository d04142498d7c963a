// Check: what the checker of acknowledged changes accepts, and what it must find.
// Holds   one writer whose store is a tree that the test makes up.
// Never   starts a process.
// Source  our own.

import { describe, expect, it } from "vitest";
import { encode, type Message, Splitter, typeNumber } from "../message.ts";
import { Claims } from "./claims.ts";
import { parseTrap } from "./killing_storage.ts";
import type { Line } from "./line.ts";
import { apply, type Change, copyOf, differences, leaf, type Node } from "./tree.ts";
import { Writer } from "./writer.ts";

const OWNER = "n0\0";
const A: Change = { kind: "write", path: ["a"], value: "1" };
const B: Change = { kind: "write", path: ["b", "c"], value: "2" };
const NOT_A: Change = { kind: "rm", path: ["a"] };

/** A line whose answers the test gives. */
class TestLine implements Line {
  #came: (message: Message) => void = () => {};

  send(): void {}

  close(): void {}

  listen(came: (message: Message) => void): void {
    this.#came = came;
  }

  answer(type: string, reqId: number, payload: string): void {
    const bytes = encode({ type: typeNumber(type), reqId, txId: 0, payload });
    for (const message of new Splitter().push(bytes)) this.#came(message);
  }
}

function setting() {
  const writer = new Writer("w", "/w", leaf("", OWNER));
  const line = new TestLine();
  const complaints: string[] = [];
  writer.onComplaint = (text) => complaints.push(text);
  writer.attach(line);
  /** Sends something that makes these changes if it is served. */
  const send = (...effect: Change[]) => {
    writer.ask(
      "WRITE",
      "x\0",
      0,
      () => effect.map((one) => apply(writer.tree, one)).join(""),
      effect,
    );
  };
  return { writer, line, complaints, send };
}

function store(...changes: Change[]): Node {
  const root = leaf("", OWNER);
  for (const change of changes) apply(root, change);
  return root;
}

describe("what was not answered", () => {
  it("may be there or not, as far as it was sent before", () => {
    for (const found of [store(), store(A), store(A, B), store(A, B, NOT_A)]) {
      const { writer, send } = setting();
      for (const change of [A, B, NOT_A]) send(change);
      expect(writer.settle(found)).toEqual([]);
      expect(differences(writer.tree, found, "")).toEqual([]);
    }
  });

  it("may not be there without what was sent before it", () => {
    const { writer, send } = setting();
    send(A);
    send(B);
    expect(writer.settle(store(B))[0]).toContain("nor with any of the unanswered");
  });

  it("may not be there in part", () => {
    const { writer, send } = setting();
    send(A, B);
    expect(writer.settle(store(A))).toContain("/w/a must not be there");
  });
});

describe("what was answered", () => {
  it("must be there", () => {
    const { writer, line, send } = setting();
    send(A);
    line.answer("WRITE", 1, "OK\0");
    expect(writer.settle(store())).toContain("/w/a is missing");
  });

  it("must come in the order of the requests, and once", () => {
    const { line, send, complaints } = setting();
    send(A);
    send(B);
    line.answer("WRITE", 2, "OK\0");
    expect(complaints[0]).toContain("the reply to 1");
    const twice = setting();
    twice.send(A);
    twice.line.answer("WRITE", 1, "OK\0");
    twice.line.answer("WRITE", 1, "OK\0");
    expect(twice.complaints[0]).toContain("no reply at all");
  });
});

describe("two trees", () => {
  it.each<[string, (root: Node) => void, string]>([
    ["a value", (root) => void apply(root, { ...A, value: "9" } as Change), '/a: value is "9"'],
    [
      "permissions",
      (root) => void apply(root, { kind: "perms", path: ["b"], perms: "r0\0" }),
      '/b: list of permissions is "r0|"',
    ],
    [
      "an order",
      (root) => {
        apply(root, NOT_A);
        apply(root, A);
      },
      'order of children is "b a"',
    ],
    ["a node too many", (root) => void apply(root, { kind: "mkdir", path: ["z"] }), "/z must not"],
  ])("differ in %s", (_what, change, text) => {
    const wanted = store(A, B);
    const found = copyOf(wanted);
    expect(differences(wanted, found, "")).toEqual([]);
    change(found);
    expect(differences(wanted, found, "").join("\n")).toContain(text);
  });
});

describe("the count", () => {
  it("is lost when it is lower than what was acknowledged", () => {
    const claims = new Claims();
    expect(claims.done(1, "1:a")).toBe("");
    expect(claims.done(2, "2:b")).toBe("");
    expect(claims.check("2:b")).toBe("");
    expect(claims.check("1:a")).toContain('"2:b" was acknowledged');
  });

  it("was given to one only", () => {
    const claims = new Claims();
    claims.done(1, "1:a");
    expect(claims.done(1, "1:b")).toContain("one of them has not seen the other");
  });

  it("may be what somebody sent and was not answered, and nothing else", () => {
    const claims = new Claims();
    claims.done(1, "1:a");
    claims.begun(2, "2:b");
    expect(claims.check("2:c")).toContain("nobody sent that");
    expect(claims.check("3:c")).toContain("nobody has sent number 3");
    expect(claims.check("2:b")).toBe("");
    expect(claims.check("1:a")).toContain('"2:b" was acknowledged');
  });
});

it("a trap is refused if it has no such form", () => {
  expect(parseTrap("half:17")).toEqual({ where: "half", at: 17, ready: false });
  expect(parseTrap("fail:2:ready")).toEqual({ where: "fail", at: 2, ready: true });
  expect(() => parseTrap("never:1")).toThrow('"never:1" is no trap');
});
