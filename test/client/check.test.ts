// Check: what is refused before it is sent, compared with the rules written another way.
// Holds   generated paths and values.
// Never   sends anything.
// Source  the XenStore protocol, Paths (canonical form) and Limits.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  checkWatch,
  encodeFrame,
  encodeValue,
  encodeWords,
  pathIsFine,
  pathProblem,
} from "../../hosts/client/check.ts";
import { encodePerms, formatPerms, parsePerm } from "../../hosts/client/perms.ts";

const NAME = "[A-Za-z0-9@_-]+";
const ORDINARY = new RegExp(`^(/|/?(?!@)${NAME}(/${NAME})*|/${NAME}(/${NAME})*)$`);
const SPECIAL = new RegExp(`^@[A-Za-z0-9@_-]*(/${NAME})*$`);

/** The rules as the specification has them. */
function legal(path: string, special: boolean): boolean {
  const absolute = path.startsWith("/") || path.startsWith("@");
  if (path.length > (absolute ? 3072 : 2048)) return false;
  return ORDINARY.test(path) || (special && SPECIAL.test(path));
}

const pieces = fc.constantFrom(
  "/",
  "@",
  "a",
  "Z",
  "0",
  "-",
  "_",
  ".",
  " ",
  "é",
  "\0",
  "//",
  "x".repeat(700),
);
const path = fc.array(pieces, { maxLength: 8 }).map((parts) => parts.join(""));

describe("a path", () => {
  it("is refused when no store would take it, with a reason, and only then", () => {
    fc.assert(
      fc.property(path, fc.boolean(), (text, special) => {
        expect(pathIsFine(text, special)).toBe(legal(text, special));
        expect(pathProblem(text, special) === null).toBe(legal(text, special));
      }),
      { numRuns: 5000 },
    );
  });
  it.each([
    ["/", true],
    ["a", true],
    ["/a@b", true],
    [`/${"a".repeat(3071)}`, true],
    [`/${"a".repeat(3072)}`, false],
    ["a".repeat(2048), true],
    ["a".repeat(2049), false],
    ["@releaseDomain", false],
  ])("%.20s is fine: %s", (text, fine) => {
    expect(pathIsFine(text)).toBe(fine);
  });
  it("may be special where it is watched", () => {
    for (const text of ["@releaseDomain", "@releaseDomain/5", "@x"]) {
      expect(pathProblem(text, true)).toBe(null);
    }
    expect(pathProblem("@releaseDomain/", true)).toContain("end with /");
  });
});

describe("a value", () => {
  it("fits by its bytes, not by its characters", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), fc.nat(60), (text, room) => {
        const fits = new TextEncoder().encode(text).length <= room;
        let sent: unknown = null;
        try {
          sent = encodeValue("WRITE", "/a", text, room);
        } catch (error) {
          expect((error as { code: string }).code).toBe("E2BIG");
        }
        expect(sent).toBe(fits ? text : null);
      }),
    );
  });
  it("is refused when UTF-8 has no form of it", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: "binary" }),
        fc.array(fc.integer({ min: 0xd7f0, max: 0xe00f })),
        (text, units) => {
          const value = text + String.fromCharCode(...units);
          const whole = new TextDecoder().decode(new TextEncoder().encode(value)) === value;
          const send = () => encodeValue("WRITE", "/a", `.${value}`, 4096);
          if (whole) expect(send()).toBe(`.${value}`);
          else expect(send).toThrow("has no UTF-8");
        },
      ),
    );
  });
});

describe("words", () => {
  it("each end with a NUL, and hold none", () => {
    const bytes = encodeWords("CONTROL", ["a", Uint8Array.of(1, 2), ""]);
    expect([...bytes]).toEqual([0x61, 0, 1, 2, 0, 0]);
    expect(() => encodeWords("CONTROL", ["a", Uint8Array.of(1, 0)])).toThrow(
      "NUL at position 1 of word 1",
    );
    expect(() => encodeWords("CONTROL", [5 as unknown as string])).toThrow("word 0 is number");
  });
  it("frame numbers go up to 64 bits", () => {
    expect(encodeFrame("INTRODUCE", 2n ** 64n - 1n)).toBe("18446744073709551615");
    for (const wrong of [-1, 1.5, 2 ** 60, 2n ** 64n, -1n]) {
      expect(() => encodeFrame("INTRODUCE", wrong)).toThrow("a frame number is");
    }
  });
});

describe("a watch", () => {
  it("is refused when path, token and depth fill more than a request", () => {
    const check = (token: string, depth?: number) => checkWatch("/a", token, { depth }, 100);
    expect(() => check("t".repeat(96))).not.toThrow();
    expect(() => check("t".repeat(97))).toThrow("at most 96");
    expect(() => check("t".repeat(93), 12)).not.toThrow();
    expect(() => check("t".repeat(94), 12)).toThrow("at most 93");
    expect(() => check("\ud800")).toThrow("no UTF-8");
  });
});

describe("permissions", () => {
  it("mean the same as text and as entries", () => {
    const entry = fc.record({
      access: fc.constantFrom("n", "r", "w", "b"),
      domid: fc.integer({ min: 0, max: 65535 }),
    });
    fc.assert(
      fc.property(fc.array(entry, { minLength: 1 }), (entries) => {
        const list = entries as Parameters<typeof formatPerms>[0];
        const sent = encodePerms(list);
        expect(encodePerms(formatPerms(list))).toEqual(sent);
        const tail = "tail" in sent ? sent.tail : "";
        expect(tail.split("\0").slice(0, -1).map(parsePerm)).toEqual(entries);
      }),
    );
  });
});
