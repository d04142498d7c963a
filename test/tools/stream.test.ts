// Stream: the migration stream is read and written as its format says.
// Holds   the example of the format, round trips of every record, cuts, flips and faults.
// Never   needs a daemon.
// Source  the XenStore protocol, live update, Stream.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeBody } from "../../hosts/shared/record_decode.ts";
import { type KnownRecord, latin1 } from "../../hosts/shared/records.ts";
import {
  encodeRecord,
  type PlacedRecord,
  readStream,
  StreamError,
  StreamReader,
  streamHeader,
} from "../../hosts/shared/stream.ts";
import { byte, exampleStream, groups } from "./streams.ts";

/** All records of a stream that comes in pieces of `step` bytes. */
function readAll(bytes: Uint8Array, step = bytes.length): PlacedRecord[] {
  const reader = new StreamReader();
  const records: PlacedRecord[] = [];
  for (let at = 0; at < bytes.length; at += step) {
    records.push(...reader.push(bytes.slice(at, at + step)));
  }
  reader.end();
  return records;
}

/** What reading it fails with. */
function fault(bytes: Uint8Array): { offset: number; message: string; cut: boolean } | null {
  try {
    readAll(bytes);
    return null;
  } catch (error) {
    if (!(error instanceof StreamError)) throw error;
    return { offset: error.offset, message: error.message, cut: error.cut };
  }
}

const plain = (records: readonly PlacedRecord[]) => records.map(({ at: _at, ...record }) => record);
const stream = (...parts: Uint8Array[]) =>
  new Uint8Array(Buffer.concat([streamHeader(), ...parts]));
const end = encodeRecord({ kind: "end" });
const frame = (type: number, body: Uint8Array, length = body.length) =>
  Buffer.concat([new Uint8Array(new Uint32Array([type, length]).buffer), body]);

describe("the example of the format", () => {
  const records = readAll(exampleStream());
  const at = (offset: number) => records.find((record) => record.at === offset);

  it("is read record by record", () => {
    expect(records.map((record) => record.at)).toEqual([
      16, 32, 200, 240, 296, 328, 360, 424, 448, 480, 520, 568, 616, 664, 712, 880, 1048,
    ]);
    expect(at(16)).toMatchObject({ kind: "global", socket: 3, events: 6 });
    expect(at(200)).toMatchObject({
      conn: 1,
      link: { kind: "ring", domid: 0, target: 0x7ff4, port: 2 },
      uniqueId: 4096n,
    });
    const waiting = at(240);
    expect(waiting).toMatchObject({ conn: 2, link: { kind: "socket", handle: 7 }, uniqueId: null });
    if (waiting?.kind !== "connection") throw new Error("no connection");
    expect(latin1(waiting.output)).toBe(
      "\x00\x00\x00\x00\x06\x00\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00OK\x00",
    );
    expect(at(328)).toMatchObject({ kind: "watch", conn: 3, path: "/tool", token: "tok1" });
    const half = at(360);
    if (half?.kind !== "connection") throw new Error("no connection");
    expect([half.input.length, latin1(half.input.subarray(-3)), half.uniqueId]).toEqual([
      19,
      "abc",
      0n,
    ]);
    expect(at(424)).toMatchObject({ conn: 4, path: "data", token: "gt" });
    const node = at(568);
    expect(node).toMatchObject({
      path: "/tool/v",
      perms: [
        { access: "n", domid: 0, inert: false },
        { access: "r", domid: 3, inert: false },
      ],
    });
    expect(node?.kind === "node" && latin1(node.value)).toBe("hello");
    expect(at(616)).toMatchObject({ path: "@releaseDomain", perms: [{}, { domid: 32757 }] });
    expect(at(712)).toMatchObject({ kind: "domain", domid: 3, features: 14 });
    expect(at(1048)).toMatchObject({ kind: "end" });
  });

  it("comes out of the writer byte for byte", () => {
    const written = stream(...(plain(records) as KnownRecord[]).map(encodeRecord));
    expect(Buffer.from(written).toString("hex")).toBe(Buffer.from(exampleStream()).toString("hex"));
  });

  it("is the same in pieces of any size", () => {
    for (let step = 1; step < 100; step++) expect(readAll(exampleStream(), step)).toEqual(records);
  });

  it("is refused wherever it is cut, at the offset of the cut", () => {
    const bytes = exampleStream();
    for (let size = 0; size < bytes.length; size++) {
      expect(fault(bytes.subarray(0, size))).toMatchObject({ offset: size, cut: true });
    }
  });

  it("is read or refused, whichever byte is changed", () => {
    const bytes = exampleStream();
    for (let at = 0; at < bytes.length; at++) {
      for (const change of [1, 0x80, 0xff]) {
        const changed = bytes.slice();
        changed[at] ^= change;
        const found = fault(changed);
        if (found !== null) expect(found.offset).toBeLessThanOrEqual(bytes.length);
      }
    }
  });

  it("is read as it comes", async () => {
    async function* pieces() {
      yield exampleStream().subarray(0, 100);
      yield exampleStream().subarray(100);
    }
    const found: number[] = [];
    for await (const record of readStream(pieces())) found.push(record.at);
    expect(found).toEqual(records.map((record) => record.at));
  });
});

