// Log: what the core has to say to people, put down for the host to take away.
// Holds   records `u8 kind, u24 length, bytes`, one behind the other; see LOG_* in abi.ts.
// Never   knows the time: byte 1 in a trace line stands where the host writes it.
// Source  our own; trace lines as the C daemon writes them.

import { Bytes } from "./bytes";
import { Heap } from "./heap";

/** A host that takes nothing away loses the newest records, not memory. */
const SIZE_MAX: u32 = 16777216;
const FIRST_SIZE: u32 = 4096;
const RECORD_HEADER: u32 = 4;

export class Log {
  static ptr: usize = 0;
  static len: u32 = 0;
  static cap: u32 = 0;
  static start: u32 = 0;
  static dropped: u32 = 0;

  /** Begins a record; add text to it, then call `end`. */
  static begin(kind: u32): void {
    Log.start = Log.len;
    Log.byte(<u8>kind);
    Log.byte(0);
    Log.byte(0);
    Log.byte(0);
  }

  static end(): void {
    const len = Log.len - Log.start;
    if (len < RECORD_HEADER || Log.cap == 0) {
      Log.len = Log.start;
      return;
    }
    const body = len - RECORD_HEADER;
    store<u16>(Log.ptr + Log.start + 1, <u16>body);
    store<u8>(Log.ptr + Log.start + 3, <u8>(body >> 16));
  }

  static text(text: string): void {
    const len = <u32>text.length;
    if (!Log.room(len)) return;
    Log.len += Bytes.putText(Log.ptr + Log.len, text, len);
  }

  static byte(c: u8): void {
    if (!Log.room(1)) return;
    store<u8>(Log.ptr + Log.len++, c);
  }

  static number(value: i64): void {
    if (!Log.room(20)) return;
    Log.len += Bytes.putSigned(Log.ptr + Log.len, value);
  }

  /** Bytes of a client: NUL and other control characters become blanks. */
  static printable(ptr: usize, len: u32): void {
    if (!Log.room(len)) return;
    for (let i: u32 = 0; i < len; i++) {
      const c = load<u8>(ptr + i);
      store<u8>(Log.ptr + Log.len++, c < 0x20 || c == 0x7f ? 0x20 : c);
    }
  }

  static raw(ptr: usize, len: u32): void {
    if (!Log.room(len)) return;
    memory.copy(Log.ptr + Log.len, ptr, len);
    Log.len += len;
  }

  /** The host has taken everything. */
  static clear(): void {
    Log.len = 0;
    if (Log.cap <= FIRST_SIZE << 4) return;
    Heap.free(Log.ptr);
    Log.ptr = 0;
    Log.cap = 0;
  }

  private static room(more: u32): bool {
    const need = Log.len + more;
    if (need <= Log.cap) return true;
    const cap = max<u32>(FIRST_SIZE, need << 1);
    const ptr = cap <= SIZE_MAX ? Heap.alloc(cap) : 0;
    if (ptr == 0) {
      Log.dropped++;
      return false;
    }
    memory.copy(ptr, Log.ptr, Log.len);
    if (Log.cap != 0) Heap.free(Log.ptr);
    Log.ptr = ptr;
    Log.cap = cap;
    return true;
  }
}
