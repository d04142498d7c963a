// Hash: a keyed hash of paths, extended name by name.
// Holds   the secret key, drawn from the seed of init.
// Never   leaves the core: a guest that chooses names must not be able to aim at one bucket.
// Source  our own.

export class Hash {
  static key: u64 = 0x9e37_79b9_7f4a_7c15;
  static odd: u64 = 0xd6e8_feb8_6659_fd93;
  /** Hash of the root, and of the place where special nodes hang. */
  static root: u32 = 0;
  static special: u32 = 0;

  static init(seedLo: u32, seedHi: u32): void {
    const seed = ((<u64>seedHi) << 32) | seedLo;
    Hash.key = Hash.scramble(seed ^ 0x9e37_79b9_7f4a_7c15);
    Hash.odd = Hash.scramble(Hash.key ^ 0x2545_f491_4f6c_dd1d) | 1;
    Hash.root = <u32>Hash.scramble(Hash.key + 1);
    Hash.special = <u32>Hash.scramble(Hash.key + 2);
  }

  /** Hash of the path whose parent has the hash `parent` and whose last name is the run. */
  static extend(parent: u32, ptr: usize, len: u32): u32 {
    let x = (((<u64>parent) << 32) | len) ^ Hash.key;
    while (len >= 8) {
      x = Hash.mix(x ^ load<u64>(ptr));
      ptr += 8;
      len -= 8;
    }
    let tail: u64 = 0;
    if (len & 4) {
      tail = load<u32>(ptr);
      ptr += 4;
    }
    if (len & 2) {
      tail = (tail << 16) | load<u16>(ptr);
      ptr += 2;
    }
    if (len & 1) tail = (tail << 8) | load<u8>(ptr);
    x = Hash.mix(x ^ tail);
    return <u32>(x ^ (x >> 32));
  }

  /** Hash of a number together with another hash. */
  @inline
  static combine(hash: u32, value: u32): u32 {
    const x = Hash.mix((((<u64>hash) << 32) | value) ^ Hash.key);
    return <u32>(x ^ (x >> 32));
  }

  @inline
  private static mix(x: u64): u64 {
    x *= Hash.odd;
    x ^= x >> 32;
    x *= 0x9fb2_1c65_1e98_df25;
    return x ^ (x >> 29);
  }

  private static scramble(x: u64): u64 {
    x = (x ^ (x >> 30)) * 0xbf58_476d_1ce4_e5b9;
    x = (x ^ (x >> 27)) * 0x94d0_49bb_1331_11eb;
    return x ^ (x >> 31);
  }
}
