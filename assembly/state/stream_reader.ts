// Stream reader: the blocks of a stream are checked and its records handed on, as they come.
// Holds   how far it is, and what could not be used.
// Never   hands on a record of a block whose checksum is wrong; never believes a length.
// Source  the XenStore protocol, migration stream; the layouts stand at state/stream.ts.

import {
  LOAD_SALVAGE,
  LOAD_UPDATE,
  LOADED,
  LOADED_DAMAGED,
  LOADED_FOREIGN,
  LOADED_NEWER,
  LOADED_NO_MEMORY,
} from "../abi";
import { Crc } from "../base/crc";
import { Heap } from "../base/heap";
import { Feed } from "./feed";
import { Records } from "./records";
import {
  CHECK_MAGIC,
  CHECK_SIZE,
  RECORD_HEAD,
  S_CHECK,
  S_END,
  STREAM_HEAD,
  STREAM_MAGIC,
  STREAM_VERSION,
  swapped,
} from "./stream";

const HEAD: u32 = 0;
const BLOCK: u32 = 1;
/** Behind a fault: looking for the end of the block. */
const SEARCH: u32 = 2;
const DONE: u32 = 3;
/** A block that says it is longer than this is none. */
const BLOCK_MAX: u32 = 0x4000_0000;

export class StreamReader {
  private static phase: u32 = 0;
  private static what: u32 = 0;
  private static result: u32 = 0;
  /** Bytes of the open block that were looked through for its end. */
  private static scanned: u32 = 0;
  private static block: u32 = 0;
  /** CRC of the records that were handed on before their checksum came; and whether there are any. */
  private static crc: u32 = 0;
  private static open: bool = false;
  private static ended: bool = false;
  static fault: u64 = 0;

  static begin(what: u32): void {
    StreamReader.phase = HEAD;
    StreamReader.what = what;
    StreamReader.result = LOADED;
    StreamReader.scanned = 0;
    StreamReader.block = 0;
    StreamReader.ended = false;
    StreamReader.fault = 0;
    Records.begin(what);
  }

  static get nodes(): u32 {
    return Records.nodes;
  }

  static get lost(): u32 {
    return Records.lost;
  }

  static get number(): u32 {
    return Records.number;
  }

  static get sameBoot(): bool {
    return Records.sameBoot;
  }

  /** Reads what is there. @returns whether more is wanted */
  static read(): bool {
    if (StreamReader.phase == HEAD && Feed.len >= STREAM_HEAD) StreamReader.head();
    if (StreamReader.what == LOAD_UPDATE) {
      while (StreamReader.phase == BLOCK && StreamReader.record()) {}
    } else {
      while (StreamReader.phase == BLOCK && StreamReader.checked()) {}
    }
    while (StreamReader.phase == SEARCH && StreamReader.search()) {}
    return StreamReader.phase != DONE;
  }

  static end(): u32 {
    if (!StreamReader.ended) {
      if (StreamReader.phase == HEAD) StreamReader.fail(LOADED_FOREIGN);
      else if (StreamReader.result == LOADED) StreamReader.fail(LOADED_DAMAGED);
    } else if (Feed.len > 0) StreamReader.fail(LOADED_DAMAGED);
    // What is damaged makes no sense as a whole, unless each part of it was checked.
    const whole = StreamReader.result == LOADED || StreamReader.what == LOAD_SALVAGE;
    if (whole && !Records.end()) StreamReader.fail(LOADED_DAMAGED);
    return StreamReader.result;
  }

  private static head(): void {
    const at = Feed.ptr;
    const version = swapped(load<u32>(at, 8));
    const sound = load<u64>(at) == STREAM_MAGIC && version != 0 && load<u32>(at, 12) == 0;
    if (!sound && StreamReader.what != LOAD_SALVAGE) {
      StreamReader.fail(LOADED_FOREIGN);
    } else if (version > STREAM_VERSION && StreamReader.what == LOAD_UPDATE) {
      StreamReader.fail(LOADED_NEWER);
    } else {
      Records.version = version;
      StreamReader.phase = BLOCK;
      // The first block's checksum is that of the head, too.
      StreamReader.scanned = STREAM_HEAD;
      if (StreamReader.what != LOAD_UPDATE) return;
      StreamReader.crc = Crc.of(at, STREAM_HEAD, 0);
      StreamReader.open = true;
      Feed.take(STREAM_HEAD);
    }
  }

  /** The first fault counts; without salvage nothing more is read. */
  private static fail(result: u32): void {
    if (StreamReader.result == LOADED) {
      StreamReader.result = result;
      StreamReader.fault = Feed.offset;
    }
    const salvage = StreamReader.what == LOAD_SALVAGE && result == LOADED_DAMAGED;
    StreamReader.phase = salvage ? SEARCH : DONE;
  }

