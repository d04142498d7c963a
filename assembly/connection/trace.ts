// Trace: lines for the trace file, as the C daemon writes them.
// Holds   which kinds of lines are wanted.
// Never   formats anything while no trace file is open.
// Source  the daemons' command line, trace file.

import { LOG_TRACE } from "../abi";
import { Log } from "../base/log";
import { Header } from "../wire/header";
import { XS_TYPE_COUNT } from "../xs_wire";
import { Connection } from "./connection";

export const TRACE_OBJ: u32 = 1;
export const TRACE_IO: u32 = 2;

export class Trace {
  /** A trace file is open. */
  static on: bool = false;
  static switches: u32 = 3;

  static switchName(index: u32): string {
    switch (index) {
      case 0:
        return "obj";
      case 1:
        return "io";
      case 2:
        return "wrl";
      case 3:
        return "acc";
      default:
        return "tdb";
    }
  }

  /** `io: IN 0x1 (d0) <time> WRITE (/a b)` for the message at `ptr`. */
  static message(direction: string, c: Connection, ptr: usize): void {
    if (!Trace.on || (Trace.switches & TRACE_IO) == 0) return;
    const h = Header.at(ptr);
    Log.begin(LOG_TRACE);
    Log.text("io: ");
    Log.text(direction);
    Log.text(" 0x");
    Trace.hex(c.id);
    Log.text(" (d");
    Log.number(c.domain.domid);
    Log.text(") \x01 ");
    Log.text(typeName(h.type));
    Log.text(" (");
    Log.printable(h.payload, h.len);
    Log.text(")");
    Log.end();
  }

  /** `obj: CREATE connection 0x1` */
  static object(verb: string, what: string, address: u32): void {
    if (!Trace.on || (Trace.switches & TRACE_OBJ) == 0) return;
    Log.begin(LOG_TRACE);
    Log.text("obj: ");
    Log.text(verb);
    Log.text(" ");
    Log.text(what);
    Log.text(" 0x");
    Trace.hex(address);
    Log.end();
  }

  private static hex(value: u32): void {
    let shift: u32 = 28;
    while (shift > 0 && ((value >> shift) & 15) == 0) shift -= 4;
    for (;;) {
      const digit = (value >> shift) & 15;
      Log.byte(<u8>(digit < 10 ? 0x30 + digit : 0x57 + digit));
      if (shift == 0) return;
      shift -= 4;
    }
  }
}

const NAMES: StaticArray<string> = [
  "CONTROL",
  "DIRECTORY",
  "READ",
  "GET_PERMS",
  "WATCH",
  "UNWATCH",
  "TRANSACTION_START",
  "TRANSACTION_END",
  "INTRODUCE",
  "RELEASE",
  "GET_DOMAIN_PATH",
  "WRITE",
  "MKDIR",
  "RM",
  "SET_PERMS",
  "WATCH_EVENT",
  "ERROR",
  "IS_DOMAIN_INTRODUCED",
  "RESUME",
  "SET_TARGET",
  "**UNKNOWN**",
  "RESET_WATCHES",
  "DIRECTORY_PART",
  "GET_FEATURE",
  "SET_FEATURE",
  "GET_QUOTA",
  "SET_QUOTA",
];

function typeName(type: u32): string {
  return type < XS_TYPE_COUNT ? NAMES[type] : "**UNKNOWN**";
}
