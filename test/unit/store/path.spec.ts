// Path: the check of a path under test, byte by byte and at its limits.
// Holds   a staging area for the text.
// Never   needs a tree.
// Source  the XenStore protocol, paths.

import { Bytes } from "../../../assembly/base/bytes";
import { EINVAL, OK } from "../../../assembly/base/errno";
import { Hash } from "../../../assembly/base/hash";
import { Path } from "../../../assembly/store/path";

Hash.init(1, 2);

const at = memory.data(8192);

function parse(text: string, special: bool = false, limit: u32 = 0): u32 {
  return Path.parse(at, Bytes.putText(at, text, 8192), 3, special, limit);
}

function is(text: string): bool {
  return Bytes.is(Path.ptr, Path.len, text);
}

describe("a path", () => {
  it("is made of letters, digits and four other characters", () => {
    for (let c: u32 = 0; c < 256; c++) {
      const digit = c >= 0x30 && c <= 0x39;
      const letter = (c >= 0x41 && c <= 0x5a) || (c >= 0x61 && c <= 0x7a);
      const other = c == 0x2d || c == 0x5f || c == 0x40;
      Bytes.putText(at, "/a?b", 4);
      store<u8>(at + 2, <u8>c);
      const legal = digit || letter || other || c == 0x2f;
      expect<u32>(Path.parse(at, 4, 3, false, 0)).toBe(legal ? OK : EINVAL);
    }
  });

  it("has no empty name", () => {
    expect<u32>(parse("/")).toBe(OK);
    expect<u32>(Path.depth).toBe(0);
    expect<u32>(parse("//")).toBe(EINVAL);
    expect<u32>(parse("/a/")).toBe(EINVAL);
    expect<u32>(parse("/a//b")).toBe(EINVAL);
    expect<u32>(parse("a/")).toBe(EINVAL);
    expect<u32>(parse("")).toBe(EINVAL);
    expect<u32>(parse("/local/domain/")).toBe(EINVAL);
  });

  it("begins at the home if it has no slash in front", () => {
    expect<u32>(parse("data/x")).toBe(OK);
    expect<bool>(is("/local/domain/3/data/x")).toBe(true);
    expect<u32>(Path.depth).toBe(5);
    expect<u32>(Path.homeLen).toBe(16);
    expect<u32>(parse("/data/x")).toBe(OK);
    expect<u32>(Path.homeLen).toBe(0);
    expect<u32>(Path.depth).toBe(2);
  });

  it("may begin with an at sign only where that is allowed", () => {
    expect<u32>(parse("@releaseDomain")).toBe(EINVAL);
    expect<u32>(parse("@releaseDomain", true)).toBe(OK);
    expect<bool>(Path.special).toBe(true);
    expect<u32>(parse("@releaseDomain/5", true)).toBe(OK);
    expect<u32>(Path.depth).toBe(2);
    expect<u32>(parse("@foo/", true)).toBe(EINVAL);
    expect<u32>(parse("@a//b", true)).toBe(EINVAL);
    expect<u32>(parse("/@x")).toBe(OK);
    expect<bool>(Path.special).toBe(false);
  });

  it("knows its names and their hashes by level", () => {
    parse("/ab/c");
    expect<bool>(Bytes.is(Path.namePtr(1), Path.nameLen(1), "ab")).toBe(true);
    expect<bool>(Bytes.is(Path.namePtr(2), Path.nameLen(2), "c")).toBe(true);
    expect<u32>(Path.prefixLen(0)).toBe(1);
    expect<u32>(Path.prefixLen(1)).toBe(3);
    expect<u32>(Path.prefixLen(2)).toBe(5);
    const prefix = Path.hashAt(1);
    parse("/ab");
    expect<u32>(Path.hashAt(1)).toBe(prefix);
  });

  it("is at most 3072 bytes long, and below a home as long as the limit says", () => {
    memory.fill(at, 0x61, 4096);
    store<u8>(at, 0x2f);
    expect<u32>(Path.parse(at, 3072, 3, false, 0)).toBe(OK);
    expect<u32>(Path.parse(at, 3073, 3, false, 0)).toBe(EINVAL);
    expect<u32>(Path.parse(at, 2048, 3, false, 2048)).toBe(OK);
    expect<u32>(Path.parse(at, 2049, 3, false, 2048)).toBe(EINVAL);
    expect<u32>(parse("/local/domain/12345/0123456789", false, 10)).toBe(OK);
    expect<u32>(parse("/local/domain/12345/0123456789a", false, 10)).toBe(EINVAL);
    expect<u32>(parse("/local/domain/123456/0123", false, 10)).toBe(EINVAL);
    expect<u32>(parse("0123456789", false, 10)).toBe(OK);
    expect<u32>(parse("0123456789a", false, 10)).toBe(EINVAL);
  });

  it("may have a name for every other byte", () => {
    for (let i: u32 = 0; i < 1536; i++) {
      store<u8>(at + (i << 1), 0x2f);
      store<u8>(at + (i << 1) + 1, 0x61);
    }
    expect<u32>(Path.parse(at, 3072, 3, false, 0)).toBe(OK);
    expect<u32>(Path.depth).toBe(1536);
  });
});
