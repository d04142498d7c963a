// Crc: CRC-32C under test.
// Holds   the vectors of RFC 3720, appendix B.4.
// Never   trusts one way of feeding: whole, in parts, from odd addresses.
// Source  RFC 3720.

import { Bytes } from "../../../assembly/base/bytes";
import { Crc } from "../../../assembly/base/crc";

const at = memory.data(1024);

function fill(step: i32, first: i32): void {
  for (let i = 0; i < 32; i++) store<u8>(at + i, <u8>(first + step * i));
}

describe("a CRC", () => {
  it("of 32 bytes of zeros, of ones, rising and falling is that of the RFC", () => {
    fill(0, 0);
    expect<u32>(Crc.of(at, 32, 0)).toBe(0x8a9136aa);
    fill(0, 255);
    expect<u32>(Crc.of(at, 32, 0)).toBe(0x62a8ab43);
    fill(1, 0);
    expect<u32>(Crc.of(at, 32, 0)).toBe(0x46dd794e);
    fill(-1, 31);
    expect<u32>(Crc.of(at, 32, 0)).toBe(0x113fdb5c);
  });

  it("of the digits is the usual check value, and of nothing is zero", () => {
    Bytes.putText(at, "123456789", 9);
    expect<u32>(Crc.of(at, 9, 0)).toBe(0xe3069283);
    expect<u32>(Crc.of(at, 0, 0)).toBe(0);
  });

  it("is the same in parts as in one go, wherever it is cut", () => {
    fill(7, 3);
    const whole = Crc.of(at, 32, 0);
    for (let cut: u32 = 0; cut <= 32; cut++) {
      expect<u32>(Crc.of(at + cut, 32 - cut, Crc.of(at, cut, 0))).toBe(whole);
    }
  });

  it("is the same at every address", () => {
    fill(7, 3);
    const whole = Crc.of(at, 32, 0);
    for (let shift: u32 = 1; shift < 9; shift++) {
      memory.copy(at + 512 + shift, at, 32);
      expect<u32>(Crc.of(at + 512 + shift, 32, 0)).toBe(whole);
    }
  });

  it("changes with every single bit", () => {
    fill(5, 1);
    const whole = Crc.of(at, 32, 0);
    for (let bit: u32 = 0; bit < 256; bit++) {
      const byte = at + (bit >> 3);
      const before = load<u8>(byte);
      store<u8>(byte, before ^ (1 << (<u8>bit & 7)));
      expect<bool>(Crc.of(at, 32, 0) != whole).toBe(true);
      store<u8>(byte, before);
    }
  });
});
