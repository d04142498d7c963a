// Panic: a bug in the core. Its text is kept for the host, then the instance traps.
// Holds   the text and line of the first failed assertion.
// Never   returns: after a trap the instance must be dropped.
// Source  our own.

import { Bytes } from "./bytes";

const TEXT_MAX: u32 = 512;

export class Panic {
  static text: usize = memory.data(512);
  static len: u32 = 0;
  static line: u32 = 0;
}

/** Called by the compiler's assert() and abort(); the host reads panic_ptr and panic_len. */
export function onAbort(
  message: string | null,
  file: string | null,
  line: u32,
  _column: u32,
): void {
  let at: u32 = 0;
  if (message !== null) at += Bytes.putText(Panic.text, message, TEXT_MAX - 2);
  if (file !== null) {
    store<u8>(Panic.text + at++, 0x20);
    at += Bytes.putText(Panic.text + at, file, TEXT_MAX - at);
  }
  Panic.len = at;
  Panic.line = line;
  unreachable();
}
