// Backup damaged: files that are cut, changed or of another kind.
// Holds   what restore says about them; that it writes nothing then.
// Never   opens a socket or a file.
// Source  docs/tools.md, Backup.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { EXPORT, file, node, run, small, stream } from "./backups.ts";

describe("a damaged file", () => {
  /** Refused with one line, and nothing asked. */
  async function refused(bytes: string | Uint8Array): Promise<string> {
    const { err, exit, asked } = await run("xenstore restore /f", {}, { files: file("/f", bytes) });
    expect(asked).toEqual([]);
    expect(exit).toBe(1);
    expect(err).toMatch(/^xenstore: \/f[^\n]*; nothing was restored\n$/);
    return err.slice("xenstore: /f".length, -"; nothing was restored\n".length);
  }
  it("is refused wherever a dump is cut, with the offset", async () => {
    const bytes = small();
    for (let size = 1; size < bytes.length; size++) {
      expect(await refused(bytes.subarray(0, size))).toContain(` (at offset ${size}): ends `);
    }
    expect(await refused("")).toBe(": is empty");
  });
  it("is refused wherever an export is cut, with the offset", async () => {
    const bytes = new TextEncoder().encode(EXPORT.trimEnd());
    for (let size = 1; size < bytes.length; size++) {
      expect(await refused(bytes.subarray(0, size))).toBe(` (at offset ${size}): ends too early`);
    }
  });
  it("whichever byte of a dump is changed, is refused with a line or is another valid one", async () => {
    const bytes = small();
    for (let at = 0; at < bytes.length; at++) {
      for (const change of [1, 0x20, 0xff]) {
        const changed = bytes.slice();
        changed[at] ^= change;
        const { err, exit, asked } = await run(
          "xenstore restore /f",
          {},
          { files: file("/f", changed) },
        );
        if (exit === 0) expect(asked.length).toBeGreaterThan(2);
        else expect(err).toMatch(/^xenstore: \/f.*; nothing was restored\n$/);
        if (exit !== 0) expect(asked).toEqual([]);
      }
    }
  });
  it.each([
    ["an export", EXPORT],
    [
      "a dump of oxenstored",
      "$xenstored-dump-format\nstore,2f,6e30,\nstore,2f61,6e300072350a,4142\n",
    ],
  ])(
    "whichever bytes of %s are changed, is refused with a line or is another",
    async (_w, text) => {
      const property = fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(text.length - 1), fc.nat(255)), { minLength: 1, maxLength: 3 }),
        async (changes) => {
          const bytes = new TextEncoder().encode(text);
          for (const [at, byte] of changes) bytes[at] = byte;
          const done = await run("xenstore restore /f", {}, { files: file("/f", bytes) });
          if (done.exit === 0) return;
          expect(done.err).toMatch(/^xenstore: \/f.*\n$/);
          expect(done.asked).toEqual([]);
        },
      );
      await fc.assert(property, { numRuns: 500 });
    },
  );
  it.each([
    ["TDB file\n\0\0", " (at offset 0): is the C daemon's own database, which can't be read"],
    [
      "hello world, hello world",
      " (at offset 0): is neither a stream, nor an export, nor a dump of oxenstored",
    ],
    ["{}", ': is JSON, but its "format" is not "xenstore-export"'],
    [EXPORT.replace(":1,", ":2,"), ": is an export of version 2; only 1 can be read"],
    [
      EXPORT.replace('"perms":["n3","r0"]', '"perms":"n3"'),
      ': node 4, /a/y, has no "perms" such as ["n0","r3"]',
    ],
    [EXPORT.replace('"r0"', '"x0"'), ': /a/y has a permission that is none: "x0"'],
    [EXPORT.replace('"r0"', '"r65536"'), ': /a/y has a permission that is none: "r65536"'],
    [EXPORT.replace('"n3","r0"', ""), ": /a/y has no permissions"],
    [EXPORT.replace("/wA=", "/wA=="), ": node 5, /b, has a value that is no base64"],
    [
      EXPORT.replace('"value":"1"', '"value":1'),
      ': node 3, /a/x, has no "value": a string or {"base64":"…"}',
    ],
    [EXPORT.replace("/a/y", "/a/x"), ": /a/x is there twice"],
    [EXPORT.replace("/a/y", "/a//y"), ': "/a//y" is no path of a node'],
    [
      EXPORT.replace('"1"', JSON.stringify("x".repeat(4092))),
      ": the value of /a/x has 4092 bytes: too long to write it",
    ],
    [
      "$xenstored-dump-format\nstore,2f,6e30,\nstore,2f61,6e30",
      " (at offset 53): ends inside a line",
    ],
    [
      "$xenstored-dump-format\nstore,2f,6e30,4\n",
      " (at offset 23): has a line of a node that is not hexadecimal",
    ],
    ["$xenstored-dump-format2\n", " (at offset 0): is a dump of an unknown version"],
  ])("is refused with a reason: %j", async (text, reason) => {
    expect(await refused(text)).toBe(Buffer.from(reason).toString("latin1"));
  });
  it("is refused at the byte that is no UTF-8", async () => {
    const bytes = new TextEncoder().encode(EXPORT.replace('"1"', '"\ufffd1"'));
    const at = bytes.indexOf(0xef) + 3;
    bytes[at] = 0xff;
    expect(await refused(bytes)).toBe(` (at offset ${at}): is no UTF-8`);
  });
  it.each([
    ["a node twice", [node("/"), node("/a"), node("/a")], 80, "/a is there twice"],
    ["a node without parent", [node("/"), node("/a/b")], 48, '"/a/b" comes without its parent'],
    ["no path", [node("/"), node("/a b")], 48, '"/a b" is no path of a node'],
  ])("with %s is refused where it stands", async (_what, records, at, reason) => {
    expect(await refused(stream(...records))).toBe(` (at offset ${at}): ${reason}`);
  });
  it("that is not there is named", async () => {
    const { err, exit } = await run("xenstore restore /none");
    expect([err, exit]).toEqual(["xenstore: /none can't be read: No such file or directory\n", 1]);
  });
});
