// Packet: messages taken apart, their headers, and text that is safe to show.
// Holds   one message of every type, malformed ones, arbitrary bytes.
// Never   needs a store.
// Source  the XenStore protocol: Header, Message types, Payload syntax, Error names.

import { describe, expect, test } from "vitest";
import {
  bytesOf,
  decode,
  headerOf,
  type Packet,
  TYPES,
  typeNumber,
} from "../../hosts/playground/model/packet.ts";
import { sentenceOf } from "../../hosts/playground/model/packet_sentence.ts";
import { hexDump, isText, pieces, visible } from "../../hosts/playground/model/packet_text.ts";
import { domidOf, errorWords, permWords } from "../../hosts/playground/model/packet_words.ts";

const encoder = new TextEncoder();

function packet(kind: Packet["kind"], type: string, text: string | Uint8Array, txId = 0): Packet {
  const payload = typeof text === "string" ? encoder.encode(text) : text;
  return { kind, type, domid: 3, reqId: kind === "event" ? 0 : 7, txId, payload };
}

const request = (type: string, text: string, txId = 0) => packet("request", type, text, txId);
const reply = (type: string, text: string) => packet("reply", type, text);

function named(of: Packet, by?: string): string[] {
  return decode(of, by).fields.map(({ name, text }) => `${name}=${text}`);
}

describe("a header", () => {
  test("is sixteen bytes, each field little endian", () => {
    const write = { ...request("WRITE", "/a\0v", 2), reqId: 0x01020304 };
    expect(headerOf(write)).toEqual([
      { name: "type", at: 0, hex: "0b 00 00 00", value: 11, note: "WRITE" },
      {
        name: "req_id",
        at: 4,
        hex: "04 03 02 01",
        value: 0x01020304,
        note: "chosen by the client, copied into the reply",
      },
      { name: "tx_id", at: 8, hex: "02 00 00 00", value: 2, note: "the transaction" },
      { name: "len", at: 12, hex: "04 00 00 00", value: 4, note: "bytes of payload" },
    ]);
    expect(bytesOf(write)).toHaveLength(20);
  });

  test("has the number of an error, an event, and a type without a name", () => {
    expect(typeNumber("ERROR")).toBe(16);
    expect(typeNumber("WATCH_EVENT")).toBe(15);
    expect(typeNumber("type 4660")).toBe(4660);
    expect(typeNumber("what")).toBe(0xffff);
    expect(headerOf(packet("event", "WATCH_EVENT", "/a\0t\0"))[1]?.note).toBe("0 in events");
  });
});

