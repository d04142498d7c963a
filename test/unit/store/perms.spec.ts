// Perms: permission lists and the access check under test.
// Holds   a staging area where a list is put together.
// Never   needs a node.
// Source  the XenStore protocol, permissions.

import { Hash } from "../../../assembly/base/hash";
import { Heap } from "../../../assembly/base/heap";
import { PERM_ALL, PERM_READ, PERM_WRITE, PermList, Perms } from "../../../assembly/store/perms";
import { DOMID_ANY, DOMID_INVALID } from "../../../assembly/xs_wire";

Hash.init(1, 2);
Heap.init();
Perms.init();

const at = memory.data(256);
const NO_TARGET: u32 = DOMID_INVALID;

function pair(owner: i32, bits: u32, domid: i32, its: u32, inert: bool = false): PermList {
  Perms.putEntry(at, 0, owner, bits, false);
  Perms.putEntry(at, 1, domid, its, inert);
  return <PermList>Perms.intern(at, 2);
}

describe("letters", () => {
  it("stand for bits, and other letters for none", () => {
    for (let c: u32 = 0; c < 256; c++) {
      const bits = Perms.bitsOf(<u8>c);
      if (bits >= 0) expect<u8>(Perms.letterOf(bits)).toBe(<u8>c);
    }
    expect<u8>(Perms.letterOf(0)).toBe(0x6e);
    expect<u8>(Perms.letterOf(PERM_READ)).toBe(0x72);
    expect<u8>(Perms.letterOf(PERM_WRITE)).toBe(0x77);
    expect<i32>(Perms.bitsOf(0x62)).toBe(PERM_READ | PERM_WRITE);
    expect<i32>(Perms.bitsOf(0x42)).toBe(-1);
    expect<i32>(Perms.bitsOf(0)).toBe(-1);
  });
});

describe("rights", () => {
  it("of the owner are all, whatever the letter", () => {
    const list = pair(3, 0, 3, 0);
    expect<u32>(Perms.rightsOf(list, 3, NO_TARGET)).toBe(PERM_ALL);
    expect<u32>(Perms.rightsOf(list, 4, NO_TARGET)).toBe(0);
  });

  it("of others are what the first entry that names them gives", () => {
    Perms.putEntry(at, 0, 0, PERM_WRITE, false);
    Perms.putEntry(at, 1, 3, PERM_READ, false);
    Perms.putEntry(at, 2, 3, PERM_READ | PERM_WRITE, false);
    const list = <PermList>Perms.intern(at, 3);
    expect<u32>(Perms.rightsOf(list, 3, NO_TARGET)).toBe(PERM_READ);
    expect<u32>(Perms.rightsOf(list, 5, NO_TARGET)).toBe(PERM_WRITE);
    expect<u32>(Perms.rightsOf(list, 5, 3)).toBe(PERM_READ);
    expect<u32>(Perms.rightsOf(list, 5, 0)).toBe(PERM_ALL);
  });

  it("do not come from an inert entry", () => {
    const list = pair(0, 0, 3, PERM_READ, true);
    expect<u32>(Perms.rightsOf(list, 3, NO_TARGET)).toBe(0);
    const other = pair(0, 0, 3, PERM_READ, false);
    expect<u32>(Perms.rightsOf(other, 3, NO_TARGET)).toBe(PERM_READ);
  });

  it("of any domain are given by its own number", () => {
    const list = pair(0, 0, <i32>DOMID_ANY, PERM_READ);
    expect<u32>(Perms.rightsOf(list, 3, NO_TARGET)).toBe(PERM_READ);
    expect<u32>(Perms.rightsOf(list, 77, NO_TARGET)).toBe(PERM_READ);
  });

  it("are not matched by truncation", () => {
    const list = pair(0, 0, 65536 + 3, PERM_READ);
    expect<u32>(Perms.rightsOf(list, 3, NO_TARGET)).toBe(0);
    const negative = pair(0, 0, -65533, PERM_READ);
    expect<u32>(Perms.rightsOf(negative, 3, NO_TARGET)).toBe(0);
  });
});

describe("a list", () => {
  it("is one object however often it is made", () => {
    const one = Perms.hold(pair(0, 0, 3, PERM_READ));
    const two = pair(0, 0, 3, PERM_READ);
    expect<usize>(changetype<usize>(two)).toBe(changetype<usize>(one));
    const other = pair(0, 0, 3, PERM_WRITE);
    expect<bool>(changetype<usize>(other) != changetype<usize>(one)).toBe(true);
    expect<bool>(Perms.same(one, two)).toBe(true);
    expect<bool>(Perms.same(one, other)).toBe(false);
  });

  it("is given back with its last holder", () => {
    const before = Heap.used;
    const list = Perms.hold(Perms.hold(pair(9, 0, 8, PERM_READ)));
    Perms.drop(list);
    expect<u32>(list.refs).toBe(1);
    Perms.drop(list);
    expect<usize>(Heap.used).toBe(before);
  });

  it("takes another owner and keeps the letter and the other entries", () => {
    const list = Perms.hold(pair(0, PERM_READ, 7, PERM_WRITE));
    const mine = <PermList>Perms.withOwner(list, 3);
    expect<u32>(mine.owner).toBe(3);
    expect<u32>(mine.bits(0)).toBe(PERM_READ);
    expect<i32>(mine.domid(1)).toBe(7);
    expect<u32>(list.owner).toBe(0);
    expect<usize>(changetype<usize>(Perms.withOwner(list, 0))).toBe(changetype<usize>(list));
  });

  it("loses the entries of a domain that has ended, but not its owner", () => {
    Perms.putEntry(at, 0, 3, 0, false);
    Perms.putEntry(at, 1, 3, PERM_READ, false);
    Perms.putEntry(at, 2, 4, PERM_WRITE, false);
    const list = Perms.hold(<PermList>Perms.intern(at, 3));
    Perms.forget(3);
    expect<u32>(list.count).toBe(2);
    expect<u32>(list.owner).toBe(3);
    expect<i32>(list.domid(1)).toBe(4);
    Perms.drop(list);
  });
});
