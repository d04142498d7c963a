// Bytes: runs of bytes under test, above all how numbers are read.
// Holds   a staging area at a fixed place.
// Never   needs the heap.
// Source  the XenStore protocol, payload syntax.

import { Bytes } from "../../../assembly/base/bytes";

const at = memory.data(256);

function put(text: string): u32 {
  return Bytes.putText(at, text, 200);
}

function strict(text: string): i64 {
  return Bytes.strictNumber(at, put(text), 65535);
}

function loose(text: string): i64 {
  return Bytes.looseNumber(at, put(text));
}

describe("runs of bytes", () => {
  it("are equal up to the length asked for", () => {
    const other = memory.data(64);
    put("0123456789abcdef0123");
    memory.copy(other, at, 20);
    expect<bool>(Bytes.equal(at, other, 20)).toBe(true);
    store<u8>(other + 19, 0x58);
    expect<bool>(Bytes.equal(at, other, 20)).toBe(false);
    expect<bool>(Bytes.equal(at, other, 19)).toBe(true);
    store<u8>(other, 0x58);
    expect<bool>(Bytes.equal(at, other, 19)).toBe(false);
    expect<bool>(Bytes.equal(at, other, 0)).toBe(true);
  });

  it("are searched for a NUL no further than their end", () => {
    put("ab");
    store<u8>(at + 2, 0);
    expect<u32>(Bytes.findNul(at, 2)).toBe(2);
    expect<u32>(Bytes.findNul(at, 3)).toBe(2);
    expect<u32>(Bytes.findNul(at, 0)).toBe(0);
    store<u8>(at + 1, 0);
    expect<u32>(Bytes.countNuls(at, 3)).toBe(2);
    expect<u32>(Bytes.countNuls(at, 2)).toBe(1);
  });

  it("are compared with text by length and by bytes", () => {
    const len = put("nodes");
    expect<bool>(Bytes.is(at, len, "nodes")).toBe(true);
    expect<bool>(Bytes.is(at, len, "node")).toBe(false);
    expect<bool>(Bytes.is(at, len, "nodes ")).toBe(false);
    expect<bool>(Bytes.is(at, len, "nodeS")).toBe(false);
    expect<bool>(Bytes.is(at, 0, "")).toBe(true);
  });

  it("take text no further than there is room", () => {
    store<u8>(at + 3, 0x7a);
    expect<u32>(Bytes.putText(at, "abcdef", 3)).toBe(3);
    expect<u8>(load<u8>(at + 3)).toBe(0x7a);
  });
});

describe("numbers", () => {
  it("are written in decimal", () => {
    expect<u32>(Bytes.putDecimal(at, 0)).toBe(1);
    expect<bool>(Bytes.is(at, 1, "0")).toBe(true);
    expect<u32>(Bytes.putDecimal(at, u64.MAX_VALUE)).toBe(20);
    expect<bool>(Bytes.is(at, 20, "18446744073709551615")).toBe(true);
    expect<u32>(Bytes.putSigned(at, -1)).toBe(2);
    expect<bool>(Bytes.is(at, 2, "-1")).toBe(true);
  });

  it("are read strictly up to their end", () => {
    expect<i64>(strict("7")).toBe(7);
    expect<i64>(strict("007")).toBe(7);
    expect<i64>(strict(" +7")).toBe(7);
    expect<i64>(strict("")).toBe(0);
    expect<i64>(strict("65535")).toBe(65535);
    expect<i64>(strict("65536")).toBe(-1);
    expect<i64>(strict("99999999999999999999999")).toBe(-1);
    expect<i64>(strict("-1")).toBe(-1);
    expect<i64>(strict("x")).toBe(-1);
    expect<i64>(strict("12x")).toBe(-1);
    expect<i64>(strict("7 ")).toBe(-1);
    expect<i64>(strict("+")).toBe(-1);
    expect<i64>(strict(" ")).toBe(-1);
  });

  it("are read loosely up to the first character that is no digit", () => {
    expect<i64>(loose("x")).toBe(0);
    expect<i64>(loose("12x")).toBe(12);
    expect<i64>(loose(" 12")).toBe(12);
    expect<i64>(loose("+12")).toBe(12);
    expect<i64>(loose("-12")).toBe(-12);
    expect<i64>(loose("")).toBe(0);
    expect<i64>(loose("-")).toBe(0);
  });

  it("that are too large stay too large", () => {
    expect<bool>(loose("4294967295") == 4294967295).toBe(true);
    expect<bool>(loose("4294967296") > 4294967295).toBe(true);
    expect<bool>(loose("99999999999999999999") > 4294967295).toBe(true);
    expect<bool>(loose("-99999999999999999999") < 0).toBe(true);
  });
});
