// Foreign: streams as the C daemon writes them, of both versions and with its mistakes.
// Holds   one stream of its newest version, as bytes; the others are put together here.
// Never   needs the C daemon (foreign_c.test.ts does).
// Source  the XenStore protocol, migration stream, example.

import { describe, expect, it } from "vitest";
import {
  CONN_RING,
  CONN_SOCKET,
  DUMP_FOREIGN,
  HANDLE_EVENTS,
  HANDLE_SOCKET,
  LOAD_UPDATE,
  LOADED,
  LOADED_DAMAGED,
  LOADED_FOREIGN,
  LOADED_NEWER,
  WANT_POLL,
} from "../../assembly/abi.ts";
import { Core, STAT_FAULTS } from "../core.ts";
import { encode, Splitter, textOf, typeNumber } from "../message.ts";
import { accountsOf, treeOf, watchesOf } from "./inventory.ts";
import { RingPage } from "./ring_page.ts";
import { OPTIONS, sample } from "./sample.ts";
import { StreamWriter } from "./stream_writer.ts";

const NAMES = [
  "nodes",
  "watches",
  "transactions",
  "outstanding",
  "transaction-nodes",
  "memory",
  "node-permissions",
  "node-size",
  "path-max",
  "soft-memory",
];
const VALUES = Object.fromEntries(NAMES.map((name, index) => [name, 1000 + index]));
const DOMAIN_VALUES = { nodes: 1000, watches: 128 };
const HALF = `${"\x02\0\0\0M\0\0\0\0\0\0\0\x1e\0\0\0"}abc`;

/** A store with two clients, of which one has asked for the update, and a guest. */
function example(version = 2): StreamWriter {
  const done = textOf(encode({ type: 0, reqId: 6, txId: 0, payload: "OK\0" }));
  return new StreamWriter(version)
    .global(3, 6)
    .quotas(VALUES)
    .ring(1, 0, 2, "", "", 4096n)
    .socket(2, 7, "", done)
    .socket(3, 8)
    .watch(3, "/tool", "tok1")
    .ring(4, 3, 3, HALF, "", 0n)
    .watch(4, "data", "gt")
    .node("/", "n0")
    .node("/tool", "n0")
    .node("/tool/xenstored", "n0")
    .node("/tool/v", "n0,r3", "hello")
    .node("@releaseDomain", "n0,r32757")
    .node("@introduceDomain", "n0")
    .quotas(DOMAIN_VALUES, [3, 14])
    .quotas(DOMAIN_VALUES, [0, 14]);
}

function loaded(stream: Uint8Array, pieces?: readonly number[]): Core {
  const core = new Core(OPTIONS);
  expect(core.load(LOAD_UPDATE, stream, pieces)).toBe(LOADED);
  expect(core.stat(STAT_FAULTS)).toBe(0);
  core.pass(0);
  return core;
}

/** The connection with this descriptor. */
function connOf(core: Core, fd: number): number {
  const conn = core.connections().find((one) => core.raw.handle(one) === fd);
  if (!conn) throw new Error(`no connection has descriptor ${fd}`);
  return conn;
}

function ask(core: Core, conn: number, type: string, payload: string, txId = 0): string {
  core.receive(conn, encode({ type: typeNumber(type), reqId: 1, txId, payload }));
  const messages = new Splitter().push(core.take(conn));
  return messages.map((one) => one.payload.replaceAll("\0", "|")).join(" ");
}

