// Errors: what can go wrong between a client and a store, known by its E-name.
// Holds   XenstoreError, and the number and text Linux gives to each name.
// Never   decides what an error means to a caller.
// Source  the XenStore protocol, Error names; errno(3) of Linux.

/** E-name → errno on Linux and the text its C library prints. */
const ERRNO: Readonly<Record<string, readonly [errno: number, text: string]>> = {
  EPERM: [1, "Operation not permitted"],
  ENOENT: [2, "No such file or directory"],
  EIO: [5, "Input/output error"],
  ENXIO: [6, "No such device or address"],
  E2BIG: [7, "Argument list too long"],
  EBADF: [9, "Bad file descriptor"],
  EAGAIN: [11, "Resource temporarily unavailable"],
  ENOMEM: [12, "Cannot allocate memory"],
  EACCES: [13, "Permission denied"],
  EBUSY: [16, "Device or resource busy"],
  EEXIST: [17, "File exists"],
  ENODEV: [19, "No such device"],
  ENOTDIR: [20, "Not a directory"],
  EISDIR: [21, "Is a directory"],
  EINVAL: [22, "Invalid argument"],
  ENFILE: [23, "Too many open files in system"],
  EMFILE: [24, "Too many open files"],
  ENOSPC: [28, "No space left on device"],
  EROFS: [30, "Read-only file system"],
  EPIPE: [32, "Broken pipe"],
  ENAMETOOLONG: [36, "File name too long"],
  ENOSYS: [38, "Function not implemented"],
  ENOTEMPTY: [39, "Directory not empty"],
  ELOOP: [40, "Too many levels of symbolic links"],
  EPROTO: [71, "Protocol error"],
  ENOTSOCK: [88, "Socket operation on non-socket"],
  EPROTOTYPE: [91, "Protocol wrong type for socket"],
  EOPNOTSUPP: [95, "Operation not supported"],
  ECONNRESET: [104, "Connection reset by peer"],
  ENOBUFS: [105, "No buffer space available"],
  EISCONN: [106, "Transport endpoint is already connected"],
  ETIMEDOUT: [110, "Connection timed out"],
  ECONNREFUSED: [111, "Connection refused"],
};

/** The names a store may send in an ERROR message. */
const ON_THE_WIRE = new Set(
  (
    "EINVAL EACCES EEXIST EISDIR ENOENT ENOMEM ENOSPC EIO ENOTEMPTY ENOSYS EROFS EBUSY EAGAIN " +
    "EISCONN E2BIG EPERM"
  ).split(" "),
);

/** The E-name of a received ERROR payload without its NUL; EINVAL for a name that is none. */
export function nameOnTheWire(name: string): string {
  return ON_THE_WIRE.has(name) ? name : "EINVAL";
}

/** The E-name of Linux's number; the number as text if it has none here. */
export function codeOf(errno: number): string {
  const known = Object.entries(ERRNO).find(([, [number]]) => number === errno);
  return known?.[0] ?? `${errno}`;
}

/** Where an error arose: the operation as named in the protocol, and the path it was about. */
export interface ErrorPlace {
  op?: string | undefined;
  path?: string | undefined;
  cause?: unknown;
}

/** A request that failed, or a connection that could not be made or was lost. */
export class XenstoreError extends Error {
  /** E-name, as `ENOENT`. */
  readonly code: string;
  /** Linux errno; 0 for a name without one. */
  readonly errno: number;
  /** The operation, as `READ`; empty if none. */
  readonly op: string;
  /** The path it was about; empty if none. */
  readonly path: string;

  constructor(code: string, place: ErrorPlace = {}) {
    const op = place.op ?? "";
    const path = place.path ?? "";
    const about = [op, path].filter((part) => part !== "").join(" ");
    super(`${about}${about === "" ? "" : ": "}${errorText(code)} (${code})`, {
      cause: place.cause,
    });
    this.name = "XenstoreError";
    this.code = code;
    this.errno = ERRNO[code]?.[0] ?? 0;
    this.op = op;
    this.path = path;
  }
}

/** The text of an E-name as the C library words it; the name itself if it has none. */
export function errorText(code: string): string {
  return ERRNO[code]?.[1] ?? code;
}

/** True when `error` is a XenstoreError, of one of the names in `codes` if any are given. */
export function isXenstoreError(error: unknown, ...codes: string[]): error is XenstoreError {
  if (!(error instanceof XenstoreError)) return false;
  return codes.length === 0 || codes.includes(error.code);
}
