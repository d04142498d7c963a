// Ring bytes: queues of a ring taken apart: what waits, which field of which message a byte is.
// Holds   the worked example of the specification, wraps, halves of messages, broken indexes.
// Never   needs a store.
// Source  the XenStore protocol, ring.

import { describe, expect, test } from "vitest";
import { encodeMessage, strings, XS_READ, XS_WRITE } from "../../hosts/entry/wire.ts";
import {
  byteAt,
  byteChar,
  bytesAt,
  byteWords,
  cutMessages,
  fieldAt,
  openEnd,
  payloadText,
  QUEUE_SIZE,
  type Queue,
  readQueue,
  type Track,
  typeName,
} from "../../hosts/playground/model/ring_bytes.ts";

const encoder = new TextEncoder();

function message(type: number, reqId: number, payload: Uint8Array): Uint8Array {
  return encodeMessage({ type, reqId, txId: 0, payload });
}

const READ = message(XS_READ, 1, strings("/tool"));
const WRITE = message(XS_WRITE, 2, encoder.encode("data/hello\0world"));

/** A queue that is written and read as a ring's. */
class Sim {
  readonly bytes = new Uint8Array(QUEUE_SIZE);
  cons: number;
  prod: number;
  track: Track | null = null;

  constructor(start = 0) {
    this.cons = start;
    this.prod = start;
  }

  put(bytes: Uint8Array): this {
    for (const byte of bytes) {
      this.bytes[this.prod % QUEUE_SIZE] = byte;
      this.prod = (this.prod + 1) >>> 0;
    }
    return this;
  }

  read(count: number): this {
    this.cons = (this.cons + count) >>> 0;
    return this;
  }

  look(): Queue {
    const queue = readQueue(this.bytes, this.cons, this.prod, this.track);
    this.track = queue.track;
    return queue;
  }
}

