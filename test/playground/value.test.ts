// Value: text, hexadecimal digits and numbers stand for the same bytes, there and back.
// Holds   examples, and random bytes.
// Never   draws anything.
// Source  our own.

import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  fromHex,
  fromText,
  nameProblem,
  numberOf,
  numberText,
  parseNumber,
  pieces,
  sameBytes,
  sizeProblem,
  toHex,
  toText,
} from "../../hosts/playground/model/value.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

describe("a value as text", () => {
  it("shows what can be seen and escapes the rest", () => {
    expect(toText(bytes("plain = 1"))).toBe("plain = 1");
    expect(toText(Uint8Array.of(0, 0x1b, 9, 10, 13, 92, 0xff))).toBe(
      "\\x00\\x1b\\t\\n\\r\\\\\\xff",
    );
    expect(toText(bytes("Grüße 東京"))).toBe("Grüße 東京");
    expect(toText(bytes("a\nb"), true)).toBe("a\nb");
  });

  it("escapes what would steer or hide text", () => {
    for (const char of ["\u202e", "\u200b", "\u00a0", "\u2028", "\ufeff", "\u0085"]) {
      expect(toText(bytes(char))).toMatch(/^(\\x[0-9a-f]{2}){2,3}$/);
    }
  });

  it("tells escapes from characters", () => {
    expect(pieces(bytes("a\0\0b"))).toEqual([
      { text: "a", escaped: false },
      { text: "\\x00\\x00", escaped: true },
      { text: "b", escaped: false },
    ]);
  });

  it("comes back as the same bytes", () => {
    const utf8 = fc.string({ unit: "binary" }).map(bytes);
    fc.assert(
      fc.property(
        fc.oneof(fc.uint8Array({ maxLength: 60 }), utf8),
        fc.boolean(),
        (value, lines) => {
          expect(sameBytes(fromText(toText(value, lines)), value)).toBe(true);
        },
      ),
    );
  });

  it("reads the escapes of the tools and says which it does not know", () => {
    expect(fromText("\\000\\x41\\t")).toEqual(Uint8Array.of(0, 0x41, 9));
    expect(() => fromText("a\\q")).toThrow('"\\q" is no escape');
    expect(() => fromText("a\\x4")).toThrow('"\\x4" is no escape');
    expect(() => fromText("a\\")).toThrow('"\\" is no escape');
  });
});

describe("a value as hexadecimal digits", () => {
  it("comes back as the same bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (value) => {
        expect(sameBytes(fromHex(toHex(value)), value)).toBe(true);
      }),
    );
    expect(toHex(new Uint8Array(17))).toBe(`${"00 ".repeat(15)}00\n00`);
  });

  it("is read with blanks, commas and 0x", () => {
    expect(fromHex("0x01, 0xfF\n 2a2b")).toEqual(Uint8Array.of(1, 255, 0x2a, 0x2b));
    expect(() => fromHex("012")).toThrow("3 of them");
    expect(() => fromHex("0g")).toThrow('"g" is no hexadecimal digit');
  });
});

describe("a value as a number", () => {
  it("is one only where writing it again gives the same value", () => {
    expect(numberOf(bytes("4"))).toEqual({ n: 4n, form: "decimal" });
    expect(numberOf(bytes("-17"))).toEqual({ n: -17n, form: "decimal" });
    expect(numberOf(bytes("0xff"))).toEqual({ n: 255n, form: "hex" });
    for (const text of ["", "04", "4 ", "4.5", "1e3", "0x", "four", "1".repeat(22)]) {
      expect(numberOf(bytes(text))).toBeNull();
    }
  });

  it("is written and read in both forms", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }), (n) => {
        expect(parseNumber(numberText(n, "decimal"), "decimal")).toBe(n);
        expect(parseNumber(numberText(n, "hex"), "hex")).toBe(n);
      }),
    );
    expect(parseNumber("ff", "hex")).toBe(255n);
    expect(() => parseNumber("ff", "decimal")).toThrow("digits from 0 to 9");
    expect(() => parseNumber("", "hex")).toThrow("hexadecimal number");
  });
});

describe("what can't be written", () => {
  it("is a value that has no room in a message", () => {
    expect(sizeProblem("/a", 4093)).toBe("");
    expect(sizeProblem("/a", 4094)).toContain("room for 4093 bytes, these are 4094");
  });

  it("is a name with other characters", () => {
    expect(nameProblem("device/vif/0")).toBe("");
    expect(nameProblem("")).toContain("has a name");
    expect(nameProblem("a b")).toContain('" "');
    for (const name of ["/a", "a/", "a//b"]) expect(nameProblem(name)).toContain("slash");
  });
});
