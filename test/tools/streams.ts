// Streams: bytes of migration streams that tests begin with.
// Holds   the example of the format, as the newest C daemon wrote it.
// Never   uses the code under test.
// Source  the XenStore protocol, live update, Example.

import fc from "fast-check";

/** Values of the ten quotas in the example, and their names in the same order. */
const QUOTA = [1000, 128, 20, 2621440, 2097152, 10, 1024, 5, 2048, 2048];
const QUOTA_NAMES =
  "nodes watches outstanding memory soft-memory transactions transaction-nodes " +
  "node-permissions path-max node-size";

/** Bytes written in hexadecimal, with blanks between. */
export function groups(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text.replace(/\s/g, ""), "hex"));
}

function quota(head: string): Uint8Array {
  const names = Buffer.from(`${QUOTA_NAMES.split(" ").join("\0")}\0`);
  const body = Buffer.concat([groups(head), Buffer.from(new Uint32Array(QUOTA).buffer), names]);
  return Buffer.concat([body, new Uint8Array(-body.length & 7)]);
}

/** Two sockets, one guest with half a request read, one node with a value. */
export function exampleStream(): Uint8Array {
  return new Uint8Array(
    Buffer.concat([
      groups("78656e73 746f7265 00000002 00000000"),
      groups("01000000 08000000 03000000 06000000"),
      groups("06000000 a0000000"),
      quota("0a000000"),
      groups("02000000 20000000 01000000 00000100 0000f47f 02000000 00000000 00000000"),
      groups("00100000 00000000"),
      groups("02000000 30000000 02000000 01000000 07000000 00000000 00000000 13000000"),
      groups("00000000 06000000 00000000 03000000 4f4b0000 00000000"),
      groups("02000000 18000000 03000000 01000000 08000000 00000000 00000000 00000000"),
      groups("03000000 18000000 03000000 06000500 2f746f6f 6c00746f 6b310000 00000000"),
      groups("02000000 38000000 04000000 00000100 0300f47f 03000000 13000000 00000000"),
      groups("02000000 4d000000 00000000 1e000000 61626300 00000000 00000000 00000000"),
      groups("03000000 10000000 04000000 05000300 64617461 00677400"),
      groups("05000000 18000000 00000000 00000000 02000000 00000100 6e000000 2f000000"),
      groups("05000000 20000000 00000000 00000000 06000000 00000100 6e000000 2f746f6f"),
      groups("6c000000 00000000"),
      groups("05000000 28000000 00000000 00000000 10000000 00000100 6e000000 2f746f6f"),
      groups("6c2f7865 6e73746f 72656400 00000000"),
      groups("05000000 28000000 00000000 00000000 08000500 00000200 6e000000 72000300"),
      groups("2f746f6f 6c2f7600 68656c6c 6f000000"),
      groups("05000000 28000000 00000000 00000000 0f000000 00000200 6e000000 7200f57f"),
      groups("4072656c 65617365 446f6d61 696e0000"),
      groups("05000000 28000000 00000000 00000000 11000000 00000100 6e000000 40696e74"),
      groups("726f6475 6365446f 6d61696e 00000000"),
      groups("07000000 a0000000"),
      quota("03000a00 0e000000"),
      groups("07000000 a0000000"),
      quota("00000a00 0e000000"),
      groups("00000000 00000000"),
    ]),
  );
}

/** Characters of one byte each, from `min` on. */
export function byte(min: number): fc.Arbitrary<string> {
  return fc.integer({ min, max: 255 }).map((code) => String.fromCharCode(code));
}
