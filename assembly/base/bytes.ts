// Bytes: runs of bytes compared, searched, and numbers in and out of them.
// Holds   nothing.
// Never   allocates, never reads outside the run it is given.
// Source  the XenStore protocol, payload syntax (how loosely numbers are read).

export class Bytes {
  static equal(a: usize, b: usize, len: u32): bool {
    while (len >= 8) {
      if (load<u64>(a) != load<u64>(b)) return false;
      a += 8;
      b += 8;
      len -= 8;
    }
    while (len > 0) {
      if (load<u8>(a) != load<u8>(b)) return false;
      a++;
      b++;
      len--;
    }
    return true;
  }

  /** Offset of the first NUL in `len` bytes, or `len`. */
  static findNul(ptr: usize, len: u32): u32 {
    let i: u32 = 0;
    while (i < len && load<u8>(ptr + i) != 0) i++;
    return i;
  }

  static countNuls(ptr: usize, len: u32): u32 {
    let count: u32 = 0;
    for (let i: u32 = 0; i < len; i++) if (load<u8>(ptr + i) == 0) count++;
    return count;
  }

  /** Is the run the ASCII text? */
  static is(ptr: usize, len: u32, text: string): bool {
    if (len != <u32>text.length) return false;
    for (let i: u32 = 0; i < len; i++) {
      if (<u32>load<u8>(ptr + i) != <u32>text.charCodeAt(<i32>i)) return false;
    }
    return true;
  }

  /** Writes ASCII text, at most `max` bytes; returns how many. */
  static putText(ptr: usize, text: string, max: u32): u32 {
    const len = min<u32>(<u32>text.length, max);
    for (let i: u32 = 0; i < len; i++) {
      const c = <u32>text.charCodeAt(<i32>i);
      store<u8>(ptr + i, c < 0x80 ? <u8>c : 0x3f);
    }
    return len;
  }

  /** Writes a decimal number (at most 20 bytes); returns how many bytes. */
  static putDecimal(ptr: usize, value: u64): u32 {
    let digits: u32 = 1;
    for (let rest = value; rest >= 10; rest /= 10) digits++;
    for (let i = digits; i > 0; i--) {
      store<u8>(ptr + i - 1, <u8>(0x30 + (value % 10)));
      value /= 10;
    }
    return digits;
  }

  static putSigned(ptr: usize, value: i64): u32 {
    if (value >= 0) return Bytes.putDecimal(ptr, <u64>value);
    store<u8>(ptr, 0x2d);
    return 1 + Bytes.putDecimal(ptr + 1, <u64>-value);
  }

  /**
   * A number as atoi reads it: blanks, a sign, digits; what follows is ignored.
   * Clamped to the 32 bit range.
   */
  static looseNumber(ptr: usize, len: u32): i64 {
    let i: u32 = Bytes.skipBlanks(ptr, len);
    let negative = false;
    if (i < len && (load<u8>(ptr + i) == 0x2d || load<u8>(ptr + i) == 0x2b)) {
      negative = load<u8>(ptr + i) == 0x2d;
      i++;
    }
    let value: i64 = 0;
    for (; i < len; i++) {
      const digit = <u32>load<u8>(ptr + i) - 0x30;
      if (digit > 9) break;
      value = value * 10 + digit;
      if (value > 0x1_0000_0000) value = 0x1_0000_0000;
    }
    if (negative) return max<i64>(-value, -0x8000_0000);
    return value;
  }

  static skipBlanks(ptr: usize, len: u32): u32 {
    let i: u32 = 0;
    while (i < len) {
      const c = load<u8>(ptr + i);
      if (c != 0x20 && (c < 9 || c > 13)) break;
      i++;
    }
    return i;
  }

  /** A decimal number and nothing behind it; -1 when it is none or above `limit`. Empty is 0. */
  static strictNumber(ptr: usize, len: u32, limit: i64): i64 {
    let i: u32 = Bytes.skipBlanks(ptr, len);
    if (i < len && load<u8>(ptr + i) == 0x2b) {
      i++;
      if (i == len) return -1;
    } else if (i == len && len > 0) return -1;
    let value: i64 = 0;
    for (; i < len; i++) {
      const digit = <u32>load<u8>(ptr + i) - 0x30;
      if (digit > 9) return -1;
      value = value * 10 + digit;
      if (value > limit) return -1;
    }
    return value;
  }
}