describe("the header", () => {
  const changed = (at: number, value: number) => {
    const bytes = exampleStream();
    bytes[at] = value;
    return fault(bytes);
  };
  it.each([
    [0, 0x58, 0, "is no XenStore stream"],
    [11, 0, 8, "has version 0; 1 to 2 can be read"],
    [11, 3, 8, "has version 3; 1 to 2 can be read"],
    [15, 1, 12, "was written in big endian order"],
    [15, 2, 12, "has unknown flags 0x2"],
  ])("with byte %d changed to %d is refused", (at, value, offset, message) => {
    expect(changed(at, value)).toMatchObject({ offset, message });
  });
});

describe("records", () => {
  const text = fc.string({ unit: byte(1), maxLength: 40 });
  const bytes = fc.uint8Array({ maxLength: 60 });
  const u16 = fc.nat(0xffff);
  const u32 = fc.nat(0xffffffff);
  const i32 = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
  const quota = fc.array(fc.tuple(text, u32), { maxLength: 5 });
  const kind = <K extends string>(name: K) => fc.constant(name);
  const conn = fc.integer({ min: 1, max: 0xffffffff });
  const path = text.map((rest) => `/${rest}`);
  const perm = fc.record({
    access: fc.constantFrom("n", "r", "w", "b"),
    domid: u16,
    inert: fc.boolean(),
  });
  const connection = fc
    .record({
      kind: kind("connection"),
      conn,
      link: fc.oneof(
        fc.record({ kind: kind("ring"), domid: u16, target: u16, port: u32 }),
        fc.record({ kind: kind("socket"), handle: i32 }),
      ),
      input: bytes,
      output: bytes,
      uniqueId: fc.option(fc.bigInt(0n, 2n ** 64n - 1n)),
    })
    .map((record) => ({ ...record, resp: record.output.length >> 1 }));
  const record: fc.Arbitrary<KnownRecord> = fc.oneof(
    fc.record({ kind: kind("global"), socket: i32, events: i32 }),
    connection,
    fc.record({ kind: kind("watch"), conn: u32, path: text, token: text }),
    fc.record({
      kind: kind("deep-watch"),
      conn: u32,
      path,
      token: text,
      depth: fc.option(fc.nat(0xfffe)),
    }),
    fc.record({ kind: kind("transaction"), conn: u32, txId: u32 }),
    fc.record({
      kind: kind("node"),
      conn: u32,
      txId: u32,
      access: u16,
      path: text,
      value: bytes,
      perms: fc.array(perm, { maxLength: 6 }),
    }),
    fc.record({ kind: kind("quota"), perDomain: quota, global: quota }),
    fc.record({ kind: kind("domain"), domid: u16, features: u32, quota }),
  );

  it("of every kind come out as they went in", () => {
    const property = fc.property(fc.array(record), fc.nat({ max: 200 }), (records, step) => {
      const written = stream(...records.map(encodeRecord), end);
      expect(written.length % 8).toBe(0);
      expect(plain(readAll(written, step + 1))).toEqual([...records, { kind: "end" }]);
    });
    fc.assert(property, { numRuns: 300 });
  });

  it("whose length leaves the padding out are read alike", () => {
    const body = groups("00000000 00000000 02000000 00000100 6e000000 2f000000").subarray(0, 22);
    const padded = Buffer.concat([body, new Uint8Array(2)]);
    const [node, last] = readAll(stream(frame(5, padded, 22), end));
    expect(node).toMatchObject({ kind: "node", path: "/" });
    expect(last).toMatchObject({ kind: "end", at: 16 + 32 });
  });

  it("of unknown and private types are skipped, however long", () => {
    const long = frame(0xffff0007, new Uint8Array(3 << 20));
    const odd = frame(77, new Uint8Array(8), 5);
    for (const step of [1 << 16, 4 << 20]) {
      expect(readAll(stream(long, odd, end), step)).toMatchObject([
        { kind: "skipped", type: 0xffff0007, length: 3 << 20, at: 16 },
        { kind: "skipped", type: 77, length: 5 },
        { kind: "end" },
      ]);
    }
  });

  it("of version 1 know neither features nor watches with depth", () => {
    const features = { kind: "domain" as const, domid: 3, features: 14, quota: [] };
    const deep = encodeRecord({ kind: "deep-watch", conn: 1, path: "/a", token: "t", depth: 1 });
    const bytes = stream(encodeRecord(features), deep, end);
    bytes[11] = 1;
    expect(readAll(bytes)).toMatchObject([
      { kind: "domain", features: 0 },
      { kind: "skipped", type: 8 },
      { kind: "end" },
    ]);
  });

  it("that claim more than a record can hold are refused where they begin", () => {
    const huge = frame(5, new Uint8Array(8), 0x7fffffff);
    expect(fault(stream(huge, end))).toEqual({
      offset: 16,
      message: "NODE_DATA claims 2147483647 bytes",
      cut: false,
    });
  });

  it("may not follow the last", () => {
    expect(fault(stream(end, end))).toMatchObject({
      offset: 24,
      message: "something follows the END record",
    });
  });

  it.each([
    ["a path without end", "00000000 00000000 02000000 00000100 6e000000 2f2f0000"],
    ["a path of no length", "00000000 00000000 00000000 00000100 6e000000 2f000000"],
    ["a value beyond the end", "00000000 00000000 02002000 00000100 6e000000 2f000000"],
    ["too many permissions", "00000000 00000000 02000000 00002000 6e000000 2f000000"],
    ["a permission of no kind", "00000000 00000000 02000000 00000100 78000000 2f000000"],
    [
      "more bytes than parts",
      "00000000 00000000 02000000 00000100 6e000000 2f000000 00000000 00000000",
    ],
  ])("of a node with %s are refused", (_what, hex) => {
    expect(fault(stream(frame(5, groups(hex)), end))).toMatchObject({ offset: 16, cut: false });
  });
});

