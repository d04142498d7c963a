// Errno: the names of errors under test.
// Holds   nothing.
// Never   asks for a number that clients do not see.
// Source  the XenStore protocol, error names.

import {
  E2BIG,
  EACCES,
  EAGAIN,
  EBUSY,
  EEXIST,
  EINVAL,
  EIO,
  EISCONN,
  EISDIR,
  ENOENT,
  ENOMEM,
  ENOSPC,
  ENOSYS,
  ENOTEMPTY,
  EPERM,
  EROFS,
  errnoName,
} from "../../../assembly/base/errno";

describe("errors", () => {
  it("have the names that clients know", () => {
    expect<string>(errnoName(EINVAL)).toBe("EINVAL");
    expect<string>(errnoName(EACCES)).toBe("EACCES");
    expect<string>(errnoName(EEXIST)).toBe("EEXIST");
    expect<string>(errnoName(EISDIR)).toBe("EISDIR");
    expect<string>(errnoName(ENOENT)).toBe("ENOENT");
    expect<string>(errnoName(ENOMEM)).toBe("ENOMEM");
    expect<string>(errnoName(ENOSPC)).toBe("ENOSPC");
    expect<string>(errnoName(EIO)).toBe("EIO");
    expect<string>(errnoName(ENOTEMPTY)).toBe("ENOTEMPTY");
    expect<string>(errnoName(ENOSYS)).toBe("ENOSYS");
    expect<string>(errnoName(EROFS)).toBe("EROFS");
    expect<string>(errnoName(EBUSY)).toBe("EBUSY");
    expect<string>(errnoName(EAGAIN)).toBe("EAGAIN");
    expect<string>(errnoName(EISCONN)).toBe("EISCONN");
    expect<string>(errnoName(E2BIG)).toBe("E2BIG");
    expect<string>(errnoName(EPERM)).toBe("EPERM");
  });

  it("that nobody knows are called EINVAL", () => {
    expect<string>(errnoName(9999)).toBe("EINVAL");
  });
});