describe("a request", () => {
  test.each([
    [
      "CONTROL",
      "quota\0set\0nodes\x009\0",
      ["command=quota", "argument=set", "argument=nodes", "argument=9"],
    ],
    ["DIRECTORY", "/a\0", ["path=/a"]],
    ["READ", "/a\0", ["path=/a"]],
    ["GET_PERMS", "/a\0", ["path=/a"]],
    ["WATCH", "/a\0tok\0", ["path=/a", "token=tok"]],
    ["WATCH", "/a\0\x001\0", ["path=/a", "token=", "depth=1"]],
    ["UNWATCH", "/a\0tok\0", ["path=/a", "token=tok"]],
    ["TRANSACTION_START", "\0", ["not looked at="]],
    ["TRANSACTION_END", "T\0", ["end=T"]],
    ["INTRODUCE", "3\x000\x005\0", ["domid=3", "gfn=0", "port=5"]],
    ["RELEASE", "3\0", ["domid=3"]],
    ["GET_DOMAIN_PATH", "3\0", ["domid=3"]],
    ["WRITE", "/a\0v\0w", ["path=/a", "value=v\\0w"]],
    ["WRITE", "/a\0", ["path=/a", "value="]],
    ["MKDIR", "/a\0", ["path=/a"]],
    ["RM", "/a\0", ["path=/a"]],
    ["SET_PERMS", "/a\0n0\0r3\0b4\0", ["path=/a", "owner=n0", "entry=r3", "entry=b4"]],
    ["IS_DOMAIN_INTRODUCED", "3\0", ["domid=3"]],
    ["RESUME", "3\0", ["domid=3"]],
    ["SET_TARGET", "3\x004\0", ["domid=3", "target=4"]],
    ["RESET_WATCHES", "\0", ["not looked at="]],
    ["DIRECTORY_PART", "/a\x000\0", ["path=/a", "offset=0"]],
    ["GET_FEATURE", "", []],
    ["GET_FEATURE", "3\0", ["domid=3"]],
    ["SET_FEATURE", "3\x0014\0", ["domid=3", "features=14"]],
    ["GET_QUOTA", "", []],
    ["GET_QUOTA", "nodes\0", ["quota=nodes"]],
    ["GET_QUOTA", "3\0nodes\0", ["domid=3", "quota=nodes"]],
    ["SET_QUOTA", "nodes\x009\0", ["quota=nodes", "value=9"]],
    ["SET_QUOTA", "3\0nodes\x009\0", ["domid=3", "quota=nodes", "value=9"]],
  ])("%s %j has its fields by name", (type, text, fields) => {
    const one = request(type, text);
    expect(named(one)).toEqual(fields);
    expect(decode(one).problem).toBeNull();
    expect(sentenceOf(one)).toMatch(/^[A-Z].*[.]$/);
  });

  test.each([
    ["READ", "", "There is no string in it: the answer is EINVAL."],
    ["READ", "/a", "There is no NUL at its end: the answer is EINVAL."],
    ["READ", "/a\0/b\0", "It has more than one string: the answer is EINVAL."],
    ["WRITE", "/a", "There is no NUL behind the path: the answer is EINVAL."],
    ["UNWATCH", "/a\0", "It has 1 string where 2 are wanted: the answer is EINVAL."],
    ["WATCH", "/a\0b\0c\0d\0", "It has 4 strings where 2 to 3 are wanted: the answer is EINVAL."],
    ["SET_PERMS", "/a\0n0", /each with a NUL behind it: the answer is EINVAL/],
    ["INTRODUCE", "3\x000\x005\0x", "The bytes behind the last NUL are not looked at."],
    ["RESTRICT", "3\0", /removed from the protocol: the answer is ENOSYS/],
    ["WATCH_EVENT", "/a\0t\0", /Only the store sends/],
    ["ERROR", "EIO\0", /Only the store sends/],
    ["type 99", "", /no such type: the answer is ENOSYS/],
  ])("%s %j is told to be wrong", (type, text, problem) => {
    expect(decode(request(type, text)).problem).toMatch(problem);
  });

  test("has notes on what its fields mean", () => {
    const notes = (of: Packet) => decode(of).fields.map(({ note }) => note);
    expect(notes(request("SET_PERMS", "/a\0n0\0r3\0n4\0"))).toEqual([
      "",
      "domain 0 owns it; everybody else may do nothing",
      "domain 3 may read",
      "domain 4 may do nothing",
    ]);
    expect(notes(request("READ", "data/x\0"))).toEqual(["relative: /local/domain/3/data/x"]);
    expect(notes(request("TRANSACTION_END", "T\0"))[0]).toMatch(/^commit/);
    expect(notes(request("WRITE", "/a\0\0\xff"))[1]).toMatch(/bytes, not all text$/);
    expect(notes(request("WATCH", "@releaseDomain/3\0t\0"))[0]).toMatch(/^domain 3/);
    expect(notes(request("GET_FEATURE", "\0"))[0]).toBe("empty, which is read as domain 0");
  });

  test("keeps where its fields are in the payload", () => {
    const { fields } = decode(request("WATCH", "/a\0tok\x001\0"));
    expect(fields.map(({ from, to }) => [from, to])).toEqual([
      [0, 2],
      [3, 6],
      [7, 8],
    ]);
  });
});

describe("a reply", () => {
  test.each([
    ["CONTROL", "OK\0", ["text=OK"]],
    ["DIRECTORY", "b\0e\0n\0", ["name=b", "name=e", "name=n"]],
    ["DIRECTORY", "", []],
    ["READ", "v\0w", ["value=v\\0w"]],
    ["GET_PERMS", "n0\0r3\0", ["owner=n0", "entry=r3"]],
    ["TRANSACTION_START", "1\0", ["transaction=1"]],
    ["TRANSACTION_END", "OK\0", ["result=OK"]],
    ["WRITE", "OK\0", ["result=OK"]],
    ["GET_DOMAIN_PATH", "/local/domain/7\0", ["path=/local/domain/7"]],
    ["IS_DOMAIN_INTRODUCED", "T\0", ["introduced=T"]],
    ["DIRECTORY_PART", "13\0b\0e\0\0", ["generation=13", "name=b", "name=e", "end of the list="]],
    ["DIRECTORY_PART", "13\0b\0", ["generation=13", "name=b"]],
    ["GET_FEATURE", "14\0", ["features=14"]],
    ["GET_QUOTA", "1000\0", ["quota=1000"]],
    ["ERROR", "ENOENT\0", ["error=ENOENT"]],
  ])("%s %j has its fields by name", (type, text, fields) => {
    expect(named(reply(type, text))).toEqual(fields);
    expect(decode(reply(type, text)).problem).toBeNull();
    expect(sentenceOf(reply(type, text))).not.toBe("");
  });

  test("with an error says what it means for that request", () => {
    const error = reply("ERROR", "ENOENT\0");
    expect(decode(error, "READ").fields[0]?.note).toBe("There is no such node.");
    expect(sentenceOf(error, "UNWATCH")).toMatch(/^Refused with ENOENT: There is no watch/);
    expect(errorWords("ENOTSUP")).toMatch(/clients take it for EINVAL/);
  });

  test("of a part of a directory says whether it ends", () => {
    expect(sentenceOf(reply("DIRECTORY_PART", "13\0b\0e\0\0"))).toMatch(/2 names, to the end/);
    expect(sentenceOf(reply("DIRECTORY_PART", "13\0b\0"))).toMatch(/1 name; more follow/);
  });
});

