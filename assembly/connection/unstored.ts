// Unstored: the replies to changes that the open frame holds, in case it can't be stored.
// Holds   for each of them where it stands in its connection's output.
// Never   undoes a change (state/frames.ts does).
// Source  our own.

import { STORAGE_FULL, STORAGE_OK } from "../abi";
import { EIO, ENOSPC, Errno, errnoName, OK } from "../base/errno";
import { Heap } from "../base/heap";
import { Header } from "../wire/header";
import { XS_ERROR, XS_HEADER_SIZE } from "../xs_wire";
import { Connection, Connections } from "./connection";
import { Outbox } from "./outbox";

/** u32 connection, u32 its serial, u64 position of the reply */
const MARK: u32 = 16;
const FIRST_MARKS: u32 = 64;

export class Unstored {
  private static marks: usize = 0;
  private static cap: u32 = 0;
  static count: u32 = 0;

  /** The request just served has changed something; its reply is the last that was added. */
  static note(c: Connection): void {
    if (Unstored.count == Unstored.cap && !Unstored.grow()) return;
    const at = Unstored.marks + Unstored.count * MARK;
    store<u32>(at, c.id);
    store<u32>(at, c.serial, 4);
    store<u64>(at, Outbox.replyPos, 8);
    Unstored.count++;
  }

  static clear(): void {
    Unstored.count = 0;
  }

  /** Turns the noted replies into errors. */
  static refuse(errno: Errno): void {
    // From the last to the first: an error is longer, and moves what is behind it.
    for (let i = Unstored.count; i > 0; i--) {
      const at = Unstored.marks + (i - 1) * MARK;
      const c = Connections.find(load<u32>(at));
      if (c === null || c.serial != load<u32>(at, 4)) continue;
      Unstored.turn(c, load<u64>(at, 8), errno);
    }
    Unstored.count = 0;
  }

  private static turn(c: Connection, pos: u64, errno: Errno): void {
    if (pos < c.outPos || pos >= c.outPos + c.unsent) return;
    const name = errnoName(errno);
    const before = <u32>(pos - c.outPos);
    const h = Header.at(c.outPtr + c.outStart + before);
    if (h.type == XS_ERROR) return;
    const len = <u32>name.length + 1;
    Outbox.replace(c, before, XS_HEADER_SIZE + h.len, XS_HEADER_SIZE + len);
    const reply = Header.at(c.outPtr + c.outStart + before);
    Header.put(changetype<usize>(reply), XS_ERROR, reply.reqId, reply.txId, len);
    for (let i: u32 = 0; i < len - 1; i++) {
      store<u8>(reply.payload + i, <u8>name.charCodeAt(<i32>i));
    }
    store<u8>(reply.payload + len - 1, 0);
  }

  private static grow(): bool {
    const cap = max<u32>(FIRST_MARKS, Unstored.cap << 1);
    const place = Heap.alloc(cap * MARK);
    if (place == 0) return false;
    memory.copy(place, Unstored.marks, Unstored.count * MARK);
    if (Unstored.cap != 0) Heap.free(Unstored.marks);
    Unstored.marks = place;
    Unstored.cap = cap;
    return true;
  }
}

/** The error for a STORAGE_*. */
export function storageErrno(status: u32): Errno {
  if (status == STORAGE_OK) return OK;
  return status == STORAGE_FULL ? ENOSPC : EIO;
}
