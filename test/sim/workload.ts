// Workload: conversations made up at random, small enough to collide all the time.
// Holds   the paths, lists and tokens that requests are put together from.
// Never   knows what is right.
// Source  our own.

import fc from "fast-check";

/** One step: a request of a connection, or a domain that ends and comes back. */
export type Step =
  | { kind: "request"; conn: string; tx: number; name: string; payload: string }
  | { kind: "domain"; domid: number };

/** Connections of every run; dom5 has dom3 for a target. */
export const CONNECTIONS: readonly string[] = ["dom0", "dom0b", "dom3", "dom5"];

const PATHS = [
  "/a",
  "/a/b",
  "/a/b/c",
  "/a/b/d",
  "/a/c",
  "/b",
  "/b/x",
  "/n/o/p",
  "/n/o",
  "/n",
  "x",
  "x/y",
  "/local/domain/3/x",
];
const RARE_PATHS = [
  "/",
  "/a/b/c/d",
  "/local/domain/3",
  "/local/domain/5/x",
  "@releaseDomain",
  "@introduceDomain",
  "@foo",
  "/a//b",
  "/a/",
  "",
];

const path = fc.oneof(
  { weight: 12, arbitrary: fc.constantFrom(...PATHS) },
  { weight: 1, arbitrary: fc.constantFrom(...RARE_PATHS) },
);
const value = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom("", "0", "1", "v\0w") },
  { weight: 1, arbitrary: fc.constant("x".repeat(70)) },
);
const entry = fc.constantFrom("n0", "r0", "b0", "n3", "b3", "r3", "n5", "w5", "r5", "r32757", "n9");
const bad = fc.constantFrom("x0", "n40000", "");
const list = fc.array(fc.oneof({ weight: 20, arbitrary: entry }, { weight: 1, arbitrary: bad }), {
  minLength: 1,
  maxLength: 4,
});
const token = fc.constantFrom("t", "u", "");
const depth = fc.constantFrom("", "", "", "0\0", "1\0", "2\0", "-1\0");

type Made = { name: string; payload: string };
const made = (name: string, payload: fc.Arbitrary<string>) => {
  return payload.map((text): Made => ({ name, payload: text }));
};
const onPath = (name: string) =>
  made(
    name,
    path.map((text) => `${text}\0`),
  );
const pair = fc.tuple(path, token).map(([text, word]) => `${text}\0${word}\0`);

const request: fc.Arbitrary<Made> = fc.oneof(
  { weight: 3, arbitrary: onPath("READ") },
  { weight: 2, arbitrary: onPath("DIRECTORY") },
  {
    weight: 1,
    arbitrary: made(
      "DIRECTORY_PART",
      path.map((text) => `${text}\x000\0`),
    ),
  },
  { weight: 1, arbitrary: onPath("GET_PERMS") },
  { weight: 2, arbitrary: onPath("MKDIR") },
  { weight: 3, arbitrary: onPath("RM") },
  {
    weight: 8,
    arbitrary: made(
      "WRITE",
      fc.tuple(path, value).map((two) => two.join("\0")),
    ),
  },
  {
    weight: 3,
    arbitrary: made(
      "SET_PERMS",
      fc.tuple(path, list).map(([text, perms]) => {
        return `${text}\0${perms.map((perm) => `${perm}\0`).join("")}`;
      }),
    ),
  },
  {
    weight: 3,
    arbitrary: made(
      "WATCH",
      fc.tuple(pair, depth).map((two) => two.join("")),
    ),
  },
  { weight: 1, arbitrary: made("UNWATCH", pair) },
  { weight: 2, arbitrary: made("TRANSACTION_START", fc.constant("\0")) },
  {
    weight: 3,
    arbitrary: made("TRANSACTION_END", fc.constantFrom("T\0", "T\0", "T\0", "T\0", "F\0", "X\0")),
  },
);

/** `tx` picks one of the open transactions, 0 none, 9 an unknown one. */
function txOf(roll: number): number {
  if (roll === 40) return 9;
  return roll < 15 ? 0 : (roll % 2) + 1;
}

/** One step of a conversation. */
export const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 60,
    arbitrary: fc
      .tuple(fc.constantFrom(...CONNECTIONS), fc.integer({ min: 0, max: 40 }).map(txOf), request)
      .map(([conn, tx, { name, payload }]): Step => ({ kind: "request", conn, tx, name, payload })),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(...CONNECTIONS).map((conn): Step => {
      return { kind: "request", conn, tx: 0, name: "RESET_WATCHES", payload: "\0" };
    }),
  },
  { weight: 1, arbitrary: fc.constantFrom(3, 5).map((domid): Step => ({ kind: "domain", domid })) },
);

/** A whole conversation. */
export const conversation = fc.array(step, { minLength: 1, maxLength: 100, size: "max" });