describe("an event", () => {
  test("has path and token", () => {
    const event = packet("event", "WATCH_EVENT", "/a/b\0tok\0");
    expect(named(event)).toEqual(["path=/a/b", "token=tok"]);
    expect(decode(event).problem).toBeNull();
    expect(sentenceOf(event)).toContain("/a/b changed");
  });

  test("of a special path says what happened", () => {
    expect(sentenceOf(packet("event", "WATCH_EVENT", "@introduceDomain\0t\0"))).toContain(
      "a domain was connected",
    );
  });
});

test("any bytes can be taken apart, as any type", () => {
  let seed = 1;
  const next = () => {
    seed = (seed * 1103515245 + 12345) & 0x7fffffff;
    return seed >> 8;
  };
  for (let round = 0; round < 3000; round++) {
    const payload = Uint8Array.from({ length: next() % 24 }, () => (next() % 3 ? next() & 255 : 0));
    const type = TYPES[next() % TYPES.length] ?? "type 99";
    const kind = (["request", "reply", "event", "note"] as const)[next() % 4] as Packet["kind"];
    const one = packet(kind, type, payload);
    const { fields } = decode(one);
    for (const { from, to } of fields) {
      expect(from).toBeLessThanOrEqual(to);
      expect(to).toBeLessThanOrEqual(payload.length);
    }
    expect(typeof sentenceOf(one)).toBe("string");
  }
});

describe("text that is shown", () => {
  const bytes = (...numbers: number[]) => Uint8Array.from(numbers);

  test("has its NULs and other bytes told apart", () => {
    expect(pieces(bytes(0x61, 0, 0x1b, 0xff, 0x62)).pieces).toEqual([
      { kind: "text", text: "a" },
      { kind: "nul", text: "\\0" },
      { kind: "escape", text: "\\x1b\\xff" },
      { kind: "text", text: "b" },
    ]);
  });

  test("keeps UTF-8, but nothing that turns or hides text", () => {
    expect(visible(encoder.encode("Gr\u00fc\u00dfe \u{1f40c}"))).toBe("Gr\u00fc\u00dfe \u{1f40c}");
    expect(visible(encoder.encode("a\u202eb\u200b"))).toBe("a\\u202eb\\u200b");
    expect(visible(encoder.encode("\u0085"))).toBe("\\x85");
    expect(visible(bytes(0xe2, 0x82))).toBe("\\xe2\\x82");
    expect(visible(bytes(0xed, 0xa0, 0x80))).toBe("\\xed\\xa0\\x80");
  });

  test("is cut where it is asked to be", () => {
    expect(pieces(encoder.encode("abcdef"), 4)).toEqual({
      pieces: [{ kind: "text", text: "abcd" }],
      more: 2,
    });
    expect(visible(encoder.encode("abcdef"), 4)).toBe("abcd...");
  });

  test("is told from bytes", () => {
    expect(isText(encoder.encode("a b"))).toBe(true);
    expect(isText(bytes())).toBe(true);
    expect(isText(bytes(0x61, 0))).toBe(false);
  });

  test("as a dump has offset, bytes and text", () => {
    expect(hexDump(encoder.encode("0123456789abcdef\0x"))).toBe(
      "0000  30 31 32 33 34 35 36 37 38 39 61 62 63 64 65 66  0123456789abcdef\n" +
        `0010  ${"00 78".padEnd(47)}  .x`,
    );
  });
});

describe("a domain's number", () => {
  test.each([
    ["3", 3],
    ["007", 7],
    [" +9", 9],
    ["", 0],
    ["65536", null],
    ["-1", null],
    ["3x", null],
  ])("%j is read as the store does", (text, domid) => {
    expect(domidOf(text)).toBe(domid);
  });

  test("in a permission that is none is told", () => {
    expect(permWords("x0", false)).toMatch(/^no permission/);
    expect(permWords("b32757", false)).toBe("every domain may read and write");
  });
});
