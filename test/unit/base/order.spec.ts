// Order: addresses sorted by a number, under test.
// Holds   objects of 16 bytes, with the number at byte 8.
// Never   expects anything of objects with the same number but that all are there.
// Source  our own.

import { Order } from "../../../assembly/base/order";

const COUNT: u32 = 500;
const objects = memory.data(16 * 500);
const items = memory.data(4 * 500);
let state: u64 = 88172645463325252;

function next(): u64 {
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return state;
}

function put(index: u32, value: u64): void {
  const object = objects + (index << 4);
  store<u64>(object, value ^ 0x5555);
  store<u64>(object + 8, value);
  store<usize>(items + (index << 2), object);
}

/** Are the numbers in order, and is each object there once? */
function isSorted(count: u32): bool {
  let sum: u64 = 0;
  for (let i: u32 = 0; i < count; i++) {
    const object = load<usize>(items + (i << 2));
    if (load<u64>(object) != (load<u64>(object + 8) ^ 0x5555)) return false;
    if (i > 0 && load<u64>(object + 8) < load<u64>(load<usize>(items + ((i - 1) << 2)) + 8)) {
      return false;
    }
    sum += object - objects;
  }
  return sum == (<u64>count * (count - 1)) << 3;
}

describe("addresses", () => {
  it("are put into order, however many there are", () => {
    for (let count: u32 = 1; count < COUNT; count += count < 20 ? 1 : 53) {
      for (let i: u32 = 0; i < count; i++) put(i, next());
      Order.byNumber(items, count, 8);
      expect<bool>(isSorted(count)).toBe(true);
    }
  });

  it("are put into order when they are already, or the other way round", () => {
    for (let i: u32 = 0; i < COUNT; i++) put(i, i);
    Order.byNumber(items, COUNT, 8);
    expect<bool>(isSorted(COUNT)).toBe(true);
    for (let i: u32 = 0; i < COUNT; i++) put(i, COUNT - i);
    Order.byNumber(items, COUNT, 8);
    expect<bool>(isSorted(COUNT)).toBe(true);
  });

  it("with the same numbers are all kept", () => {
    for (let i: u32 = 0; i < COUNT; i++) put(i, next() & 3);
    Order.byNumber(items, COUNT, 8);
    expect<bool>(isSorted(COUNT)).toBe(true);
  });

  it("are ordered by all 64 bits", () => {
    put(0, u64.MAX_VALUE);
    put(1, 0x1_0000_0000);
    put(2, 0xffff_ffff);
    Order.byNumber(items, 3, 8);
    expect<u64>(load<u64>(load<usize>(items) + 8)).toBe(0xffff_ffff);
    expect<u64>(load<u64>(load<usize>(items + 8) + 8)).toBe(u64.MAX_VALUE);
  });

  it("of which there are none are left alone", () => {
    put(0, 2);
    put(1, 1);
    Order.byNumber(items, 0, 8);
    expect<u64>(load<u64>(load<usize>(items) + 8)).toBe(2);
  });
});