  /** Hands on one record; its checksum, if any, comes later. @returns false when more is needed */
  private static record(): bool {
    if (Feed.len < RECORD_HEAD) return false;
    const at = Feed.ptr;
    const type = load<u32>(at);
    if (type == S_END) {
      // Our own streams are checked to their end.
      const sound = load<u32>(at, 4) == 0 && !(Records.ours && StreamReader.open);
      if (!sound) StreamReader.fail(LOADED_DAMAGED);
      else StreamReader.finish();
      if (sound) Feed.take(RECORD_HEAD);
      return false;
    }
    const size = Records.sizeOf(at, Feed.len);
    if (size == 0) StreamReader.fail(LOADED_DAMAGED);
    if (size == 0 || Feed.len < size) return false;
    const check = type == S_CHECK && isCheck(at);
    if (check ? !StreamReader.agrees(at) : !StreamReader.use(at, size)) {
      StreamReader.fail(Heap.reserve(1048576) ? LOADED_DAMAGED : LOADED_NO_MEMORY);
      return false;
    }
    StreamReader.crc = check ? 0 : Crc.of(at, size, StreamReader.crc);
    StreamReader.open = !check;
    Feed.take(size);
    return true;
  }

  /** Is the checksum that of the records handed on since the last? */
  private static agrees(check: usize): bool {
    return (
      load<u32>(check, RECORD_HEAD + 8) == StreamReader.crc &&
      load<u32>(check, RECORD_HEAD + 12) == StreamReader.block++
    );
  }

  private static finish(): void {
    StreamReader.ended = true;
    StreamReader.phase = DONE;
  }

  private static use(at: usize, size: u32): bool {
    return Records.use(load<u32>(at), at + RECORD_HEAD, size - RECORD_HEAD);
  }

  /** Looks for the end of the open block, checks it and hands its records on. */
  private static checked(): bool {
    while (Feed.len - StreamReader.scanned >= RECORD_HEAD) {
      const at = Feed.ptr + StreamReader.scanned;
      const type = load<u32>(at);
      if (type == S_END && StreamReader.scanned == 0) {
        if (load<u32>(at, 4) != 0) StreamReader.fail(LOADED_DAMAGED);
        else StreamReader.finish();
        if (StreamReader.ended) Feed.take(RECORD_HEAD);
        return false;
      }
      const size = RECORD_HEAD + rounded(load<u32>(at, 4));
      if (type == S_END || size > BLOCK_MAX) {
        StreamReader.fail(LOADED_DAMAGED);
        return false;
      }
      if (Feed.len - StreamReader.scanned < size) return false;
      if (type == S_CHECK && isCheck(at)) return StreamReader.closeBlock(at);
      StreamReader.scanned += size;
    }
    return false;
  }

  private static closeBlock(check: usize): bool {
    const len = StreamReader.scanned;
    const sound =
      Crc.of(Feed.ptr, len, 0) == load<u32>(check, RECORD_HEAD + 8) &&
      load<u32>(check, RECORD_HEAD + 12) == StreamReader.block;
    // A version that we do not know is one only if no bit of it has flipped.
    const newer = Records.version > STREAM_VERSION && StreamReader.what != LOAD_SALVAGE;
    if (!sound || newer || !StreamReader.useBlock(len)) {
      let why = LOADED_DAMAGED;
      if (sound && (newer || Records.newer)) why = LOADED_NEWER;
      else if (sound && !Heap.reserve(1048576)) why = LOADED_NO_MEMORY;
      StreamReader.fail(why);
      return false;
    }
    Feed.take(len + RECORD_HEAD + CHECK_SIZE);
    StreamReader.scanned = 0;
    StreamReader.block++;
    return true;
  }

  private static useBlock(len: u32): bool {
    let at: u32 = StreamReader.block == 0 && Feed.offset == 0 ? STREAM_HEAD : 0;
    while (at < len) {
      const size = RECORD_HEAD + rounded(load<u32>(Feed.ptr + at, 4));
      if (!StreamReader.use(Feed.ptr + at, size)) return false;
      at += size;
    }
    return true;
  }

  /** Behind a fault: the next block begins behind the next checksum. @returns whether to go on */
  private static search(): bool {
    while (Feed.len >= RECORD_HEAD + CHECK_SIZE) {
      const at = Feed.ptr;
      if (load<u32>(at) == S_CHECK && isCheck(at)) {
        StreamReader.block = load<u32>(at, RECORD_HEAD + 12) + 1;
        Records.lost++;
        Feed.take(RECORD_HEAD + CHECK_SIZE);
        StreamReader.scanned = 0;
        StreamReader.phase = BLOCK;
        while (StreamReader.phase == BLOCK && StreamReader.checked()) {}
        return StreamReader.phase == SEARCH;
      }
      Feed.take(8);
    }
    return false;
  }
}

function isCheck(at: usize): bool {
  return load<u32>(at, 4) == CHECK_SIZE && load<u64>(at, RECORD_HEAD) == CHECK_MAGIC;
}

function rounded(len: u32): u32 {
  return len > BLOCK_MAX ? BLOCK_MAX + 1 : (len + 7) & ~7;
}
