// Errno: why a request is refused, and what that is called on the wire.
// Holds   the numbers (Linux's own) and their names.
// Never   decides anything.
// Source  the XenStore protocol, error names.

export type Errno = u32;

export const OK: Errno = 0;
export const EPERM: Errno = 1;
export const ENOENT: Errno = 2;
export const EIO: Errno = 5;
export const E2BIG: Errno = 7;
export const EAGAIN: Errno = 11;
export const ENOMEM: Errno = 12;
export const EACCES: Errno = 13;
export const EBUSY: Errno = 16;
export const EEXIST: Errno = 17;
export const EISDIR: Errno = 21;
export const EINVAL: Errno = 22;
export const ENOSPC: Errno = 28;
export const EROFS: Errno = 30;
export const ENOSYS: Errno = 38;
export const ENOTEMPTY: Errno = 39;
export const EISCONN: Errno = 106;

/** Not an error of the wire: the handler has queued its own reply. */
export const REPLIED: Errno = 0xffff_ffff;

/** The name of an error as clients know it; anything unknown is EINVAL. */
export function errnoName(errno: Errno): string {
  switch (errno) {
    case EPERM:
      return "EPERM";
    case ENOENT:
      return "ENOENT";
    case EIO:
      return "EIO";
    case E2BIG:
      return "E2BIG";
    case EAGAIN:
      return "EAGAIN";
    case ENOMEM:
      return "ENOMEM";
    case EACCES:
      return "EACCES";
    case EBUSY:
      return "EBUSY";
    case EEXIST:
      return "EEXIST";
    case EISDIR:
      return "EISDIR";
    case ENOSPC:
      return "ENOSPC";
    case EROFS:
      return "EROFS";
    case ENOSYS:
      return "ENOSYS";
    case ENOTEMPTY:
      return "ENOTEMPTY";
    case EISCONN:
      return "EISCONN";
    default:
      return "EINVAL";
  }
}
