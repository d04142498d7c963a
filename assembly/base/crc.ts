// Crc: CRC-32C, by which bytes that were stored are known to be the same when they are read.
// Holds   the tables for eight bytes at a time.
// Never   guards against anybody who means harm: against wear, tears and mistakes.
// Source  RFC 3720, appendix B.4 (polynomial and test vectors).

const POLYNOMIAL: u32 = 0x82f6_3b78;
const tables: usize = memory.data(8192, 8);

for (let i: u32 = 0; i < 256; i++) {
  let c = i;
  for (let bit = 0; bit < 8; bit++) c = c & 1 ? (c >> 1) ^ POLYNOMIAL : c >> 1;
  store<u32>(tables + (i << 2), c);
}
for (let i: u32 = 0; i < 256; i++) {
  let c = load<u32>(tables + (i << 2));
  for (let slice: u32 = 1; slice < 8; slice++) {
    c = at(0, c & 0xff) ^ (c >> 8);
    store<u32>(tables + (slice << 10) + (i << 2), c);
  }
}

export class Crc {
  /** Of `len` bytes; `before` is the CRC of the bytes in front of them, 0 for none. */
  static of(ptr: usize, len: u32, before: u32): u32 {
    let c = ~before;
    while (len >= 8) {
      const low = load<u32>(ptr) ^ c;
      const high = load<u32>(ptr, 4);
      c =
        at(7, low & 0xff) ^
        at(6, (low >> 8) & 0xff) ^
        at(5, (low >> 16) & 0xff) ^
        at(4, low >> 24) ^
        at(3, high & 0xff) ^
        at(2, (high >> 8) & 0xff) ^
        at(1, (high >> 16) & 0xff) ^
        at(0, high >> 24);
      ptr += 8;
      len -= 8;
    }
    while (len > 0) {
      c = at(0, (c ^ load<u8>(ptr)) & 0xff) ^ (c >> 8);
      ptr++;
      len--;
    }
    return ~c;
  }
}

function at(slice: u32, index: u32): u32 {
  return load<u32>(tables + (slice << 10) + (index << 2));
}
