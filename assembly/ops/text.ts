// Text: a reply put together from lines.
// Holds   the text so far; what does not fit into a reply is cut at the end of a line.
// Never   keeps anything after the reply.
// Source  the XenStore protocol, CONTROL (formats).

import { Bytes } from "../base/bytes";
import { Errno, OK } from "../base/errno";
import { XENSTORE_PAYLOAD_MAX } from "../xs_wire";
import { Call } from "./call";

const buffer: usize = memory.data(8192);
const SIZE: u32 = XENSTORE_PAYLOAD_MAX - 1;
const CUT = "...\n";

export class Text {
  static len: u32 = 0;
  /** Where the last line that fits begins. */
  private static lineStart: u32 = 0;
  static full: bool = false;

  static begin(): void {
    Text.len = 0;
    Text.lineStart = 0;
    Text.full = false;
  }

  static add(text: string): void {
    for (let i = 0; i < text.length; i++) Text.byte(<u8>text.charCodeAt(i));
  }

  /** The text and blanks up to `width` characters. */
  static left(text: string, width: u32): void {
    Text.add(text);
    for (let i = <u32>text.length; i < width; i++) Text.byte(0x20);
  }

  static number(value: u64): void {
    Text.right(value, 0);
  }

  /** The number behind blanks, at least `width` characters. */
  static right(value: u64, width: u32): void {
    const digits = memory.data(24);
    const len = Bytes.putDecimal(digits, value);
    for (let i = len; i < width; i++) Text.byte(0x20);
    Text.raw(digits, len);
  }

  static raw(ptr: usize, len: u32): void {
    for (let i: u32 = 0; i < len; i++) Text.byte(load<u8>(ptr + i));
  }

  /** Bytes of a client, with control characters as `\xNN`. */
  static escaped(ptr: usize, len: u32): void {
    for (let i: u32 = 0; i < len; i++) {
      const c = load<u8>(ptr + i);
      if (c >= 0x20 && c < 0x7f && c != 0x5c) {
        Text.byte(c);
        continue;
      }
      Text.add("\\x");
      Text.byte(hexDigit(c >> 4));
      Text.byte(hexDigit(c & 15));
    }
  }

  static reply(): Errno {
    if (Text.len == 0) return OK;
    store<u8>(buffer + Text.len, 0);
    return Call.reply(buffer, Text.len + 1);
  }

  private static byte(c: u8): void {
    if (Text.full) return;
    store<u8>(buffer + Text.len++, c);
    if (c == 0x0a && Text.len + <u32>CUT.length <= SIZE) Text.lineStart = Text.len;
    if (Text.len <= SIZE) return;
    Text.len = Text.lineStart + Bytes.putText(buffer + Text.lineStart, CUT, <u32>CUT.length);
    Text.full = true;
  }
}

function hexDigit(value: u8): u8 {
  return value < 10 ? 0x30 + value : 0x57 + value;
}