describe("a watch with depth", () => {
  const table = groups("03000000 06000500 02000000 2f746f6f 6c00746f 6b310000");
  // As the C daemon 4.22 writes it: the length counts depth and padding, which are not there.
  const short = groups("03000000 06000500 2f746f6f 6c00746f 6b310000 00000000");

  it("is read in the layout of the format", () => {
    const { record, size } = decodeBody(8, 2, table);
    expect(record).toMatchObject({ conn: 3, path: "/tool", token: "tok1", depth: 2 });
    expect(size).toBe(24);
  });

  it("is read without its depth in the C daemon's layout", () => {
    const { record, size } = decodeBody(8, 2, short);
    expect(record).toMatchObject({ conn: 3, path: "/tool", token: "tok1", depth: null });
    expect(size).toBe(24);
  });

  it("that is shorter than it says does not swallow what follows", () => {
    const body = groups("03000000 06000900 2f746f6f 6c00746f 6b313233 34350000");
    const watch = frame(8, body.subarray(0, 24), 32);
    const node = encodeRecord({ kind: "transaction", conn: 1, txId: 2 });
    expect(readAll(stream(watch, node, end))).toMatchObject([
      { path: "/tool", token: "tok12345", depth: null },
      { kind: "transaction", txId: 2, at: 48 },
      { kind: "end" },
    ]);
  });

  it("in neither layout is refused", () => {
    const body = groups("03000000 06000500 02000000 ff746f6f 6c00746f 6b310000");
    expect(fault(stream(frame(8, body), end))).toMatchObject({ offset: 16, cut: false });
  });
});
