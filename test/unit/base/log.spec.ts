// Log: records for the host under test, byte by byte.
// Holds   a staging area.
// Never   fills the log to its limit: that takes 16 MiB.
// Source  our own.

import { Bytes } from "../../../assembly/base/bytes";
import { Heap } from "../../../assembly/base/heap";
import { Log } from "../../../assembly/base/log";

Heap.init();

const at = memory.data(64);

function bodyLen(record: usize): u32 {
  return load<u32>(record) >> 8;
}

describe("a log", () => {
  it("holds records of a kind, a length and bytes, one behind the other", () => {
    Log.clear();
    Log.begin(1);
    Log.text("abc");
    Log.number(-12);
    Log.end();
    Log.begin(2);
    Log.byte(0x78);
    Log.end();
    expect<u32>(Log.len).toBe(4 + 6 + 4 + 1);
    expect<u8>(load<u8>(Log.ptr)).toBe(1);
    expect<u32>(bodyLen(Log.ptr)).toBe(6);
    expect<bool>(Bytes.is(Log.ptr + 4, 6, "abc-12")).toBe(true);
    expect<u8>(load<u8>(Log.ptr + 10)).toBe(2);
    expect<u32>(bodyLen(Log.ptr + 10)).toBe(1);
    Log.clear();
    expect<u32>(Log.len).toBe(0);
  });

  it("grows with a record and forgets the room when it is cleared", () => {
    Log.clear();
    const before = Heap.used;
    Log.begin(6);
    for (let i = 0; i < 100000; i++) Log.text("0123456789");
    Log.end();
    expect<u32>(bodyLen(Log.ptr)).toBe(1000000);
    expect<u8>(load<u8>(Log.ptr)).toBe(6);
    Log.clear();
    expect<bool>(Heap.used <= before + 65536).toBe(true);
  });

  it("makes a client's control characters harmless", () => {
    Log.clear();
    Bytes.putText(at, "a?b?c", 64);
    store<u8>(at + 1, 0x1b);
    store<u8>(at + 3, 0x7f);
    Log.begin(1);
    Log.printable(at, 5);
    Log.end();
    expect<u32>(bodyLen(Log.ptr)).toBe(5);
    let control: u32 = 0;
    for (let i: u32 = 0; i < 5; i++) {
      const c = load<u8>(Log.ptr + 4 + i);
      if (c < 0x20 || c == 0x7f) control++;
    }
    expect<u32>(control).toBe(0);
    Log.clear();
  });
});