describe("a stream of the C daemon", () => {
  it("begins as it is written down", () => {
    const bytes = Buffer.from(example().end());
    expect(bytes.toString("hex", 0, 32)).toBe(
      "78656e73746f726500000002000000000100000008000000" + "0300000006000000",
    );
    const watch = "0300000018000000030000000600" + "05002f746f6f6c00746f6b3100000000";
    expect(bytes.toString("hex")).toContain(watch);
    const guest =
      "020000003800000004000000000001000300f47f0300000013000000000000000200" +
      "00004d000000000000001e000000616263000000000000000000000000" +
      "00";
    expect(bytes.toString("hex")).toContain(guest);
  });

  for (const pieces of [[65536], [1], [7, 100]]) {
    it(`is taken over whole, in pieces of ${pieces} bytes`, () => {
      const core = loaded(example().end(), pieces);
      expect(core.raw.global(HANDLE_SOCKET)).toBe(3);
      expect(core.raw.global(HANDLE_EVENTS)).toBe(6);
      const kinds = core.connections().map((conn) => core.raw.conn_kind(conn));
      expect(kinds).toEqual([CONN_RING, CONN_SOCKET, CONN_SOCKET, CONN_RING]);
      expect(core.domains()).toEqual([0, 3]);
      expect(treeOf(core)).toEqual([
        '/ n0, ""',
        '/tool n0, ""',
        '/tool/xenstored n0, ""',
        '/tool/v n0,r3, "hello"',
        "@releaseDomain n0,r32757,",
        "@introduceDomain n0,",
      ]);
      const accounts = accountsOf(core, [3]).join("\n");
      expect(accounts).toContain("3 features 14");
      expect(accounts).toContain("3 watches 128");
      expect(accounts).toContain("3 nodes 1000");
      expect(accounts).toContain("3 memory 1005");
    });
  }

  it("goes on: the asker gets its answer, watches fire, half a request is completed", () => {
    const core = loaded(example().end());
    const [answer] = new Splitter().push(core.take(connOf(core, 7)));
    expect(answer).toEqual({ type: 0, reqId: 6, txId: 0, payload: "OK\0" });
    const dom0 = connOf(core, 8);
    expect(ask(core, dom0, "WRITE", "/tool/new\0v")).toBe("/tool/new|tok1| OK|");
    const conn = core.raw.domain_conn(3);
    expect(core.raw.handle(conn)).toBe(3);
    const page = new RingPage();
    page.copyAllIn(core.ringPage(conn));
    core.ringResume(conn);
    ask(core, dom0, "WRITE", "/local/domain/3/data\0v");
    ask(core, dom0, "SET_PERMS", "/local/domain/3/data\0n3\0");
    page.put(Buffer.from("d".repeat(27)));
    page.copyIn(core.ringPage(conn));
    core.ringKick(conn);
    page.copyOut(core.ringPage(conn), false);
    const messages = new Splitter().push(page.take());
    expect(messages.map(({ reqId, payload }) => [reqId, payload])).toEqual([
      [0, "data\0gt\0"],
      [0x4d, "EINVAL\0"],
    ]);
  });

  it("says what has left already of a message, and what came in whole", () => {
    const reply = textOf(encode({ type: 2, reqId: 5, txId: 0, payload: "value" }));
    const read = textOf(encode({ type: 2, reqId: 6, txId: 0, payload: "/tool\0" }));
    const stream = new StreamWriter()
      .socket(1, 5, read + read.slice(0, 9), reply.slice(4) + reply, reply.length - 4)
      .node("/", "n0")
      .node("/tool", "n0", "t")
      .end();
    const core = loaded(stream);
    const conn = connOf(core, 5);
    core.polled(WANT_POLL);
    expect(core.status(conn)).toBeGreaterThan(0);
    core.receive(conn, Buffer.from(read.slice(9), "latin1"));
    const served = textOf(encode({ type: 2, reqId: 6, txId: 0, payload: "t" }));
    expect(textOf(core.take(conn))).toBe(reply.slice(4) + reply + served + served);
  });

  it("may have version 1, in which domains have no features", () => {
    const core = loaded(example(1).end());
    expect(accountsOf(core, [3]).join("\n")).toContain("3 features 15");
  });

  it("may hold records that nobody knows", () => {
    const more = [9, 77, 0xfffeffff, 0xffff0002, 0xffff0009, 0xffff1234];
    const writer = example();
    for (const type of more) writer.record(type, Buffer.alloc(100, 0xee));
    const core = loaded(writer.node("/last", "n0", "v").end());
    expect(treeOf(core)).toContain('/last n0, "v"');
  });

  it("holds transactions of which only the number is known: they end in EAGAIN", () => {
    const writer = new StreamWriter().socket(1, 5).transaction(1, 7).node("/", "n0", "v");
    const core = loaded(writer.end());
    const conn = connOf(core, 5);
    expect(ask(core, conn, "READ", "/\0", 7)).toBe("v");
    expect(ask(core, conn, "WRITE", "/\0w", 7)).toBe("OK|");
    expect(ask(core, conn, "READ", "/\0")).toBe("v");
    expect(ask(core, conn, "TRANSACTION_END", "T\0", 7)).toBe("EAGAIN|");
    expect(ask(core, conn, "READ", "/\0", 7)).toBe("ENOENT|");
  });

  it("holds watches with a depth, in its own layout and in the one that C writes", () => {
    const stream = new StreamWriter()
      .socket(1, 5)
      .deep(1, "/a", "d2", 2)
      .shallow(1, "/b", "none")
      .deep(1, "/long/path/of/some/length", "d0", 0)
      .shallow(1, "/t", "12345")
      .watch(1, "@releaseDomain", "r")
      .deep(1, "@introduceDomain", "i", 1)
      .deep(1, "/c", "all", 0xffff)
      .node("/", "n0")
      .end();
    for (const pieces of [[65536], [1], [40]]) {
      expect(
        watchesOf(loaded(stream, pieces)).filter(
          (line) => line.includes("/") || line.includes("@"),
        ),
      ).toEqual([
        "d0 /a d2 depth 2",
        "d0 /b none",
        "d0 /long/path/of/some/length d0 depth 0",
        "d0 /t 12345",
        "d0 @releaseDomain r",
        "d0 @introduceDomain i depth 1",
        "d0 /c all",
      ]);
    }
  });

  it("marks entries of dead domains, which match nobody", () => {
    const stream = new StreamWriter().socket(1, 5).node("/", "n0,~r3,r5").end();
    const core = loaded(stream);
    expect(ask(core, connOf(core, 5), "GET_PERMS", "/\0")).toBe("n0|r3|r5|");
  });

  it("is refused when it is of a newer version, of another byte order or no stream at all", () => {
    const result = (stream: Uint8Array) => new Core().load(LOAD_UPDATE, stream);
    expect(result(new StreamWriter(3).end())).toBe(LOADED_NEWER);
    expect(result(new StreamWriter(0).end())).toBe(LOADED_FOREIGN);
    expect(result(new StreamWriter(2, 1).end())).toBe(LOADED_FOREIGN);
    expect(result(new StreamWriter(2, 2).end())).toBe(LOADED_FOREIGN);
    expect(result(Buffer.from("something else entirely"))).toBe(LOADED_FOREIGN);
    const whole = example().end();
    expect(result(whole.subarray(0, whole.length - 8))).toBe(LOADED_DAMAGED);
    expect(result(new StreamWriter().watch(1, "/a", "t").end())).toBe(LOADED_DAMAGED);
    expect(result(new StreamWriter().node("/a/b", "n0").end())).toBe(LOADED_DAMAGED);
  });
});

describe("what is written for the C daemon", () => {
  const { site } = sample();
  const stream = Buffer.from(site.core.dump(DUMP_FOREIGN));

  it("has version 1 and nothing but what that knows", () => {
    expect(stream.readUInt32BE(8)).toBe(1);
    const types = new Set<number>();
    for (let at = 16; at < stream.length; at += 8 + stream.readUInt32LE(at + 4)) {
      expect(stream.readUInt32LE(at + 4) % 8).toBe(0);
      types.add(stream.readUInt32LE(at));
    }
    expect([...types].sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 5, 6, 7]);
  });

  it("has the whole tree and the watches, without their depths", () => {
    const core = loaded(stream);
    expect(treeOf(core)).toEqual(treeOf(site.core));
    const plain = watchesOf(site.core).map((line) => line.replace(/ depth \d+/, ""));
    expect(watchesOf(core).sort()).toEqual(plain.map((line) => line.replace(/^d5/, "d0")).sort());
  });
});
