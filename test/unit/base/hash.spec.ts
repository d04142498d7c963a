// Hash: the keyed hash of paths under test.
// Holds   nothing.
// Never   compares with numbers written down: only what follows from the definition is promised.
// Source  our own.

import { Bytes } from "../../../assembly/base/bytes";
import { Hash } from "../../../assembly/base/hash";

const at = memory.data(64);
const seen = memory.data(65536 * 4);

function hashOf(parent: u32, name: string): u32 {
  return Hash.extend(parent, at, Bytes.putText(at, name, 64));
}

describe("a hash", () => {
  it("is the same for the same names under the same parent", () => {
    Hash.init(1, 2);
    expect<u32>(hashOf(Hash.root, "local")).toBe(hashOf(Hash.root, "local"));
    expect<bool>(hashOf(Hash.root, "local") != hashOf(hashOf(Hash.root, "a"), "local")).toBe(true);
    expect<bool>(hashOf(Hash.root, "ab") != hashOf(Hash.root, "ba")).toBe(true);
  });

  it("does not read beyond the name", () => {
    Hash.init(1, 2);
    const one = hashOf(Hash.root, "abcdefghijk");
    Bytes.putText(at, "abcdefghijkXYZ", 64);
    expect<u32>(Hash.extend(Hash.root, at, 11)).toBe(one);
  });

  it("depends on the seed", () => {
    Hash.init(1, 2);
    const one = hashOf(Hash.root, "local");
    Hash.init(1, 3);
    expect<bool>(hashOf(Hash.root, "local") != one).toBe(true);
  });

  it("keeps the root and the special nodes apart", () => {
    Hash.init(5, 6);
    expect<bool>(Hash.root != Hash.special).toBe(true);
  });

  it("spreads numbered names over the buckets", () => {
    Hash.init(1, 2);
    memory.fill(seen, 0, 65536 * 4);
    let most: u32 = 0;
    for (let i: u32 = 0; i < 65536; i++) {
      const len = Bytes.putDecimal(at, i);
      const slot = seen + ((Hash.extend(Hash.root, at, len) & 0xffff) << 2);
      store<u32>(slot, load<u32>(slot) + 1);
      most = max<u32>(most, load<u32>(slot));
    }
    // 65,536 balls in as many bins: about 8 in the fullest; far more would be a weakness.
    expect<bool>(most <= 16).toBe(true);
  });
});