describe("a queue", () => {
  test("the worked example: READ /tool into an empty ring", () => {
    const queue = new Sim().put(READ).look();
    expect([queue.fill, queue.wraps, queue.broken]).toEqual([22, false, false]);
    const [piece] = queue.messages;
    expect(piece.header).toEqual({ type: 2, reqId: 1, txId: 0, len: 6 });
    expect([piece.have, piece.total]).toEqual([22, 22]);
    expect(payloadText(piece.payload)).toBe("/tool\\0");
  });

  test("across the end of the buffer and of the numbers", () => {
    const queue = new Sim(0xffff_fff8).put(READ).look();
    expect([queue.fill, queue.wraps, queue.prod]).toEqual([22, true, 14]);
    expect(queue.messages[0].header?.type).toBe(XS_READ);
    expect(byteAt(queue, 1016)).toMatchObject({ field: "type", waits: true, offset: 0 });
    expect(byteAt(queue, 8)).toMatchObject({ field: "payload", waits: true, offset: 16 });
    expect(byteAt(queue, 14)).toMatchObject({ field: null, waits: false, message: null });
  });

  test("several messages, the last of them only begun", () => {
    const queue = new Sim(100).put(READ).put(WRITE).put(READ.subarray(0, 5)).look();
    expect(queue.messages.map(({ header }) => typeName(header))).toEqual(["READ", "WRITE", "?"]);
    expect(openEnd(queue)).toMatchObject({ start: 154, have: 5, total: 16, header: null });
  });

  test("a message whose header was read already is still that message", () => {
    const sim = new Sim().put(READ);
    sim.look();
    const queue = sim.read(16).look();
    expect(queue.messages).toHaveLength(1);
    expect(queue.messages[0]).toMatchObject({ start: 0, have: 22 });
    expect(byteAt(queue, 16)).toMatchObject({ field: "payload", waits: true });
    expect(byteAt(queue, 0)).toMatchObject({ field: "type", waits: false });
    const after = sim.read(6).look();
    expect(after.messages).toEqual([]);
    expect(after.read.map(({ header }) => typeName(header))).toEqual(["READ"]);
    expect(byteAt(after, 16)).toMatchObject({ field: "payload", waits: false });
    expect(byteWords(byteAt(after, 16), "store")).toContain("was read by the store");
    // Overwritten, it is known no more.
    sim.put(new Uint8Array(1020)).read(1020);
    expect(sim.look().read.every(({ header }) => header?.type !== XS_READ)).toBe(true);
  });

  test("put byte by byte while the store reads at once", () => {
    const sim = new Sim(1000);
    sim.look();
    for (const [at, byte] of WRITE.entries()) {
      // The store takes a header as a whole, then the payload as it comes.
      sim.put(Uint8Array.of(byte));
      if (at === 15) sim.read(16);
      if (at > 15) sim.read(1);
      const queue = sim.look();
      const end = openEnd(queue);
      if (at < WRITE.length - 1) expect(end?.have).toBe(at + 1);
      else expect(end).toBeNull();
    }
  });

  test("a message longer than the queue keeps its header", () => {
    const long = message(XS_WRITE, 7, new Uint8Array(2000).fill(65));
    const sim = new Sim().put(long.subarray(0, 1000));
    sim.look();
    const queue = sim.read(1000).put(long.subarray(1000, 1900)).look();
    expect(queue.messages[0]).toMatchObject({ start: 0, have: 1900, total: 2016 });
    expect(queue.messages[0].header?.reqId).toBe(7);
    sim.read(900).put(long.subarray(1900)).read(116).put(READ);
    expect(sim.look().messages.map(({ header }) => header?.type)).toEqual([XS_READ]);
  });

  test("broken indexes are no messages", () => {
    const sim = new Sim().put(READ);
    sim.prod = 5000;
    const queue = sim.look();
    expect([queue.broken, queue.fill, queue.messages.length]).toEqual([true, 5000, 0]);
    expect(byteAt(queue, 0).waits).toBe(false);
  });

  test("a reconnection begins anew", () => {
    const sim = new Sim(500).put(READ);
    sim.look();
    sim.cons = 0;
    sim.prod = 0;
    sim.look();
    expect(
      sim
        .put(WRITE)
        .look()
        .messages.map(({ header }) => header?.type),
    ).toEqual([XS_WRITE]);
  });

  test("a length above 4096 ends the reading", () => {
    const huge = READ.slice();
    new DataView(huge.buffer).setUint32(12, 5000, true);
    const queue = new Sim().put(huge).put(WRITE).look();
    expect(queue.messages).toHaveLength(1);
    expect(queue.messages[0].tooLong).toBe(true);
  });

  test("any bytes and any indexes", () => {
    let seed = 1;
    const next = (below: number) => {
      seed = (seed * 48271) % 0x7fff_ffff;
      return seed % below;
    };
    let track: Track | null = null;
    for (let round = 0; round < 2000; round++) {
      const bytes = Uint8Array.from({ length: QUEUE_SIZE }, () => next(next(256) + 1));
      const cons = (next(0x7fff_ffff) * 2 + next(2)) >>> 0;
      const prod = (cons + next(1200)) >>> 0;
      const queue = readQueue(bytes, cons, prod, round % 3 === 0 ? null : track);
      track = queue.track;
      for (const { have, total } of queue.messages) expect(have).toBeLessThanOrEqual(total);
      expect(byteWords(byteAt(queue, next(QUEUE_SIZE)), "store")).toMatch(/^Byte \d+ is 0x/);
      openEnd(queue);
    }
  });
});

describe("bytes that are not in a queue", () => {
  test("cut into messages from the first on", () => {
    const bytes = new Uint8Array([...READ, ...WRITE, 1, 2]);
    const pieces = cutMessages(bytes, null);
    expect(pieces.map(({ start, have, total }) => [start, have, total])).toEqual([
      [0, 22, 22],
      [22, 32, 32],
      [54, 2, 16],
    ]);
  });

  test("go on with a message that has begun in the queue", () => {
    for (let split = 1; split < WRITE.length; split++) {
      const queue = new Sim().put(WRITE.subarray(0, split)).look();
      const begun = openEnd(queue);
      if (!begun) throw new Error("it has begun");
      const head = bytesAt(queue.bytes, begun.start, Math.min(16, begun.have));
      const rest = new Uint8Array([...WRITE.subarray(split), ...READ]);
      const [first, second] = cutMessages(rest, begun, head);
      expect(first).toMatchObject({ start: -split, have: WRITE.length, total: WRITE.length });
      expect(first.header?.type).toBe(XS_WRITE);
      expect(second).toMatchObject({ start: WRITE.length - split, have: READ.length });
    }
  });

  test("fields by their place", () => {
    const places = [0, 3, 4, 8, 12, 15, 16, 4000];
    expect(places.map((at) => fieldAt(at))).toEqual(
      "type type req_id tx_id len len payload payload".split(" "),
    );
  });

  test("characters", () => {
    expect([0, 0x20, 0x41, 0x7f, 0xff].map((value) => byteChar(value)).join("")).toBe(
      "\u00b7 A\u2022\u2022",
    );
  });
});
